"""Public ids, as anybody may write them."""

import uuid
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id, encode_id
from tests.fuzz.work import assert_linear

PREFIXES = st.sampled_from(["evt", "we", "dlv", "cus"])


@given(PREFIXES, st.integers(0, (1 << 128) - 1))
def test_an_id_is_read_again(prefix: str, number: int) -> None:
    assert decode_id(prefix, encode_id(prefix, uuid.UUID(int=number))).int == number


@given(PREFIXES, st.text(max_size=40) | st.text("0zZ9", min_size=22, max_size=22))
def test_each_id_has_one_spelling(prefix: str, digits: str) -> None:
    for text in (digits, f"{prefix}_{digits}"):
        with suppress(InvalidIdentifier):
            assert encode_id(prefix, decode_id(prefix, text)) == text


def test_the_work_of_an_id_grows_with_its_size() -> None:
    assert_linear(
        lambda text: decode_id("evt", text), lambda size: "evt_" + "0" * size, refusals=(InvalidIdentifier,)
    )
