"""Creating customers and payment intents: one transaction, three statements, all or nothing."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.customers import create_customer
from core.errors import (
    AmountTooSmall,
    CustomerNotFound,
    PaymentIntentNotFound,
    PaymentMethodNotFound,
    UnknownCurrency,
    UnknownParameter,
)
from core.lookups import (
    customer_uuid,
    customers_of,
    get_customer,
    get_payment_intent,
    payment_intent_uuid,
    payment_intents_of,
)
from core.models import Customer, PaymentIntent
from core.payments import cancel_payment_intent, create_payment_intent
from outbox.identifiers import decode_id, encode_id, new_uuid
from outbox.models import Event, PendingEvent
from tests.core.merchants import (
    RememberedOperation,
    event_types,
    new_intent,
    statements_of,
    transactions_of,
    write_of,
)

INTENT = {"amount": 2000, "currency": "usd"}


def _creates():
    return [
        pytest.param(create_customer, {"name": "Zoë"}, "customer.created", id="customer"),
        pytest.param(create_payment_intent, INTENT, "payment_intent.created", id="payment_intent"),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("create", "fields", "event_type"), _creates())
def test_a_create_is_one_transaction_of_three_statements(account, create, fields, event_type):
    operation = RememberedOperation()
    with CaptureQueriesContext(connection) as captured:
        made = create(write=write_of(account, operation), fields=fields)
    assert transactions_of(captured) == [3]
    assert len(statements_of(captured)) == 3
    assert "idempotency key" in statements_of(captured)[0]
    assert operation.calls == [("begin", made)]


@pytest.mark.parametrize(("create", "fields", "event_type"), _creates())
def test_the_event_tells_of_the_object_as_it_was_answered(account, create, fields, event_type):
    made = create(write=write_of(account), fields=fields)
    event = Event.objects.get()
    assert (event.owner, event.type, event.object_id) == (account.public_id, event_type, made["id"])
    assert json.loads(event.data) == made
    assert (event.request_id, event.idempotency_key) == ("req_1", "key-1")
    assert PendingEvent.objects.get().event_id == event.id


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("create", "fields", "event_type"), _creates())
def test_row_and_event_commit_together_or_not_at_all(account, create, fields, event_type, monkeypatch):
    def crash(*args, **kwargs):
        raise ConnectionError("the process died before its commit")

    monkeypatch.setattr(f"{create.__module__}.record", crash)
    with pytest.raises(ConnectionError):
        create(write=write_of(account), fields=fields)
    assert [model.objects.count() for model in (Customer, PaymentIntent, Event, PendingEvent)] == [0] * 4


@pytest.mark.parametrize("kind", ["unknown", "another account's", "no id"])
def test_an_intent_names_only_a_customer_of_its_account(account, other_account, kind):
    theirs = create_customer(write=write_of(other_account), fields={})["id"]
    customer = {"unknown": encode_id("cus", new_uuid()), "another account's": theirs, "no id": "cus_1"}[kind]
    with pytest.raises(CustomerNotFound) as refused:
        create_payment_intent(write=write_of(account), fields={**INTENT, "customer": customer})
    assert refused.value.message == f"No such customer: '{customer}'"
    assert (refused.value.code, refused.value.param) == ("resource_missing", "customer")
    assert PaymentIntent.objects.count() == 0
    assert event_types(account) == []


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"amount": 49}, AmountTooSmall),
        ({"currency": "xyz"}, UnknownCurrency),
        ({"payment_method": "pm_card_nope"}, PaymentMethodNotFound),
        ({"colour": "red"}, UnknownParameter),
        ({"status": "succeeded"}, UnknownParameter),
    ],
)
def test_unusable_input_begins_no_operation(account, fields, error):
    operation = RememberedOperation()
    with pytest.raises(error):
        create_payment_intent(write=write_of(account, operation), fields={**INTENT, **fields})
    assert operation.calls == []


def test_a_customer_has_no_field_that_we_do_not_know(account):
    with pytest.raises(UnknownParameter) as refused:
        create_customer(write=write_of(account), fields={"id": "cus_mine"})
    assert (refused.value.code, refused.value.param) == ("parameter_unknown", "id")


def test_lists_are_the_accounts_own_newest_first(account, other_account):
    mine = [new_intent(account).id for _ in range(3)]
    new_intent(other_account)
    create_customer(write=write_of(other_account), fields={})
    assert [row.id for row in payment_intents_of(account.id)] == mine[::-1]
    assert list(customers_of(account.id)) == []


def test_another_accounts_object_is_not_found_in_the_words_for_an_unknown_one(account, other_account):
    intent = new_intent(other_account)
    customer = decode_id("cus", create_customer(write=write_of(other_account), fields={})["id"])
    with pytest.raises(PaymentIntentNotFound) as no_intent:
        get_payment_intent(account.id, intent.id)
    assert no_intent.value.message == f"No such payment_intent: '{intent.public_id}'"
    with pytest.raises(CustomerNotFound) as no_customer:
        get_customer(account.id, customer)
    assert no_customer.value.message == f"No such customer: '{encode_id('cus', customer)}'"
    with pytest.raises(PaymentIntentNotFound):
        cancel_payment_intent(write=write_of(account), intent_id=intent.id, reason=None)


def test_text_that_is_no_id_names_nothing():
    with pytest.raises(CustomerNotFound, match="No such customer: 'nobody'"):
        customer_uuid("nobody")
    with pytest.raises(PaymentIntentNotFound) as refused:
        payment_intent_uuid("pi_" + "x" * 5000)
    assert len(refused.value.message) < 120


@pytest.mark.django_db(transaction=True)
def test_cancel_is_one_transaction_of_four_statements(account):
    intent = new_intent(account)
    operation = RememberedOperation()
    with CaptureQueriesContext(connection) as captured:
        canceled = cancel_payment_intent(
            write=write_of(account, operation), intent_id=intent.id, reason="duplicate"
        )
    assert transactions_of(captured) == [4]
    assert operation.names == ["begin", "finish"]
    assert canceled["status"] == "canceled"
    assert canceled["cancellation_reason"] == "duplicate"
    assert canceled["canceled_at"] >= canceled["created"]
    assert event_types(account) == ["payment_intent.created", "payment_intent.canceled"]
