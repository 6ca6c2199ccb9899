"""Every path, in both dialects: `/v1/…` is Stripe's, `/…` the plain one; with or without a trailing slash.

Never a redirect: one that adds a slash loses the body of a POST.
"""

import re

from django.urls import URLPattern, URLResolver, include, path, re_path
from rest_framework.views import APIView

from api.authentication_page import authentication_page
from api.exception_handling import unknown_path
from api.failure_catalogue import catalogue_page
from api.health import healthz, readyz
from api.ops.urls import to_operations
from api.schema import docs, front, schema
from api.views.balance import (
    AccountByIdView,
    AccountView,
    BalanceTransactionsView,
    BalanceTransactionView,
    BalanceView,
)
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

_PLACE = re.compile(r"\{(\w+)\}")


def _route(template: str, view: type[APIView]) -> URLPattern:
    """`{id}` is whatever stands between two slashes: what is no id is an object that is not there."""
    pattern = _PLACE.sub(r"(?P<\1>[^/]+)", template)
    return re_path(f"^{pattern}/?$", view.as_view())


resources = [
    _route("customers", CustomersView),
    _route("customers/search", CustomerSearchView),
    _route("customers/{id}", CustomerView),
    _route("payment_intents", PaymentIntentsView),
    _route("payment_intents/search", PaymentIntentSearchView),
    _route("payment_intents/{id}", PaymentIntentView),
    _route("payment_intents/{id}/confirm", ConfirmView),
    _route("payment_intents/{id}/cancel", CancelView),
    _route("payment_intents/{id}/capture", CaptureView),
    _route("payment_intents/{id}/authenticate", AuthenticateView),
    _route("payment_methods", PaymentMethodsView),
    _route("payment_methods/{id}", PaymentMethodView),
    _route("payment_methods/{id}/attach", AttachView),
    _route("payment_methods/{id}/detach", DetachView),
    _route("customers/{id}/payment_methods", CustomerPaymentMethodsView),
    _route("customers/{id}/payment_methods/{method}", CustomerPaymentMethodView),
    _route("charges", ChargesView),
    _route("charges/{id}", ChargeView),
    _route("refunds", RefundsView),
    _route("refunds/{id}", RefundView),
    _route("refunds/{id}/cancel", CancelRefundView),
    _route("balance", BalanceView),
    _route("balance_transactions", BalanceTransactionsView),
    _route("balance_transactions/{id}", BalanceTransactionView),
    _route("account", AccountView),
    _route("accounts/{id}", AccountByIdView),
    _route("setup_intents", SetupIntentsView),
    _route("setup_intents/{id}", SetupIntentView),
    _route("setup_intents/{id}/confirm", ConfirmSetupView),
    _route("setup_intents/{id}/cancel", CancelSetupView),
    _route("setup_intents/{id}/authenticate", AuthenticateSetupView),
    _route("webhook_endpoints", WebhookEndpointsView),
    _route("webhook_endpoints/{id}", WebhookEndpointView),
    _route("webhook_endpoints/{id}/roll_secret", RollSecretView),
    _route("webhook_endpoints/{id}/test", TestEventView),
    _route("events", EventsView),
    _route("events/{id}", EventView),
    _route("event_types", EventTypesView),
    _route("requests/{id}", RequestView),
    _route("events/{id}/retry", EventRetryView),
    _route("deliveries", DeliveriesView),
    _route("deliveries/{id}", DeliveryView),
    _route("deliveries/{id}/resend", ResendView),
    _route("deliveries/{id}/stop", StopView),
    _route("portal_sessions", PortalSessionsView),
    _route("portal_sessions/{id}", PortalSessionView),
    _route("stripecli/sessions", CliSessionsView),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include(resources)),
    path("", include(resources)),
    path("", front),
    re_path(r"^healthz/?$", healthz),
    re_path(r"^readyz/?$", readyz),
    re_path(r"^authenticate/(?P<secret>[^/]+)/?$", authentication_page),
    re_path(r"^schema/?$", schema),
    re_path(r"^docs/?$", docs),
    re_path(r"^docs/failure-codes/?$", catalogue_page),
    path("ops/", include("api.ops.urls")),
    path("ops", to_operations),
    path("portal/", include("api.portal.urls")),
    re_path(r"", unknown_path),
]
