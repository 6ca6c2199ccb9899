"""`/deliveries/`: who gets what happened, and how each try went."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from django.http import HttpResponse
from rest_framework.request import Request

from api.errors import ResourceMissing
from api.fields import identified
from api.inputs import RETRIEVE
from api.objects import delivery_object
from api.pagination import Cursor, list_object
from api.views.base import ApiView, Object
from api.webhook_inputs import DELIVERIES
from core.versions import shown_event_type
from dispatcher.deliveries import (
    attempts_of,
    get_delivery,
    list_deliveries,
    resend_delivery,
    stop_delivery,
)
from dispatcher.errors import DeliveryNotFound
from dispatcher.models import DeliveryRecord
from outbox.models import Event


class DeliveriesView(ApiView):
    """The deliveries of the account, by the time of their events."""

    def get(self, request: Request) -> HttpResponse:
        query = self.query(DELIVERIES)
        self.expansions(query, kind="delivery", listed=True)
        cursor = Cursor.of(query)
        bounds = query.get("created", {})
        try:
            page = list_deliveries(
                owner=self.owner,
                limit=cursor.limit,
                state=query.get("state"),
                endpoint_id=query.get("endpoint"),
                event_id=query.get("event"),
                created_from=_latest(bounds.get("gte"), _next(bounds.get("gt"))),
                created_to=_earliest(bounds.get("lt"), _next(bounds.get("lte"))),
                starting_after=cursor.starting_after,
                ending_before=cursor.ending_before,
            )
        except DeliveryNotFound as error:
            param = "starting_after" if cursor.starting_after is not None else "ending_before"
            raise ResourceMissing("delivery", error.public_id, param=param) from None
        types = event_types_of(page.rows, owner=self.owner, version=self.context.version)
        shown = [delivery_object(row, event_type=types.get(row.event_id)) for row in page.rows]
        return self.answer(list_object(shown, has_more=page.has_more, path=request.path))


class DeliveryBase(ApiView):
    """What the views of one delivery share."""

    def detailed(self, row: DeliveryRecord) -> Object:
        types = event_types_of([row], owner=self.owner, version=self.context.version)
        return delivery_object(row, event_type=types.get(row.event_id), attempts=attempts_of(row.id))


class DeliveryView(DeliveryBase):
    """One delivery with its attempts."""

    def get(self, request: Request, id: str) -> HttpResponse:
        self.expansions(self.query(RETRIEVE), kind="delivery")
        return self.answer(self.detailed(get_delivery(owner=self.owner, delivery_id=delivery_uuid(id))))


class ResendView(DeliveryBase):
    """Send the event once more, as a new delivery; works on a disabled endpoint too."""

    def post(self, request: Request, id: str) -> HttpResponse:
        delivery_id = delivery_uuid(id)
        return self.write_beside(
            self.body(),
            lambda: self.detailed(resend_delivery(owner=self.owner, delivery_id=delivery_id)),
            status=self.created_status,
        )


class StopView(DeliveryBase):
    """End a live delivery."""

    def post(self, request: Request, id: str) -> HttpResponse:
        delivery_id = delivery_uuid(id)
        return self.write_beside(
            self.body(), lambda: self.detailed(stop_delivery(owner=self.owner, delivery_id=delivery_id))
        )


def delivery_uuid(id: str) -> uuid.UUID:
    """Raises ResourceMissing."""
    return identified(id, prefix="dlv", noun="delivery", param="id")


def event_types_of(rows: Sequence[DeliveryRecord], *, owner: str, version: str) -> dict[uuid.UUID, str]:
    """The types of deliveries' events, as the version names them. One query; an expired event has none."""
    ids = {row.event_id for row in rows}
    found = Event.objects.filter(owner=owner, id__in=ids).values_list("id", "type")
    return {event_id: shown_event_type(name, version) for event_id, name in found}


def _next(second: int | None) -> int | None:
    return None if second is None else second + 1


def _latest(*seconds: int | None) -> datetime | None:
    given = [second for second in seconds if second is not None]
    return _moment(max(given)) if given else None


def _earliest(*seconds: int | None) -> datetime | None:
    given = [second for second in seconds if second is not None]
    return _moment(min(given)) if given else None


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(min(second, 253_402_300_799), tz=UTC)
