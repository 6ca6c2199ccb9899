"""API versions: what is stored is canonical (Stripe's newest shape), and a version is a list of changes to it.

Changes are pure and applied at the edge only: to answers, and to an event when it is rendered for an
endpoint. A released version never changes: an event's body is a function of (facts, version), so
every attempt, also next year's, sends the same bytes.
"""

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from core.errors import UnknownEventType, UnknownVersion
from outbox.facts import EventFacts

# One encoder for all: json.dumps would build one for every call.
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

STRIPE = "2026-10-28.endive"
PLAIN = "2026-11-22.plain"

EVENT_TYPES: dict[str, str] = {
    "customer.created": "A customer was created.",
    "payment_intent.created": "A payment intent was created.",
    "payment_intent.processing": "A payment intent was confirmed; the bank's answer comes later.",
    "payment_intent.succeeded": "The bank approved the payment.",
    "payment_intent.payment_failed": "The bank refused the payment.",
    "payment_intent.canceled": "A payment intent was canceled.",
    "payment_intent.requires_action": "The payer has to authenticate before the bank is asked.",
    "payment_intent.amount_capturable_updated": "A card holds the amount of a payment, to be captured.",
    "charge.pending": "A bank debit is under way.",
    "charge.succeeded": "The bank approved a charge.",
    "charge.failed": "The bank refused a charge.",
    "charge.captured": "The money that a card held was taken, or a part of it.",
    "charge.refunded": "Money of a charge was given back.",
    "charge.updated": "A charge's description or metadata changed.",
    "refund.created": "A refund was made.",
    "refund.updated": "A refund's status or metadata changed.",
    "refund.failed": "The bank refused a refund; its money is the merchant's again.",
    "payment_method.attached": "A payment method was saved for a customer.",
    "payment_method.detached": "A payment method was taken from its customer.",
    "payment_method.updated": "A payment method's details changed.",
    "setup_intent.created": "A setup intent was created.",
    "setup_intent.requires_action": "The payer has to authenticate before the payment method is kept.",
    "setup_intent.succeeded": "A payment method was kept for later.",
    "setup_intent.setup_failed": "A payment method could not be kept for later.",
    "setup_intent.canceled": "A setup intent was canceled.",
    "endpoint.failing": "An endpoint has failed for long, without one success; it will be disabled if that goes on.",
    "endpoint.disabled": "An endpoint was disabled, because it failed for too long or said that it is gone.",
    "endpoint.test": "Sent to one endpoint by hand, to try it.",
}
"""Canonical names and what each tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference from the canonical shape of objects of one kind."""

    object: str  # the `object` field of those it applies to, and the first word of their events
    apply: Callable[[Mapping[str, Any]], dict[str, Any]]  # pure; gives a new dict
    event_types: Mapping[str, str] = field(default_factory=dict)  # canonical name → name in this version


def _plain_lifecycle(intent: Mapping[str, Any]) -> dict[str, Any]:
    status = _PLAIN_STATUSES[intent["status"]]
    if status == "created" and intent["last_payment_error"] is not None:
        status = "failed"
    return {**intent, "status": status}


_PLAIN_STATUSES = {
    "requires_payment_method": "created",
    "requires_confirmation": "created",
    "requires_action": "created",
    "processing": "processing",
    "requires_capture": "processing",
    "succeeded": "succeeded",
    "canceled": "canceled",
}

VERSIONS: dict[str, tuple[Change, ...]] = {
    STRIPE: (),
    PLAIN: (
        Change(
            object="payment_intent",
            apply=_plain_lifecycle,
            event_types={"payment_intent.payment_failed": "payment_intent.failed"},
        ),
    ),
}

_SHOWN_TYPES = {
    version: {
        name: next((change.event_types[name] for change in changes if name in change.event_types), name)
        for name in EVENT_TYPES
    }
    for version, changes in VERSIONS.items()
}
_CANONICAL_TYPES = {
    version: {shown: name for name, shown in types.items()} for version, types in _SHOWN_TYPES.items()
}


def render(object: Mapping[str, Any], version: str) -> dict[str, Any]:
    """A canonical object as the version shows it; the argument is left as it is."""
    rendered = dict(object)
    for change in _changes(version):
        if change.object == rendered.get("object"):
            rendered = change.apply(rendered)
    return rendered


def event_types(version: str) -> list[str]:
    """The names of all events, as the version has them."""
    _changes(version)
    return list(_CANONICAL_TYPES[version])


def shown_event_type(name: str, version: str) -> str:
    """A canonical name as the version has it; a name outside the catalogue stays as it is."""
    _changes(version)
    return _SHOWN_TYPES[version].get(name, name)


def canonical_event_type(name: str, version: str) -> str:
    """The stored name of an event that the version calls `name`. `*` means every event in each version.

    Raises:
        UnknownEventType: no such event in this version; it carries the nearest name there is.
    """
    _changes(version)
    if name == "*":
        return name
    known = _CANONICAL_TYPES[version]
    if name not in known:
        raise UnknownEventType(name, nearest=next(iter(difflib.get_close_matches(name, known, n=1)), None))
    return known[name]


def event_object(facts: EventFacts, version: str, *, pending_webhooks: int = 1) -> dict[str, Any]:
    """An event as the API shows it."""
    return {
        "id": facts.public_id,
        "object": "event",
        "api_version": version,
        "created": _created(facts),
        "data": {"object": render(json.loads(facts.data), version)},
        "livemode": False,
        "pending_webhooks": pending_webhooks,
        "request": _request(facts),
        "type": shown_event_type(facts.type, version),
    }


def render_event(facts: EventFacts, api_version: str) -> bytes:
    """The body that is delivered: pure, compact UTF-8 JSON, the same bytes for equal arguments, for ever.

    `pending_webhooks` is always 1: a true count would differ from attempt to attempt, and the bytes would
    too. Where the version has no change for the object, the recorded text goes out as it is, unparsed.
    """
    data = facts.data
    changed, version, shown_type = _frame(facts.type, api_version)
    if changed:
        data = _compact(render(json.loads(data), api_version))
    return (
        f'{{"id":"{facts.public_id}","object":"event","api_version":{version}'
        f',"created":{_created(facts)},"data":{{"object":{data}}},"livemode":false,"pending_webhooks":1'
        f',"request":{_request_text(facts)},"type":{shown_type}}}'
    ).encode()


@lru_cache(maxsize=1024)
def _frame(type: str, api_version: str) -> tuple[bool, str, str]:
    """Whether the version changes the object of such an event, and what of its body every one of them shares."""
    changed = any(type.startswith(f"{change.object}.") for change in _changes(api_version))
    return changed, _compact(api_version), _compact(shown_event_type(type, api_version))


def _changes(version: str) -> tuple[Change, ...]:
    try:
        return VERSIONS[version]
    except KeyError:
        raise UnknownVersion(version) from None


def _request(facts: EventFacts) -> dict[str, str | None] | None:
    if facts.request_id is None and facts.idempotency_key is None:
        return None
    return {"id": facts.request_id, "idempotency_key": facts.idempotency_key}


def _request_text(facts: EventFacts) -> str:
    """`_request` as compact JSON, of which most events have the same few."""
    request_id, key = facts.request_id, facts.idempotency_key
    if request_id is None and key is None:
        return "null"
    return (
        f'{{"id":{"null" if request_id is None else _compact(request_id)}'
        f',"idempotency_key":{"null" if key is None else _compact(key)}}}'
    )


def _created(facts: EventFacts) -> int:
    """Unix seconds, out of the milliseconds that begin a UUIDv7."""
    return int((facts.id.int >> 80) // 1000)
