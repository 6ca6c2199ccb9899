"""What older versions of the API, and the plain dialect, show otherwise than the canonical shape. Pure.

A change is told once, and every version older than it lists it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


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

PLAIN_LIFECYCLE = Change(
    object="payment_intent",
    apply=_plain_lifecycle,
    event_types={"payment_intent.payment_failed": "payment_intent.failed"},
)


def _account_balance(customer: Mapping[str, Any]) -> dict[str, Any]:
    return _renamed(customer, {"balance": "account_balance"})


# Stripe, 2019-10-17: the customer's `account_balance` became `balance`.
ACCOUNT_BALANCE = Change(object="customer", apply=_account_balance)


def _sources(intent: Mapping[str, Any]) -> dict[str, Any]:
    shown = _renamed(
        intent, {"payment_method_types": "allowed_source_types", "next_action": "next_source_action"}
    )
    shown["status"] = _SOURCE_STATUSES.get(shown["status"], shown["status"])
    action = shown.get("next_source_action")
    if action is not None and action["type"] == "redirect_to_url":
        shown["next_source_action"] = {
            **_renamed(action, {"redirect_to_url": "authorize_with_url"}),
            "type": "authorize_with_url",
        }
    return shown


_SOURCE_STATUSES = {
    "requires_payment_method": "requires_source",
    "requires_action": "requires_source_action",
}

# Stripe, 2019-02-11: what a payment intent called sources became payment methods.
SOURCES = Change(object="payment_intent", apply=_sources)


def _renamed(object: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The object with fields under other names, each in its place."""
    return {names.get(name, name): value for name, value in object.items()}
