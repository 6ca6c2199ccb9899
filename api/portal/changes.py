"""Changes that the portal's holder makes: once for each form, and written down.

A form carries a random name, under which its change is one of the API's idempotent operations: a double click, a
reload or a second tab gets the answer of the first, also where that shows a secret.
"""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

from api.answers import Answer, encode
from api.client_address import client_network
from api.context import context_of
from api.envelope import refusal_answer
from api.errors import ApiError, InvalidParameter, KeyInUse, KeyReused
from api.form_body import parse_form
from api.idempotency import IdempotentOperation, fingerprint_of, perform
from api.idempotency import Request as IdempotentRequest
from api.pages import audit
from api.parsers import FormTree
from api.portal.pages import Portal, render

FORM = "form"
_NAME_DIGITS = 22
Fields = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked before a change."""

    title: str
    text: str  # what will happen, with its numbers
    button: str
    back: str  # where to go without the change
    facts: Sequence[tuple[str, Any]] = ()
    warning: str | None = None
    dangerous: bool = False
    current: str = "endpoints"
    template: str = "portal/question.html"


def ask(
    request: HttpRequest,
    portal: Portal,
    question: Question,
    context: Mapping[str, Any] | None = None,
    *,
    problem: str | None = None,
) -> HttpResponse:
    """The question as a page of its own. A GET changes nothing; the form's POST comes to the same address."""
    shown = {"question": question, "form_name": new_form(), "problem": problem, **(context or {})}
    status = 409 if problem else 200
    return render(request, portal, question.template, shown, current=question.current, status=status)


def new_form() -> str:
    """The name of a form: one change is made by it."""
    return secrets.token_urlsafe(16)


def read_form(request: HttpRequest) -> tuple[str, FormTree]:
    """The name of the form, and its fields.

    Raises:
        ApiError: it cannot be read, or has no name: it is none of ours.
    """
    tree = FormTree(parse_form(request.body))
    name = tree.pop(FORM, None)
    if not isinstance(name, str) or len(name) != _NAME_DIGITS or not name.isascii():
        raise InvalidParameter(
            "This form is incomplete. Nothing was changed: go back, reload the page and send it again.",
            code="form_malformed",
            param=FORM,
        )
    return name, tree


def once(
    request: HttpRequest,
    portal: Portal,
    *,
    form: str,
    fields: Mapping[str, Any],
    run: Callable[[IdempotentOperation], Callable[[], Fields]],
    secret: bool = False,
) -> Fields:
    """Make a form's change, or give what it gave before. Forbids an open transaction.

    Args:
        run: gives what makes the change, as `in_one_transaction` and `in_steps` do.
        secret: the result shows one: it is kept sealed.

    Raises:
        ApiError: the change was refused; and what the service itself raises, the first time.
    """
    context = context_of(request)
    operation = IdempotentOperation(
        request=IdempotentRequest(
            # A namespace of the session's own: neither the merchant's programs nor another link share it.
            account_id=portal.session.id,
            key=form,
            endpoint=f"{request.method} /portal/{request.path.removeprefix(portal.root)}",
            fingerprint=fingerprint_of(fields),
            request_id=context.public_id,
        ),
        render=lambda result: Answer(200, encode(result)),
        refuse=lambda error: refusal_answer(error, context),
        secret=secret,
    )
    try:
        answer = perform(operation, run(operation))
    except KeyReused:
        raise ApiError(
            "This form was sent before, with other values. Nothing was changed now: reload the page, and send it "
            "again.",
            status=409,
        ) from None
    except KeyInUse:
        raise ApiError(
            "This form is being worked on already. Reload the page in a moment.", status=409
        ) from None
    told: Fields = json.loads(answer.body)
    if answer.status >= 400:
        raise ApiError(told["error"]["message"], status=answer.status)
    return told


def written_down(
    request: HttpRequest,
    portal: Portal,
    *,
    action: str,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """An entry of the audit log in the name of the link. Joins the open transaction."""
    audit.record(
        actor=portal.session.actor,
        network=client_network(request),
        action=action,
        subject=subject,
        account=portal.owner,
        before=before,
        after=after,
    )
