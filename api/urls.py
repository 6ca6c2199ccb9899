"""Every path, in both dialects: `/v1/…` is Stripe's, `/…` the plain one; with or without a trailing slash.

Never a redirect: one that adds a slash loses the body of a POST.
"""

from django.urls import URLPattern, URLResolver, include, path, re_path
from rest_framework.views import APIView

from api.exception_handling import unknown_path
from api.health import healthz, readyz
from api.schema import asset, docs, schema
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


def _route(template: str, view: type[APIView]) -> URLPattern:
    """`{id}` is whatever stands between two slashes: what is no id is an object that is not there."""
    return re_path(f"^{template.replace('{id}', '(?P<id>[^/]+)')}/?$", view.as_view())


resources = [
    _route("customers", CustomersView),
    _route("customers/search", CustomerSearchView),
    _route("customers/{id}", CustomerView),
    _route("payment_intents", PaymentIntentsView),
    _route("payment_intents/search", PaymentIntentSearchView),
    _route("payment_intents/{id}", PaymentIntentView),
    _route("payment_intents/{id}/confirm", ConfirmView),
    _route("payment_intents/{id}/cancel", CancelView),
    _route("webhook_endpoints", WebhookEndpointsView),
    _route("webhook_endpoints/{id}", WebhookEndpointView),
    _route("webhook_endpoints/{id}/roll_secret", RollSecretView),
    _route("webhook_endpoints/{id}/test", TestEventView),
    _route("events", EventsView),
    _route("events/{id}", EventView),
    _route("requests/{id}", RequestView),
    _route("deliveries", DeliveriesView),
    _route("deliveries/{id}", DeliveryView),
    _route("deliveries/{id}/resend", ResendView),
    _route("deliveries/{id}/stop", StopView),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include(resources)),
    path("", include(resources)),
    re_path(r"^healthz/?$", healthz),
    re_path(r"^readyz/?$", readyz),
    re_path(r"^schema/?$", schema),
    re_path(r"^docs/?$", docs),
    path("static/drf_spectacular_sidecar/<path:path>", asset),
    re_path(r"", unknown_path),
]
