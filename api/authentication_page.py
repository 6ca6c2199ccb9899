"""The page on which a payer authenticates, in the place of the bank's own: a person passes or fails it.

Its address holds the intent's client secret, which is all that a payer's browser has. The page loads nothing and
runs no script.
"""

import base64
import hashlib
import hmac
import uuid
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from api.form_body import parse_form
from core.authentication import authenticate_payment_intent
from core.currencies import shown_amount
from core.errors import CardDeclined, IllegalMove
from core.models import PaymentIntent, SetupIntent
from core.money_errors import IllegalSetupMove
from core.setup_intents import authenticate_setup_intent
from core.states import Status
from core.writes import Write
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id, encode_id

_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { margin: 0; min-height: 100vh; display: grid; place-items: center }
main { box-sizing: border-box; width: min(100%, 28rem); padding: 2rem }
h1 { font-size: 1.25rem; margin: 0 0 1rem }
form { display: grid; gap: .75rem; margin-top: 1.5rem }
button { font: inherit; padding: .7rem 1rem; border: 1px solid #8886; border-radius: .5rem; cursor: pointer }
button.yes { background: #1d4ed8; border-color: #1d4ed8; color: #fff }
button:focus-visible, a:focus-visible { outline: 3px solid #60a5fa; outline-offset: 2px }
"""
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}
_OUTCOMES = ("succeeded", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Challenge:
    """An intent whose payer is here."""

    noun: str
    id: uuid.UUID
    account_id: uuid.UUID
    secret: str
    waits: bool
    amount: str | None
    return_url: str | None


def authentication_page(request: HttpRequest, secret: str) -> HttpResponse:
    """GET shows the question, POST with `outcome` decides it, once."""
    challenge = _challenge(secret)
    if challenge is None:
        return _page(404, message="There is no such payment.")
    if request.method == "POST":
        outcome = parse_form(request.body).get("outcome")
        if outcome not in _OUTCOMES:
            return _page(400, challenge=challenge, message="Choose one of both.")
        return _decided(challenge, passed=outcome == "succeeded")
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD, POST"})
    if not challenge.waits:
        return _page(409, message="This payment waits for no authentication.")
    return _page(200, challenge=challenge)


def _challenge(secret: str) -> _Challenge | None:
    public_id = secret.partition("_secret_")[0]
    row: PaymentIntent | SetupIntent | None = None
    try:
        if public_id.startswith("pi_"):
            row = PaymentIntent.objects.filter(id=decode_id("pi", public_id)).first()
        else:
            row = SetupIntent.objects.filter(id=decode_id("seti", public_id)).first()
    except InvalidIdentifier:
        return None
    if row is None or not hmac.compare_digest(row.client_secret.encode(), secret.encode()):
        return None
    paid = isinstance(row, PaymentIntent)
    return _Challenge(
        noun="payment_intent" if paid else "setup_intent",
        id=row.id,
        account_id=row.account_id,
        secret=row.client_secret,
        waits=row.status == Status.REQUIRES_ACTION,
        amount=shown_amount(row.amount, row.currency) if isinstance(row, PaymentIntent) else None,
        return_url=row.return_url,
    )


def _decided(challenge: _Challenge, *, passed: bool) -> HttpResponse:
    write = Write(account_id=challenge.account_id, owner=encode_id("acct", challenge.account_id))
    try:
        if challenge.noun == "payment_intent":
            authenticate_payment_intent(write=write, intent_id=challenge.id, passed=passed)
        else:
            authenticate_setup_intent(write=write, intent_id=challenge.id, passed=passed)
    except (IllegalMove, IllegalSetupMove):
        return _page(409, message="This payment waits for no authentication.")
    except CardDeclined as declined:
        return _page(200, back=_back(challenge, passed=False), message=declined.message)
    message = "Authentication succeeded." if passed else "Authentication failed."
    return _page(200, back=_back(challenge, passed=passed), message=message)


def _back(challenge: _Challenge, *, passed: bool) -> str | None:
    """The shop's address with what became of its payment; only an address of the web is made a link."""
    if challenge.return_url is None:
        return None
    parts = urlsplit(challenge.return_url)
    if parts.scheme not in ("http", "https"):
        return None
    told = {
        challenge.noun: challenge.secret.partition("_secret_")[0],
        f"{challenge.noun}_client_secret": challenge.secret,
        "redirect_status": "succeeded" if passed else "failed",
    }
    query = "&".join(part for part in (parts.query, urlencode(told)) if part)
    return urlunsplit(parts._replace(query=query))


def _page(
    status: int, *, challenge: _Challenge | None = None, message: str | None = None, back: str | None = None
) -> HttpResponse:
    shown = {"challenge": challenge, "message": message, "back": back, "style": _STYLE}
    body = render_to_string("api/authentication.html", shown)
    return HttpResponse(body, status=status, headers=_HEADERS)
