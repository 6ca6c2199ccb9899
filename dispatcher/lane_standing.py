"""How lanes stand now: what waits in them, since when, and which of their endpoints are in trouble."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from outbox.database import fetch_all
from outbox.sql import statements

# So many failed attempts in a row, or a circuit that is not closed, and an endpoint is failing.
FAILING_STREAK = 3
_SQL = statements("dispatcher.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneStanding:
    """All lanes, or an owner's, at one moment; the same whichever process asks."""

    due: int  # waiting and due, whatever holds them; counted up to a bound, as the next one
    scheduled: int  # waiting for a later moment
    leases: int  # by the lanes' own count
    oldest_permitted: timedelta  # since the oldest was due that a dispatcher may send now; 0 where none is
    oldest_due: timedelta  # the same, of those that wait for a hold, a circuit or room as well
    circuits_open: int  # of enabled endpoints, as the next one
    circuits_half_open: int
    endpoints: int  # that are not deleted
    disabled: int
    failing: int  # enabled, and their last three attempts failed, or their circuit is not closed
    moment: datetime  # by the database's clock


def read_lanes(*, counted: int, owner: str | None = None) -> LaneStanding:
    """One statement, whose cost `counted` and the number of lanes bound. Joins an open transaction."""
    (row,) = fetch_all(_SQL["standing_of_lanes"], {"owner": owner, "most": counted, "streak": FAILING_STREAK})
    due, scheduled, leases, permitted, oldest, opened, half_open, endpoints, disabled, failing, moment = row
    return LaneStanding(
        due=due,
        scheduled=scheduled,
        leases=leases,
        oldest_permitted=permitted or timedelta(),
        oldest_due=oldest or timedelta(),
        circuits_open=opened,
        circuits_half_open=half_open,
        endpoints=endpoints,
        disabled=disabled,
        failing=failing,
        moment=moment,
    )
