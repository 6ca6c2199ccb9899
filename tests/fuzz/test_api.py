"""What callers of the API write, read by its parsers: documented errors alone, and work in step with the input."""

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import NotAuthenticated, ValidationError

from api.authentication import _token
from api.errors import ApiError, InvalidKey, InvalidParameter, ResourceMissing
from api.fields import Reference
from api.form_body import parse_form
from api.idempotency import MAX_KEY_LENGTH, checked_key, fingerprint_of
from api.input_tables import first_fault
from api.json_body import MAX_DEPTH, parse_json
from api.metadata import METADATA_KEYS, METADATA_NAME, METADATA_VALUE, Metadata
from api.pagination import Cursor
from api.search_query import parse_search
from core.errors import MalformedKey
from outbox.identifiers import encode_id, new_uuid
from tests.fuzz.work import assert_linear

# Any character that Python's text can hold, half pairs and NUL among them.
anything = st.text(max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | anything,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3),
    max_leaves=8,
)
json_like = st.text(alphabet='{}[]:,"\\ \n\t0123456789.eE+-truefalsnNaIity\u0000\ud800é', max_size=80)


def depth_of(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    members = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth_of, members), default=0)


def texts_of(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [*value, *(text for member in value.values() for text in texts_of(member))]
    return [text for member in value for text in texts_of(member)] if isinstance(value, list) else []


def storable(value: Any) -> bool:
    """Whether PostgreSQL's jsonb takes the texts of it."""
    return not any(
        "\0" in text or any("\ud800" <= one <= "\udfff" for one in text) for text in texts_of(value)
    )


@given(st.dictionaries(anything, json_values, max_size=3), st.booleans())
def test_json_is_read_as_it_was_meant_or_refused_for_what_it_holds(tree: dict[str, Any], ascii: bool) -> None:
    body = json.dumps(tree, ensure_ascii=ascii).encode(errors="surrogatepass")
    code = code_of(body)
    if depth_of(tree) > MAX_DEPTH or not storable(tree):
        # Half a pair, as it stands, is no UTF-8.
        assert code in {"json_too_deep", "invalid_characters", "parameter_invalid_number", "json_malformed"}
    elif code is None:
        assert parse_json(body) == tree
    else:
        assert code == "parameter_invalid_number"


def code_of(body: bytes) -> str | None:
    """The refusal of a body; None where it is read."""
    try:
        parse_json(body)
    except ApiError as refusal:
        return refusal.code
    return None


@given(json_like.map(lambda text: text.encode(errors="surrogatepass")) | st.binary(max_size=60))
def test_any_bytes_are_an_object_of_json_or_refused(body: bytes) -> None:
    try:
        read = parse_json(body)
    except ApiError:
        return
    assert read == (json.loads(body) if body else {})


@given(st.integers(0, 3 * MAX_DEPTH), st.sampled_from(['{"a":', "["]))
def test_nesting_is_taken_to_its_limit_and_no_further(levels: int, opening: str) -> None:
    closing = "}" if opening.startswith("{") else "]"
    body = ('{"a":' + opening * levels + "1" + closing * levels + "}").encode()
    if levels < MAX_DEPTH:
        assert depth_of(parse_json(body)) == levels + 1
    else:
        with pytest.raises(InvalidParameter) as refused:
            parse_json(body)
        assert (refused.value.code, refused.value.param) == ("json_too_deep", "a")


@given(st.dictionaries(anything, anything | st.none() | st.integers(), max_size=60) | json_values)
def test_metadata_is_within_its_bounds_or_refused(given_metadata: Any) -> None:
    field = Metadata()
    try:
        read = field.to_internal_value(given_metadata)
    except ValidationError:
        return
    assert len(read) <= METADATA_KEYS
    for name, text in read.items():
        assert text is None or (0 < len(name) <= METADATA_NAME and 0 < len(text) <= METADATA_VALUE)


@given(anything | st.text("abc-_0 \t\x7f", min_size=200, max_size=300))
def test_an_idempotency_key_is_printable_ascii_of_its_length_or_refused(text: str) -> None:
    printable = all(" " <= character <= "~" for character in text)
    if 0 < len(text) <= MAX_KEY_LENGTH and printable:
        assert checked_key(text) == text
    else:
        with pytest.raises(InvalidKey):
            checked_key(text)


@given(st.dictionaries(anything, json_values, max_size=3), st.randoms())
def test_the_fingerprint_of_parameters_hangs_on_nothing_but_what_they_say(
    tree: dict[str, Any], chance: Any
) -> None:
    names = list(tree)
    chance.shuffle(names)
    assert fingerprint_of({name: tree[name] for name in names}) == fingerprint_of(tree)
    assert fingerprint_of({**tree, "one more": 1}) != fingerprint_of(tree) or "one more" in tree


@given(anything, st.sampled_from(["Bearer ", "bearer\t", "BASIC ", "Basic ", "", " ", "Digest "]))
def test_an_authorization_header_is_a_token_or_refused(credentials: str, scheme: str) -> None:
    header = scheme + credentials
    try:
        token = _token(header)
    except (NotAuthenticated, MalformedKey):
        return
    assert token
    assert header.strip()[:6].lower() in ("bearer", "basic ")


@given(anything.filter(lambda text: text.isprintable() and ":" not in text and text), anything)
def test_the_user_name_of_basic_authentication_is_the_token(name: str, password: str) -> None:
    text = f"{name}:{password}".encode(errors="replace")
    assert _token(f"Basic {base64.b64encode(text).decode()}") == text.decode().partition(":")[0]


@given(anything | st.text("0123456789ABCxyz_", max_size=30).map(lambda digits: f"cus_{digits}"))
def test_a_cursor_is_an_id_of_its_kind_or_an_object_that_is_not_there(text: str) -> None:
    field = Reference("cus", "customer")
    with suppress(ResourceMissing, ValidationError):
        assert encode_id("cus", field.to_internal_value(text)) == text


def test_a_cursor_of_either_direction_is_taken_and_of_both_is_refused() -> None:
    one, other = new_uuid(), new_uuid()
    assert Cursor.of({"starting_after": one}).starting_after == one
    with pytest.raises(InvalidParameter):
        Cursor.of({"starting_after": one, "ending_before": other})


def metadata_of(value: Any) -> Any:
    """As an operation's table reads it."""
    try:
        return Metadata().to_internal_value(value)
    except ValidationError as error:
        raise first_fault(error) from None


def brackets(size: int) -> bytes:
    return b'{"a":' + b"[" * size + b"]" * size + b"}"


JSON_BOMBS: dict[str, Callable[[int], bytes]] = {
    "many names": lambda size: json.dumps({f"n{number}": number for number in range(size)}).encode(),
    "one name again": lambda size: ("{" + ",".join(['"a":1'] * size) + "}").encode(),
    "many members": lambda size: json.dumps({"a": [0] * size}).encode(),
    "a long name with many members": lambda size: json.dumps({"a" * size: [0] * size}).encode(),
    "long names one in another": lambda size: json.dumps(
        {"a" * size: {"b" * size: {"c" * size: {}}}}
    ).encode(),
    "a long text": lambda size: json.dumps({"a": "\u00e9" * size}).encode(),
    "a long number": lambda size: b'{"a":' + b"1" * size + b"}",
    "a long fraction": lambda size: b'{"a":0.' + b"1" * size + b"}",
    "a long exponent": lambda size: b'{"a":1e' + b"1" * size + b"}",
    "deep brackets": brackets,
    "deep objects": lambda size: b'{"a":' * size + b"1" + b"}" * size,
    "escapes": lambda size: b'{"a":"' + b"\\u00e9" * size + b'"}',
    "escapes that end": lambda size: b'{"a":"' + b"\\" * size,
    "lines and an error": lambda size: b"{" + b"\n" * size + b"x",
    "half a pair at the end of many": lambda size: (
        b'{"' + b"a" * size + b'":[' + b"0," * size + b'"\\ud800"]}'
    ),
}
FORM_BOMBS: dict[str, Callable[[int], str]] = {
    "many names": lambda size: "&".join(f"n{number}=v" for number in range(size // 5)),
    "one name again": lambda size: "&".join(["a=b"] * (size // 5)),
    "a long name": lambda size: "a" * size + "=b",
    "a long name with many members": lambda size: "&".join(
        f"{'a' * (size // 8)}[{number}]=v" for number in range(8)
    ),
    "deep brackets": lambda size: "a" + "[b]" * size + "=c",
    "open brackets": lambda size: "a" + "[" * size + "=c",
    "escapes": lambda size: "a=" + "%41" * size,
    "an escape cut off": lambda size: "a=" + "%41" * size + "%",
    "empty pairs": lambda size: "&" * (size // 5) + "a=b",
    "appended": lambda size: "&".join(["a[]=b"] * (size // 5)),
    "a long name of a NUL": lambda size: "a" * size + "=%00",
    "equal signs": lambda size: "=" * size,
}
QUERY_BOMBS: dict[str, Callable[[int], str]] = {
    "clauses": lambda size: " AND ".join(["a:1"] * size),
    "spaces": lambda size: "a:1" + " " * size + "b:1",
    "a long field": lambda size: "a" * size,
    "a long text": lambda size: 'a:"' + "b" * size + '"',
    "a text without its end": lambda size: 'a:"' + "\\b" * size,
    "a key without its end": lambda size: 'metadata["' + '\\"' * size,
    "dashes": lambda size: "-" * size,
    "a long number": lambda size: "a:" + "1" * size,
}
HEADER_BOMBS: dict[str, Callable[[int], str]] = {
    "a long token": lambda size: "Bearer " + "a" * size,
    "spaces": lambda size: "Bearer" + " " * size,
    "a long user name": lambda size: "Basic " + base64.b64encode(b"a" * size).decode(),
    "padding": lambda size: "Basic " + "=" * size,
    "colons": lambda size: "Basic " + base64.b64encode(b":" * size).decode(),
}


@pytest.mark.parametrize("bomb", JSON_BOMBS)
def test_the_work_of_json_grows_with_its_size(bomb: str) -> None:
    assert_linear(parse_json, JSON_BOMBS[bomb], refusals=(ApiError,))


@pytest.mark.parametrize("bomb", FORM_BOMBS)
def test_the_work_of_a_form_grows_with_its_size(bomb: str) -> None:
    assert_linear(parse_form, FORM_BOMBS[bomb], refusals=(ApiError,))


READERS: dict[str, Callable[[Any], Any]] = {
    "json": parse_json,
    "form": parse_form,
    "query": parse_search,
    "metadata": metadata_of,
}
LARGE = [
    *(("json", name, make(50_000)) for name, make in JSON_BOMBS.items()),
    *(("form", name, make(50_000)) for name, make in FORM_BOMBS.items()),
    *(("query", name, make(2_000)) for name, make in QUERY_BOMBS.items()),
    ("metadata", "a long name", {"n" * 50_000: 1}),
]


@pytest.mark.parametrize(
    ("reader", "name", "text"), LARGE, ids=[f"{where} {what}" for where, what, _ in LARGE]
)
def test_a_refusal_is_short_however_long_what_it_refuses_is(reader: str, name: str, text: Any) -> None:
    try:
        READERS[reader](text)
    except ApiError as refusal:
        told = f"{refusal} {refusal.param}"
    else:
        told = ""
    assert len(told) < 400


@pytest.mark.parametrize("bomb", QUERY_BOMBS)
def test_the_work_of_a_search_query_grows_with_its_size(bomb: str) -> None:
    assert_linear(parse_search, QUERY_BOMBS[bomb], refusals=(InvalidParameter,))


@pytest.mark.parametrize("bomb", HEADER_BOMBS)
def test_the_work_of_an_authorization_header_grows_with_its_size(bomb: str) -> None:
    assert_linear(_token, HEADER_BOMBS[bomb], refusals=(NotAuthenticated, MalformedKey))


@pytest.mark.parametrize("names", [1, 60])
def test_the_work_of_metadata_grows_with_its_size(names: int) -> None:
    assert_linear(
        Metadata().to_internal_value,
        lambda size: {f"{number}": "v" * (size // names) for number in range(names)},
        refusals=(ValidationError,),
    )
