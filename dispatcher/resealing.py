"""Sealed secrets under the newest key: what `manage.py reencrypt_secrets` does.

Each app tells its sealed columns by `sealed_columns()` on its AppConfig. What the newest key has sealed already is left
alone, so a walk that was interrupted is simply begun again.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Manager

from dispatcher.errors import SecretUndecryptable
from dispatcher.sealing import reseal

_LEAST = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedColumns:
    """Where a table keeps what `dispatcher.sealing.seal` gave, as text or as its bytes."""

    table: str
    rows: Manager[Any]  # of the table's model, whose key is a UUID
    names: tuple[str, ...]
    # A filter: of other rows the columns are not sealed.
    only: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Resealed:
    """What a walk over one table did.

    Attributes:
        undecryptable: `(key, column)` of what no key of the list opens.
    """

    table: str
    rows: int = 0
    resealed: int = 0
    undecryptable: list[tuple[uuid.UUID, str]] = field(default_factory=list)


def reencrypt_secrets(*, batch: int, progress: Callable[[Resealed], None] | None = None) -> list[Resealed]:
    """Walk every table with sealed columns by its key, a transaction of at most `batch` rows at a time.

    Rows of a batch are locked while it is resealed, so that a secret which is rolled meanwhile is not undone. Forbids
    an open transaction. Told to `progress`: each table after each of its batches.
    """
    done = []
    for columns in sealed_columns():
        resealed = Resealed(columns.table)
        for keys in _batches(columns, batch):
            with transaction.atomic(durable=True):
                _reseal_rows(columns, keys, resealed)
            if progress is not None:
                progress(resealed)
        done.append(resealed)
    return done


def sealed_columns() -> list[SealedColumns]:
    """Of all installed apps."""
    found: list[SealedColumns] = []
    for config in apps.get_app_configs():
        found += getattr(config, "sealed_columns", list)()
    return found


def _batches(columns: SealedColumns, batch: int) -> Iterator[list[uuid.UUID]]:
    """Keys of all rows in their order, those without a secret too: what one look reads is bounded."""
    last = _LEAST
    while True:
        rows = columns.rows.filter(pk__gt=last).order_by("pk")
        keys = list(rows.values_list("pk", flat=True)[:batch])
        if not keys:
            return
        yield keys
        last = keys[-1]


def _reseal_rows(columns: SealedColumns, keys: list[uuid.UUID], done: Resealed) -> None:
    rows = columns.rows.filter(pk__in=keys, **columns.only).order_by("pk")
    for row in rows.only("pk", *columns.names).select_for_update(no_key=True):
        done.rows += 1
        changed = []
        for name in columns.names:
            sealed = getattr(row, name)
            if sealed is None:
                continue
            try:
                anew = reseal(_text(sealed))
            except SecretUndecryptable:
                done.undecryptable.append((row.pk, name))
                continue
            if anew is not None:
                setattr(row, name, anew if isinstance(sealed, str) else anew.encode())
                changed.append(name)
        if changed:
            row.save(update_fields=changed)
            done.resealed += 1


def _text(sealed: str | bytes | memoryview) -> str:
    return sealed if isinstance(sealed, str) else bytes(sealed).decode()
