"""The parameters of every operation, one table each."""

from rest_framework import serializers

from api.fields import (
    AnyObject,
    Boolean,
    Choice,
    Email,
    Integer,
    Moment,
    Number,
    Reference,
    Text,
    TextList,
)
from api.input_tables import InputTable
from api.metadata import Metadata
from api.pagination import MAX_LIMIT
from core.currencies import MAX_AMOUNT
from core.refunds import REASONS
from core.setup_intents import CANCELLATION_REASONS
from core.versions import STRIPE_VERSIONS
from dispatcher.limits import LEAST_RATE, MOST
from dispatcher.models import DeliveryState, EndpointStatus, OnDeadLetter

_MAX_OVERLAP_SECONDS = 86_400
_MAX_PORTAL_SECONDS = 3_600


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


class BillingDetailsInput(InputTable):
    address = AddressInput(required=False, allow_null=True)
    email = Email(max_length=512, required=False, allow_null=True)
    name = Text(max_length=256, required=False, allow_null=True)
    phone = Text(max_length=20, required=False, allow_null=True)
    tax_id = Text(max_length=100, required=False, allow_null=True)


class CardInput(InputTable):
    token = Text(max_length=100, required=False)
    number = Text(max_length=40, required=False)
    exp_month = Integer(least=1, most=12, required=False)
    exp_year = Integer(least=2000, most=2100, required=False)
    cvc = Text(max_length=4, required=False)


class BankAccountInput(InputTable):
    account_number = Text(max_length=20, required=False)
    routing_number = Text(max_length=20, required=False)
    account_holder_type = Choice(("company", "individual"), required=False)
    account_type = Choice(("checking", "savings"), required=False)


class PaymentMethodDataInput(InputTable):
    type = Choice(("card", "us_bank_account"))
    card = CardInput(required=False)
    us_bank_account = BankAccountInput(required=False)
    billing_details = BillingDetailsInput(required=False)
    allow_redisplay = Choice(("always", "limited", "unspecified"), required=False)
    metadata = Metadata()


class PaymentMethodInput(PaymentMethodDataInput):
    expand = TextList(required=False)


class CardChangeInput(InputTable):
    exp_month = Integer(least=1, most=12, required=False)
    exp_year = Integer(least=2000, most=2100, required=False)


class PaymentMethodChangeInput(InputTable):
    allow_redisplay = Choice(("always", "limited", "unspecified"), required=False)
    billing_details = BillingDetailsInput(required=False)
    card = CardChangeInput(required=False)
    metadata = Metadata()
    expand = TextList(required=False)


class AttachInput(InputTable):
    customer = Text(max_length=100)
    expand = TextList(required=False)


class ExpandInput(InputTable):
    expand = TextList(required=False)


class ConfirmingInput(InputTable):
    """What a payment may say when it is confirmed, whether that is with its creation or later."""

    payment_method = Text(max_length=100, required=False, allow_null=True)
    payment_method_data = PaymentMethodDataInput(required=False)
    payment_method_options = AnyObject(required=False, allow_null=True)
    capture_method = Choice(("automatic", "automatic_async", "manual"), required=False)
    setup_future_usage = Choice(("off_session", "on_session"), required=False, allow_null=True)
    receipt_email = Email(max_length=512, required=False, allow_null=True)
    shipping = ShippingInput(required=False, allow_null=True)
    return_url = Text(max_length=2_048, required=False, allow_null=True)
    off_session = Boolean(required=False)
    error_on_requires_action = Boolean(required=False)
    # Taken, since programs of Stripe's users send them, and without effect here.
    use_stripe_sdk = Boolean(required=False)
    mandate_data = AnyObject(required=False, allow_null=True)
    radar_options = AnyObject(required=False)
    expand = TextList(required=False)


class PaymentIntentInput(ConfirmingInput):
    amount = Integer(least=1)
    currency = Text(max_length=10)
    customer = Text(max_length=100, required=False, allow_null=True)
    description = Text(max_length=1_000, required=False, allow_null=True)
    metadata = Metadata()
    payment_method_types = TextList(required=False)
    automatic_payment_methods = AutomaticPaymentMethodsInput(required=False, allow_null=True)
    statement_descriptor = Text(max_length=22, required=False, allow_null=True)
    statement_descriptor_suffix = Text(max_length=22, required=False, allow_null=True)
    confirm = Boolean(required=False)
    confirmation_method = Choice(("automatic", "manual"), required=False)


class ConfirmInput(ConfirmingInput):
    client_secret = Text(max_length=200, required=False)


class CaptureInput(InputTable):
    amount_to_capture = Integer(least=1, most=MAX_AMOUNT, required=False)
    final_capture = Boolean(required=False)
    expand = TextList(required=False)


class AuthenticateInput(InputTable):
    outcome = Choice(("succeeded", "failed"))
    expand = TextList(required=False)


class ChargeChangeInput(InputTable):
    description = Text(max_length=1_000, required=False, allow_null=True)
    metadata = Metadata()
    receipt_email = Email(max_length=512, required=False, allow_null=True)
    shipping = ShippingInput(required=False, allow_null=True)
    expand = TextList(required=False)


class RefundInput(InputTable):
    charge = Reference("ch", "charge", required=False)
    payment_intent = Reference("pi", "payment_intent", required=False)
    amount = Integer(least=1, most=MAX_AMOUNT, required=False)
    reason = Choice(REASONS, required=False, allow_null=True)
    metadata = Metadata()
    expand = TextList(required=False)


class MetadataInput(InputTable):
    metadata = Metadata()
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


class SecretRetrieveInput(InputTable):
    client_secret = Text(max_length=200, required=False)
    expand = TextList(required=False)


