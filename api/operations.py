"""What every operation takes and gives: the table behind the OpenAPI description."""

from dataclasses import dataclass

from drf_spectacular.utils import PolymorphicProxySerializer

from api import inputs, method_inputs, money_inputs, money_outputs, outputs, webhook_inputs
from api.input_tables import InputTable
from api.outputs import Output
from api.views.balance import (
    AccountByIdView,
    AccountView,
    BalanceTransactionsView,
    BalanceTransactionView,
    BalanceView,
)
from api.views.base import ApiView
from api.views.charges import ChargesView, ChargeView
from api.views.customers import CustomerSearchView, CustomersView, CustomerView
from api.views.deliveries import DeliveriesView, DeliveryView, ResendView, StopView
from api.views.event_retry import EventRetryView
from api.views.event_types import EventTypesView
from api.views.events import EventsView, EventView
from api.views.payment_intents import (
    AuthenticateView,
    CancelView,
    CaptureView,
    ConfirmView,
    PaymentIntentSearchView,
    PaymentIntentsView,
    PaymentIntentView,
)
from api.views.payment_methods import (
    AttachView,
    CustomerPaymentMethodsView,
    CustomerPaymentMethodView,
    DetachView,
    PaymentMethodsView,
    PaymentMethodView,
)
from api.views.portal_sessions import PortalSessionsView, PortalSessionView
from api.views.refunds import CancelRefundView, RefundsView, RefundView
from api.views.requests import RequestView
from api.views.setup_intents import (
    AuthenticateSetupView,
    CancelSetupView,
    ConfirmSetupView,
    SetupIntentsView,
    SetupIntentView,
)
from api.views.stripecli import CliSessionsView
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
        "list_payment_intents",
        "List payment intents",
        money_inputs.PAYMENT_INTENTS,
        outputs.PaymentIntentList,
    ),
    (PaymentIntentsView, "POST"): Operation(
        "create_payment_intent",
        "Create a payment intent",
        money_inputs.PAYMENT_INTENT,
        outputs.PaymentIntent,
        creates=True,
    ),
    (PaymentIntentView, "GET"): Operation(
        "retrieve_payment_intent",
        "Retrieve a payment intent",
        money_inputs.SECRET_RETRIEVE,
        outputs.PaymentIntent,
    ),
    (PaymentIntentView, "POST"): Operation(
        "update_payment_intent",
        "Update a payment intent, as far as its status allows",
        money_inputs.PAYMENT_INTENT_CHANGE,
        outputs.PaymentIntent,
    ),
    (PaymentIntentSearchView, "GET"): Operation(
        "search_payment_intents",
        "Search payment intents",
        money_inputs.PAYMENT_INTENT_SEARCH,
        outputs.PaymentIntentSearch,
    ),
    (ConfirmView, "POST"): Operation(
        "confirm_payment_intent", "Confirm a payment intent", money_inputs.CONFIRM, outputs.PaymentIntent
    ),
    (CancelView, "POST"): Operation(
        "cancel_payment_intent", "Cancel a payment intent", money_inputs.CANCEL, outputs.PaymentIntent
    ),
    (CaptureView, "POST"): Operation(
        "capture_payment_intent", "Take what a card holds", money_inputs.CAPTURE, outputs.PaymentIntent
    ),
    (AuthenticateView, "POST"): Operation(
        "authenticate_payment_intent",
        "Pass or fail 3-D Secure as the payer would",
        money_inputs.AUTHENTICATE,
        outputs.PaymentIntent,
    ),
    (PaymentMethodsView, "GET"): Operation(
        "list_payment_methods",
        "List payment methods that are saved for customers",
        method_inputs.PAYMENT_METHODS,
        money_outputs.PaymentMethodList,
    ),
    (PaymentMethodsView, "POST"): Operation(
        "create_payment_method",
        "Create a payment method",
        method_inputs.PAYMENT_METHOD,
        money_outputs.PaymentMethod,
        creates=True,
    ),
    (PaymentMethodView, "GET"): Operation(
        "retrieve_payment_method", "Retrieve a payment method", inputs.RETRIEVE, money_outputs.PaymentMethod
    ),
    (PaymentMethodView, "POST"): Operation(
        "update_payment_method",
        "Update a payment method",
        method_inputs.PAYMENT_METHOD_CHANGE,
        money_outputs.PaymentMethod,
    ),
    (AttachView, "POST"): Operation(
        "attach_payment_method",
        "Save a payment method for a customer",
        method_inputs.ATTACH,
        money_outputs.PaymentMethod,
    ),
    (DetachView, "POST"): Operation(
        "detach_payment_method",
        "Take a payment method from its customer",
        inputs.EXPAND,
        money_outputs.PaymentMethod,
    ),
    (CustomerPaymentMethodsView, "GET"): Operation(
        "list_payment_methods_of_customer",
        "List the payment methods of a customer",
        method_inputs.CUSTOMER_PAYMENT_METHODS,
        money_outputs.PaymentMethodList,
    ),
    (CustomerPaymentMethodView, "GET"): Operation(
        "retrieve_payment_method_of_customer",
        "Retrieve a payment method of a customer",
        inputs.RETRIEVE,
        money_outputs.PaymentMethod,
    ),
    (ChargesView, "GET"): Operation(
        "list_charges", "List charges", money_inputs.CHARGES, money_outputs.ChargeList
    ),
    (ChargeView, "GET"): Operation(
        "retrieve_charge", "Retrieve a charge", inputs.RETRIEVE, money_outputs.Charge
    ),
    (ChargeView, "POST"): Operation(
        "update_charge", "Update a charge", money_inputs.CHARGE_CHANGE, money_outputs.Charge
    ),
    (RefundsView, "GET"): Operation(
        "list_refunds", "List refunds", money_inputs.REFUNDS, money_outputs.RefundList
    ),
    (RefundsView, "POST"): Operation(
        "create_refund",
        "Give money of a charge back",
        money_inputs.REFUND,
        money_outputs.Refund,
        creates=True,
    ),
    (RefundView, "GET"): Operation(
        "retrieve_refund", "Retrieve a refund", inputs.RETRIEVE, money_outputs.Refund
    ),
    (RefundView, "POST"): Operation(
        "update_refund", "Update a refund", inputs.METADATA, money_outputs.Refund
    ),
    (CancelRefundView, "POST"): Operation(
        "cancel_refund", "Call a refund back, where it is not final", inputs.EXPAND, money_outputs.Refund
    ),
    (BalanceView, "GET"): Operation(
        "retrieve_balance", "Retrieve the balance", inputs.RETRIEVE, money_outputs.Balance
    ),
    (BalanceTransactionsView, "GET"): Operation(
        "list_balance_transactions",
        "List the movements of the balance",
        money_inputs.BALANCE_TRANSACTIONS,
        money_outputs.BalanceTransactionList,
    ),
    (BalanceTransactionView, "GET"): Operation(
        "retrieve_balance_transaction",
        "Retrieve a movement of the balance",
        inputs.RETRIEVE,
        money_outputs.BalanceTransaction,
    ),
    (AccountView, "GET"): Operation(
        "retrieve_account", "Retrieve the caller's own account", inputs.RETRIEVE, money_outputs.Account
    ),
    (AccountByIdView, "GET"): Operation(
        "retrieve_account_by_id", "Retrieve the caller's own account", inputs.RETRIEVE, money_outputs.Account
    ),
    (SetupIntentsView, "GET"): Operation(
        "list_setup_intents", "List setup intents", money_inputs.SETUP_INTENTS, money_outputs.SetupIntentList
    ),
    (SetupIntentsView, "POST"): Operation(
        "create_setup_intent",
        "Create a setup intent",
        money_inputs.SETUP_INTENT,
        money_outputs.SetupIntent,
        creates=True,
    ),
    (SetupIntentView, "GET"): Operation(
        "retrieve_setup_intent",
        "Retrieve a setup intent",
        money_inputs.SECRET_RETRIEVE,
        money_outputs.SetupIntent,
    ),
    (ConfirmSetupView, "POST"): Operation(
        "confirm_setup_intent",
        "Confirm a setup intent",
        money_inputs.SETUP_CONFIRM,
        money_outputs.SetupIntent,
    ),
    (CancelSetupView, "POST"): Operation(
        "cancel_setup_intent", "Cancel a setup intent", money_inputs.SETUP_CANCEL, money_outputs.SetupIntent
    ),
    (AuthenticateSetupView, "POST"): Operation(
        "authenticate_setup_intent",
        "Pass or fail 3-D Secure as the payer would",
        money_inputs.AUTHENTICATE,
        money_outputs.SetupIntent,
    ),
    (WebhookEndpointsView, "GET"): Operation(
        "list_webhook_endpoints",
        "List webhook endpoints",
        webhook_inputs.ENDPOINTS,
        outputs.WebhookEndpointList,
    ),
    (WebhookEndpointsView, "POST"): Operation(
        "create_webhook_endpoint",
        "Create a webhook endpoint; the answer shows its signing secret",
        webhook_inputs.ENDPOINT,
        outputs.WebhookEndpoint,
        creates=True,
    ),
    (WebhookEndpointView, "GET"): Operation(
        "retrieve_webhook_endpoint", "Retrieve a webhook endpoint", inputs.RETRIEVE, outputs.WebhookEndpoint
    ),
    (WebhookEndpointView, "POST"): Operation(
        "update_webhook_endpoint",
        "Update a webhook endpoint",
        webhook_inputs.ENDPOINT_CHANGE,
        outputs.WebhookEndpoint,
    ),
    (WebhookEndpointView, "PATCH"): Operation(
        "patch_webhook_endpoint",
        "Update a webhook endpoint",
        webhook_inputs.ENDPOINT_CHANGE,
        outputs.WebhookEndpoint,
    ),
    (WebhookEndpointView, "DELETE"): Operation(
        "delete_webhook_endpoint", "Delete a webhook endpoint", inputs.NOTHING, outputs.Deleted
    ),
    (RollSecretView, "POST"): Operation(
        "roll_webhook_endpoint_secret",
        "Make a new signing secret; the old one signs too for a while",
        webhook_inputs.ROLL_SECRET,
        outputs.WebhookEndpoint,
    ),
    (TestEventView, "POST"): Operation(
        "send_test_event",
        "Send an endpoint.test event to this endpoint",
        inputs.NOTHING,
        outputs.Delivery,
        creates=True,
    ),
    (EventsView, "GET"): Operation("list_events", "List events", webhook_inputs.EVENTS, outputs.EventList),
    (EventView, "GET"): Operation("retrieve_event", "Retrieve an event", inputs.RETRIEVE, outputs.Event),
    (EventTypesView, "GET"): Operation(
        "list_event_types",
        "List the types of events; one that is asked for comes with an example and a JSON Schema",
        webhook_inputs.EVENT_TYPES,
        outputs.EventTypeList,
    ),
    (RequestView, "GET"): Operation(
        "retrieve_request", "Retrieve a request from the log", inputs.RETRIEVE, outputs.LoggedRequest
    ),
    (EventRetryView, "POST"): Operation(
        "retry_event",
        "Send an event once more, to an endpoint or to the CLIs that listen",
        webhook_inputs.EVENT_RETRY,
        outputs.Event,
    ),
    (CliSessionsView, "POST"): Operation(
        "create_cli_session",
        "Begin a session of the Stripe CLI; the answer shows its token and its signing secret",
        webhook_inputs.CLI_SESSION,
        outputs.CliSession,
        creates=True,
    ),
    (PortalSessionsView, "POST"): Operation(
        "create_portal_session",
        "Make a link to the account's own pages; the answer shows it",
        webhook_inputs.PORTAL_SESSION,
        outputs.PortalSession,
        creates=True,
    ),
    (PortalSessionView, "GET"): Operation(
        "retrieve_portal_session", "Retrieve a portal session", inputs.NOTHING, outputs.PortalSession
    ),
    (PortalSessionView, "DELETE"): Operation(
        "revoke_portal_session",
        "End a portal session: its link opens nothing",
        inputs.NOTHING,
        outputs.Deleted,
    ),
    (DeliveriesView, "GET"): Operation(
        "list_deliveries", "List deliveries", webhook_inputs.DELIVERIES, outputs.DeliveryList
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
