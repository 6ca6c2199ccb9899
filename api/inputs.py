"""The parameters of every operation, one table each."""

from rest_framework import serializers

from api.fields import Boolean, Choice, Email, Integer, Moment, Number, Reference, Text, TextList
from api.input_tables import InputTable
from api.metadata import Metadata
from api.pagination import MAX_LIMIT
from core.versions import STRIPE_VERSIONS
from dispatcher.limits import LEAST_RATE, MOST
from dispatcher.models import DeliveryState, EndpointStatus, OnDeadLetter

_MAX_OVERLAP_SECONDS = 86_400


class NothingInput(InputTable):
    """Operations without parameters."""


class RetrieveInput(InputTable):
    expand = TextList(required=False)


class AddressInput(InputTable):
    line1 = Text(required=False, allow_null=True)
    line2 = Text(required=False, allow_null=True)
    city = Text(required=False, allow_null=True)
    state = Text(required=False, allow_null=True)
    postal_code = Text(required=False, allow_null=True)
    country = Text(max_length=2, required=False, allow_null=True)


class ShippingInput(InputTable):
    name = Text()
    phone = Text(required=False, allow_null=True)
    address = AddressInput()


class CustomerInput(InputTable):
    name = Text(max_length=256, required=False, allow_null=True)
    email = Email(max_length=512, required=False, allow_null=True)
    description = Text(required=False, allow_null=True)
    phone = Text(max_length=20, required=False, allow_null=True)
    address = AddressInput(required=False, allow_null=True)
    shipping = ShippingInput(required=False, allow_null=True)
    metadata = Metadata()
    expand = TextList(required=False)


class AutomaticPaymentMethodsInput(InputTable):
    enabled = Boolean()
    allow_redirects = Choice(("always", "never"), required=False)


class PaymentIntentInput(InputTable):
    amount = Integer(least=1)
    currency = Text(max_length=10)
    customer = Text(max_length=100, required=False, allow_null=True)
    description = Text(max_length=1_000, required=False, allow_null=True)
    metadata = Metadata()
    payment_method = Text(max_length=100, required=False, allow_null=True)
    payment_method_types = TextList(required=False)
    automatic_payment_methods = AutomaticPaymentMethodsInput(required=False, allow_null=True)
    receipt_email = Email(max_length=512, required=False, allow_null=True)
    shipping = ShippingInput(required=False, allow_null=True)
    statement_descriptor = Text(max_length=22, required=False, allow_null=True)
    statement_descriptor_suffix = Text(max_length=22, required=False, allow_null=True)
    expand = TextList(required=False)


class PaymentIntentChangeInput(InputTable):
    amount = Integer(least=1, required=False)
    currency = Text(max_length=10, required=False)
    customer = Text(max_length=100, required=False, allow_null=True)
    description = Text(max_length=1_000, required=False, allow_null=True)
    metadata = Metadata()
    payment_method = Text(max_length=100, required=False, allow_null=True)
    payment_method_types = TextList(required=False)
    receipt_email = Email(max_length=512, required=False, allow_null=True)
    shipping = ShippingInput(required=False, allow_null=True)
    statement_descriptor = Text(max_length=22, required=False, allow_null=True)
    statement_descriptor_suffix = Text(max_length=22, required=False, allow_null=True)
    expand = TextList(required=False)


class SearchInput(InputTable):
    query = Text(max_length=2_000)
    limit = Integer(least=1, most=MAX_LIMIT, required=False)
    page = Text(max_length=500, required=False)
    expand = TextList(required=False)


class PaymentIntentRetrieveInput(InputTable):
    client_secret = Text(max_length=200, required=False)
    expand = TextList(required=False)


class ConfirmInput(InputTable):
    client_secret = Text(max_length=200, required=False)
    payment_method = Text(max_length=100, required=False, allow_null=True)
    expand = TextList(required=False)


