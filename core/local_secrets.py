"""Secrets for a checkout on a person's own machine.

So that the first command works, secrets that the environment does not give are made at random once
and kept in a file that only its owner can read. Containers set LOCAL_SECRETS=false: several hosts
must share secrets, which a file of one of them cannot do.
"""

import base64
import json
import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Any


class LocalSecrets:
    """Values of one secrets file, made on first use; gives no defaults where disabled."""

    def __init__(self, path: Path, *, enabled: bool) -> None:
        self._path = path
        self._enabled = enabled

    def default(self, name: str) -> dict[str, Any]:
        """Keyword arguments that give a setting its default, or none where the environment must have it."""
        return {"default": self._values[name]} if self._wanted(name) else {}

    def default_list(self, name: str) -> dict[str, Any]:
        return {"default": [self._values[name]]} if self._wanted(name) else {}

    def _wanted(self, name: str) -> bool:
        return self._enabled and not os.environ.get(name)

    @cached_property
    def _values(self) -> dict[str, str]:
        if not self._path.exists():
            self._create()
        values: dict[str, str] = json.loads(self._path.read_text())
        return values

    def _create(self) -> None:
        """Write the file whole or not at all: two processes may start at once, and both must read the same."""
        values = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "API_KEY_HASH_KEY": secrets.token_urlsafe(32),
            "WEBHOOK_SECRET_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(values, file, indent=2)
        try:
            os.link(draft, self._path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
