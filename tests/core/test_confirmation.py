import json
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import confirmation
from core.confirmation import confirm_payment_intent
from core.errors import CardDeclined, IllegalMove, PaymentIntentNotFound, PaymentMethodNotFound
from core.models import BankAnswer, Charge, PaymentIntent, PaymentMethod
from core.payments import cancel_payment_intent
from core.settlement import ask_bank, lease_due_settlements, settle_payment
from outbox.identifiers import new_uuid
from outbox.models import Event
from tests.core.merchants import (
    RememberedOperation,
    event_types,
    in_threads,
    new_intent,
    transactions_of,
    write_of,
)

pytestmark = pytest.mark.django_db(transaction=True)

DECLINED = "pm_card_chargeDeclinedInsufficientFunds"
APPROVED = ["charge.succeeded", "payment_intent.succeeded"]
REFUSED = ["charge.failed", "payment_intent.payment_failed"]


def _confirm(account, intent, payment_method=None, operation=None):
    return confirm_payment_intent(
        write=write_of(account, operation or RememberedOperation()),
        intent_id=intent.id,
        payment_method=payment_method,
    )


def _make_due(intent):
    moved = PaymentIntent.objects.filter(id=intent.id, settle_at__isnull=False).update(
        settle_at=timezone.now() - timedelta(seconds=1)
    )
    assert moved == 1


def _settle_all():
    return [settle_payment(due) for due in lease_due_settlements(limit=10)]


# --- Bank debits: the answer comes later ---


def test_a_bank_debit_is_one_transaction_of_six_statements(account):
    intent = new_intent(account)
    operation = RememberedOperation()
    with CaptureQueriesContext(connection) as captured:
        confirmed = _confirm(account, intent, operation=operation)
    assert transactions_of(captured) == [6]
    assert operation.calls == [("begin", None), ("finish", confirmed)]
    assert confirmed["status"] == "processing"
    assert event_types(account)[1:] == ["payment_intent.processing", "charge.pending"]
    assert confirmed["latest_charge"] == Charge.objects.get().public_id
    assert BankAnswer.objects.count() == 0


def test_the_answer_to_a_bank_debit_is_due_after_the_banks_delay(account, bank):
    bank["DELAY"] = timedelta(hours=1)
    intent = new_intent(account)
    before = timezone.now()
    _confirm(account, intent)
    intent.refresh_from_db()
    assert intent.settle_at is not None
    assert before < intent.settle_at - timedelta(hours=1) < timezone.now()
    assert _settle_all() == []


@pytest.mark.parametrize(
    ("method", "status", "code", "last_events"),
    [
        (None, "succeeded", None, APPROVED),
        ("pm_usBankAccount_success", "succeeded", None, APPROVED),
        ("pm_usBankAccount_noAccount", "requires_payment_method", "no_account", REFUSED),
    ],
)
def test_a_bank_debit_ends_as_the_bank_says(account, bank, method, status, code, last_events):
    intent = new_intent(account)
    _confirm(account, intent, method)
    (settled,) = _settle_all()
    assert settled.status == status
    assert settled.amount_received == (2000 if status == "succeeded" else 0)
    assert (settled.last_payment_error or {}).get("code") == code
    assert (settled.payment_method is None) == (code is not None)
    under_way = ["payment_intent.created", "payment_intent.processing", "charge.pending"]
    assert event_types(account) == [*under_way, *last_events]
    final = Event.objects.latest("id")
    assert json.loads(final.data)["status"] == status
    assert final.request_id is None


def test_the_bank_draws_at_its_success_rate_where_no_method_is_named(account, bank):
    bank["SUCCESS_RATE"] = 0.0
    intent = new_intent(account)
    _confirm(account, intent)
    assert [settled.status for settled in _settle_all()] == ["requires_payment_method"]


def test_a_payment_that_the_bank_never_answers_stays_in_processing(account, bank):
    intent = new_intent(account)
    _confirm(account, intent, "pm_usBankAccount_processing")
    intent.refresh_from_db()
    assert (intent.status, intent.settle_at) == ("processing", None)
    assert _settle_all() == []


# --- Cards: the answer comes within the call ---


