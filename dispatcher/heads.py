"""Heads: of each order key of an ordered endpoint only the oldest live delivery may be sent.

Those behind it are due at infinity. A delivery that is due at infinity is changed only by a transaction
that holds its lane's lock; so promoting it, which comes after the lanes, waits for nobody.

A key whose delivery was dead-lettered stops where its endpoint says so: its row in dispatcher_stopped_key is
written with that end, and nothing behind it is promoted while the row is there.
"""

import uuid
from collections.abc import Iterable

from dispatcher.models import StoppedKey
from outbox.database import execute
from outbox.sql import statements

_SQL = statements("dispatcher.sql")


def promote_heads(keys: Iterable[tuple[uuid.UUID, str]]) -> None:
    """Make the heads of these endpoints' order keys due; requires a transaction that has locked their lanes.

    One statement, none where there are no keys. A head that is due, leased or waiting for its retry stays as
    it is, and so does one whose key is stopped.
    """
    pairs = sorted(set(keys))
    if not pairs:
        return
    execute(
        _SQL["promote_heads"],
        {
            "endpoint_ids": [endpoint_id for endpoint_id, _ in pairs],
            "order_keys": [order_key for _, order_key in pairs],
        },
    )


def forget_stopped_keys(endpoint_id: uuid.UUID) -> list[str]:
    """Let go of the stopped keys of an endpoint; requires a transaction that then promotes their heads."""
    stopped = StoppedKey.objects.filter(endpoint_id=endpoint_id)
    keys = list(stopped.values_list("order_key", flat=True))
    stopped.filter(order_key__in=keys).delete()
    return keys


def release_from_order(endpoint_id: uuid.UUID, *, limit: int) -> int:
    """Make up to `limit` deliveries that wait behind heads due now, without an order; gives their number.

    Requires a transaction that has locked the endpoint's lane, and wakes it.
    """
    return execute(_SQL["release_from_order"], {"endpoint_id": endpoint_id, "limit": limit})
