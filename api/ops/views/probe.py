"""How far a request of ours comes on its way to an endpoint."""

from django.http import HttpRequest, HttpResponse

from api.ops.changes import ASKED, NotDone, Question, asked, written_down
from api.ops.pages import operations_page, render
from api.ops.roles import Role
from api.ops.subjects import page_about
from api.ops.views.endpoints import endpoint_of
from api.rate_limit import Rate, take_token
from api.readings.identifying import Named
from api.templatetags.pages import span
from dispatcher.failures import EXPLANATIONS
from dispatcher.probing import probe_endpoint

# Whoever holds the button down bothers a receiver no more than so.
_RATE = Rate.per_minute(10)
_STAGES = {
    "url": "URL",
    "dns": "Name",
    "policy": "Address policy",
    "tcp": "Connection",
    "tls": "TLS",
    "ping": "Signed ping",
}


@operations_page(least=Role.OPERATOR, methods=ASKED)
@page_about("we", current="endpoints")
def probe_page(request: HttpRequest, named: Named) -> HttpResponse:
    """A signed ping that is no event: name, policy, TCP, TLS and answer, milliseconds each."""
    endpoint = endpoint_of(named)
    question = Question(
        title="Probe this endpoint?",
        text="One signed ping is sent, by the way that deliveries take. Nothing is recorded of it: the endpoint's "
        "circuit, its rate and its order do not notice.",
        button="Probe",
        back=f"/ops/endpoints/{named.text}/",
        purpose=f"endpoint.probe:{named.text}",
        facts=(("URL", endpoint.url), ("Account", endpoint.owner)),
        current="endpoints",
    )

    def act() -> HttpResponse:
        if endpoint.deleted_at is not None:
            raise NotDone("It was deleted: nothing is sent there any more.")
        if wait := take_token(f"probe:{named.text}", _RATE):
            raise NotDone(
                f"It was probed ten times within a minute. The next one is possible in {span(wait)}."
            )
        steps = list(probe_endpoint(endpoint))
        passed = bool(steps) and steps[-1].passed
        written_down(
            request,
            action="endpoint.probed",
            subject=named.text,
            account=endpoint.owner,
            after={"passed": passed, "came to": steps[-1].stage.value if steps else None},
        )
        context = {
            "endpoint": endpoint,
            "id": named.text,
            "passed": passed,
            "steps": [
                (_STAGES[step.stage.value], step, EXPLANATIONS[step.code] if step.code else None)
                for step in steps
            ],
        }
        return render(request, "ops/probe.html", context, current="endpoints")

    return asked(request, question, act)
