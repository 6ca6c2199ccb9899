"""What an id names, and what is said of what is none."""

import uuid
from datetime import UTC, datetime

import pytest

from api.readings.identifying import KINDS, AnotherKind, Named, NothingKnown, NotTraceable, expect, identify
from outbox.identifiers import encode_id, floor_uuid, new_uuid


@pytest.mark.parametrize("prefix", KINDS)
@pytest.mark.parametrize("around", ["{}", "  {}\n", '"{}",', "`{}`"])
def test_an_id_is_known_by_its_prefix_whatever_was_copied_with_it(prefix: str, around: str) -> None:
    value = new_uuid()
    named = identify(around.format(encode_id(prefix, value)))
    assert (named.kind.prefix, named.value) == (prefix, value)


WHOLE = "evt_0355Tjo3dTrC1XtrEWSIy7"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Give an id: req_… (request), "),
        ("   ", "Give an id"),
        ("hello", "“hello” is no id. Ids are req_…"),
        ("event_12", "Did you mean an event, evt_…?"),
        ("payment_intent_12", "Did you mean a payment, pi_…?"),
        ("evnt_12", "Did you mean an event, evt_…?"),
        (
            WHOLE[:-3],
            "begins as an event's id, but is too short: 22 letters and digits follow evt_, here 19.",
        ),
        (WHOLE + "0", "but is too long: 22 letters and digits follow evt_, here 23."),
        (WHOLE[:-1] + "-", "but '-' cannot stand in one"),
        (WHOLE[:-1] + "é", r"but '\xe9' cannot stand in one"),
        ("evt_" + "z" * 22, "its digits are no id that was ever made"),
        ("evt_", "“evt_” is no id."),
        ("x" * 2000, "“" + "x" * 59 + "…” is no id."),
        ("ev\0t\u202ex", "“ev\N{REPLACEMENT CHARACTER}t\N{REPLACEMENT CHARACTER}x” is no id."),
    ],
)
def test_what_is_no_id_is_told_what_to_give_instead(text: str, says: str) -> None:
    with pytest.raises(NotTraceable) as refused:
        identify(text)
    assert says in refused.value.message


@pytest.mark.parametrize("secret", ["whsec_abc", "sk_test_1", "rk_test_1", "Bearer sk_test_1", "WHSEC_x"])
def test_a_secret_is_not_repeated(secret: str) -> None:
    with pytest.raises(NotTraceable) as refused:
        identify(secret)
    assert secret not in refused.value.message
    assert "looks like a secret" in refused.value.message


def test_a_client_secret_leads_to_its_payment_and_is_not_repeated() -> None:
    payment = encode_id("pi", new_uuid())
    with pytest.raises(NotTraceable) as refused:
        identify(f"{payment}_secret_hidden")
    assert refused.value.nearest == payment
    assert "hidden" not in refused.value.message


def test_another_kind_is_told_what_it_is() -> None:
    with pytest.raises(AnotherKind) as refused:
        expect(WHOLE, prefix="dlv")
    assert refused.value.message == f"{WHOLE} is the id of an event; a delivery's, dlv_…, is asked for."
    assert refused.value.named.text == WHOLE


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (
            floor_uuid(datetime(2024, 3, 1, 12, 30, tzinfo=UTC)),
            "made at 2024-03-01 12:30:00 UTC: it may be past",
        ),
        (new_uuid(), "its transaction may have been rolled back, or it belongs to another installation"),
        (uuid.UUID(int=0), "no plausible moment"),
        (uuid.UUID(int=(1 << 128) - 1), "no plausible moment"),
    ],
    ids=["old", "new", "zero", "all ones"],
)
def test_what_is_not_stored_is_told_what_may_have_become_of_it(value: uuid.UUID, says: str) -> None:
    unknown = NothingKnown(Named(KINDS["evt"], value))
    assert unknown.message.startswith(f"There is no event {encode_id('evt', value)}. ")
    assert says in unknown.message
