"""The shapes of money's objects, for the OpenAPI description alone, as in `api.outputs`.

They have many members and few kinds, so each is told by the names of a kind; `?` marks what may be null.
"""

from typing import Any

from rest_framework import serializers

from api.outputs import Output, list_of

_KINDS: dict[str, Any] = {
    "text": lambda null: serializers.CharField(allow_null=null),
    "integer": lambda null: serializers.IntegerField(allow_null=null),
    "moment": lambda null: serializers.IntegerField(allow_null=null, help_text="Unix seconds"),
    "number": lambda null: serializers.FloatField(allow_null=null),
    "boolean": lambda null: serializers.BooleanField(allow_null=null),
    "object": lambda null: serializers.DictField(allow_null=null),
    "texts": lambda null: serializers.ListField(child=serializers.CharField(), allow_null=null),
    "objects": lambda null: serializers.ListField(child=serializers.DictField(), allow_null=null),
    "metadata": lambda null: serializers.DictField(child=serializers.CharField(), allow_null=null),
}


def _shape(name: str, *, optional: str = "", **kinds: str) -> Output:
    """`optional` names the members that not every object has."""

    def get_fields(_: Any) -> dict[str, Any]:
        fields = {}
        for kind, names in kinds.items():
            for member in names.split():
                field = _KINDS[kind](member.endswith("?"))
                field.required = member.rstrip("?") not in optional.split()
                fields[member.rstrip("?")] = field
        return dict(sorted(fields.items()))

    return type(name, (serializers.Serializer,), {"get_fields": get_fields, "__doc__": None})


Charge = _shape(
    "Charge",
    text="id object application? application_fee? authorization_code? balance_transaction? "
    "calculated_statement_descriptor? currency customer? description? failure_balance_transaction? failure_code? "
    "failure_message? on_behalf_of? payment_intent? payment_method? receipt_email? receipt_number? receipt_url? "
    "review? source? source_transfer? statement_descriptor? statement_descriptor_suffix? status transfer? "
    "transfer_group?",
    integer="amount amount_captured amount_refunded application_fee_amount?",
    moment="created",
    boolean="captured disputed livemode paid refunded",
    object="billing_details fraud_details? level3? outcome? payment_method_details? presentment_details? "
    "radar_options? refunds? shipping? transfer_data?",
    metadata="metadata",
)
Refund = _shape(
    "Refund",
    text="id object balance_transaction? charge? currency customer? customer_account? description? "
    "failure_balance_transaction? failure_reason? instructions_email? payment_intent? payment_method? pending_reason? "
    "reason? receipt_number? source_transfer_reversal? status? transfer_reversal?",
    integer="amount",
    moment="created",
    object="destination_details? next_action? presentment_details?",
    metadata="metadata?",
)
PaymentMethod = _shape(
    "PaymentMethod",
    optional="card us_bank_account",
    text="id object allow_redisplay? customer? customer_account? type",
    moment="created",
    boolean="livemode",
    object="billing_details card us_bank_account radar_options?",
    metadata="metadata?",
)
BalanceTransaction = _shape(
    "BalanceTransaction",
    text="id object balance_type currency description? reporting_category source? status type",
    integer="amount fee net",
    moment="available_on created",
    number="exchange_rate?",
    boolean="livemode",
    objects="fee_details",
)
Balance = _shape(
    "Balance",
    text="object",
    boolean="livemode",
    object="issuing? refund_and_dispute_prefunding?",
    objects="available connect_reserved? instant_available? pending",
)
Account = _shape(
    "Account",
    text="id object business_type? country? default_currency? email? type?",
    moment="created?",
    boolean="charges_enabled? details_submitted? payouts_enabled?",
    object="business_profile? capabilities? company? controller? external_accounts? future_requirements? groups? "
    "individual? requirements? settings? tos_acceptance?",
    metadata="metadata?",
)
SetupIntent = _shape(
    "SetupIntent",
    text="id object application? cancellation_reason? client_secret? customer? customer_account? description? "
    "latest_attempt? mandate? on_behalf_of? payment_method? single_use_mandate? status usage",
    moment="created",
    boolean="attach_to_self? livemode",
    object="automatic_payment_methods? last_setup_error? managed_payments? next_action? "
    "payment_method_configuration_details? payment_method_options?",
    texts="allowed_payment_method_types? excluded_payment_method_types? flow_directions? payment_method_types",
    metadata="metadata?",
)

ChargeList = list_of(Charge)
RefundList = list_of(Refund)
PaymentMethodList = list_of(PaymentMethod)
BalanceTransactionList = list_of(BalanceTransaction)
SetupIntentList = list_of(SetupIntent)
