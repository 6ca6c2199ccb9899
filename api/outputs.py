"""The shapes of answers, for the OpenAPI description alone: answers are made by core/objects.py and
api/objects.py, and a test holds these tables to the keys of real ones.
"""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from api.models import CliFeature
from core.versions import VERSIONS, event_types
from dispatcher.failures import Side
from dispatcher.models import DeliveryState, EndpointStatus, OnDeadLetter

Output = type[serializers.Serializer[Any]]


def _text(*, null: bool = False, **kwargs: Any) -> serializers.CharField:
    return serializers.CharField(allow_null=null, **kwargs)


def _number(*, null: bool = False, **kwargs: Any) -> serializers.IntegerField:
    return serializers.IntegerField(allow_null=null, **kwargs)


def _milliseconds() -> serializers.FloatField:
    return serializers.FloatField(allow_null=True)


def _object(*, null: bool = True) -> serializers.DictField:
    return serializers.DictField(allow_null=null)


def _texts(*, null: bool = False) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), allow_null=null)


def _metadata() -> serializers.DictField:
    return serializers.DictField(child=serializers.CharField())


def _moment(*, null: bool = False) -> serializers.IntegerField:
    return serializers.IntegerField(allow_null=null, help_text="Unix seconds")


class Customer(serializers.Serializer[Any]):
    id = _text()
    object = _text()
    address = _object()
    balance = _number()
    created = _moment()
    currency = _text(null=True)
    default_source = _text(null=True)
    delinquent = serializers.BooleanField()
    description = _text(null=True)
    email = _text(null=True)
    invoice_settings = _object(null=False)
    livemode = serializers.BooleanField()
    metadata = _metadata()
    name = _text(null=True)
    phone = _text(null=True)
    preferred_locales = _texts()
    shipping = _object()
    tax_exempt = _text()
    test_clock = _text(null=True)


class DeletedCustomer(serializers.Serializer[Any]):
    id = _text()
    object = _text()
    deleted = serializers.BooleanField()


CustomerOrDeleted = PolymorphicProxySerializer(
    component_name="CustomerOrDeleted",
    serializers=[Customer, DeletedCustomer],
    resource_type_field_name=None,
)


class PaymentIntent(serializers.Serializer[Any]):
    id = _text()
    object = _text()
    allowed_payment_method_types = _texts(null=True)
    amount = _number(help_text="in minor units: cents")
    amount_capturable = _number()
    amount_received = _number()
    application = _text(null=True)
    application_fee_amount = _number(null=True)
    automatic_payment_methods = _object()
    canceled_at = _moment(null=True)
    cancellation_reason = _text(null=True)
    capture_method = _text()
    client_secret = _text()
    confirmation_method = _text()
    created = _moment()
    currency = _text()
    customer = _text(null=True)
    customer_account = _text(null=True)
    description = _text(null=True)
    excluded_payment_method_types = _texts(null=True)
    last_payment_error = _object()
    latest_charge = _text(null=True)
    livemode = serializers.BooleanField()
    managed_payments = _object(null=False)
    metadata = _metadata()
    next_action = _object()
    on_behalf_of = _text(null=True)
    payment_method = _text(null=True)
    payment_method_configuration_details = _object()
    payment_method_options = _object(null=False)
    payment_method_types = _texts()
    payment_record = _text(null=True)
    processing = _object()
    receipt_email = _text(null=True)
    review = _text(null=True)
    setup_future_usage = _text(null=True)
    shipping = _object()
    statement_descriptor = _text(null=True)
    statement_descriptor_suffix = _text(null=True)
    status = _text(
        help_text="plain: created, processing, succeeded, failed, canceled; /v1: Stripe's statuses"
    )
    transfer_group = _text(null=True)

    def get_fields(self) -> dict[str, Any]:
        # A serializer has an attribute `source` of its own.
        return {**super().get_fields(), "source": _text(null=True)}


