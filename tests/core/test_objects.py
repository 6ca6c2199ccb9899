import pytest

from core.customers import create_customer
from core.models import Customer, PaymentMethod
from core.objects import customer_object, payment_intent_object
from core.payments import create_payment_intent
from outbox.identifiers import decode_id
from tests.core.merchants import new_intent, write_of

# Always present, says stripe-node 23.1.0.
CUSTOMER = {
    *("id", "object", "balance", "created", "default_source", "description", "email", "invoice_settings"),
    *("livemode", "metadata", "shipping"),
}
PAYMENT_INTENT = {
    *("id", "object", "allowed_payment_method_types", "amount", "amount_capturable", "amount_received"),
    *("application", "application_fee_amount", "automatic_payment_methods", "canceled_at"),
    *("cancellation_reason", "capture_method", "client_secret", "confirmation_method", "created", "currency"),
    *("customer", "customer_account", "description", "excluded_payment_method_types", "last_payment_error"),
    *("latest_charge", "livemode", "managed_payments", "metadata", "next_action", "on_behalf_of"),
    *("payment_method", "payment_method_configuration_details", "payment_method_options"),
    *("payment_method_types", "payment_record", "processing", "receipt_email", "review"),
    *("setup_future_usage", "shipping", "source", "statement_descriptor", "statement_descriptor_suffix"),
    *("status", "transfer_group"),
}


def test_a_payment_intent_has_all_42_fields(account):
    assert len(PAYMENT_INTENT) == 42
    assert payment_intent_object(new_intent(account)).keys() == PAYMENT_INTENT


def test_a_customer_has_all_fields_and_invoice_settings(account):
    made = create_customer(write=write_of(account), fields={})
    assert made.keys() >= CUSTOMER
    assert made["invoice_settings"] is not None
    assert made["metadata"] == {}


@pytest.mark.parametrize("fields", [{}, {"name": "Zoë", "metadata": {"a": "1"}, "address": {"city": "Köln"}}])
def test_a_customer_answered_is_the_customer_stored(account, fields):
    made = create_customer(write=write_of(account), fields=fields)
    row = Customer.objects.get(id=decode_id("cus", made["id"]))
    assert customer_object(row) == made
    assert made.items() >= fields.items()


def test_a_payment_intent_answered_is_the_one_stored(account):
    customer = create_customer(write=write_of(account), fields={"name": "Zoë"})
    fields = {
        "amount": 2000,
        "currency": "EUR",
        "customer": customer["id"],
        "description": "Two sofas",
        "metadata": {"order": "7"},
        "payment_method": "tok_visa",
        "receipt_email": "zoe@example.com",
        "shipping": {"name": "Zoë", "address": {"line1": "Domplatz 1"}},
        "statement_descriptor": "SOFAS",
        "automatic_payment_methods": {"enabled": True},
    }
    made = create_payment_intent(write=write_of(account), fields=fields)
    expected = {
        **fields,
        "currency": "eur",
        "payment_method": PaymentMethod.objects.get().public_id,
        "status": "requires_confirmation",
    }
    assert made.items() >= expected.items()
    from core.lookups import get_payment_intent

    assert payment_intent_object(get_payment_intent(account.id, decode_id("pi", made["id"]))) == made


def test_created_is_the_moment_of_the_id_in_seconds(account):
    intent = new_intent(account)
    assert payment_intent_object(intent)["created"] == int(intent.created_at.timestamp())
