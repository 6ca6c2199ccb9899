"""API keys as commands print them: everything but the key, which nobody can show again."""

from datetime import datetime
from typing import Any

from core.models import ApiKey


def key_record(row: ApiKey) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "name": row.name,
        "kind": row.kind,
        "scopes": row.scopes,
        "created_at": _text(row.created_at),
        "last_used_at": _text(row.last_used_at),
        "expires_at": _text(row.expires_at),
        "revoked_at": _text(row.revoked_at),
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
