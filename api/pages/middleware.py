"""What only pages need: a session, who is logged in, tokens against forged requests. The API pays for none of it."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

from api.pages.rendering import problem

OPERATIONS, PORTAL = "/ops/", "/portal/"
PAGES = (OPERATIONS, PORTAL)

_GetResponse = Callable[[HttpRequest], HttpResponseBase]


class PagesMiddleware:
    """Django's own middlewares around `/ops/` alone; errors of all pages are pages."""

    def __init__(self, get_response: _GetResponse) -> None:
        self._beside: _GetResponse = get_response
        self._csrf = CsrfViewMiddleware(get_response)
        inner: Any = self._csrf
        for layer in (MessageMiddleware, AuthenticationMiddleware, SessionMiddleware):
            inner = layer(inner)
        self._within: _GetResponse = inner

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return (self._within if request.path.startswith(OPERATIONS) else self._beside)(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Django calls this on the outermost middleware only; the token is judged here."""
        if not request.path.startswith(OPERATIONS):
            return None
        return self._csrf.process_view(request, view, tuple(args), kwargs)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not request.path.startswith(PAGES):
            return None
        match error:
            case Http404():
                return problem(request, status=404, title="Not found", text=str(error) or None)
            case PermissionDenied():
                return problem(request, status=403, title="Not allowed", text=str(error) or None)
            case _:
                return None


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token: an old tab, or another site's doing."""
    del reason
    return problem(
        request,
        status=403,
        title="Nothing was changed",
        text="This form came without its token: the page was open for too long, or cookies are blocked. "
        "Go back, reload the page and try again.",
    )
