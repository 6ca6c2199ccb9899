"""One box: from any id to the whole way."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from api.failure_catalogue import PATH
from api.ops.links import page_of
from api.ops.pages import operations_page, render
from api.readings.identifying import KINDS, NothingKnown, NotTraceable
from api.readings.trace import trace

# Those that have a page beside their trace.
_PAGES = {"request", "payment", "event", "delivery", "endpoint"}


@operations_page()
def trace_page(request: HttpRequest) -> HttpResponse:
    """Without an id: what can be asked."""
    text = request.GET.get("id", "")
    context: dict[str, object] = {"kinds": KINDS.values(), "catalogue": PATH}
    if not text.strip():
        return render(request, "ops/trace.html", context, current="trace")
    if text.strip().startswith("rpl_"):
        return HttpResponseRedirect(page_of(text.strip()))  # a replay has a page, and no way of its own
    try:
        found = trace(text)
    except NotTraceable as problem:
        # What looks like a secret is not repeated, in the box neither.
        context |= {"problem": problem.message, "near": problem.nearest}
        return render(request, "ops/trace.html", context, current="trace", status=400)
    except NothingKnown as unknown:
        context |= {"problem": unknown.message, "searched": unknown.named.text}
        return render(request, "ops/trace.html", context, current="trace", status=404)
    own_page = page_of(found.id) if found.kind in _PAGES else None
    context |= {"trace": found, "searched": found.id, "own_page": own_page}
    return render(request, "ops/trace.html", context, current="trace")
