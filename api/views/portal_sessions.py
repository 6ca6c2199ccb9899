"""`/portal_sessions/`: links to a merchant's own pages."""

import uuid
from datetime import UTC, datetime, timedelta

from django.http import HttpResponse
from rest_framework.request import Request

from api.errors import ResourceMissing
from api.fields import identified
from api.portal.origins import checked_origins
from api.portal.sessions import create_session, get_session, revoke_session, session_object
from api.views.base import ApiView, Object
from api.webhook_inputs import PORTAL_SESSION
from core.versions import PLAIN

_NOUN = "portal session"


class PortalSessionsView(ApiView):
    """A new link. The answer shows it, this once."""

    def post(self, request: Request) -> HttpResponse:
        fields = self.body(PORTAL_SESSION)
        origins = checked_origins(fields.get("allowed_origins", []))
        # As an endpoint that this very request made would have it.
        version = PLAIN if self.context.version == PLAIN else self.identity.api_version

        def run() -> Object:
            row, token = create_session(
                identity=self.identity,
                api_version=version,
                lifetime=timedelta(seconds=fields["expires_in"]),
                allowed_origins=origins,
            )
            return session_object(row, now=datetime.now(tz=UTC), token=token)

        return self.write_beside(fields, run, status=self.created_status, secret=True)


class PortalSessionView(ApiView):
    """One link, without what opens it."""

    def get(self, request: Request, id: str) -> HttpResponse:
        self.query()
        row = get_session(account_id=self.account_id, session_id=_session_uuid(id))
        if row is None:
            raise ResourceMissing(_NOUN, id, param="id")
        return self.answer(session_object(row, now=datetime.now(tz=UTC)))

    def delete(self, request: Request, id: str) -> HttpResponse:
        """The link opens nothing any more."""
        self.query()
        if not revoke_session(account_id=self.account_id, session_id=_session_uuid(id)):
            raise ResourceMissing(_NOUN, id, param="id")
        return self.answer({"id": id, "object": "portal_session", "deleted": True})


def _session_uuid(id: str) -> uuid.UUID:
    """Raises ResourceMissing."""
    return identified(id, prefix="ps", noun=_NOUN, param="id")
