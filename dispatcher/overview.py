"""How it stands, for people: a sentence first, then the figures behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.lane_standing import read_lanes
from dispatcher.processes import LATE_AFTER
from dispatcher.rollups import Bucket, activity
from outbox.database import fetch_all
from outbox.sql import statements

# No count of the backlog goes further; pages say "10,000 or more".
COUNTED = 10_000
# As the alert has it: what may be sent now and was not for so long is late.
LATE = timedelta(minutes=1)
_SQL = statements("dispatcher.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The state of all deliveries, or of an owner's, at one moment."""

    moment: datetime  # by the database's clock
    due: int  # waiting and due, whatever holds them; counted up to COUNTED, as the next two
    scheduled: int  # waiting for a later moment
    pending_fan_out: int  # events of all owners whose deliveries are not made yet
    leased: int  # being sent
    oldest_permitted: (
        timedelta  # since the oldest delivery was due that a dispatcher may send now; 0 where none is
    )
    oldest_due: timedelta  # the same, of those that wait for a hold, a circuit or room as well
    endpoints: int  # that are not deleted
    failing: int  # enabled, and their last three attempts failed, or their circuit is not closed
    disabled: int
    circuits_open: int
    circuits_half_open: int
    paused_since: datetime | None
    pause_reason: str | None
    dispatchers: int  # alive
    anything_sent: bool  # ever, within the retention of rollups
    ok: int  # attempts of the range
    failed: int
    of_owner: bool  # of one owner's deliveries
    parts: Sequence[Bucket] = ()  # the range, about sixty parts

    @property
    def paused(self) -> bool:
        return self.paused_since is not None

    @property
    def late(self) -> bool:
        return self.oldest_permitted > LATE

    @property
    def sentence(self) -> str:
        return sentence_of(self)


def overview(*, owner: str | None = None, since: datetime, until: datetime) -> Overview:
    """Three statements. `ok` and `failed` are those of the range, everything else is as it is now.

    Raises:
        ValueError: `until` is not later than `since`.
    """
    parts = activity(owner=owner, since=since, until=until, buckets=60)
    lanes = read_lanes(owner=owner, counted=COUNTED)
    ((paused_since, pause_reason, pending, dispatchers, anything_sent),) = fetch_all(
        _SQL["overview"], {"owner": owner, "most": COUNTED, "alive_within": LATE_AFTER}
    )
    return Overview(
        moment=lanes.moment,
        due=lanes.due,
        scheduled=lanes.scheduled,
        pending_fan_out=pending,
        leased=lanes.leases,
        oldest_permitted=lanes.oldest_permitted,
        oldest_due=lanes.oldest_due,
        endpoints=lanes.endpoints,
        failing=lanes.failing,
        disabled=lanes.disabled,
        circuits_open=lanes.circuits_open,
        circuits_half_open=lanes.circuits_half_open,
        paused_since=paused_since,
        pause_reason=pause_reason or None,
        dispatchers=dispatchers,
        anything_sent=anything_sent,
        ok=sum(part.ok for part in parts),
        failed=sum(part.failed for part in parts),
        of_owner=owner is not None,
        parts=parts,
    )


def sentence_of(view: Overview) -> str:
    """What a person needs to know first. Pure."""
    return " ".join(filter(None, [_of_deliveries(view), _of_endpoints(view)]))


def _of_deliveries(view: Overview) -> str:
    if view.paused_since is not None:
        reason = f" ({view.pause_reason})" if view.pause_reason and not view.of_owner else ""
        waiting = f" {_many(view.due, 'delivery waits', 'deliveries wait')}." if view.due else ""
        return f"Deliveries are paused since {view.paused_since:%Y-%m-%d %H:%M} UTC{reason}.{waiting}"
    if not view.endpoints:
        return "No endpoints yet: nothing is sent before there is one."
    if not view.of_owner and not view.dispatchers:
        if view.due or view.pending_fan_out:
            since = f", the oldest for {spoken(view.oldest_due)}" if view.due else ""
            waiting = (
                _many(view.due, "delivery waits", "deliveries wait")
                if view.due
                else _many(view.pending_fan_out, "event waits", "events wait")
            )
            return f"No dispatcher is running: {waiting}{since}."
        return "No dispatcher is running; nothing is due."
    if view.late:
        whose = " on our side" if view.of_owner else ""
        return f"Deliveries are late: the oldest has waited {spoken(view.oldest_permitted)}{whose}."
    if not view.anything_sent and not view.due and not view.leased:
        return "Nothing was sent yet."
    return "Deliveries are on time."


def _of_endpoints(view: Overview) -> str:
    said = []
    if view.failing:
        verb = "is" if view.failing == 1 else "are"
        noun = "endpoint" if view.endpoints == 1 else "endpoints"
        said.append(f"{view.failing:,} of {view.endpoints:,} {noun} {verb} failing.")
    if view.disabled:
        said.append(f"{_many(view.disabled, 'endpoint is', 'endpoints are')} disabled.")
    return " ".join(said)


def spoken(span: timedelta) -> str:
    """A span in its largest unit: 45 s, 12 min, 3 h, 5 days."""
    seconds = span.total_seconds()
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600:.0f} h"
    return f"{seconds // 86400:.0f} days"


def _many(count: int, one: str, many: str) -> str:
    shown = f"{COUNTED:,} or more" if count >= COUNTED else f"{count:,}"
    return f"{shown} {one if count == 1 else many}"
