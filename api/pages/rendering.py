"""Pages as answers: a template, and the policy that lets nothing run or load but files of ours."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

_TITLES_AT_HAND = {404: "Nothing is here."}


def policy(*, frame_ancestors: str = "'none'") -> str:
    """The Content-Security-Policy of a page. Scripts, styles and pictures are files of ours; nothing is inline."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        f"form-action 'self'; base-uri 'none'; frame-ancestors {frame_ancestors}"
    )


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    frame_ancestors: str = "'none'",
) -> HttpResponse:
    """A template with its policy; nobody keeps the answer."""
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
