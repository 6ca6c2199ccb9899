"""`/stripecli/sessions`: where the Stripe CLI asks to be told what happens."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.cli_relay.filters import parse_filters
from api.cli_relay.sessions import create_session, session_object
from api.config import cli_relay_url
from api.errors import InvalidParameter
from api.models import CliFeature
from api.views.base import ApiView, Object
from api.webhook_inputs import CLI_SESSION


class CliSessionsView(ApiView):
    """A new session. The answer shows its token, and the secret that signs what it is sent."""

    def post(self, request: Request) -> HttpResponse:
        fields = self.body(CLI_SESSION)
        feature = _authorized(fields["websocket_features"])
        filters = parse_filters(fields.get("filters"))

        def run() -> Object:
            session = create_session(
                identity=self.identity,
                feature=feature,
                api_version=self.context.version,
                device_name=fields.get("device_name"),
                forward_url=fields.get("forward_to_url"),
                filters=filters,
            )
            return session_object(session, websocket_url=cli_relay_url())

        return self.write_beside(fields, run, status=self.created_status, secret=True)


def _authorized(names: list[str]) -> CliFeature:
    """The first that we have; the CLI asks for some that belong to other products too."""
    for name in names:
        if name in CliFeature.values:
            return CliFeature(name)
    raise InvalidParameter(
        f"Invalid websocket_features: must have one of {', '.join(CliFeature.values)}",
        code="parameter_invalid_choice",
        param="websocket_features",
    )
