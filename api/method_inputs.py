"""The parameters of operations on payment methods."""

from api.fields import Choice, Email, Integer, Reference, Text, TextList
from api.input_tables import InputTable
from api.inputs import AddressInput, list_input
from api.metadata import Metadata


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
