"""The text of an API key, read before anybody knows who calls."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.api_keys import PREFIXES, key_uuid
from core.errors import MalformedKey
from outbox.identifiers import encode_id
from tests.fuzz.work import assert_linear

digits = st.text("0123456789ABCXYZabcxyz", min_size=60, max_size=70)
keys = st.builds(str.__add__, st.sampled_from(sorted(PREFIXES.values())), digits)


@given(st.text(max_size=90) | keys)
def test_a_key_holds_an_id_or_is_malformed(token: str) -> None:
    with suppress(MalformedKey):
        assert encode_id("key", key_uuid(token)).removeprefix("key_") == token[8:30]


@pytest.mark.parametrize("character", ["a", "é", "_"])
def test_the_work_of_a_key_grows_with_its_size(character: str) -> None:
    assert_linear(key_uuid, lambda size: "sk_test_" + character * size, refusals=(MalformedKey,))
