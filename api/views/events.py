"""`/events/`: what happened."""

import uuid
from collections import Counter
from collections.abc import Sequence

from django.http import HttpResponse
from rest_framework.request import Request

from api.errors import InvalidParameter, ResourceMissing
from api.fields import identified
from api.inputs import EVENTS, RETRIEVE
from api.pagination import Cursor, created_within, list_object, page_of
from api.views.base import ApiView, Object
from core.errors import UnknownEventType
from core.versions import canonical_event_type, event_object
from dispatcher.models import LIVE_STATES, DeliveryRecord
from outbox.facts import EventFacts
from outbox.models import Event


class EventsView(ApiView):
    """The events of the account."""

    def get(self, request: Request) -> HttpResponse:
        query = self.query(EVENTS)
        self.expansions(query, kind="event", listed=True)
        whole = Event.objects.filter(owner=self.owner)
        rows = created_within(whole, query.get("created"))
        if "type" in query:
            rows = rows.filter(type=self._canonical(query["type"]))
        page = page_of(rows, Cursor.of(query), whole=whole, prefix="evt", noun="event")
        shown = shown_events(page.rows, owner=self.owner, version=self.context.version)
        return self.answer(list_object(shown, has_more=page.has_more, path=request.path))

    def _canonical(self, name: str) -> str:
        try:
            return canonical_event_type(name, self.context.version)
        except UnknownEventType as error:
            raise InvalidParameter(error.message, code="event_type_unknown", param="type") from None


class EventView(ApiView):
    """One event."""

    def get(self, request: Request, id: str) -> HttpResponse:
        self.expansions(self.query(RETRIEVE), kind="event")
        event_id = identified(id, prefix="evt", noun="event", param="id")
        row = Event.objects.filter(owner=self.owner, id=event_id).first()
        if row is None:
            raise ResourceMissing("event", id, param="id")
        return self.answer(shown_events([row], owner=self.owner, version=self.context.version)[0])


def shown_events(rows: Sequence[Event], *, owner: str, version: str) -> list[Object]:
    """Events in a version, each with the number of its deliveries that have not ended. One query."""
    pending: Counter[uuid.UUID] = Counter(
        DeliveryRecord.objects.filter(
            owner=owner, event_id__in=[row.id for row in rows], state__in=LIVE_STATES
        ).values_list("event_id", flat=True)
    )
    return [event_object(facts_of(row), version, pending_webhooks=pending[row.id]) for row in rows]


def facts_of(row: Event) -> EventFacts:
    return EventFacts(
        id=row.id,
        owner=row.owner,
        type=row.type,
        object_id=row.object_id,
        data=row.data,
        request_id=row.request_id,
        idempotency_key=row.idempotency_key,
    )
