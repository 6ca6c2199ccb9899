"""`/events/`: what happened."""

import uuid
from collections import Counter
from collections.abc import Sequence

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from api.errors import InvalidParameter, ResourceMissing
from api.fields import identified
from api.input_tables import Fields
from api.inputs import RETRIEVE
from api.pagination import Cursor, created_within, list_object, page_of
from api.views.base import ApiView, Object
from api.webhook_inputs import EVENTS
from core.errors import UnknownEventType
from core.versions import canonical_event_type, event_object, event_types
from dispatcher.models import LIVE_STATES, DeliveryRecord, DeliveryState
from outbox.models import Event


class EventsView(ApiView):
    """The events of the account."""

    def get(self, request: Request) -> HttpResponse:
        query = self.query(EVENTS)
        self.expansions(query, kind="event", listed=True)
        whole = Event.objects.filter(owner=self.owner)
        rows = created_within(whole, query.get("created"))
        names = self._names(query)
        if names is not None:
            rows = rows.filter(type__in=names)
        if "delivery_success" in query:
            rows = _by_delivery(rows, owner=self.owner, succeeded=query["delivery_success"])
        page = page_of(rows, Cursor.of(query), whole=whole, prefix="evt", noun="event")
        shown = shown_events(page.rows, owner=self.owner, version=self.context.version)
        return self.answer(list_object(shown, has_more=page.has_more, path=request.path))

    def _names(self, query: Fields) -> list[str] | None:
        """The stored names of the types that are asked for; None where all are."""
        if "type" in query and "types" in query:
            raise InvalidParameter(
                "You may only specify one of these parameters: type, types.",
                code="parameters_exclusive",
                param="types",
            )
        if "types" in query:
            return [
                self._canonical(name, param=f"types[{index}]") for index, name in enumerate(query["types"])
            ]
        if "type" not in query or query["type"] == "*":
            return None
        return self._group(query["type"])

    def _group(self, name: str) -> list[str]:
        """The types that `payment_intent.*` stands for, or one by its name."""
        if not name.endswith(".*"):
            return [self._canonical(name, param="type")]
        version = self.context.version
        shown = [one for one in event_types(version) if one.startswith(name[:-1])]
        return [canonical_event_type(one, version) for one in shown]

    def _canonical(self, name: str, *, param: str) -> str:
        try:
            return canonical_event_type(name, self.context.version)
        except UnknownEventType as error:
            raise InvalidParameter(error.message, code="event_type_unknown", param=param) from None


class EventView(ApiView):
    """One event."""

    def get(self, request: Request, id: str) -> HttpResponse:
        self.expansions(self.query(RETRIEVE), kind="event")
        event_id = identified(id, prefix="evt", noun="event", param="id")
        row = Event.objects.filter(owner=self.owner, id=event_id).first()
        if row is None:
            raise ResourceMissing("event", id, param="id")
        return self.answer(shown_events([row], owner=self.owner, version=self.context.version)[0])


def _by_delivery(rows: QuerySet[Event], *, owner: str, succeeded: bool) -> QuerySet[Event]:
    """Events of which every delivery succeeded, or those with one that did not, or has not yet."""
    # Named one by one, as the indexes have them.
    others = [state for state in DeliveryState if state != DeliveryState.SUCCEEDED]
    unsuccessful = DeliveryRecord.objects.filter(owner=owner, event_id=OuterRef("id"), state__in=others)
    return rows.filter(~Exists(unsuccessful) if succeeded else Exists(unsuccessful))


def shown_events(rows: Sequence[Event], *, owner: str, version: str) -> list[Object]:
    """Events in a version, each with the number of its deliveries that have not ended. One query."""
    pending: Counter[uuid.UUID] = Counter(
        DeliveryRecord.objects.filter(
            owner=owner, event_id__in=[row.id for row in rows], state__in=LIVE_STATES
        ).values_list("event_id", flat=True)
    )
    return [event_object(row.facts, version, pending_webhooks=pending[row.id]) for row in rows]
