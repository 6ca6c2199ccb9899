"""What an API costs at least here: a bare Django view that writes the same rows by one statement in one commit.

No authentication, no validation, no dialects, no replay of what a key remembers. BENCH_ACCOUNT names the account.
"""

import json
import os
import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path

from core.models import PaymentIntent
from core.objects import payment_intent_object
from outbox.database import execute
from outbox.identifiers import decode_id, encode_id, new_uuid
from outbox.sql import statements

_SQL = statements("bench.sql")
_ACCOUNT = (
    decode_id("acct", os.environ["BENCH_ACCOUNT"]) if "BENCH_ACCOUNT" in os.environ else uuid.UUID(int=0)
)
_OWNER = encode_id("acct", _ACCOUNT)
_LOGGED = os.environ.get("BENCH_LOGGED", "true") == "true"
# The fields that every intent has alike; the view fills in its own.
_SAME = payment_intent_object(
    PaymentIntent(account_id=_ACCOUNT, amount=1, currency="usd", payment_method_types=["card"])
)


def create(request: HttpRequest) -> HttpResponse:
    given = json.loads(request.body)
    id_ = new_uuid()
    public_id = encode_id("pi", id_)
    secret = f"{public_id}_secret_{uuid.uuid4().hex[:24]}"
    shown = {
        **_SAME,
        "id": public_id,
        "amount": given["amount"],
        "currency": given["currency"],
        "description": given["description"],
        "payment_method": given["payment_method"],
        "client_secret": secret,
        "status": "requires_confirmation",
    }
    body = json.dumps(shown)
    parameters = {
        "id": id_,
        "public_id": public_id,
        "amount": given["amount"],
        "currency": given["currency"],
        "description": given["description"],
        "payment_method": given["payment_method"],
        "client_secret": secret,
    }
    execute(_SQL["bare_view_create"], parameters | _shared(request, body))
    return _answer(body, status=201)


def confirm(request: HttpRequest, public_id: str) -> HttpResponse:
    body = json.dumps({**_SAME, "id": public_id, "status": "succeeded"})
    parameters = {"id": decode_id("pi", public_id), "public_id": public_id}
    execute(_SQL["bare_view_confirm"], parameters | _shared(request, body))
    return _answer(body)


def _answer(body: str, status: int = 200) -> HttpResponse:
    headers = {"Content-Length": str(len(body))}  # ASCII
    return HttpResponse(body, content_type="application/json", status=status, headers=headers)


def _shared(request: HttpRequest, body: str) -> dict[str, Any]:
    return {
        "event_id": new_uuid(),
        "account_id": _ACCOUNT,
        "owner": _OWNER,
        "body": body,
        "key": request.META.get("HTTP_IDEMPOTENCY_KEY"),
        "logged": _LOGGED,
        "parameters": request.body.decode(),
    }


def ready(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ready")


urlpatterns = [
    path("payment_intents/", create),
    path("payment_intents/<str:public_id>/confirm/", confirm),
    path("readyz", ready),
]
