"""What a command changed, in the audit log that pages show."""

import getpass
from collections.abc import Mapping
from typing import Any

from api.pages.audit import record


def audit(
    action: str,
    *,
    subject: str,
    account: str | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """One statement, after the change it tells of: some services commit by themselves."""
    record(actor=_actor(), action=action, subject=subject, account=account, before=before, after=after)


def _actor() -> str:
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container whose user has no name
        return "cli:unknown"
