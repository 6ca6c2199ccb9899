"""Changing single columns of a row that the open transaction has locked."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Model


def apply_changes(row: Model, changes: Mapping[str, Any]) -> bool:
    """Write what differs from what the row holds, in one statement; says whether anything did.

    A change may be a function of the value held: metadata is merged so. No statement where nothing differs.
    """
    changed = []
    for name, change in changes.items():
        held = getattr(row, name)
        value = change(held) if callable(change) else change
        if value != held:
            setattr(row, name, value)
            changed.append(name)
    if changed:
        row.save(update_fields=changed)
    return bool(changed)
