"""Rows that installed apps no longer keep, deleted a batch at a time by whoever has a loop to spare.

Tables of days are dropped by the partition (outbox/partitions.py); this is for rows that are looked up by another
key, as those of idempotency are.
"""

from django.apps import apps


def expire_rows(*, limit: int) -> int:
    """Delete up to `limit` rows of each app that has any to expire; gives how many, over all of them.

    An app takes part by a method of its AppConfig: `expire_rows(*, limit: int) -> int`, each call a transaction of
    its own.
    """
    return sum(
        config.expire_rows(limit=limit) for config in apps.get_app_configs() if hasattr(config, "expire_rows")
    )