def test_a_card_is_two_transactions_with_the_bank_asked_between_them(account):
    intent = new_intent(account)
    operation = RememberedOperation()
    with CaptureQueriesContext(connection) as captured:
        confirmed = _confirm(account, intent, "pm_card_visa", operation)
    first, bank, second = transactions_of(captured)
    assert (first, bank, second) == (2, 1, 5)
    assert operation.calls == [("begin", None), ("finish", confirmed)]
    assert (confirmed["status"], confirmed["amount_received"]) == ("succeeded", 2000)
    assert event_types(account) == ["payment_intent.created", *APPROVED]
    assert Event.objects.latest("id").request_id == "req_1"


def test_the_intents_own_card_is_taken_where_none_is_named(account):
    intent = new_intent(account, payment_method="tok_amex")
    confirmed = _confirm(account, intent)
    assert confirmed["status"] == "succeeded"
    method = PaymentMethod.objects.get()
    assert (confirmed["payment_method"], method.behaviour) == (method.public_id, "pm_card_amex")


def test_a_decline_is_recorded_and_stored_as_the_answer(account):
    intent = new_intent(account)
    operation = RememberedOperation()
    with pytest.raises(CardDeclined) as declined:
        _confirm(account, intent, DECLINED, operation)
    error = declined.value
    assert (error.type, error.code, error.decline_code) == (
        "card_error",
        "card_declined",
        "insufficient_funds",
    )
    assert error.message == "Your card has insufficient funds."
    assert operation.calls == [("begin", None), ("finish_error", error)]
    assert error.payment_intent is not None
    assert error.payment_intent["status"] == "requires_payment_method"
    assert error.payment_intent["last_payment_error"]["decline_code"] == "insufficient_funds"
    assert event_types(account) == ["payment_intent.created", *REFUSED]
    intent.refresh_from_db()
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)


def test_a_refused_intent_takes_another_method_and_forgets_its_error(account, bank):
    intent = new_intent(account)
    with pytest.raises(CardDeclined):
        _confirm(account, intent, DECLINED)
    confirmed = _confirm(account, intent, "pm_card_visa")
    assert (confirmed["status"], confirmed["last_payment_error"]) == ("succeeded", None)
    assert event_types(account)[1:] == [*REFUSED, *APPROVED]


# --- Refusals ---


def test_what_is_not_there_cannot_be_confirmed(account, other_account):
    theirs = new_intent(other_account)
    for intent_id in (theirs.id, new_uuid()):
        with pytest.raises(PaymentIntentNotFound):
            confirm_payment_intent(write=write_of(account), intent_id=intent_id, payment_method=None)
    theirs.refresh_from_db()
    assert theirs.status == "requires_payment_method"


def test_an_unknown_method_begins_no_operation(account):
    intent = new_intent(account)
    operation = RememberedOperation()
    with pytest.raises(PaymentMethodNotFound):
        _confirm(account, intent, "pm_card_nope", operation)
    assert operation.calls == []


def test_a_confirmation_refuses_to_run_inside_a_transaction(account):
    intent = new_intent(account)
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        _confirm(account, intent, "pm_card_visa")


@pytest.mark.parametrize("method", ["pm_card_visa", "pm_usBankAccount_success"])
def test_of_two_confirmations_at_once_one_is_illegal(account, bank, method):
    intents = [new_intent(account) for _ in range(10)]
    together = threading.Barrier(2)

    def confirm_all():
        refused = 0
        for intent in intents:
            together.wait()
            try:
                _confirm(account, intent, method)
            except IllegalMove:
                refused += 1
        return refused

    assert sum(in_threads(confirm_all, confirm_all)) == len(intents)
    _settle_all()
    assert event_types(account).count("payment_intent.succeeded") == len(intents)


def test_an_intent_is_canceled_or_confirmed_never_both(account, bank):
    intents = [new_intent(account) for _ in range(10)]
    together = threading.Barrier(2)

    def each(work):
        done = set()
        for intent in intents:
            together.wait()
            try:
                work(intent)
                done.add(intent.id)
            except IllegalMove:
                pass
        return done

    confirmed, canceled = in_threads(
        lambda: each(lambda intent: _confirm(account, intent, "pm_card_visa")),
        lambda: each(
            lambda intent: cancel_payment_intent(write=write_of(account), intent_id=intent.id, reason=None)
        ),
    )
    assert confirmed.isdisjoint(canceled)
    assert confirmed | canceled == {intent.id for intent in intents}
    assert event_types(account).count("payment_intent.canceled") == len(canceled)


