"""Every route of the API once, with what it takes to call it. `{kind}` is the id of an object of that kind."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from api.input_tables import InputTable
from api.operations import OPERATIONS
from tests.api.callers import HOOK

_PLACE = re.compile(r"\{(\w+)\}")
# What a parameter names; of cursors it is what the list has.
REFERENCES = {
    "charge": "charge",
    "customer": "customer",
    "endpoint": "endpoint",
    "event": "event",
    "payment_intent": "intent",
    "payment_method": "saved",
    "source": "charge",
    "webhook_endpoint": "endpoint",
}
CURSORS = frozenset({"starting_after", "ending_before"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one view.

    Attributes:
        body: what the request must say before anybody looks for an object.
        lists: the kind of object in the list, whose ids are its cursors.
        payers: a publishable key may call it, with the object's client_secret.
    """

    view: str
    method: str
    path: str
    body: Mapping[str, Any] = field(default_factory=dict)
    query: str = ""
    lists: str | None = None
    payers: bool = False

    @property
    def places(self) -> list[str]:
        """The kinds of the objects in its path, the outermost first."""
        return _PLACE.findall(self.path)

    @property
    def takes(self) -> InputTable:
        (found,) = [one for (view, method), one in OPERATIONS.items() if (view.__name__, method) == self.key]
        return found.takes

    @property
    def references(self) -> dict[str, str]:
        """Parameter → the kind of object that it names, of all its parameters that name one."""
        found = {name: kind for name, kind in REFERENCES.items() if name in self.takes.fields}
        if self.lists is not None:
            found |= dict.fromkeys(sorted(CURSORS), self.lists)
        return found

    @property
    def expands(self) -> bool:
        return "expand" in self.takes.fields

    @property
    def key(self) -> tuple[str, str]:
        return self.view, self.method

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _routes(*rows: tuple[str, str, str, dict[str, Any]]) -> tuple[Route, ...]:
    return tuple(Route(view=view, method=method, path=path, **more) for view, method, path, more in rows)


_INTENT = {"amount": 2000, "currency": "usd"}
_OUTCOME = {"body": {"outcome": "succeeded"}}

