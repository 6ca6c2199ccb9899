"""Processes that told of themselves."""

from datetime import timedelta

from dispatcher.deliveries import database_now
from dispatcher.models import Process
from outbox.identifiers import new_uuid


def beat(*, seen_ago: int = 0, leases: int = 0) -> None:
    """A dispatcher, as it was seen so many seconds ago."""
    moment = database_now() - timedelta(seconds=seen_ago)
    Process.objects.create(
        id=new_uuid(),
        kind="dispatcher",
        host="here",
        pid=1,
        version="1",
        executor="local",
        concurrency=1,
        started_at=moment,
        seen_at=moment,
        in_flight=0,
        leases=leases,
    )
