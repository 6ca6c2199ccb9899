"""API versions: what is stored is canonical (Stripe's newest shape), and a version is a list of changes to it.

Changes are pure and applied at the edge only: to answers, and to an event when it is rendered for an
endpoint. A released version never changes: an event's body is a function of (facts, version), so
every attempt, also next year's, sends the same bytes.
"""

import difflib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from core.errors import UnknownEventType, UnknownVersion
from core.previous import previous_attributes, restored
from core.version_changes import ACCOUNT_BALANCE, PLAIN_LIFECYCLE, SOURCES, Change
from outbox.facts import EventFacts

# One encoder for all: json.dumps would build one for every call.
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

STRIPE = "2026-10-28.endive"
PLAIN = "2026-11-22.plain"

EVENT_TYPES: dict[str, str] = {
    "customer.created": "A customer was created.",
    "customer.updated": "A customer was changed; `previous_attributes` has what it was before.",
    "customer.deleted": "A customer was deleted.",
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

VERSIONS: dict[str, tuple[Change, ...]] = {
    STRIPE: (),
    "2019-10-08": (ACCOUNT_BALANCE,),
    "2018-11-08": (ACCOUNT_BALANCE, SOURCES),
    PLAIN: (PLAIN_LIFECYCLE,),
}
"""Each with its changes, the newest first."""

STRIPE_VERSIONS = tuple(version for version in VERSIONS if version != PLAIN)

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
    after = json.loads(facts.data)
    data = {"object": render(after, version)}
    if facts.previous is not None:
        data["previous_attributes"] = _shown_previous(after, json.loads(facts.previous), version)
    return {
        "id": facts.public_id,
        "object": "event",
        "api_version": version,
        "created": _created(facts),
        "data": data,
        "livemode": False,
        "pending_webhooks": pending_webhooks,
        "request": _request(facts),
        "type": shown_event_type(facts.type, version),
    }


def render_event(facts: EventFacts, api_version: str) -> bytes:
    """The body that is delivered: pure, compact UTF-8 JSON, the same bytes for equal arguments, for ever.

    `pending_webhooks` is always 1: a true count would differ from attempt to attempt, and the bytes would
    too. Where the version has no change for the object, the recorded texts go out as they are, unparsed.
    """
    data, previous = facts.data, facts.previous
    changed, version, shown_type = _frame(facts.type, api_version)
    if changed:
        after = json.loads(data)
        data = _compact(render(after, api_version))
        if previous is not None:
            previous = _compact(_shown_previous(after, json.loads(previous), api_version))
    if previous is not None:
        data = f'{data},"previous_attributes":{previous}'
    return (
        f'{{"id":"{facts.public_id}","object":"event","api_version":{version}'
        f',"created":{_created(facts)},"data":{{"object":{data}}},"livemode":false,"pending_webhooks":1'
        f',"request":{_request_text(facts)},"type":{shown_type}}}'
    ).encode()


def _shown_previous(after: Mapping[str, Any], previous: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Previous attributes by the names and values of the version: what differs between its two renderings."""
    if not any(change.object == after.get("object") for change in _changes(version)):
        return dict(previous)
    return previous_attributes(render(restored(after, previous), version), render(after, version))


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
