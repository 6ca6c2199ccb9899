"""Pages as answers: a template, and the policy that lets nothing run or load but files of ours."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

_TITLES_AT_HAND = {404: "Nothing is here."}
_FAILURES = {
    400: (
        "Not understood",
        "What was sent could not be read. Nothing was changed: go back, reload the page and try again.",
    ),
    413: (
        "Too much at once",
        "The form is larger than forms may be. Nothing was changed: go back, and send less.",
    ),
    500: (
        "Something broke",
        "The fault is ours, and was written down. Look whether what you asked for was done before you try again.",
    ),
    503: ("No answer", "The database did not answer. Reload the page in a moment."),
}


def policy(*, frame_ancestors: str = "'none'") -> str:
    """The Content-Security-Policy of a page. Scripts, styles and pictures are files of ours; nothing is inline."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        f"form-action 'self'; base-uri 'none'; frame-ancestors {frame_ancestors}"
    )


def render_page(
    request: HttpRequest | None,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    frame_ancestors: str = "'none'",
) -> HttpResponse:
    """A template with its policy; nobody keeps the answer. Without a request it knows nobody, and asks no database."""
    body = render_to_string(template, dict(context or {}), request)
    headers = {
        "Content-Security-Policy": policy(frame_ancestors=frame_ancestors),
        "Cache-Control": "no-store",
        # Other sites learn nothing. With `no-referrer` a browser sends `Origin: null` with each form, also with those
        # for us, and a form without an origin is refused as forged.
        "Referrer-Policy": "same-origin",
    }
    return HttpResponse(body, status=status, headers=headers)


def problem(request: HttpRequest, *, status: int, title: str, text: str | None = None) -> HttpResponse:
    """A page that says what went wrong and where to go on."""
    shown = {"title": title, "text": text or _TITLES_AT_HAND.get(status, ""), "status": status}
    return render_page(request, "pages/problem.html", shown, status=status)


def failure(*, status: int, request_id: str, framed: bool) -> HttpResponse:
    """A page where there should have been another: it needs neither a session nor a database.

    Args:
        framed: it may stand in a frame of anybody's, as there is nothing on it to press.
    """
    shown = {"status": status, "words": _FAILURES.get(status, _FAILURES[500]), "request_id": request_id}
    answer = render_page(
        None, "pages/failure.html", shown, status=status, frame_ancestors="*" if framed else "'none'"
    )
    answer.xframe_options_exempt = framed
    return answer
