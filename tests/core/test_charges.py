"""Charges beside their intents: captured at once, held and captured later, or refused."""

import json
import threading

import pytest
from django.db import IntegrityError

from core.authentication import authenticate_payment_intent
from core.confirmation import Terms, confirm_payment_intent
from core.errors import CardDeclined, IllegalMove
from core.ledger import Book, balances_of, fee_of
from core.models import BalanceTransaction, Charge, LedgerEntry, PaymentIntent, PaymentMethod
from core.money_errors import CaptureTooLarge
from core.money_objects import balance_transaction_object, charge_object
from core.payments import cancel_payment_intent, capture_payment_intent, create_and_confirm
from core.settlement import lease_due_settlements, settle_payment
from outbox.database import execute
from outbox.identifiers import decode_id
from outbox.models import Event
from tests.core.merchants import (
    RememberedOperation,
    event_types,
    in_threads,
    new_intent,
    paid_intent,
    write_of,
)

pytestmark = pytest.mark.django_db(transaction=True)

HELD = ["charge.succeeded", "payment_intent.amount_capturable_updated"]
CAPTURED = ["charge.captured", "payment_intent.succeeded"]


def _held(account, **fields):
    return paid_intent(account, capture_method="manual", **fields)


def _capture(account, intent, amount=None):
    return capture_payment_intent(write=write_of(account), intent_id=intent.id, amount=amount)


def _cancel(account, intent):
    return cancel_payment_intent(write=write_of(account), intent_id=intent.id, reason=None)


# --- Taken at once ---


def test_a_card_payment_is_a_captured_charge_with_its_balance_transaction(account):
    intent = paid_intent(account, description="Two sofas", metadata={"order": "7"})
    charge = Charge.objects.get()
    shown = charge_object(charge)
    assert intent.latest_charge_id == charge.id
    assert (shown["status"], shown["paid"], shown["captured"]) == ("succeeded", True, True)
    assert (shown["amount"], shown["amount_captured"], shown["amount_refunded"]) == (2000, 2000, 0)
    assert (shown["description"], shown["metadata"]) == ("Two sofas", {"order": "7"})
    assert shown["payment_method_details"]["card"]["last4"] == "4242"
    posted = balance_transaction_object(BalanceTransaction.objects.get())
    assert posted["id"] == shown["balance_transaction"]
    assert (posted["amount"], posted["fee"], posted["net"]) == (2000, 88, 1912)
    assert (posted["source"], posted["status"]) == (shown["id"], "pending")
    assert dict(LedgerEntry.objects.values_list("book", "amount")) == {
        Book.MERCHANT: 1912,
        Book.FEES: 88,
        Book.BANK: -2000,
    }
    assert balances_of(account.id) == {"usd": {"available": 0, "pending": 1912}}


def test_the_charges_event_tells_of_the_charge_as_it_is(account):
    paid_intent(account)
    event = Event.objects.get(type="charge.succeeded")
    assert json.loads(event.data) == charge_object(Charge.objects.get())


def test_a_refused_charge_says_why_and_moves_no_money(account):
    intent = new_intent(account)
    with pytest.raises(CardDeclined) as declined:
        confirm_payment_intent(
            write=write_of(account), intent_id=intent.id, payment_method="pm_card_chargeDeclinedLostCard"
        )
    shown = charge_object(Charge.objects.get())
    assert (shown["status"], shown["paid"], shown["captured"]) == ("failed", False, False)
    assert (shown["failure_code"], shown["outcome"]["reason"]) == ("card_declined", "lost_card")
    assert declined.value.members["charge"] == shown["id"]
    assert declined.value.members["payment_method"]["id"] == shown["payment_method"]
    assert BalanceTransaction.objects.count() == 0


def test_each_attempt_has_a_charge_of_its_own(account):
    intent = new_intent(account)
    with pytest.raises(CardDeclined):
        confirm_payment_intent(
            write=write_of(account), intent_id=intent.id, payment_method="pm_card_chargeDeclined"
        )
    confirm_payment_intent(write=write_of(account), intent_id=intent.id, payment_method="pm_card_visa")
    failed, succeeded = Charge.objects.order_by("id")
    intent.refresh_from_db()
    assert (failed.status, succeeded.status) == ("failed", "succeeded")
    assert intent.latest_charge_id == succeeded.id


def test_a_bank_debits_charge_is_pending_until_the_bank_answers(account, bank):
    paid_intent(account, "pm_usBankAccount_success")
    pending = Charge.objects.get()
    assert (pending.status, pending.amount_captured, pending.balance_transaction_id) == ("pending", 0, None)
    (due,) = lease_due_settlements(limit=10)
    assert settle_payment(due) is not None
    settled = Charge.objects.get()
    assert (settled.id, settled.status, settled.amount_captured) == (pending.id, "succeeded", 2000)
    assert BalanceTransaction.objects.get().id == settled.balance_transaction_id