# --- A process that dies on the way ---


class Died(BaseException):
    """Stands for SIGKILL: no handler of ours runs."""


def _die_before_the_bank_is_asked(monkeypatch):
    monkeypatch.setattr(confirmation, "ask_bank", _die)


def _die_before_the_answer_is_written(monkeypatch):
    monkeypatch.setattr(confirmation, "apply_answer", _die)


def _die_before_the_commit(monkeypatch):
    monkeypatch.setattr(confirmation, "store_answer", _die)


def _die(*args, **kwargs):
    raise Died


def _outcome(account, intent, operation):
    """What a caller sees of a confirmation: a status, or a decline's code."""
    try:
        return _confirm(account, intent, operation=operation)["status"]
    except CardDeclined as declined:
        return declined.code


DEATHS = [_die_before_the_bank_is_asked, _die_before_the_answer_is_written, _die_before_the_commit]
CARDS = [("pm_card_visa", "succeeded", APPROVED), (DECLINED, "card_declined", REFUSED)]


@pytest.mark.parametrize("die", DEATHS)
@pytest.mark.parametrize(("method", "outcome", "events"), CARDS)
@pytest.mark.parametrize("first", ["retry", "settlement"])
def test_a_card_reaches_one_final_state_wherever_its_process_died(
    account, die, method, outcome, events, first, monkeypatch
):
    intent = new_intent(account, payment_method=method)
    operation = RememberedOperation()
    with monkeypatch.context() as dying:
        die(dying)
        with pytest.raises(Died):
            _confirm(account, intent, operation=operation)
    intent.refresh_from_db()
    assert (intent.status, intent.bank_reference) == ("processing", operation.id)

    if first == "settlement":
        _make_due(intent)
        assert len(_settle_all()) == 1
    assert _outcome(account, intent, operation) == outcome
    assert _settle_all() == []
    assert _outcome(account, intent, operation) == outcome

    assert event_types(account) == ["payment_intent.created", *events]
    assert Charge.objects.count() == 1
    assert [answer.reference for answer in BankAnswer.objects.all()] == [operation.id]


def test_the_retry_hears_what_the_bank_said_before_the_death(account, bank, monkeypatch):
    intent = new_intent(account)
    operation = RememberedOperation()
    with monkeypatch.context() as dying:
        _die_before_the_answer_is_written(dying)
        with pytest.raises(Died):
            _confirm(account, intent, "pm_card_visa", operation)
    BankAnswer.objects.update(
        approved=False, code="card_declined", decline_code="lost_card", message="Declined."
    )
    with pytest.raises(CardDeclined) as declined:
        _confirm(account, intent, "pm_card_visa", operation)
    assert declined.value.decline_code == "lost_card"


def test_another_operation_cannot_take_over_what_is_under_way(account, monkeypatch):
    intent = new_intent(account)
    with monkeypatch.context() as dying:
        _die_before_the_bank_is_asked(dying)
        with pytest.raises(Died):
            _confirm(account, intent, "pm_card_visa")
    with pytest.raises(IllegalMove) as refused:
        _confirm(account, intent, "pm_card_visa")
    assert refused.value.message.endswith("it has a status of processing.")
    assert BankAnswer.objects.count() == 0


def test_a_call_that_the_settlement_overtook_answers_the_same_without_a_second_event(account, monkeypatch):
    intent = new_intent(account)
    operation = RememberedOperation()

    def overtaken(due):
        answer = ask_bank(due)
        _make_due(intent)
        assert len(_settle_all()) == 1
        return answer

    monkeypatch.setattr(confirmation, "ask_bank", overtaken)
    confirmed = _confirm(account, intent, "pm_card_visa", operation)
    assert confirmed["status"] == "succeeded"
    assert operation.names == ["begin", "finish"]
    assert event_types(account) == ["payment_intent.created", *APPROVED]
