"""`/event_types/`: what events there are."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.errors import InvalidParameter
from api.event_catalogue import catalogue, entry
from api.pagination import list_object
from api.views.base import ApiView, Object
from api.webhook_inputs import EVENT_TYPES
from core.errors import UnknownEventType


class EventTypesView(ApiView):
    """The catalogue in the caller's version. It says nothing of an account, and costs no query."""

    def get(self, request: Request) -> HttpResponse:
        query = self.query(EVENT_TYPES)
        version = self.context.version
        if "type" in query:
            shown = [self._whole(query["type"])]
        else:
            shown = [
                {"object": "event_type", "type": name, "description": tells}
                for name, tells in catalogue(version)
            ]
        return self.answer(list_object(shown, has_more=False, path=request.path))

    def _whole(self, name: str) -> Object:
        try:
            found = entry(name, self.context.version)
        except UnknownEventType as error:
            raise InvalidParameter(error.message, code="event_type_unknown", param="type") from None
        return {
            "object": "event_type",
            "type": found.type,
            "description": found.tells,
            "example": dict(found.example),
            "schema": found.schema,
        }