class WebhookEndpoint(serializers.Serializer[Any]):
    id = _text()
    object = _text()
    api_version = serializers.ChoiceField(tuple(VERSIONS))
    application = _text(null=True)
    created = _moment()
    description = _text(null=True)
    enabled_events = serializers.ListField(
        child=serializers.CharField(),
        help_text="`*`, or any of " + ", ".join(sorted({name for v in VERSIONS for name in event_types(v)})),
    )
    livemode = serializers.BooleanField()
    metadata = _metadata()
    status = serializers.ChoiceField(EndpointStatus.values)
    url = _text()
    status_reason = _text(null=True, required=False, help_text="plain only")
    status_since = _number(required=False, help_text="plain only; Unix seconds")
    ordered = serializers.BooleanField(required=False, help_text="plain only")
    on_dead_letter = serializers.ChoiceField(OnDeadLetter.values, required=False, help_text="plain only")
    send_traceparent = serializers.BooleanField(
        required=False, help_text="plain only; whether deliveries carry W3C's `traceparent`"
    )
    previous_secret_expires_at = _number(null=True, required=False, help_text="plain only; Unix seconds")
    max_in_flight = _number(required=False, help_text="plain only; deliveries under way at once")
    quantum = _number(required=False, help_text="plain only; deliveries a claim takes at most")
    rate_limit = serializers.FloatField(
        allow_null=True, required=False, help_text="plain only; deliveries a second, null for no limit"
    )
    burst = _number(null=True, required=False, help_text="plain only; deliveries at once after a quiet time")
    secret = _text(required=False, help_text="only where it is new: on creation and after a roll")


class EventRequest(serializers.Serializer[Any]):
    id = _text(null=True)
    idempotency_key = _text(null=True)


class EventData(serializers.Serializer[Any]):
    object = _object(null=False)
    previous_attributes = serializers.DictField(
        required=False, help_text="only of changes: what the changed attributes were before"
    )


class Event(serializers.Serializer[Any]):
    id = _text()
    object = _text()
    api_version = serializers.ChoiceField(tuple(VERSIONS))
    created = _moment()
    livemode = serializers.BooleanField()
    pending_webhooks = _number()
    request = EventRequest(allow_null=True)
    type = _text()

    def get_fields(self) -> dict[str, Any]:
        # A serializer has a property `data` of its own.
        return {**super().get_fields(), "data": EventData()}


class EventType(serializers.Serializer[Any]):
    object = _text()
    type = _text(help_text="as the version names it")
    description = _text()
    example = serializers.DictField(required=False, help_text="a body; only of one that was asked for")
    schema = serializers.DictField(required=False, help_text="JSON Schema of it, as the example")


class CliSession(serializers.Serializer[Any]):
    object = _text()
    websocket_url = _text()
    websocket_id = _text()
    websocket_authorized_feature = serializers.ChoiceField(CliFeature.values)
    secret = _text(help_text="signs what the session is sent; the same for every session of the account")
    reconnect_delay = _number(help_text="seconds")
    display_connect_filter_warning = serializers.BooleanField()
    default_version = _text()
    latest_version = _text()
    device_token = _text()


class PortalSession(serializers.Serializer[Any]):
    id = _text()
    object = _text()
    allowed_origins = _texts()
    created = _moment()
    expires_at = _moment()
    livemode = serializers.BooleanField()
    status = serializers.ChoiceField(("active", "expired", "revoked"))
    url = _text(required=False, help_text="only where it is new: whoever has it is let in")


class Milliseconds(serializers.Serializer[Any]):
    dns = _milliseconds()
    connect = _milliseconds()
    tls = _milliseconds()
    first_byte = _milliseconds()
    total = _milliseconds()


