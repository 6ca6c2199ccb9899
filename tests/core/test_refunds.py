import threading
from contextlib import suppress

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
from core.refunds import cancel_refund, create_refund, update_refund
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
    changed = update_refund(write=write_of(account), refund_id=row.id, change=lambda _: {"a": "1"})
    assert changed["metadata"] == {"a": "1"}
    assert event_types(account)[-1] == "refund.updated"
    with pytest.raises(RefundFinal) as final:
        cancel_refund(write=write_of(account), refund_id=row.id)
    assert "status of succeeded" in final.value.message
