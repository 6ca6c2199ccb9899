import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from core.errors import CoreError, InvalidParameter
from core.ledger import Book, balances_of
from core.models import BalanceTransaction, Charge, LedgerEntry, Refund
from core.money_errors import (
    ChargeAlreadyRefunded,
    ChargeNotFound,
    ChargeNotRefundable,
    RefundFinal,
    RefundTooLarge,
)
from core.refunds import cancel_refund, create_refund, settle_next_refund, update_refund
from outbox.identifiers import new_uuid
from tests.core.merchants import RememberedOperation, event_types, in_threads, paid_intent, write_of

pytestmark = pytest.mark.django_db(transaction=True)


def _refund(account, intent, amount=None, **fields):
    return create_refund(
        write=write_of(account), charge_id=None, intent_id=intent.id, amount=amount, **fields
    )


def test_a_refund_gives_everything_back_but_the_fee(account):
    intent = paid_intent(account)
    operation = RememberedOperation()
    made = create_refund(
        write=write_of(account, operation),
        charge_id=intent.latest_charge_id,
        intent_id=None,
        amount=None,
        reason="requested_by_customer",
        metadata={"why": "broken"},
    )
    assert operation.calls == [("begin", None), ("finish", made)]
    assert (made["amount"], made["status"], made["reason"]) == (2000, "succeeded", "requested_by_customer")
    assert (made["payment_intent"], made["metadata"]) == (intent.public_id, {"why": "broken"})
    charge = Charge.objects.get()
    assert (charge.amount_refunded, made["charge"]) == (2000, charge.public_id)
    posted = BalanceTransaction.objects.get(type="refund")
    assert (posted.public_id, posted.net, posted.source) == (made["balance_transaction"], -2000, made["id"])
    assert dict(LedgerEntry.objects.filter(transaction=posted).values_list("book", "amount")) == {
        Book.MERCHANT: -2000,
        Book.BANK: 2000,
    }
    assert balances_of(account.id) == {"usd": {"available": 0, "pending": -88}}
    assert event_types(account)[-2:] == ["refund.created", "charge.refunded"]


def test_parts_are_given_back_until_nothing_is_left(account):
    intent = paid_intent(account)
    assert _refund(account, intent, 1500)["amount"] == 1500
    with pytest.raises(RefundTooLarge) as refused:
        _refund(account, intent, 501)
    assert "$5.00 usd" in refused.value.message
    assert _refund(account, intent)["amount"] == 500
    with pytest.raises(ChargeAlreadyRefunded) as done:
        _refund(account, intent, 1)
    assert done.value.code == "charge_already_refunded"
    assert Refund.objects.count() == 2


def test_what_was_released_cannot_be_given_back(account):
    from core.payments import capture_payment_intent

    intent = paid_intent(account, capture_method="manual")
    with pytest.raises(ChargeNotRefundable):
        _refund(account, intent)
    capture_payment_intent(write=write_of(account), intent_id=intent.id, amount=700)
    with pytest.raises(RefundTooLarge):
        _refund(account, intent, 701)
    assert _refund(account, intent)["amount"] == 700


def test_no_refund_of_what_is_not_there(account, other_account):
    theirs = paid_intent(other_account)
    with pytest.raises(ChargeNotFound):
        create_refund(write=write_of(account), charge_id=theirs.latest_charge_id, intent_id=None, amount=None)
    with pytest.raises(ChargeNotFound):
        create_refund(write=write_of(account), charge_id=new_uuid(), intent_id=None, amount=None)
    assert Refund.objects.count() == 0


def test_an_intent_without_a_charge_has_nothing_to_give_back(account):
    from tests.core.merchants import new_intent

    with pytest.raises(InvalidParameter) as refused:
        _refund(account, new_intent(account))
    assert refused.value.param == "payment_intent"


def test_refunds_at_once_never_give_back_more_than_was_captured(account):
    intents = [paid_intent(account) for _ in range(6)]
    together = threading.Barrier(3)

    def each():
        given = 0
        for intent in intents:
            together.wait()
            with suppress(CoreError):
                given += _refund(account, intent, 900)["amount"]
        return given

    assert sum(in_threads(each, each, each)) == len(intents) * 1800
    assert {charge.amount_refunded for charge in Charge.objects.all()} == {1800}
    assert BalanceTransaction.objects.filter(type="refund").count() == 2 * len(intents)


def test_the_table_itself_refuses_to_give_back_too_much(account):
    paid_intent(account)
    with pytest.raises(IntegrityError), transaction.atomic():
        Charge.objects.update(amount_refunded=2001)


def test_a_refunds_metadata_can_be_changed_and_nothing_else_of_it(account):
    intent = paid_intent(account)
    _refund(account, intent)
    row = Refund.objects.get()
    changed = update_refund(write=write_of(account), refund_id=row.id, changes={"metadata": {"a": "1"}})
    assert changed["metadata"] == {"a": "1"}
    assert event_types(account)[-1] == "refund.updated"
    with pytest.raises(RefundFinal) as final:
        cancel_refund(write=write_of(account), refund_id=row.id)
    assert "status of succeeded" in final.value.message


# --- The bank's last word, later ---


def test_a_refund_may_be_pending_until_the_bank_has_made_it(account, bank):
    intent = paid_intent(account, "pm_card_pendingRefund")
    made = _refund(account, intent, 500)
    assert (made["status"], made["pending_reason"]) == ("pending", "processing")
    settled = settle_next_refund()
    assert settled is not None
    assert (settled.status, settled.settle_at) == ("succeeded", None)
    assert event_types(account)[-1] == "refund.updated"
    assert settle_next_refund() is None
    assert Charge.objects.get().amount_refunded == 500


def test_a_refund_that_fails_gives_the_money_back_to_the_merchant(account, bank):
    intent = paid_intent(account, "pm_card_refundFail")
    made = _refund(account, intent)
    assert made["status"] == "succeeded"
    failed = settle_next_refund()
    assert failed is not None
    assert (failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card")
    assert event_types(account)[-1] == "refund.failed"
    assert Charge.objects.get().amount_refunded == 0
    assert sum(balances_of(account.id)["usd"].values()) == 1912
    assert _refund(account, intent)["amount"] == 2000


def test_a_refund_is_settled_when_its_time_has_come(account, bank):
    bank["DELAY"] = timedelta(hours=1)
    _refund(account, paid_intent(account, "pm_card_pendingRefund"))
    assert settle_next_refund() is None


def test_two_processes_settle_a_refund_once(account, bank):
    intents = [paid_intent(account, "pm_card_refundFail") for _ in range(10)]
    for intent in intents:
        _refund(account, intent)

    def all_there_are():
        settled = 0
        while settle_next_refund() is not None:
            settled += 1
        return settled

    assert sum(in_threads(all_there_are, all_there_are)) == len(intents)
    assert event_types(account).count("refund.failed") == len(intents)
