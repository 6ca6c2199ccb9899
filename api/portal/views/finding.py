"""One box that takes an id, and leads to its page."""

from django.http import HttpRequest, HttpResponse

from api.pages.filters import KINDS
from api.portal.lookups import identified
from api.portal.pages import Portal, portal_page, render, see

# Prefix → the page of such an object. Whether there is one, that page says.
PAGES = {"we": "endpoints", "dlv": "deliveries", "evt": "events", "rpl": "replays"}


@portal_page()
def find_page(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Goes on to the page of an endpoint, a delivery or an event."""
    wanted = request.GET.get("id", "").strip()[:200]
    prefix = wanted.partition("_")[0]
    if prefix in PAGES:
        identified(wanted, prefix)
        return see(portal, f"{PAGES[prefix]}/{wanted}/")
    if not wanted:
        text = "Enter the id of an event (evt_…), a delivery (dlv_…), an endpoint (we_…) or a replay (rpl_…)."
    elif prefix in KINDS:
        text = f"{wanted[:60]!r} is the id of {KINDS[prefix]}. Here you find events, deliveries, endpoints and replays."
    else:
        text = f"{wanted[:60]!r} is no id: one begins with evt_, dlv_, we_ or rpl_, and has 22 letters or digits after."
    shown = {"searched": wanted if wanted.isprintable() else "", "text": text}
    return render(request, portal, "portal/find.html", shown, status=400)
