"""What the caller's key may do here. Decided from its row, which authentication has read: no query."""

from collections.abc import Mapping
from typing import Any

from core.api_keys import ApiKeyIdentity
from core.errors import ScopeMissing, SecretKeyRequired
from core.key_scopes import Access, KeyKind, permission_name, permits

_READING = frozenset({"GET", "HEAD"})

# What a holder of the `client_secret` alone may see of an object.
_PUBLIC_FIELDS: dict[str, tuple[str, ...]] = {
    "payment_intent": (
        "id",
        "object",
        "amount",
        "automatic_payment_methods",
        "canceled_at",
        "cancellation_reason",
        "capture_method",
        "client_secret",
        "confirmation_method",
        "created",
        "currency",
        "description",
        "last_payment_error",
        "livemode",
        "next_action",
        "payment_method",
        "payment_method_types",
        "processing",
        "receipt_email",
        "setup_future_usage",
        "shipping",
        "source",
        "status",
    ),
    "setup_intent": (
        "id",
        "object",
        "automatic_payment_methods",
        "cancellation_reason",
        "client_secret",
        "created",
        "description",
        "last_setup_error",
        "livemode",
        "next_action",
        "payment_method",
        "payment_method_types",
        "status",
        "usage",
    ),
}


def check_permission(
    identity: ApiKeyIdentity,
    *,
    resource: str,
    method: str,
    publishable_methods: frozenset[str] = frozenset(),
) -> None:
    """Raises ScopeMissing or SecretKeyRequired.

    Args:
        resource: the first segment of the path.
        publishable_methods: those that a publishable key may use here, where it proves its right otherwise.
    """
    match identity.kind:
        case KeyKind.SECRET:
            return
        case KeyKind.RESTRICTED:
            access = Access.READ if method in _READING else Access.WRITE
            if not permits(identity.scopes, resource, access):
                raise ScopeMissing(owner=identity.owner, permission=permission_name(resource, access))
        case KeyKind.PUBLISHABLE:
            if method not in publishable_methods:
                raise SecretKeyRequired


def permitted_part(object: Mapping[str, Any], identity: ApiKeyIdentity | None) -> Mapping[str, Any]:
    """What of a canonical object the caller may see: a publishable key is in everybody's hands."""
    if identity is None or identity.kind != KeyKind.PUBLISHABLE:
        return object
    names = _PUBLIC_FIELDS.get(object["object"], ("id", "object"))
    return {name: object[name] for name in names if name in object}


def resource_of(path: str) -> str:
    """`/v1/customers/cus_…` → `customers`."""
    return path.removeprefix("/v1").lstrip("/").partition("/")[0]
