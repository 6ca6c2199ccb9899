"""What keys may do: secret ones everything, restricted ones what their scopes name, publishable ones the least."""

from collections.abc import Mapping
from enum import StrEnum

from core.errors import InvalidScope


class KeyKind(StrEnum):
    SECRET = "secret"
    RESTRICTED = "restricted"
    PUBLISHABLE = "publishable"


class Access(StrEnum):
    """To the objects of one resource; writing includes reading."""

    READ = "read"
    WRITE = "write"


# First segment of the path → the name that Stripe's permissions have for it.
RESOURCES: dict[str, str] = {
    "account": "account",
    "accounts": "account",
    "balance": "balance",
    "balance_transactions": "balance_transaction",
    "charges": "charge",
    "customers": "customer",
    "deliveries": "delivery",
    "event_types": "event_type",
    "events": "event",
    "payment_intents": "payment_intent",
    "payment_methods": "payment_method",
    "portal_sessions": "portal_session",
    "refunds": "refund",
    "requests": "request",
    "setup_intents": "setup_intent",
    "stripecli": "stripecli",
    "test_helpers": "test_helpers",
    "webhook_endpoints": "webhook",
}

# Kind of object → the resource that it is read from.
RESOURCE_OF_KIND: dict[str, str] = {kind: resource for resource, kind in RESOURCES.items()}

Scopes = Mapping[str, str]  # resource → "read" or "write"; none where it is not named


def check_scopes(scopes: Scopes) -> None:
    """Raises InvalidScope: a resource or an access that does not exist, or no scope at all."""
    if not scopes:
        raise InvalidScope("A restricted key needs at least one scope, e.g. customers=read.")
    for resource, access in scopes.items():
        if resource not in RESOURCES:
            raise InvalidScope(f"No such resource: '{resource[:80]}'; there are: {', '.join(RESOURCES)}")
        if access not in set(Access):
            raise InvalidScope(f"{resource}: must be one of {', '.join(Access)}, not '{access[:80]}'")


def permits(scopes: Scopes, resource: str, access: Access) -> bool:
    """Whether a restricted key with these scopes may do it. What nobody named is permitted to nobody."""
    given = scopes.get(resource)
    return given == Access.WRITE or (given == Access.READ and access == Access.READ)


def permission_name(resource: str, access: Access) -> str:
    """As Stripe names it: `rak_customer_read`."""
    return f"rak_{RESOURCES.get(resource, resource)}_{access.value}"
