"""How a page of the portal is made: whose link it is, what stands around it, and what its errors look like."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse

from api.config import max_body_bytes
from api.errors import ApiError, RateLimited
from api.pages.rendering import render_page
from api.pages.words import plain
from api.portal.sessions import OpenSession, find_session
from api.rate_limit import check_portal
from dispatcher.errors import DeliveryNotFound, EndpointNotFound

READING = ("GET", "HEAD")
ASKED = (*READING, "POST")
_View = Callable[..., HttpResponse]
# What an address may say after a change, in our words: nobody writes a text onto a page by making a link.
NOTICES: Mapping[str, tuple[str, str]] = {
    "saved": ("success", "Saved. It holds for events that happen from now on."),
    "enabled": ("success", "Enabled. What it missed meanwhile can be replayed."),
    "missed": ("success", "Enabled. Here is what it was not sent meanwhile."),
    "disabled": ("warning", "Disabled. Nothing is sent there until you enable it."),
    "deleted": ("success", "Deleted. Nothing more is sent there; what was sent stays readable."),
    "sent": ("success", "A new delivery was made; it is sent at once."),
    "stopped": ("warning", "Stopped. A request that is under way is not called back."),
    "ended": ("warning", "It had ended already; nothing was stopped."),
}


@dataclass(frozen=True, slots=True)
class Item:
    """A page in the list at the side; its path is below the link's."""

    key: str
    title: str
    path: str


NAVIGATION = (
    Item("endpoints", "Endpoints", ""),
    Item("deliveries", "Deliveries", "deliveries/"),
    Item("events", "Events", "events/"),
    Item("replays", "Replays", "replays/"),
    Item("test", "Send a test event", "test/"),
    Item("catalogue", "Event catalogue", "catalogue/"),
)


@dataclass(frozen=True, slots=True)
class Portal:
    """The link that was followed."""

    session: OpenSession
    root: str  # `/portal/pst_…/`

    @property
    def owner(self) -> str:
        return self.session.owner

    def path(self, below: str = "", **query: str) -> str:
        """The address of a page; `below` is its path below the link's."""
        return f"{self.root}{below}" + (f"?{urlencode(query)}" if query else "")


def portal_page(*, methods: tuple[str, ...] = READING) -> Callable[[_View], _View]:
    """A view that an open link alone leads to: `view(request, portal, …)`.

    What the account does not have is a page that says so, in the same words for another's; so is a limit.
    """

    def decorate(view: _View) -> _View:
        @wraps(view)
        def guarded(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponse:
            session = find_session(token)
            if session is None:
                return _ended(request)
            portal = Portal(session, f"/portal/{token}/")
            if request.method not in methods:
                answer = problem(
                    request, portal, status=405, title="Not possible", text="This page is no form."
                )
                answer["Allow"] = ", ".join(methods)
                return answer
            try:
                check_portal(session.account_id)
                return view(request, portal, **kwargs)
            except (EndpointNotFound, DeliveryNotFound, Http404) as missing:
                return problem(request, portal, status=404, title="Not found", text=str(missing))
            except RateLimited as limited:
                answer = problem(
                    request,
                    portal,
                    status=429,
                    title="One moment",
                    text=f"Too many pages were asked for at once. Try again in {limited.headers['Retry-After']} s.",
                )
                answer["Retry-After"] = limited.headers["Retry-After"]
                return answer
            except RequestDataTooBig:
                text = f"The form is larger than {max_body_bytes():,} bytes."
                return problem(request, portal, status=413, title="Nothing was changed", text=text)
            except ApiError as refused:
                title = "Not found" if refused.status == 404 else "Nothing was changed"
                return problem(request, portal, status=refused.status, title=title, text=refused.message)

        guarded.of_portal = True  # type: ignore[attr-defined]
        return guarded

    return decorate


def render(
    request: HttpRequest,
    portal: Portal,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    current: str = "",
    status: int = 200,
) -> HttpResponse:
    """A page with its navigation; `current` is the key of its item."""
    around = {
        "portal": portal,
        "navigation": NAVIGATION,
        "current": current,
        "messages": _notices(request),
    }
    origins = portal.session.allowed_origins
    answer = render_page(
        request,
        template,
        {**around, **(context or {})},
        status=status,
        frame_ancestors=" ".join(origins) or "'none'",
    )
    # The older header knows no list of origins, and browsers that know the policy pass it over.
    answer.xframe_options_exempt = bool(origins)
    # The address lets people in, and forms need no origin: the path is their proof.
    answer["Referrer-Policy"] = "no-referrer"
    return answer


def problem(
    request: HttpRequest, portal: Portal, *, status: int, title: str, text: str, current: str = ""
) -> HttpResponse:
    """A page that says what went wrong and where to go on."""
    shown = {"title": title, "text": text, "status": status}
    return render(request, portal, "portal/problem.html", shown, current=current, status=status)


def see(portal: Portal, below: str, **query: str) -> HttpResponse:
    """Go on after a change. 303: what follows a POST is a GET."""
    return HttpResponse(status=303, headers={"Location": portal.path(below, **query)})


def _ended(request: HttpRequest) -> HttpResponse:
    """A link that is over, was revoked, or never was: one page for all, which tells nothing apart.

    Any page may frame it: there is nothing on it to press, and an embedded portal whose hour is over says so where
    it stands.
    """
    answer = render_page(request, "portal/ended.html", status=404, frame_ancestors="*")
    answer.xframe_options_exempt = True
    return answer


@dataclass(frozen=True, slots=True)
class _Notice:
    tags: str
    text: str

    def __str__(self) -> str:
        return self.text


def _notices(request: HttpRequest) -> list[_Notice]:
    notice = NOTICES.get(request.GET.get("notice", ""))
    return [] if notice is None else [_Notice(*notice)]


@portal_page(methods=ASKED)
def nothing_here(request: HttpRequest, portal: Portal, below: str | None = None) -> HttpResponse:
    """A link without its last slash leads on. Raises Http404 for any other path."""
    if below is None and request.method in READING:
        return see(portal, "")
    below = below or ""
    raise Http404(f"There is no page {plain(below)!r} in this portal.")