class Failure(serializers.Serializer[Any]):
    code = _text()
    doc_url = _text()
    likely_cause = _text()
    may_have_been_processed = serializers.BooleanField()
    message = _text()
    remedy = _text()
    side = serializers.ChoiceField(
        [side.value for side in Side], help_text="where the remedy is to be applied"
    )


class Attempt(serializers.Serializer[Any]):
    id = _text()
    object = _text()
    detail = _text(null=True)
    failure = Failure(allow_null=True)
    failure_code = _text(null=True)
    milliseconds = Milliseconds()
    number = _number()
    outcome = serializers.ChoiceField(("succeeded", "failed", "unknown"))
    peer_ip = _text(null=True)
    response = _text(null=True, help_text="head and body, escaped, secrets redacted, at most 16 KiB")
    response_truncated = serializers.BooleanField()
    started_at = _moment()
    status = _number(null=True)
    superseded = serializers.BooleanField()


class Delivery(serializers.Serializer[Any]):
    id = _text()
    object = _text()
    attempt_count = _number()
    created = _moment()
    endpoint = _text()
    event = _text()
    event_type = _text(null=True)
    failure = Failure(allow_null=True, help_text="its reason, explained")
    finished_at = _moment(null=True)
    livemode = serializers.BooleanField()
    manual = serializers.BooleanField()
    next_attempt_at = _moment(null=True)
    reason = _text(null=True)
    state = serializers.ChoiceField(DeliveryState.values)


class DetailedDelivery(Delivery):
    attempts = Attempt(many=True)


class LoggedRequest(serializers.Serializer[Any]):
    id = _text()
    object = _text()
    api_version = serializers.ChoiceField(tuple(VERSIONS))
    asked_version = _text(
        null=True, help_text="of the header Stripe-Version, where the answer is in another one"
    )
    created = _moment()
    error_code = _text(null=True)
    idempotency_key = _text(null=True)
    livemode = serializers.BooleanField()
    method = _text()
    milliseconds = serializers.FloatField()
    parameters = _text(null=True, help_text="JSON, secrets redacted, at most 8 KiB")
    path = _text()
    status = _number()


class Deleted(serializers.Serializer[Any]):
    id = _text()
    object = _text()
    deleted = serializers.BooleanField()


class ErrorDetail(serializers.Serializer[Any]):
    type = serializers.ChoiceField(("api_error", "card_error", "idempotency_error", "invalid_request_error"))
    code = _text(null=True)
    message = _text()
    param = _text(null=True)
    request_id = _text()
    decline_code = _text(required=False)
    doc_url = _text(required=False)
    request_log_url = _text(required=False)
    payment_intent = PaymentIntent(required=False)
    charge = _text(required=False)
    payment_method = serializers.DictField(required=False)
    setup_intent = serializers.DictField(required=False)


class Error(serializers.Serializer[Any]):
    error = ErrorDetail()


def list_of(output: Output) -> Output:
    """The list envelope around objects of one kind."""
    members = {
        "object": _text(),
        "has_more": serializers.BooleanField(),
        "url": _text(),
        "get_fields": lambda self: {**serializers.Serializer.get_fields(self), "data": output(many=True)},
    }
    return type(f"{output.__name__}List", (serializers.Serializer,), members)


def search_of(output: Output) -> Output:
    """The envelope around what a search found."""
    members = {
        "object": _text(),
        "has_more": serializers.BooleanField(),
        "next_page": _text(null=True),
        "url": _text(),
        "get_fields": lambda self: {**serializers.Serializer.get_fields(self), "data": output(many=True)},
    }
    return type(f"{output.__name__}Search", (serializers.Serializer,), members)


CustomerList = list_of(Customer)
CustomerSearch = search_of(Customer)
PaymentIntentList = list_of(PaymentIntent)
PaymentIntentSearch = search_of(PaymentIntent)
WebhookEndpointList = list_of(WebhookEndpoint)
EventList = list_of(Event)
EventTypeList = list_of(EventType)
DeliveryList = list_of(Delivery)
