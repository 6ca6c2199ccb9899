import pytest

from core.confirmation import confirm_payment_intent
from core.errors import IllegalMove
from core.models import Account, PaymentIntent
from core.payments import cancel_payment_intent
from core.states import MOVES, Move, Status
from outbox.models import Event
from tests.core.merchants import new_intent, write_of

WORDS = {
    Status.SUCCEEDED: "You cannot confirm this PaymentIntent because it has already succeeded after being "
    "previously confirmed.",
    Status.CANCELED: "You cannot confirm this PaymentIntent because it has a status of canceled.",
}


def test_final_statuses_are_left_by_no_move():
    left = {status for rule in MOVES.values() for status in rule.sources}
    assert left.isdisjoint({Status.SUCCEEDED, Status.CANCELED})


def test_only_the_bank_ends_processing():
    assert [move for move, rule in MOVES.items() if Status.PROCESSING in rule.sources] == [
        Move.HOLD,
        Move.SUCCEED,
        Move.FAIL,
    ]


def _move(move: Move, account: Account, intent: PaymentIntent) -> dict[str, object]:
    if move is Move.CONFIRM:
        return confirm_payment_intent(write=write_of(account), intent_id=intent.id, payment_method=None)
    return cancel_payment_intent(write=write_of(account), intent_id=intent.id, reason=None)


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("move", [Move.CONFIRM, Move.CANCEL])
def test_a_caller_moves_an_intent_only_as_the_table_says(account, bank, move, status):
    intent = new_intent(account)
    PaymentIntent.objects.filter(id=intent.id).update(status=status.value)
    before = PaymentIntent.objects.filter(id=intent.id).values().get()
    events = Event.objects.count()

    if status in MOVES[move].sources:
        assert _move(move, account, intent)["status"] == MOVES[move].target
        # A bank debit tells of its charge, too.
        assert Event.objects.count() == events + (2 if move is Move.CONFIRM else 1)
        return
    with pytest.raises(IllegalMove) as refused:
        _move(move, account, intent)
    assert refused.value.code == "payment_intent_unexpected_state"
    assert refused.value.payment_intent is not None
    assert refused.value.payment_intent["id"] == intent.public_id
    if move is Move.CONFIRM and status in WORDS:
        assert refused.value.message == WORDS[status]
    assert PaymentIntent.objects.filter(id=intent.id).values().get() == before
    assert Event.objects.count() == events