ROUTES = _routes(
    ("CustomersView", "GET", "/customers/", {"lists": "customer"}),
    ("CustomersView", "POST", "/customers/", {}),
    ("CustomerView", "GET", "/customers/{customer}/", {}),
    ("CustomerView", "POST", "/customers/{customer}/", {}),
    ("CustomerView", "DELETE", "/customers/{customer}/", {}),
    ("CustomerSearchView", "GET", "/customers/search/", {"query": 'name~"sealed"'}),
    ("PaymentIntentsView", "GET", "/payment_intents/", {"lists": "intent"}),
    ("PaymentIntentsView", "POST", "/payment_intents/", {"body": _INTENT}),
    ("PaymentIntentView", "GET", "/payment_intents/{intent}/", {"payers": True}),
    ("PaymentIntentView", "POST", "/payment_intents/{intent}/", {}),
    ("PaymentIntentSearchView", "GET", "/payment_intents/search/", {"query": "amount:2000"}),
    ("ConfirmView", "POST", "/payment_intents/{intent}/confirm/", {"payers": True}),
    ("CancelView", "POST", "/payment_intents/{intent}/cancel/", {}),
    ("CaptureView", "POST", "/payment_intents/{intent}/capture/", {}),
    ("AuthenticateView", "POST", "/payment_intents/{intent}/authenticate/", _OUTCOME),
    ("PaymentMethodsView", "GET", "/payment_methods/", {"lists": "saved"}),
    ("PaymentMethodsView", "POST", "/payment_methods/", {"body": {"type": "card"}}),
    ("PaymentMethodView", "GET", "/payment_methods/{method}/", {}),
    ("PaymentMethodView", "POST", "/payment_methods/{method}/", {}),
    ("AttachView", "POST", "/payment_methods/{method}/attach/", {"body": {"customer": "{customer}"}}),
    ("DetachView", "POST", "/payment_methods/{saved}/detach/", {}),
    ("CustomerPaymentMethodsView", "GET", "/customers/{customer}/payment_methods/", {"lists": "saved"}),
    ("CustomerPaymentMethodView", "GET", "/customers/{customer}/payment_methods/{saved}/", {}),
    ("ChargesView", "GET", "/charges/", {"lists": "charge"}),
    ("ChargeView", "GET", "/charges/{charge}/", {}),
    ("ChargeView", "POST", "/charges/{charge}/", {}),
    ("RefundsView", "GET", "/refunds/", {"lists": "refund"}),
    ("RefundsView", "POST", "/refunds/", {}),
    ("RefundView", "GET", "/refunds/{refund}/", {}),
    ("RefundView", "POST", "/refunds/{refund}/", {}),
    ("CancelRefundView", "POST", "/refunds/{refund}/cancel/", {}),
    ("BalanceView", "GET", "/balance/", {}),
    ("BalanceTransactionsView", "GET", "/balance_transactions/", {"lists": "transaction"}),
    ("BalanceTransactionView", "GET", "/balance_transactions/{transaction}/", {}),
    ("AccountView", "GET", "/account/", {}),
    ("AccountByIdView", "GET", "/accounts/{account}/", {}),
    ("SetupIntentsView", "GET", "/setup_intents/", {"lists": "setup"}),
    ("SetupIntentsView", "POST", "/setup_intents/", {}),
    ("SetupIntentView", "GET", "/setup_intents/{setup}/", {"payers": True}),
    ("ConfirmSetupView", "POST", "/setup_intents/{setup}/confirm/", {"payers": True}),
    ("CancelSetupView", "POST", "/setup_intents/{setup}/cancel/", {}),
    ("AuthenticateSetupView", "POST", "/setup_intents/{setup}/authenticate/", _OUTCOME),
    ("WebhookEndpointsView", "GET", "/webhook_endpoints/", {"lists": "endpoint"}),
    ("WebhookEndpointsView", "POST", "/webhook_endpoints/", {"body": {"url": HOOK, "enabled_events": ["*"]}}),
    ("WebhookEndpointView", "GET", "/webhook_endpoints/{endpoint}/", {}),
    ("WebhookEndpointView", "POST", "/webhook_endpoints/{endpoint}/", {}),
    ("WebhookEndpointView", "PATCH", "/webhook_endpoints/{endpoint}/", {}),
    ("WebhookEndpointView", "DELETE", "/webhook_endpoints/{endpoint}/", {}),
    ("RollSecretView", "POST", "/webhook_endpoints/{endpoint}/roll_secret/", {}),
    ("TestEventView", "POST", "/webhook_endpoints/{endpoint}/test/", {}),
    ("EventsView", "GET", "/events/", {"lists": "event"}),
    ("EventView", "GET", "/events/{event}/", {}),
    ("EventTypesView", "GET", "/event_types/", {}),
    ("RequestView", "GET", "/requests/{request}/", {}),
    ("EventRetryView", "POST", "/events/{event}/retry/", {"body": {"webhook_endpoint": "{endpoint}"}}),
    ("CliSessionsView", "POST", "/stripecli/sessions/", {"body": {"websocket_features": ["webhooks"]}}),
    ("PortalSessionsView", "POST", "/portal_sessions/", {}),
    ("PortalSessionView", "GET", "/portal_sessions/{portal}/", {}),
    ("PortalSessionView", "DELETE", "/portal_sessions/{portal}/", {}),
    ("DeliveriesView", "GET", "/deliveries/", {"lists": "delivery"}),
    ("DeliveryView", "GET", "/deliveries/{delivery}/", {}),
    ("ResendView", "POST", "/deliveries/{delivery}/resend/", {}),
    ("StopView", "POST", "/deliveries/{delivery}/stop/", {}),
)
