"""What an endpoint was not sent because it was disabled, and could be sent still."""

import uuid
from datetime import datetime

from dispatcher.replay_runs import Counted
from outbox.database import fetch_all
from outbox.identifiers import floor_uuid
from outbox.sql import statements

LOOKED_AT = 2_000
_SQL = statements("dispatcher.sql")


def count_skipped(*, endpoint_id: uuid.UUID, since: datetime, most: int = LOOKED_AT) -> Counted:
    """How many of its newest skips since then were not made up for; at most `most` are looked at. One statement.

    That an endpoint is the caller's to see, the caller knows.
    """
    parameters = {"endpoint_id": endpoint_id, "oldest": floor_uuid(since), "most": most}
    ((open_still, looked_at),) = fetch_all(_SQL["count_skipped"], parameters)
    return Counted(found=open_still, more=looked_at >= most)
