"""How it stands in the database: what metrics show beside what a process counted itself."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from dispatcher.connection import connect
from dispatcher.lane_standing import read_lanes
from outbox.database import fetch_all
from outbox.lookout import Lookout
from outbox.partitions import STRAYS_COUNTED, partitioned_tables
from outbox.sql import statements

# No state of the backlog is counted further: what matters above is that it does not shrink.
COUNTED = 100_000
_SQL = statements("dispatcher.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The database at one moment; the same whichever process asks."""

    events_recorded: int  # so far, since the tables were made
    pending_fan_out: int
    due: int
    scheduled: int
    leased: int
    leases: int  # by the lanes' own count
    oldest_permitted: float  # seconds since the oldest delivery was due that a dispatcher may claim now
    oldest_due: float  # the same, of those that wait for a hold or for room as well
    circuits_open: int
    circuits_half_open: int
    paused: bool
    strays: Mapping[str, int]  # rows of default partitions, by table


def read_standing(*, counted: int = COUNTED) -> Standing:
    """Two statements, whose cost `counted` and the number of lanes bound. Joins an open transaction."""
    tables = [table.name for table in partitioned_tables()]
    lanes = read_lanes(counted=counted)
    ((recorded, pending, leased, pauses, strays),) = fetch_all(
        _SQL["standing"],
        {"most": counted, "tables": tables, "least": uuid.UUID(int=0), "most_strays": STRAYS_COUNTED},
    )
    return Standing(
        events_recorded=recorded,
        pending_fan_out=pending,
        due=lanes.due,
        scheduled=lanes.scheduled,
        leased=leased,
        leases=lanes.leases,
        oldest_permitted=lanes.oldest_permitted.total_seconds(),
        oldest_due=lanes.oldest_due.total_seconds(),
        circuits_open=lanes.circuits_open,
        circuits_half_open=lanes.circuits_half_open,
        paused=pauses > 0,
        strays=dict(zip(tables, strays, strict=True)),
    )


def lookout() -> Lookout[Standing]:
    """Reads the standing when asked; not started yet."""
    return Lookout(read_standing, connect=connect)
