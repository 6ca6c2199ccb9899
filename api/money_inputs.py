"""The parameters of operations on payments: intents, charges, refunds, the balance, setups."""

from api.fields import AnyObject, Boolean, Choice, Email, Integer, Reference, Text, TextList
from api.input_tables import InputTable
from api.inputs import SearchInput, ShippingInput, list_input
from api.metadata import Metadata
from api.method_inputs import PaymentMethodDataInput
from core.currencies import MAX_AMOUNT
from core.refunds import REASONS
from core.setup_intents import CANCELLATION_REASONS


class AutomaticPaymentMethodsInput(InputTable):
    enabled = Boolean()
    allow_redirects = Choice(("always", "never"), required=False)


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
CHARGE_CHANGE = ChargeChangeInput()
CHARGES = list_input(
    "ChargesInput",
    "ch",
    "charge",
    customer=Reference("cus", "customer", required=False),
    payment_intent=Reference("pi", "payment_intent", required=False),
)
REFUND = RefundInput()
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
