"""How an endpoint did in the last day, out of the rollups that dispatchers keep: no history is read for it."""

import uuid
from dataclasses import dataclass
from datetime import UTC, timedelta

from django.utils import timezone

from api.pages.charts import Column, Plot, Series, stacked_bars, time_axis
from dispatcher.rollups import Bucket, activity

SPAN = timedelta(hours=24)
_BUCKETS = 24
_SERIES = (Series("succeeded", "ok"), Series("failed", "bad"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Attempts of a day."""

    plot: Plot
    ok: int
    failed: int

    @property
    def attempts(self) -> int:
        return self.ok + self.failed

    @property
    def failed_percent(self) -> float | None:
        """Of a hundred attempts, retries included; None where there was none."""
        return 100 * self.failed / self.attempts if self.attempts else None


def activity_of(endpoint_id: uuid.UUID) -> Activity:
    """The caller has seen that the endpoint is the account's."""
    now = timezone.now()
    parts = activity(endpoint_id=endpoint_id, since=now - SPAN, until=now, buckets=_BUCKETS)
    plot = stacked_bars(
        id="activity",
        title="Attempts of the last 24 hours",
        series=_SERIES,
        columns=[Column(_label(part), (part.ok, part.failed)) for part in parts],
        axis=time_axis(parts[0].begins_at, parts[-1].ends_at),
    )
    return Activity(plot=plot, ok=sum(part.ok for part in parts), failed=sum(part.failed for part in parts))


def _label(part: Bucket) -> str:
    return f"{part.begins_at.astimezone(UTC):%d %b %H:%M}–{part.ends_at.astimezone(UTC):%H:%M}"
