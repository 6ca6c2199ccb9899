"""`/webhook_endpoints/`: where events go."""

import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from api.errors import InvalidParameter
from api.fields import identified
from api.inputs import RETRIEVE
from api.metadata import merged
from api.objects import delivery_object, endpoint_object
from api.pagination import Cursor, created_within, list_object, page_of
from api.views.base import ApiView, Object
from api.webhook_inputs import ENDPOINT, ENDPOINT_CHANGE, ENDPOINTS, ROLL_SECRET
from core.errors import UnknownEventType
from core.versions import PLAIN, canonical_event_type, shown_event_type
from dispatcher.endpoints import (
    TEST_EVENT_TYPE,
    create_endpoint,
    delete_endpoint,
    endpoints_of,
    get_endpoint,
    roll_secret,
    send_test_event,
    update_endpoint,
)
from dispatcher.models import Endpoint, EndpointStatus, OnDeadLetter

_KIND = "webhook_endpoint"
_NOUN = "webhook endpoint"


class WebhookEndpointsView(ApiView):
    """The endpoints of the account."""

    def get(self, request: Request) -> HttpResponse:
        query = self.query(ENDPOINTS)
        self.expansions(query, kind=_KIND, listed=True)
        whole = endpoints_of(self.owner)
        rows = created_within(whole, query.get("created"))
        page = page_of(rows, Cursor.of(query), whole=whole, prefix="we", noun=_NOUN)
        shown = [endpoint_object(row, self.context.version) for row in page.rows]
        return self.answer(list_object(shown, has_more=page.has_more, path=request.path))

    def post(self, request: Request) -> HttpResponse:
        """The one answer, beside a roll's, that shows the signing secret."""
        fields = self.body(ENDPOINT)
        self.expansions(dict(fields), kind=_KIND)
        version = self.context.version
        # Without one of its own an endpoint has the account's, whatever this request is made in.
        default = PLAIN if version == PLAIN else self.identity.api_version
        events = canonical_events(fields["enabled_events"], version)

        def run(on_write: Callable[[Object], None]) -> Object:
            endpoint, secret = create_endpoint(
                owner=self.owner,
                url=fields["url"],
                enabled_events=events,
                api_version=fields.get("api_version", default),
                description=fields.get("description"),
                metadata=merged({}, fields.get("metadata")),
                max_in_flight=fields.get("max_in_flight"),
                quantum=fields.get("quantum"),
                rate_limit=fields.get("rate_limit"),
                burst=fields.get("burst"),
                ordered=fields.get("ordered", False),
                on_dead_letter=fields.get("on_dead_letter", OnDeadLetter.CONTINUE),
                send_traceparent=fields.get("send_traceparent", False),
                on_write=lambda row, text: on_write(endpoint_object(row, version, secret=text)),
            )
            return endpoint_object(endpoint, version, secret=secret)

        return self.write_with_hook(fields, run, status=self.created_status, secret=True)


class WebhookEndpointView(ApiView):
    """One endpoint."""

    def get(self, request: Request, id: str) -> HttpResponse:
        self.expansions(self.query(RETRIEVE), kind=_KIND)
        return self.answer(self._shown(get_endpoint(owner=self.owner, endpoint_id=endpoint_uuid(id))))

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(ENDPOINT_CHANGE)
        self.expansions(dict(fields), kind=_KIND)
        endpoint_id = endpoint_uuid(id)

        def run() -> Object:
            changes = self._changes(fields)
            return self._shown(update_endpoint(owner=self.owner, endpoint_id=endpoint_id, changes=changes))

        return self.write_beside(fields, run, repeatable=True)

    def patch(self, request: Request, id: str) -> HttpResponse:
        return self.post(request, id)

    def delete(self, request: Request, id: str) -> HttpResponse:
        self.query()
        endpoint_id = endpoint_uuid(id)
        delete_endpoint(owner=self.owner, endpoint_id=endpoint_id)
        return self.answer({"id": id, "object": _KIND, "deleted": True})

    def _shown(self, row: Endpoint) -> Object:
        return endpoint_object(row, self.context.version)

    def _changes(self, fields: dict[str, Any]) -> dict[str, Any]:
        changes = {name: value for name, value in fields.items() if name not in {"expand", "disabled"}}
        if "enabled_events" in changes:
            changes["enabled_events"] = canonical_events(changes["enabled_events"], self.context.version)
        if "metadata" in changes:
            given = changes["metadata"]
            changes["metadata"] = lambda held: merged(held, given)
        if "disabled" in fields:
            if "status" in fields:
                raise InvalidParameter(
                    "You may only specify one of these parameters: status, disabled.",
                    code="parameters_exclusive",
                    param="disabled",
                )
            changes["status"] = EndpointStatus.DISABLED if fields["disabled"] else EndpointStatus.ENABLED
        return changes


class RollSecretView(ApiView):
    """A new signing secret; the old one signs too for a while."""

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(ROLL_SECRET)
        endpoint_id = endpoint_uuid(id)

        def run() -> Object:
            endpoint, secret = roll_secret(
                owner=self.owner,
                endpoint_id=endpoint_id,
                overlap=timedelta(seconds=fields["overlap_seconds"]),
            )
            return endpoint_object(endpoint, self.context.version, secret=secret)

        return self.write_beside(fields, run, secret=True)


class TestEventView(ApiView):
    """A test event for this endpoint alone."""

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body()
        endpoint_id = endpoint_uuid(id)

        def run() -> Object:
            delivery = send_test_event(
                owner=self.owner,
                endpoint_id=endpoint_id,
                request_id=self.context.public_id,
                idempotency_key=self.context.idempotency_key,
            )
            return delivery_object(
                delivery, event_type=shown_event_type(TEST_EVENT_TYPE, self.context.version)
            )

        return self.write_beside(fields, run, status=self.created_status)


def endpoint_uuid(id: str) -> uuid.UUID:
    """Raises ResourceMissing."""
    return identified(id, prefix="we", noun=_NOUN, param="id")


def canonical_events(names: Sequence[str], version: str) -> list[str]:
    """The stored names of subscribed events, each once; `*` is all of them.

    Raises:
        InvalidParameter: none at all, or one that does not exist; the message names the nearest that does.
    """
    if not names:
        raise InvalidParameter(
            "enabled_events must name at least one event type, or be ['*'].",
            code="parameter_invalid_empty",
            param="enabled_events",
        )
    canonical: dict[str, None] = {}
    for index, name in enumerate(names):
        try:
            canonical[canonical_event_type(name, version)] = None
        except UnknownEventType as error:
            raise InvalidParameter(
                error.message, code="event_type_unknown", param=f"enabled_events[{index}]"
            ) from None
    return ["*"] if "*" in canonical else list(canonical)
