"""Changing and deleting customers, and the events that tell of it."""

import json

import pytest

from core.customers import create_customer, delete_customer, update_customer
from core.errors import CustomerNotFound, UnknownParameter
from core.lookups import customers_of, get_customer
from core.models import Customer, PaymentIntent
from outbox.identifiers import decode_id
from outbox.models import Event
from tests.core.merchants import RememberedOperation, event_types, in_threads, new_intent, write_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(account):
    made = create_customer(
        write=write_of(account), fields={"name": "Grace", "metadata": {"tier": "1", "a": "b"}}
    )
    return decode_id("cus", made["id"])


def _last_event(account):
    return Event.objects.filter(owner=account.public_id).latest("id")


def test_an_update_changes_what_it_names_and_tells_what_was(account, customer):
    operation = RememberedOperation()
    result = update_customer(
        write=write_of(account, operation),
        customer_id=customer,
        changes={"name": "Ada", "email": None, "metadata": lambda held: {**held, "tier": "2"}},
    )
    assert (result["name"], result["metadata"]) == ("Ada", {"tier": "2", "a": "b"})
    assert operation.calls == [("begin", None), ("finish", result)]
    event = _last_event(account)
    assert (event.type, json.loads(event.data)) == ("customer.updated", result)
    assert json.loads(event.previous) == {"name": "Grace", "metadata": {"tier": "1"}}


def test_an_update_that_changes_nothing_records_nothing(account, customer):
    result = update_customer(write=write_of(account), customer_id=customer, changes={"name": "Grace"})
    assert result["name"] == "Grace"
    assert event_types(account) == ["customer.created"]


def test_a_field_that_does_not_exist_is_refused(account, customer):
    with pytest.raises(UnknownParameter):
        update_customer(write=write_of(account), customer_id=customer, changes={"colour": "red"})


def test_a_deleted_customer_is_listed_no_more_and_its_intents_stay(account, customer):
    intent = new_intent(account, customer=_public(customer))
    result = delete_customer(write=write_of(account), customer_id=customer)
    assert result == {"id": _public(customer), "object": "customer", "deleted": True}
    assert not customers_of(account.id).exists()
    assert get_customer(account.id, customer).deleted_at is not None
    assert PaymentIntent.objects.get(id=intent.id).customer_id == customer
    event = _last_event(account)
    assert (event.type, event.previous, json.loads(event.data)["name"]) == ("customer.deleted", None, "Grace")


def test_a_deleted_customer_is_changed_deleted_and_charged_no_more(account, customer):
    delete_customer(write=write_of(account), customer_id=customer)
    for attempt in (
        lambda: update_customer(write=write_of(account), customer_id=customer, changes={"name": "B"}),
        lambda: delete_customer(write=write_of(account), customer_id=customer),
        lambda: new_intent(account, customer=_public(customer)),
    ):
        with pytest.raises(CustomerNotFound):
            attempt()
    assert event_types(account) == ["customer.created", "customer.deleted"]


def test_another_accounts_customer_is_not_found(account, other_account, customer):
    with pytest.raises(CustomerNotFound):
        update_customer(write=write_of(other_account), customer_id=customer, changes={"name": "B"})
    with pytest.raises(CustomerNotFound):
        delete_customer(write=write_of(other_account), customer_id=customer)
    assert Customer.objects.get().name == "Grace"


@pytest.mark.django_db(transaction=True)
def test_concurrent_updates_of_metadata_lose_nothing(account):
    made = create_customer(write=write_of(account), fields={})
    customer_id = decode_id("cus", made["id"])

    def add(name):
        update_customer(
            write=write_of(account),
            customer_id=customer_id,
            changes={"metadata": lambda held: {**held, name: "1"}},
        )

    in_threads(*(lambda name=str(number): add(name) for number in range(6)))
    assert Customer.objects.get().metadata == {str(number): "1" for number in range(6)}
    changes = [json.loads(event.previous or "") for event in Event.objects.filter(type="customer.updated")]
    assert sorted(name for change in changes for name in change["metadata"]) == list("012345")


@pytest.mark.django_db(transaction=True)
def test_of_two_deletes_at_once_one_deletes(account):
    made = create_customer(write=write_of(account), fields={})

    def delete():
        try:
            return delete_customer(write=write_of(account), customer_id=decode_id("cus", made["id"]))
        except CustomerNotFound:
            return None

    assert in_threads(delete, delete).count(None) == 1
    assert event_types(account) == ["customer.created", "customer.deleted"]


def _public(customer_id):
    return Customer(id=customer_id).public_id