@pytest.mark.parametrize(
    ("amount", "percent", "fixed", "fee"),
    [
        (2000, 2.9, 30, 88),
        (50, 2.9, 30, 31),
        (1_500, 2.9, 30, 74),  # 43.5 is rounded up
        (50, 0.0, 99, 50),
        (99_999_999, 2.9, 0, 2_900_000),
    ],
)
def test_a_fee_is_a_rounded_share_and_a_fixed_part_and_never_more_than_the_amount(
    settings, amount, percent, fixed, fee
):
    settings.LEDGER = {**settings.LEDGER, "FEE_PERCENT": percent, "FEE_FIXED": fixed}
    assert fee_of(amount) == fee


# --- The database keeps the books ---


def test_entries_that_do_not_sum_to_zero_are_refused(account):
    paid_intent(account)
    posted = BalanceTransaction.objects.get()
    with pytest.raises(IntegrityError, match="do not sum to zero"):
        LedgerEntry.objects.create(transaction=posted, book="gifts", amount=1)


@pytest.mark.parametrize(
    "change", ["UPDATE core_ledger_entry SET amount = 0", "DELETE FROM core_ledger_entry"]
)
def test_entries_are_never_changed(account, change):
    paid_intent(account)
    with pytest.raises(IntegrityError, match="never changed"):
        execute(change, {})


# --- Held, and captured later ---


def test_a_held_card_moves_no_money_until_it_is_captured(account):
    intent = _held(account)
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 2000, 0)
    charge = Charge.objects.get()
    assert (charge.status, charge.captured, charge.amount_captured) == ("succeeded", False, 0)
    assert BalanceTransaction.objects.count() == 0
    captured = _capture(account, intent)
    assert (captured["status"], captured["amount_received"], captured["amount_capturable"]) == (
        "succeeded",
        2000,
        0,
    )
    assert event_types(account) == ["payment_intent.created", *HELD, *CAPTURED]
    assert balances_of(account.id)["usd"]["pending"] == 1912


def test_a_capture_of_less_releases_the_rest(account):
    intent = _held(account)
    captured = _capture(account, intent, 700)
    assert (captured["amount"], captured["amount_received"], captured["amount_capturable"]) == (2000, 700, 0)
    charge = Charge.objects.get()
    assert (charge.captured, charge.amount_captured) == (True, 700)
    assert BalanceTransaction.objects.get().amount == 700


def test_more_than_is_held_cannot_be_captured(account):
    intent = _held(account)
    with pytest.raises(CaptureTooLarge) as refused:
        _capture(account, intent, 2001)
    assert (refused.value.code, refused.value.param) == ("amount_too_large", "amount_to_capture")
    intent.refresh_from_db()
    assert intent.status == "requires_capture"


def test_only_what_is_held_can_be_captured(account):
    intent = paid_intent(account)
    with pytest.raises(IllegalMove) as refused:
        _capture(account, intent)
    assert refused.value.message.startswith(
        "This PaymentIntent could not be captured because it has a status"
    )


def test_a_canceled_hold_is_released(account):
    intent = _held(account)
    canceled = _cancel(account, intent)
    assert (canceled["status"], canceled["amount_capturable"]) == ("canceled", 0)
    with pytest.raises(IllegalMove):
        _capture(account, intent)
    assert BalanceTransaction.objects.count() == 0


@pytest.mark.parametrize("other", [_capture, _cancel])
def test_of_a_capture_and_what_comes_with_it_one_wins(account, other):
    intents = [_held(account) for _ in range(10)]
    together = threading.Barrier(2)

    def each(work):
        done = set()
        for intent in intents:
            together.wait()
            try:
                work(account, intent)
                done.add(intent.id)
            except IllegalMove:
                pass
        return done

    first, second = in_threads(lambda: each(_capture), lambda: each(other))
    assert first.isdisjoint(second)
    assert first | second == {intent.id for intent in intents}
    taken = len(intents) if other is _capture else len(first)
    assert BalanceTransaction.objects.count() == taken
    assert event_types(account).count("charge.captured") == taken


# --- Created and confirmed at once ---


def test_one_operation_creates_and_confirms(account):
    operation = RememberedOperation()
    made = create_and_confirm(
        write=write_of(account, operation),
        fields={"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa"},
    )
    assert made["status"] == "succeeded"
    assert operation.names == ["begin", "finish"]
    assert event_types(account) == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    assert PaymentMethod.objects.count() == 1
    created = json.loads(Event.objects.earliest("id").data)
    assert (created["id"], created["status"]) == (made["id"], "requires_confirmation")
    assert made["client_secret"].startswith(made["id"])