class SetupInput(InputTable):
    """What a setup intent may say when it is confirmed, whether that is with its creation or later."""

    payment_method = Text(max_length=100, required=False, allow_null=True)
    payment_method_data = PaymentMethodDataInput(required=False)
    payment_method_options = AnyObject(required=False, allow_null=True)
    return_url = Text(max_length=2_048, required=False, allow_null=True)
    use_stripe_sdk = Boolean(required=False)
    mandate_data = AnyObject(required=False, allow_null=True)
    expand = TextList(required=False)


class SetupConfirmInput(SetupInput):
    client_secret = Text(max_length=200, required=False)


class SetupIntentInput(SetupInput):
    customer = Text(max_length=100, required=False, allow_null=True)
    description = Text(max_length=1_000, required=False, allow_null=True)
    metadata = Metadata()
    payment_method_types = TextList(required=False)
    automatic_payment_methods = AutomaticPaymentMethodsInput(required=False, allow_null=True)
    usage = Choice(("off_session", "on_session"), required=False)
    confirm = Boolean(required=False)


class SetupCancelInput(InputTable):
    cancellation_reason = Choice(CANCELLATION_REASONS, required=False, allow_null=True)
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
    send_traceparent = Boolean(required=False)
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
    send_traceparent = Boolean(required=False)
    status = Choice(EndpointStatus.values, required=False)
    # Stripe's word for the same.
    disabled = Boolean(required=False)
    expand = TextList(required=False)


class PortalEndpointInput(InputTable):
    url = Text(max_length=2_048)
    enabled_events = TextList()
    description = Text(max_length=5_000, required=False, allow_null=True)


class RollSecretInput(InputTable):
    overlap_seconds = Integer(least=0, most=_MAX_OVERLAP_SECONDS, default=_MAX_OVERLAP_SECONDS)


class EventTypesInput(InputTable):
    type = Text(max_length=100, required=False)


class EventRetryInput(InputTable):
    webhook_endpoint = Reference("we", "webhook endpoint", required=False)
    for_stripecli = Boolean(required=False)
    # Of accounts beneath an account, which do not exist here: the CLI may send it.
    account = Text(max_length=100, required=False, allow_null=True)
    expand = TextList(required=False)


class PortalSessionInput(InputTable):
    expires_in = Integer(least=60, most=_MAX_PORTAL_SECONDS, default=_MAX_PORTAL_SECONDS)
    allowed_origins = TextList(longest=10, required=False)


class CliSessionInput(InputTable):
    device_name = Text(max_length=500, required=False, allow_null=True)
    websocket_features = TextList()
    filters = Text(required=False, allow_null=True)
    forward_to_url = Text(max_length=2_048, required=False, allow_null=True)
    forward_connect_to_url = Text(max_length=2_048, required=False, allow_null=True)
    forward_thin_to_url = Text(max_length=2_048, required=False, allow_null=True)
    forward_thin_connect_to_url = Text(max_length=2_048, required=False, allow_null=True)


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
EVENT_RETRY = EventRetryInput()
EVENT_TYPES = EventTypesInput()
CLI_SESSION = CliSessionInput()
PORTAL_SESSION = PortalSessionInput()
PORTAL_ENDPOINT = PortalEndpointInput()
CUSTOMER = CustomerInput()
CUSTOMERS = list_input("CustomersInput", "cus", "customer", email=Text(max_length=512, required=False))
CUSTOMER_SEARCH = SearchInput()
PAYMENT_INTENT = PaymentIntentInput()
PAYMENT_INTENT_CHANGE = PaymentIntentChangeInput()
SECRET_RETRIEVE = SecretRetrieveInput()
PAYMENT_INTENT_SEARCH = SearchInput()
PAYMENT_INTENTS = list_input(
    "PaymentIntentsInput",
    "pi",
    "payment_intent",
    customer=Reference("cus", "customer", required=False),
)
CONFIRM = ConfirmInput()
CANCEL = CancelInput()
CAPTURE = CaptureInput()
AUTHENTICATE = AuthenticateInput()
PAYMENT_METHOD = PaymentMethodInput()
PAYMENT_METHOD_CHANGE = PaymentMethodChangeInput()
_METHOD_TYPE = Choice(("card", "us_bank_account"), required=False)
PAYMENT_METHODS = list_input(
    "PaymentMethodsInput",
    "pm",
    "payment_method",
    customer=Reference("cus", "customer", required=False),
    type=_METHOD_TYPE,
)
CUSTOMER_PAYMENT_METHODS = list_input(
    "CustomerPaymentMethodsInput", "pm", "payment_method", type=_METHOD_TYPE
)
ATTACH = AttachInput()
EXPAND = ExpandInput()
CHARGE_CHANGE = ChargeChangeInput()
CHARGES = list_input(
    "ChargesInput",
    "ch",
    "charge",
    customer=Reference("cus", "customer", required=False),
    payment_intent=Reference("pi", "payment_intent", required=False),
)
REFUND = RefundInput()
METADATA = MetadataInput()
REFUNDS = list_input(
    "RefundsInput",
    "re",
    "refund",
    charge=Reference("ch", "charge", required=False),
    payment_intent=Reference("pi", "payment_intent", required=False),
)
BALANCE_TRANSACTIONS = list_input(
    "BalanceTransactionsInput",
    "txn",
    "balance transaction",
    currency=Text(max_length=10, required=False),
    source=Text(max_length=100, required=False),
    type=Text(max_length=100, required=False),
)
SETUP_INTENT = SetupIntentInput()
SETUP_CONFIRM = SetupConfirmInput()
SETUP_CANCEL = SetupCancelInput()
SETUP_INTENTS = list_input(
    "SetupIntentsInput",
    "seti",
    "setup_intent",
    customer=Reference("cus", "customer", required=False),
    payment_method=Reference("pm", "payment_method", required=False),
)
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
