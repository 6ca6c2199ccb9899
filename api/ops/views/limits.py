"""What an endpoint is willing to take, changed by an operator: asked for, then shown as it is and as it will be."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from api.errors import InvalidParameter
from api.ops.changes import ASKED, Done, NotDone, Question, asked, written_down
from api.ops.pages import operations_page, render
from api.ops.roles import Role
from api.ops.subjects import page_about
from api.ops.views.endpoints import endpoint_of
from api.parsers import FormTree
from api.readings.identifying import Named
from api.webhook_inputs import ENDPOINT_CHANGE
from dispatcher.endpoints import checked_end, update_endpoint
from dispatcher.errors import EndpointNotFound, InvalidEndpoint
from dispatcher.limits import LIMIT_FIELDS, Limits
from dispatcher.models import Endpoint, OnDeadLetter

# Field → what it is called beside its values.
FIELDS = {
    "max_in_flight": "At once",
    "quantum": "A claim",
    "rate_limit": "A second",
    "burst": "In a burst",
    "ordered": "Order",
    "on_dead_letter": "After a dead-lettered one",
}
_ENDS = {OnDeadLetter.CONTINUE: "it goes on", OnDeadLetter.STOP: "its object stops"}
Values = Mapping[str, Any]


@operations_page(least=Role.OPERATOR, methods=ASKED)
@page_about("we", current="endpoints")
def limits_page(request: HttpRequest, named: Named) -> HttpResponse:
    """Without values the form of the present ones; all that is asked for is in the URL."""
    endpoint = endpoint_of(named)
    held = {name: getattr(endpoint.lane if name in LIMIT_FIELDS else endpoint, name) for name in FIELDS}
    given = {name: text.strip() for name, text in request.GET.dict().items() if name in FIELDS}
    if not given:
        chosen = {**held, **_limits(held).chosen()}
        return _form(request, endpoint, {name: _as_text(value) for name, value in chosen.items()})
    try:
        wanted = _wanted(given, held)
    except InvalidParameter as refused:
        return _form(request, endpoint, given, {refused.param or "form": refused.message})
    except InvalidEndpoint as refused:
        return _form(request, endpoint, given, {refused.field: f"{refused.field} {refused.reason}."})
    if request.method != "POST" and wanted == held:
        return _form(request, endpoint, given, notice="It has these limits already: nothing would change.")
    return asked(
        request, _question(named, endpoint, held, wanted), lambda: _change(request, endpoint, wanted)
    )


def _wanted(given: Mapping[str, str], held: Values) -> Values:
    """What the endpoint will hold. Raises InvalidParameter, InvalidEndpoint."""
    changes = ENDPOINT_CHANGE.validated(FormTree(given))
    order: dict[str, Any] = {name: changes.get(name, held[name]) for name in ("ordered", "on_dead_letter")}
    checked_end(order["on_dead_letter"], ordered=order["ordered"])
    limits = _limits(held).changed(changes)
    return {**limits.columns(), **order}


def _change(request: HttpRequest, endpoint: Endpoint, wanted: Values) -> Done:
    def write_down(before: Values, after: Values) -> None:
        if _fingerprint(before) != request.POST.get("held"):
            raise NotDone(
                "Its limits were changed meanwhile. Nothing was changed now: look again, and confirm."
            )
        differing = [name for name in FIELDS if before[name] != after[name]]
        written_down(
            request,
            action="endpoint.updated",
            subject=endpoint.public_id,
            account=endpoint.owner,
            before={name: before[name] for name in differing},
            after={name: after[name] for name in differing},
        )

    try:
        update_endpoint(owner=endpoint.owner, endpoint_id=endpoint.id, changes=wanted, on_write=write_down)
    except EndpointNotFound:
        raise NotDone("It was deleted. Nothing was changed.") from None
    return Done("The limits are changed.")


def _question(named: Named, endpoint: Endpoint, held: Values, wanted: Values) -> Question:
    warning = None
    if held["ordered"] and not wanted["ordered"]:
        warning = "What waits behind another event of its object is let go, and objects that stopped go on."
    return Question(
        title="Change the limits of this endpoint?",
        text="They hold from the next claim on; what is being sent goes on. Order holds for events that are matched "
        "from now on.",
        button="Change",
        back=f"/ops/endpoints/{named.text}/",
        purpose=f"endpoint.limits:{named.text}",
        facts=(
            ("Endpoint", named.text),
            ("URL", endpoint.url),
            *(
                (label, f"{_in_words(name, held[name])} → {_in_words(name, wanted[name])}")
                for name, label in FIELDS.items()
                if held[name] != wanted[name]
            ),
        ),
        warning=warning,
        fields=(("held", _fingerprint(held)),),
        current="endpoints",
    )


def _form(
    request: HttpRequest,
    endpoint: Endpoint,
    texts: Mapping[str, str],
    problems: Mapping[str, str] | None = None,
    *,
    notice: str | None = None,
) -> HttpResponse:
    context = {
        "endpoint": endpoint,
        "texts": texts,
        "problems": problems,
        "notice": notice,
        "ends": _ENDS.items(),
    }
    status = 400 if problems else 200
    return render(request, "ops/limits.html", context, current="endpoints", status=status)


def _limits(held: Values) -> Limits:
    return Limits(**{name: held[name] for name in LIMIT_FIELDS})


def _fingerprint(held: Values) -> str:
    """By which a form says what it was made of."""
    return json.dumps([held[name] for name in FIELDS])


def _as_text(value: Any) -> str:
    """As it stands in a form, which has no null."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case _:
            return str(value).removesuffix(".0")


def _in_words(name: str, value: Any) -> str:
    match name:
        case "ordered":
            return "one after the other for each object" if value else "none"
        case "on_dead_letter":
            return _ENDS[OnDeadLetter(value)]
        case _:
            return "no limit" if value is None else f"{value:,}".removesuffix(".0")
