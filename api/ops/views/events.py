"""One event: what it says, and what became of it at every endpoint."""

import json

from django.http import HttpRequest, HttpResponse

from api.failure_catalogue import PATH
from api.ops.pages import operations_page, render
from api.ops.roles import Role
from api.ops.subjects import page_about
from api.readings.identifying import Named, NothingKnown
from api.readings.trace import trace
from core.versions import EVENT_TYPES
from outbox.models import Event


@operations_page()
@page_about("evt", current="deliveries")
def event_page(request: HttpRequest, named: Named) -> HttpResponse:
    """Its data is for operators and those above."""
    role: Role = request.role  # type: ignore[attr-defined]
    may_read = role >= Role.OPERATOR
    found = trace(named.text)
    row = Event.objects.filter(id=named.value).first() if may_read else None
    step = next((one for one in found.events if one.id == named.text), None)
    if step is None:
        raise NothingKnown(named)
    context = {
        "event": step,
        "tells": EVENT_TYPES.get(step.type),
        "trace": found,
        "others": [one for one in found.events if one.id != named.text],
        "may_read_bodies": may_read,
        "data": None if row is None else json.dumps(row.decoded_data(), indent=2, ensure_ascii=False),
        "previous": None
        if row is None or row.previous is None
        else json.dumps(json.loads(row.previous), indent=2, ensure_ascii=False),
        "catalogue": PATH,
    }
    return render(request, "ops/event.html", context, current="deliveries")
