"""What a command changed, in the audit log that pages show."""

from collections.abc import Mapping
from typing import Any

from api.pages.audit import record, terminal_actor


def audit(
    action: str,
    *,
    subject: str,
    account: str | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """One statement, in the transaction of the change that it tells of: both commit, or neither does."""
    record(
        actor=terminal_actor(), action=action, subject=subject, account=account, before=before, after=after
    )