class CancelInput(InputTable):
    cancellation_reason = Choice(
        ("duplicate", "fraudulent", "requested_by_customer", "abandoned"), required=False, allow_null=True
    )
    expand = TextList(required=False)


class EndpointInput(InputTable):
    url = Text(max_length=2_048)
    enabled_events = TextList()
    api_version = Choice(STRIPE_VERSIONS, required=False)
    description = Text(required=False, allow_null=True)
    metadata = Metadata()
    max_in_flight = Integer(least=1, most=MOST, required=False)
    quantum = Integer(least=1, most=MOST, required=False, allow_null=True)
    rate_limit = Number(least=LEAST_RATE, most=MOST, required=False, allow_null=True)
    burst = Integer(least=1, most=MOST, required=False, allow_null=True)
    ordered = Boolean(required=False)
    on_dead_letter = Choice(OnDeadLetter.values, required=False)
    expand = TextList(required=False)


class EndpointChangeInput(InputTable):
    url = Text(max_length=2_048, required=False)
    enabled_events = TextList(required=False)
    description = Text(required=False, allow_null=True)
    metadata = Metadata()
    max_in_flight = Integer(least=1, most=MOST, required=False)
    quantum = Integer(least=1, most=MOST, required=False, allow_null=True)
    rate_limit = Number(least=LEAST_RATE, most=MOST, required=False, allow_null=True)
    burst = Integer(least=1, most=MOST, required=False, allow_null=True)
    ordered = Boolean(required=False)
    on_dead_letter = Choice(OnDeadLetter.values, required=False)
    status = Choice(EndpointStatus.values, required=False)
    # Stripe's word for the same.
    disabled = Boolean(required=False)
    expand = TextList(required=False)


class RollSecretInput(InputTable):
    overlap_seconds = Integer(least=0, most=_MAX_OVERLAP_SECONDS, default=_MAX_OVERLAP_SECONDS)


def list_input(name: str, prefix: str, noun: str, **filters: serializers.Field) -> InputTable:  # type: ignore[type-arg]
    """The parameters of a list: the page, the time, and filters of its own."""
    table = type(
        name,
        (InputTable,),
        {
            "limit": Integer(least=1, most=MAX_LIMIT, required=False),
            "starting_after": Reference(prefix, noun, required=False),
            "ending_before": Reference(prefix, noun, required=False),
            "created": Moment(),
            "expand": TextList(required=False),
            **filters,
        },
    )
    instance: InputTable = table()
    return instance


NOTHING = NothingInput()
RETRIEVE = RetrieveInput()
CUSTOMER = CustomerInput()
CUSTOMERS = list_input("CustomersInput", "cus", "customer", email=Text(max_length=512, required=False))
CUSTOMER_SEARCH = SearchInput()
PAYMENT_INTENT = PaymentIntentInput()
PAYMENT_INTENT_CHANGE = PaymentIntentChangeInput()
PAYMENT_INTENT_RETRIEVE = PaymentIntentRetrieveInput()
PAYMENT_INTENT_SEARCH = SearchInput()
PAYMENT_INTENTS = list_input(
    "PaymentIntentsInput",
    "pi",
    "payment_intent",
    customer=Reference("cus", "customer", required=False),
)
CONFIRM = ConfirmInput()
CANCEL = CancelInput()
ENDPOINT = EndpointInput()
ENDPOINT_CHANGE = EndpointChangeInput()
ENDPOINTS = list_input("EndpointsInput", "we", "webhook endpoint")
ROLL_SECRET = RollSecretInput()
EVENTS = list_input(
    "EventsInput",
    "evt",
    "event",
    type=Text(max_length=100, required=False),
    types=TextList(longest=20, required=False),
    delivery_success=Boolean(required=False),
)
DELIVERIES = list_input(
    "DeliveriesInput",
    "dlv",
    "delivery",
    state=Choice(DeliveryState.values, required=False),
    endpoint=Reference("we", "webhook endpoint", required=False),
    event=Reference("evt", "event", required=False),
)
