"""Who changed what by hand, when, from where, and how it was before."""

import getpass
from collections.abc import Mapping
from typing import Any

from api.models import AuditEntry
from core.redaction import REDACTED, without_secrets
from outbox.identifiers import new_uuid

PREFIX = "aud"
_SECRET_NAMES = ("secret", "password", "token", "signature")


def record(
    *,
    actor: str,
    action: str,
    subject: str,
    account: str | None = None,
    role: str | None = None,
    network: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry. Joins the open transaction: where the change is in it, both commit or neither does.

    Args:
        actor: a user's name; `cli:` or `portal:` before whoever acts there.
        action: what was done, as `endpoint.disabled`.
        subject: the public id of what was changed.
        account: the public id of whose it is.
        before, after: what was changed, as JSON; what looks like a secret is taken out.
    """
    AuditEntry.objects.create(
        id=new_uuid(),
        actor=actor,
        role=role,
        action=action,
        subject=subject,
        account=account,
        before=_without_secrets(before),
        after=_without_secrets(after),
        network=network,
    )


def terminal_actor() -> str:
    """Who acts at a terminal: the system's user, who may have no name there."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli:unknown"


def _without_secrets(value: Any) -> Any:
    match value:
        case str():
            return without_secrets(value)
        case Mapping():
            return {
                name: REDACTED if _names_a_secret(name) else _without_secrets(held)
                for name, held in value.items()
            }
        case list() | tuple():
            return [_without_secrets(held) for held in value]
        case _:
            return value


def _names_a_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_NAMES) and not name.endswith("_at")
