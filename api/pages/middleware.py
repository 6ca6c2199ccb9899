"""What only pages need: a session, who is logged in, tokens against forged requests. The API pays for none of it."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.middleware.csrf import CsrfViewMiddleware

from api.context import context_of
from api.envelope import refuse
from api.pages.rendering import failure, problem

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
        """Django calls this on the outermost middleware only; the token is judged here, for which the form is read."""
        if not request.path.startswith(OPERATIONS):
            return None
        try:
            return self._csrf.process_view(request, view, tuple(args), kwargs)
        except RequestDataTooBig:
            return _failure(request, status=413)
        except (SuspiciousOperation, MultiPartParserError):
            return _failure(request, status=400)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not request.path.startswith(PAGES):
            return None
        match error:
            case Http404():
                return problem(request, status=404, title="Not found", text=str(error) or None)
            case PermissionDenied():
                return problem(request, status=403, title="Not allowed", text=str(error) or None)
            case _:
                answer = refuse(error, context_of(request))  # which writes down what nobody foresaw
                page = _failure(request, status=answer.status)
                if "Retry-After" in answer.headers:
                    page["Retry-After"] = answer.headers["Retry-After"]
                return page


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


def _failure(request: HttpRequest, *, status: int) -> HttpResponse:
    """An embedded portal shows it where it stands."""
    framed = request.path.startswith(PORTAL)
    return failure(status=status, request_id=context_of(request).public_id, framed=framed)
