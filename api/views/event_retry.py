"""`/events/{id}/retry`: an event once more, to an endpoint or to the CLIs that listen (`stripe events resend`)."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.cli_relay.sessions import resend_to_sessions
from api.errors import ApiError, InvalidParameter, ResourceMissing
from api.fields import identified
from api.views.base import ApiView, Object
from api.views.events import shown_events
from api.webhook_inputs import EVENT_RETRY
from dispatcher.deliveries import resend_event
from outbox.models import Event


class EventRetryView(ApiView):
    """The answer is the event, as it is."""

    def post(self, request: Request, id: str) -> HttpResponse:
        fields = self.body(EVENT_RETRY)
        self.expansions(dict(fields), kind="event")
        event_id = identified(id, prefix="evt", noun="event", param="id")
        row = Event.objects.filter(owner=self.owner, id=event_id).first()
        if row is None:
            raise ResourceMissing("event", id, param="id")
        endpoint_id, for_cli = fields.get("webhook_endpoint"), fields.get("for_stripecli", False)
        if endpoint_id is None and not for_cli:
            raise InvalidParameter(
                "You must provide one of these parameters: webhook_endpoint, for_stripecli.",
                code="parameter_missing",
                param="webhook_endpoint",
            )
        if endpoint_id is not None and for_cli:
            raise InvalidParameter(
                "You may only specify one of these parameters: webhook_endpoint, for_stripecli.",
                code="parameters_exclusive",
                param="for_stripecli",
            )

        def run() -> Object:
            if endpoint_id is not None:
                resend_event(owner=self.owner, event_id=event_id, endpoint_id=endpoint_id)
            elif not resend_to_sessions(account_id=self.account_id, event_id=event_id):
                raise ApiError(
                    "No CLI endpoints found to retry delivery. Run 'stripe listen' and retry the request to see "
                    "the event in the CLI, or provide a specific webhook endpoint.",
                    param="for_stripecli",
                )
            return shown_events([row], owner=self.owner, version=self.context.version)[0]

        return self.write_beside(fields, run)
