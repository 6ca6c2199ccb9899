"""Changes that people make: asked on a page of their own, made once, written down.

    @operations_page(least=Role.OPERATOR, methods=ASKED)
    def disable_page(request, id):
        endpoint = …
        question = Question(title=…, text=…, button="Disable", back=f"/ops/endpoints/{id}/", purpose=f"disable:{id}")
        return asked(request, question, lambda: disable(request, endpoint))

A GET shows the question, a POST with its confirmation makes the change: `act` gives where to go on and what to say
there, or, where something is shown this once, the page that shows it. A second POST of the same form only goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from api.client_address import client_network
from api.ops.pages import render
from api.ops.roles import Role
from api.pages import audit
from api.pages.confirmations import FIELD, Confirmed, confirm, new_confirmation

ASKED = ("GET", "HEAD", "POST")
DONE_BEFORE = "This was done already: the form was sent twice. Nothing was changed again."
_ASKED_AGAIN = (
    "This form is too old, or was made for somebody else. Nothing was changed: look again, and confirm."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked before a change."""

    title: str
    text: str  # what will happen, with its numbers
    button: str
    back: str  # where to go without the change, and after it
    purpose: str  # what is confirmed, with its subject
    facts: Sequence[tuple[str, Any]] = ()
    warning: str | None = None
    dangerous: bool = False
    fields: Sequence[tuple[str, str]] = field(default=())  # hidden: what was counted, what was chosen
    template: str = "ops/question.html"
    current: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """A change that was made: what to say, and where to go on if not back."""

    text: str
    path: str | None = None


class NotDone(Exception):
    """A change that was refused; the message says why, and what to do."""


def asked(
    request: HttpRequest,
    question: Question,
    act: Callable[[], Done | HttpResponse],
    *,
    context: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """The question, or the change and the way back."""
    if request.method != "POST":
        return _ask(request, question, context)
    match confirm(request.POST.get(FIELD, ""), holder=_holder(request), purpose=question.purpose):
        case Confirmed.BEFORE:
            messages.info(request, DONE_BEFORE)
            return _go(question.back)
        case Confirmed.NEVER:
            return _ask(request, question, context, problem=_ASKED_AGAIN)
        case Confirmed.NOW:
            try:
                done = act()
            except NotDone as refusal:
                return _ask(request, question, context, problem=str(refusal))
            if isinstance(done, HttpResponse):
                return done
            messages.success(request, done.text)
            return _go(done.path or question.back)


def confirmation_for(request: HttpRequest, purpose: str) -> str:
    """A confirmation for a form of a page's own."""
    return new_confirmation(holder=_holder(request), purpose=purpose)


def written_down(
    request: HttpRequest,
    *,
    action: str,
    subject: str,
    account: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """An entry of the audit log in the name of who asks. Joins the open transaction."""
    role: Role | None = getattr(request, "role", None)
    audit.record(
        actor=request.user.get_username(),
        role=role.group if role else None,
        network=client_network(request),
        action=action,
        subject=subject,
        account=account,
        before=before,
        after=after,
    )


def _ask(
    request: HttpRequest, question: Question, context: Mapping[str, Any] | None, *, problem: str | None = None
) -> HttpResponse:
    shown = {
        "question": question,
        "confirmation": confirmation_for(request, question.purpose),
        "problem": problem,
        **(context or {}),
    }
    return render(request, question.template, shown, current=question.current, status=409 if problem else 200)


def _holder(request: HttpRequest) -> str:
    return f"user:{request.user.pk}"


def _go(path: str) -> HttpResponse:
    """303: what follows a POST is a GET."""
    return HttpResponse(status=303, headers={"Location": path})
