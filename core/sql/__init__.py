"""The room's named SQL, and jsonb parameters for it."""

import json
from typing import Any

from outbox.sql import statements

SQL = statements(__name__)


def jsonb(value: Any) -> str | None:
    """A parameter for a jsonb column; None is NULL."""
    return None if value is None else json.dumps(value, ensure_ascii=False)
