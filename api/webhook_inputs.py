"""The parameters of operations on webhooks: endpoints, events, deliveries, and links and sessions that show them."""

from api.fields import Boolean, Choice, Integer, Number, Reference, Text, TextList
from api.input_tables import InputTable
from api.inputs import list_input
from api.metadata import Metadata
from core.versions import STRIPE_VERSIONS
from dispatcher.limits import LEAST_RATE, MOST
from dispatcher.models import DeliveryState, EndpointStatus, OnDeadLetter

_MAX_OVERLAP_SECONDS = 86_400
_MAX_PORTAL_SECONDS = 3_600


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


EVENT_RETRY = EventRetryInput()
EVENT_TYPES = EventTypesInput()
CLI_SESSION = CliSessionInput()
PORTAL_SESSION = PortalSessionInput()
PORTAL_ENDPOINT = PortalEndpointInput()
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
