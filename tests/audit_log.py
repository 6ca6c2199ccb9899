"""An audit log that cannot be written, and whether anything was changed without it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models

from api.models import AuditEntry, EntryLink, PortalSession
from core.models import ApiKey
from dispatcher.models import Delivery, Endpoint, FinishedDelivery, Lane, Replay
from outbox.models import Event

_CHANGED_BY_HAND: tuple[type[models.Model], ...] = (
    ApiKey,
    AuditEntry,
    Delivery,
    Endpoint,
    EntryLink,
    Event,
    FinishedDelivery,
    Lane,
    PortalSession,
    Replay,
    User,
    User.groups.through,
)


class LogIsFull(Exception):
    """What stands in for any reason why an entry cannot be written."""


@contextmanager
def no_change_without_its_entry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The body makes a change whose entry is refused: it fails, and leaves everything as it was."""
    before, refused = _everything(), []

    def refuse(**entry: Any) -> None:
        refused.append(entry)
        raise LogIsFull

    with monkeypatch.context() as patched, suppress(LogIsFull):
        patched.setattr(AuditEntry.objects, "create", refuse)
        yield
    assert refused
    assert _everything() == before


def _everything() -> dict[str, list[dict[str, Any]]]:
    return {
        model.__name__: list(model._default_manager.order_by("pk").values()) for model in _CHANGED_BY_HAND
    }