def test_a_decline_leaves_the_intent_behind(account):
    with pytest.raises(CardDeclined) as declined:
        create_and_confirm(
            write=write_of(account),
            fields={"amount": 2000, "currency": "usd", "payment_method": "pm_card_chargeDeclined"},
        )
    assert declined.value.payment_intent is not None
    left = PaymentIntent.objects.get(id=decode_id("pi", declined.value.payment_intent["id"]))
    assert left.status == "requires_payment_method"
    confirm_payment_intent(write=write_of(account), intent_id=left.id, payment_method="pm_card_visa")


def test_a_retry_finds_the_intent_that_a_dead_process_created(account, monkeypatch):
    class Died(BaseException):
        pass

    def die(due):
        raise Died

    operation = RememberedOperation()
    fields = {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa"}
    with monkeypatch.context() as dying:
        dying.setattr("core.confirmation.ask_bank", die)
        with pytest.raises(Died):
            create_and_confirm(write=write_of(account, operation), fields=fields)
    operation.resumed = True
    made = create_and_confirm(write=write_of(account, operation), fields=fields)
    assert (made["status"], PaymentIntent.objects.count(), Charge.objects.count()) == ("succeeded", 1, 1)
    assert PaymentMethod.objects.count() == 1


# --- 3-D Secure ---


def _challenged(account, **terms):
    intent = new_intent(account, payment_method="pm_card_authenticationRequired")
    confirm_payment_intent(
        write=write_of(account), intent_id=intent.id, payment_method=None, terms=Terms(**terms)
    )
    return intent


def _authenticate(account, intent, passed):
    return authenticate_payment_intent(write=write_of(account), intent_id=intent.id, passed=passed)


def test_a_challenged_card_waits_for_its_payer(account):
    intent = new_intent(account, payment_method="pm_card_authenticationRequired")
    answered = confirm_payment_intent(
        write=write_of(account),
        intent_id=intent.id,
        payment_method=None,
        terms=Terms(return_url="https://shop.example/done"),
    )
    action = answered["next_action"]
    assert (answered["status"], action["type"]) == ("requires_action", "redirect_to_url")
    assert action["redirect_to_url"] == {
        "return_url": "https://shop.example/done",
        "url": f"http://127.0.0.1:8000/authenticate/{answered['client_secret']}",
    }
    assert event_types(account)[1:] == ["payment_intent.requires_action"]
    assert (Charge.objects.count(), answered["latest_charge"]) == (0, None)


def test_who_passes_pays(account):
    intent = _challenged(account)
    passed = _authenticate(account, intent, True)
    assert (passed["status"], passed["next_action"]) == ("succeeded", None)
    assert event_types(account)[2:] == ["charge.succeeded", "payment_intent.succeeded"]
    with pytest.raises(IllegalMove):
        _authenticate(account, intent, True)


def test_who_fails_needs_another_payment_method(account):
    intent = _challenged(account)
    failed = _authenticate(account, intent, False)
    assert (failed["status"], failed["payment_method"]) == ("requires_payment_method", None)
    error = failed["last_payment_error"]
    assert error["code"] == "payment_intent_authentication_failure"
    assert error["payment_method"]["type"] == "card"
    assert event_types(account)[2:] == ["payment_intent.payment_failed"]


def test_without_its_payer_a_challenged_card_is_declined(account):
    with pytest.raises(CardDeclined) as declined:
        _challenged(account, off_session=True)
    assert (declined.value.code, declined.value.decline_code) == ("authentication_required",) * 2
    assert event_types(account)[1:] == ["charge.failed", "payment_intent.payment_failed"]


def test_of_two_payers_pages_one_decides(account):
    intents = [_challenged(account) for _ in range(10)]
    together = threading.Barrier(2)

    def each(passed):
        done = 0
        for intent in intents:
            together.wait()
            try:
                _authenticate(account, intent, passed)
                done += 1
            except IllegalMove:
                pass
        return done

    assert sum(in_threads(lambda: each(True), lambda: each(False))) == len(intents)


def test_a_passed_challenge_is_settled_when_its_process_died(account, monkeypatch):
    class Died(BaseException):
        pass

    def die(due):
        raise Died

    intent = _challenged(account)
    with monkeypatch.context() as dying:
        dying.setattr("core.confirmation.ask_bank", die)
        with pytest.raises(Died):
            _authenticate(account, intent, True)
    execute("UPDATE core_payment_intent SET settle_at = now() - interval '1 second'", {})
    (due,) = lease_due_settlements(limit=10)
    settled = settle_payment(due)
    assert settled is not None
    assert settled.status == "succeeded"


# --- Kept for later ---


def test_a_payment_method_is_kept_for_the_customer_where_the_payment_says_so(account):
    from core.customers import create_customer

    customer = create_customer(write=write_of(account), fields={})["id"]
    paid_intent(account, customer=customer, setup_future_usage="off_session")
    assert PaymentMethod.objects.get().customer is not None
    assert event_types(account)[-3:] == [
        "charge.succeeded",
        "payment_method.attached",
        "payment_intent.succeeded",
    ]
