"""What every operation takes and gives: the table behind the OpenAPI description."""

from dataclasses import dataclass

from drf_spectacular.utils import PolymorphicProxySerializer

from api import inputs, outputs
from api.input_tables import InputTable
from api.outputs import Output
from api.views.base import ApiView
from api.views.customers import CustomerSearchView, CustomersView, CustomerView
from api.views.deliveries import DeliveriesView, DeliveryView, ResendView, StopView
from api.views.events import EventsView, EventView
from api.views.payment_intents import (
    CancelView,
    ConfirmView,
    PaymentIntentSearchView,
    PaymentIntentsView,
    PaymentIntentView,
)
from api.views.requests import RequestView
from api.views.webhook_endpoints import (
    RollSecretView,
    TestEventView,
    WebhookEndpointsView,
    WebhookEndpointView,
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one resource. GET and DELETE take their parameters in the URL, the others in the body."""

    name: str
    summary: str
    takes: InputTable
    gives: Output | PolymorphicProxySerializer
    creates: bool = False


OPERATIONS: dict[tuple[type[ApiView], str], Operation] = {
    (CustomersView, "GET"): Operation(
        "list_customers", "List customers", inputs.CUSTOMERS, outputs.CustomerList
    ),
    (CustomersView, "POST"): Operation(
        "create_customer", "Create a customer", inputs.CUSTOMER, outputs.Customer, creates=True
    ),
    (CustomerView, "GET"): Operation(
        "retrieve_customer", "Retrieve a customer", inputs.RETRIEVE, outputs.CustomerOrDeleted
    ),
    (CustomerView, "POST"): Operation(
        "update_customer", "Update a customer", inputs.CUSTOMER, outputs.Customer
    ),
    (CustomerView, "DELETE"): Operation(
        "delete_customer", "Delete a customer", inputs.NOTHING, outputs.Deleted
    ),
    (CustomerSearchView, "GET"): Operation(
        "search_customers", "Search customers", inputs.CUSTOMER_SEARCH, outputs.CustomerSearch
    ),
    (PaymentIntentsView, "GET"): Operation(
        "list_payment_intents", "List payment intents", inputs.PAYMENT_INTENTS, outputs.PaymentIntentList
    ),
    (PaymentIntentsView, "POST"): Operation(
        "create_payment_intent",
        "Create a payment intent",
        inputs.PAYMENT_INTENT,
        outputs.PaymentIntent,
        creates=True,
    ),
    (PaymentIntentView, "GET"): Operation(
        "retrieve_payment_intent",
        "Retrieve a payment intent",
        inputs.PAYMENT_INTENT_RETRIEVE,
        outputs.PaymentIntent,
    ),
    (PaymentIntentView, "POST"): Operation(
        "update_payment_intent",
        "Update a payment intent, as far as its status allows",
        inputs.PAYMENT_INTENT_CHANGE,
        outputs.PaymentIntent,
    ),
    (PaymentIntentSearchView, "GET"): Operation(
        "search_payment_intents",
        "Search payment intents",
        inputs.PAYMENT_INTENT_SEARCH,
        outputs.PaymentIntentSearch,
    ),
    (ConfirmView, "POST"): Operation(
        "confirm_payment_intent", "Confirm a payment intent", inputs.CONFIRM, outputs.PaymentIntent
    ),
    (CancelView, "POST"): Operation(
        "cancel_payment_intent", "Cancel a payment intent", inputs.CANCEL, outputs.PaymentIntent
    ),
    (WebhookEndpointsView, "GET"): Operation(
        "list_webhook_endpoints", "List webhook endpoints", inputs.ENDPOINTS, outputs.WebhookEndpointList
    ),
    (WebhookEndpointsView, "POST"): Operation(
        "create_webhook_endpoint",
        "Create a webhook endpoint; the answer shows its signing secret",
        inputs.ENDPOINT,
        outputs.WebhookEndpoint,
        creates=True,
    ),
    (WebhookEndpointView, "GET"): Operation(
        "retrieve_webhook_endpoint", "Retrieve a webhook endpoint", inputs.RETRIEVE, outputs.WebhookEndpoint
    ),
    (WebhookEndpointView, "POST"): Operation(
        "update_webhook_endpoint",
        "Update a webhook endpoint",
        inputs.ENDPOINT_CHANGE,
        outputs.WebhookEndpoint,
    ),
    (WebhookEndpointView, "PATCH"): Operation(
        "patch_webhook_endpoint", "Update a webhook endpoint", inputs.ENDPOINT_CHANGE, outputs.WebhookEndpoint
    ),
    (WebhookEndpointView, "DELETE"): Operation(
        "delete_webhook_endpoint", "Delete a webhook endpoint", inputs.NOTHING, outputs.Deleted
    ),
    (RollSecretView, "POST"): Operation(
        "roll_webhook_endpoint_secret",
        "Make a new signing secret; the old one signs too for a while",
        inputs.ROLL_SECRET,
        outputs.WebhookEndpoint,
    ),
    (TestEventView, "POST"): Operation(
        "send_test_event",
        "Send an endpoint.test event to this endpoint",
        inputs.NOTHING,
        outputs.Delivery,
        creates=True,
    ),
    (EventsView, "GET"): Operation("list_events", "List events", inputs.EVENTS, outputs.EventList),
    (EventView, "GET"): Operation("retrieve_event", "Retrieve an event", inputs.RETRIEVE, outputs.Event),
    (RequestView, "GET"): Operation(
        "retrieve_request", "Retrieve a request from the log", inputs.RETRIEVE, outputs.LoggedRequest
    ),
    (DeliveriesView, "GET"): Operation(
        "list_deliveries", "List deliveries", inputs.DELIVERIES, outputs.DeliveryList
    ),
    (DeliveryView, "GET"): Operation(
        "retrieve_delivery",
        "Retrieve a delivery and its attempts",
        inputs.RETRIEVE,
        outputs.DetailedDelivery,
    ),
    (ResendView, "POST"): Operation(
        "resend_delivery",
        "Send the event once more, as a new delivery",
        inputs.NOTHING,
        outputs.DetailedDelivery,
        creates=True,
    ),
    (StopView, "POST"): Operation(
        "stop_delivery", "End a live delivery", inputs.NOTHING, outputs.DetailedDelivery
    ),
}
