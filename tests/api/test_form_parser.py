"""Form encoding: what the SDKs write is read as they meant it, and nothing else takes long or breaks anything."""

import tracemalloc
from contextlib import suppress
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.errors import ApiError
from api.fields import TextList
from api.form_body import parse_form
from tests.api.callers import Caller, error_of

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0[]"), min_size=1, max_size=8)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
trees = st.dictionaries(
    names,
    st.recursive(texts, lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3), max_leaves=12),
)


def _pairs(tree: dict[str, Any], prefix: str | None = None) -> list[tuple[str, str]]:
    """As the SDKs flatten nested parameters."""
    pairs: list[tuple[str, str]] = []
    for name, value in tree.items():
        path = name if prefix is None else f"{prefix}[{name}]"
        pairs += _pairs(value, path) if isinstance(value, dict) else [(path, value)]
    return pairs


def _raw_brackets(pairs: list[tuple[str, str]]) -> str:
    """As curl users write it."""
    return "&".join(f"{quote(name, safe='[]')}={quote_plus(value)}" for name, value in pairs)


@settings(deadline=None)
@given(trees, st.booleans())
def test_what_is_encoded_is_read_again(tree: dict[str, Any], encoded: bool) -> None:
    pairs = _pairs(tree)
    text = urlencode(pairs) if encoded else _raw_brackets(pairs)
    assert parse_form(text) == tree
    assert parse_form(text.encode()) == tree


@settings(deadline=None)
@given(st.lists(texts.filter(bool), min_size=1, max_size=20), st.booleans(), st.randoms())
def test_a_list_is_read_in_its_order_however_it_is_indexed(
    values: list[str], indexed: bool, chance: Any
) -> None:
    pairs = [(f"a[{index}]" if indexed else "a[]", value) for index, value in enumerate(values)]
    if indexed:
        chance.shuffle(pairs)
    assert TextList().from_form(parse_form(urlencode(pairs))["a"]) == values


@settings(deadline=None)
@given(st.text(alphabet="a[]=&%0 +\0é", max_size=60) | st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(text: str | bytes) -> None:
    with suppress(ApiError):
        assert isinstance(parse_form(text), dict)


BOMBS = {
    "nesting": "a" + "[b]" * 20_000 + "=c",
    "ten thousand keys": "&".join(f"{number:x}=" for number in range(10_000)),
    "ten thousand empty pairs": "&" * 10_000 + "a=b",
    "a far index": "expand[999999999]=x",
    "a negative index": "expand[-1]=x",
    "an array and a hash": "expand[]=x&expand[a]=y",
    "a hash and a text": "metadata[a]=x&metadata=y",
    "a text and a hash": "name=x&name[a]=y",
    "an index twice": "expand[0]=x&expand[0]=y",
    "an escape that is none": "name=%zz",
    "an escape cut off": "name=100%",
    "bytes that are no UTF-8": "name=%ff%fe",
    "half a pair": "name=%ed%a0%80",
    "an overlong slash": "name=%c0%af",
    "a NUL": "name=%00",
    "brackets that do not match": "metadata[a=b",
    "brackets within brackets": "metadata[[a]]=b",
    "text after brackets": "metadata[a]b=c",
    "a name of brackets alone": "[a]=b",
    "a long name": "a" * 60_000 + "=b",
}


@pytest.mark.parametrize("bomb", list(BOMBS))
@pytest.mark.parametrize("where", ["body", "query"])
def test_a_form_that_makes_no_sense_is_refused(caller: Caller, bomb: str, where: str) -> None:
    text = BOMBS[bomb]
    path = "/v1/customers"
    response = caller.form(path, text) if where == "body" else caller.send("GET", f"{path}?{text}")
    status, code, _ = error_of(response)
    assert status == 400
    assert code in {
        "form_malformed",
        "invalid_characters",
        "parameter_duplicated",
        "parameter_invalid_array",
        "parameter_unknown",
    }
    assert len(response.content) < 2_000


@pytest.mark.parametrize("bomb", list(BOMBS))
def test_a_form_takes_no_more_memory_than_its_size_warrants(bomb: str) -> None:
    text = BOMBS[bomb].encode()
    tracemalloc.start()
    try:
        with suppress(ApiError):
            parse_form(text)
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 100 * len(text) + 1_000_000
