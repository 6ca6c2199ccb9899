"""What charts are drawn from: that sums are those of what was recorded, how a range is cut, what is read for it."""

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from dispatcher.attempts import Attempted
from dispatcher.connection import connect
from dispatcher.cycles import Cycle
from dispatcher.exchanges import Timings
from dispatcher.failures import FailureCode
from dispatcher.models import Attempt, FinishedDelivery, Rollup
from dispatcher.outcomes import Outcome
from dispatcher.recording import Recorded
from dispatcher.retry import DeadLetter, Decision, Retry, Succeed
from dispatcher.rollups import activity, failures_by_code, quantile, worst_endpoints
from dispatcher.tallies import DURATION_BOUNDS, Tallies, expire_rollups
from tests.dispatcher.plans import counted_rows
from tests.dispatcher.scenes import (
    OWNER,
    SUCCESS,
    claim,
    fan_out,
    finish_each,
    held_elsewhere,
    make_due,
    make_endpoint,
    query,
    record,
    scalar,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def answered(status: int = 200, *, ms: float = 20.0) -> Outcome:
    if status == 200:
        return Outcome(succeeded=True, status=200, timings=Timings(total_ms=ms))
    code = FailureCode.HTTP_5XX if status >= 500 else FailureCode.HTTP_4XX
    return Outcome(succeeded=False, failure_code=code, status=status, timings=Timings(total_ms=ms))


def write(*cycles: Cycle) -> None:
    tallies = Tallies()
    for cycle in cycles:
        tallies.cycled(cycle)
    tallies.write()


def send(outcomes: Sequence[Outcome]) -> Cycle:
    """Claim and record so many deliveries, one for each outcome, and say what a cycle would."""
    claims = claim(len(outcomes))
    assert len(claims) == len(outcomes)
    return Cycle(recorded=finish_each(list(zip(claims, outcomes, strict=True))))


def today(*, owner: str | None = None, endpoint_id: uuid.UUID | None = None) -> SimpleNamespace:
    """The sums of everything that a test just did."""
    now = datetime.now(tz=UTC)
    parts = activity(owner=owner, endpoint_id=endpoint_id, since=now - HOUR, until=now + MINUTE)
    names = ("ok", "failed", "delivered", "dead_lettered", "cancelled", "skipped")
    return SimpleNamespace(
        **{name: sum(getattr(part, name) for part in parts) for name in names},
        by_code=dict(sum((Counter(part.by_code) for part in parts), Counter())),
        medians=[part.duration_p50_ms for part in parts if part.duration_p50_ms is not None],
    )


@pytest.mark.django_db(transaction=True)
class TestSums:
    def test_sums_are_those_of_what_was_recorded_for_endpoint_owner_and_all(self):
        mine, other = make_endpoint(), make_endpoint(owner="acct_other")
        record(3)
        record(2, owner="acct_other")
        fan_out()
        claims = claim()
        outcomes = [answered(500) if number == 0 else answered(ms=20.0) for number in range(5)]
        claims.sort(key=lambda one: one.endpoint.id != mine.id)
        write(Cycle(recorded=finish_each(list(zip(claims, outcomes, strict=True)))))
        assert (today(endpoint_id=mine.id).ok, today(endpoint_id=mine.id).failed) == (2, 1)
        assert today(owner=OWNER).by_code == {"http_5xx": 1}
        assert today(owner="acct_other").ok == today(endpoint_id=other.id).ok == 2
        assert (today().ok, today().failed, today().delivered) == (4, 1, 4)
        assert today().ok == Attempt.objects.filter(outcome="succeeded").count()
        assert today().delivered == FinishedDelivery.objects.filter(state="succeeded").count()
        assert all(10 < median <= 25 for median in today().medians)
        assert scalar("SELECT count(*) FROM dispatcher_rollup WHERE seconds = 3600") >= 5

    def test_later_sums_are_added_to_earlier_ones(self):
        endpoint = make_endpoint()
        record(4)
        fan_out()
        for status in (500, 400, 500):
            write(send([answered(status)]))
            make_due(endpoint)
        write(send([answered()]))
        found = today(endpoint_id=endpoint.id)
        assert (found.ok, found.failed) == (1, 3)
        assert found.by_code == {"http_5xx": 2, "http_4xx": 1}

    def test_only_first_attempts_tell_how_long_an_event_waited(self):
        endpoint = make_endpoint()
        record(1)
        fan_out()
        write(send([answered(500)]))
        make_due(endpoint)
        write(send([answered()]))
        assert (
            sum(sum(row) for (row,) in query("SELECT waits FROM dispatcher_rollup")) == 6
        )  # three levels, two spans

    def test_what_ends_without_an_attempt_is_counted_for_all(self):
        make_endpoint(status="disabled")
        record(3)
        cycle = Cycle()
        cycle.ended["skipped"] += 3
        cycle.ended["cancelled"] += 2
        write(cycle)
        assert (today().skipped, today().cancelled) == (3, 2)
        assert set(Rollup.objects.values_list("scope", flat=True)) == {"all"}

    def test_a_superseded_attempt_is_an_attempt_and_no_end(self):
        make_endpoint()
        record(1)
        fan_out()
        (one,) = claim()
        attempted = Attempted(
            claim=one, started_epoch=one.lease.claimed_epoch, outcome=SUCCESS, decision=Succeed()
        )
        write(Cycle(recorded=[Recorded(attempted, True, None)]))
        assert (today().ok, today().delivered) == (1, 0)

    def test_ends_follow_the_decision(self):
        make_endpoint()
        record(3)
        fan_out()
        decisions: list[Decision] = [Succeed(), DeadLetter("schedule_over"), Retry(timedelta(1))]
        write(
            Cycle(
                recorded=[
                    Recorded(
                        Attempted(
                            one, one.lease.claimed_epoch, answered(200 if number == 0 else 500), decision
                        ),
                        False,
                        None,
                    )
                    for number, (one, decision) in enumerate(zip(claim(), decisions, strict=True))
                ]
            )
        )
        assert (today().delivered, today().dead_lettered, today().failed) == (1, 1, 2)

    def test_sums_that_meet_a_lock_are_written_later(self):
        make_endpoint()
        record(2)
        fan_out()
        write(send([answered()]))
        tallies = Tallies()
        tallies.cycled(send([answered()]))
        with held_elsewhere("LOCK TABLE dispatcher_rollup"), pytest.raises(Exception, match="lock timeout"):
            tallies.write()
        assert today().ok == 1
        tallies.write()
        assert today().ok == 2
        tallies.write()  # nothing is left, nothing is added twice
        assert today().ok == 2

    def test_a_crash_loses_sums_and_no_history(self):
        """What was not written is gone with the process; the rows that tell of each attempt are not."""
        make_endpoint()
        record(1)
        fan_out()
        Tallies().cycled(send([answered()]))
        assert not Rollup.objects.exists()
        assert Attempt.objects.count() == 1


def put(
    subject: uuid.UUID, begins_at: datetime, *, seconds: int, scope: str = "endpoint", **columns: Any
) -> None:
    given = {
        "succeeded": 0,
        "failed": 0,
        "delivered": 0,
        "dead_lettered": 0,
        "cancelled": 0,
        "skipped": 0,
        **columns,
    }
    Rollup.objects.create(
        subject=subject, begins_at=begins_at, seconds=seconds, scope=scope, codes={}, total_ms=0.0,
        durations=[0] * 12, waits=[0] * 12, **given,
    )  # fmt: skip


NOON = datetime.now(tz=UTC).replace(hour=12, minute=0, second=0, microsecond=0) - DAY


@pytest.mark.django_db
class TestRanges:
    @pytest.mark.parametrize(
        ("span", "parts", "width"),
        [
            (HOUR, 60, MINUTE),
            (timedelta(hours=6), 36, timedelta(minutes=10)),
            (DAY, 48, timedelta(minutes=30)),
            (30 * DAY, 60, timedelta(hours=12)),
            (365 * DAY, 53, timedelta(days=7)),
        ],
    )
    def test_a_range_is_cut_into_parts_that_people_can_read(self, span, parts, width):
        found = activity(since=NOON - span, until=NOON)
        assert found[0].begins_at <= NOON - span
        assert found[-1].ends_at >= NOON
        assert {part.ends_at - part.begins_at for part in found} == {width}
        assert parts <= len(found) <= parts + 1

    def test_minutes_and_hours_give_the_same_sums(self):
        for minute in range(60):
            put(uuid.UUID(int=0), NOON + minute * MINUTE, seconds=60, scope="all", succeeded=2, failed=1)
        put(uuid.UUID(int=0), NOON, seconds=3600, scope="all", succeeded=120, failed=60)
        by_minute = activity(since=NOON, until=NOON + HOUR)
        by_hour = activity(since=NOON, until=NOON + 48 * HOUR)
        assert [(part.ok, part.failed) for part in by_minute] == [(2, 1)] * 60
        assert (by_hour[0].ok, by_hour[0].failed) == (120, 60)
        assert sum(part.ok for part in by_hour) == 120

    def test_an_old_range_is_read_by_the_hour(self):
        old = NOON - 20 * DAY
        put(uuid.UUID(int=0), old, seconds=3600, scope="all", succeeded=7)
        found = activity(since=old, until=old + 2 * HOUR)
        assert [part.ok for part in found] == [7, 0]

    @pytest.mark.parametrize("buckets", [0, 501])
    def test_a_range_that_is_none_is_refused(self, buckets):
        with pytest.raises(ValueError, match="later than since"):
            activity(since=NOON, until=NOON)
        with pytest.raises(ValueError, match="buckets must be"):
            activity(since=NOON, until=NOON + HOUR, buckets=buckets)

    def test_failures_are_told_most_first(self):
        put(uuid.UUID(int=0), NOON, seconds=60, scope="all", failed=5)
        query('UPDATE dispatcher_rollup SET codes = \'{"http_5xx": 1, "timeout_total": 4}\'')
        found = failures_by_code(activity(since=NOON, until=NOON + HOUR))
        assert list(found.items()) == [("timeout_total", 4), ("http_5xx", 1)]
        assert failures_by_code(activity(since=NOON + HOUR, until=NOON + 2 * HOUR)) == {}


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ([0] * 12, 0.5, None),
        ([10, *[0] * 11], 0.5, 2.5),
        ([0, 4, *[0] * 10], 1.0, 10.0),
        ([1, 1, *[0] * 10], 0.5, 5.0),
        ([*[0] * 11, 3], 0.5, 15_000.0),
        ([1, *[0] * 10, 9], 0.95, 15_000.0),
    ],
)
def test_quantiles_lie_within_their_bucket(counts, share, expected):
    assert quantile(counts, DURATION_BOUNDS, share) == expected


@pytest.mark.django_db
class TestWorst:
    def test_most_failures_come_first_with_a_series(self):
        good, bad, worse = (make_endpoint() for _ in range(3))
        for endpoint, failed in ((good, 0), (bad, 3), (worse, 9)):
            put(endpoint.id, NOON + MINUTE, seconds=60, succeeded=9, failed=failed)
            put(endpoint.id, NOON + 40 * MINUTE, seconds=60, succeeded=1)
        found = worst_endpoints(since=NOON, until=NOON + HOUR)
        assert [(one.endpoint_id, one.ok, one.failed) for one in found] == [
            (worse.id, 10, 9),
            (bad.id, 10, 3),
        ]
        assert found[1].failed_percent == pytest.approx(23.08, abs=0.01)
        assert sum(point.failed for point in found[0].series) == 9
        assert len(found[0].series) == 30


@pytest.mark.django_db
class TestRetention:
    def test_what_is_past_its_retention_is_deleted_a_batch_at_a_time(self, settings):
        settings.DISPATCHER = {**settings.DISPATCHER, "ROLLUP_RETENTION": 10 * DAY}
        for age in (1, 6, 8, 9, 11, 12):
            for seconds in (60, 3600):
                put(uuid.UUID(int=age), datetime.now(tz=UTC) - age * DAY, seconds=seconds)
        assert expire_rollups(limit=1) == 2
        assert expire_rollups(limit=100) == 4
        assert expire_rollups(limit=100) == 0
        kept = Rollup.objects.order_by("seconds", "-begins_at").values_list("seconds", "subject")
        assert [(seconds, subject.int) for seconds, subject in kept] == [
            (60, 1), (60, 6), (3600, 1), (3600, 6), (3600, 8), (3600, 9),
        ]  # fmt: skip


@pytest.fixture
def month(db) -> list[uuid.UUID]:
    """Endpoints that failed in each hour of a month, and in each minute of its last day."""
    endpoints = [make_endpoint() for _ in range(12)]
    query("SET LOCAL synchronous_commit = off")
    for seconds, unit, spans in ((60, "minute", 1440), (3600, "hour", 720)):
        query(
            "INSERT INTO dispatcher_rollup SELECT subject, %s, date_trunc(%s, now()) - n * %s * interval '1 s', "
            "scope, 5, 1 + (hashtext(subject::text) & 63), 5, "
            "0, 0, 0, '{\"http_5xx\": 1}', 9, array_fill(1, '{12}'), array_fill(1, '{12}') "
            "FROM generate_series(0, %s - 1) AS n, "
            "(SELECT id, 'endpoint' FROM dispatcher_endpoint UNION ALL SELECT %s, 'all' "
            "UNION ALL SELECT md5(%s)::uuid, 'owner') AS s (subject, scope)",
            seconds, unit, seconds, spans, uuid.UUID(int=0), OWNER,
        )  # fmt: skip
    query("ANALYZE dispatcher_rollup")
    connect()
    return [endpoint.id for endpoint in endpoints]


@pytest.mark.parametrize("span", [HOUR, DAY, 30 * DAY], ids=["hour", "day", "month"])
def test_what_charts_read_is_bounded(month, span):
    now = datetime.now(tz=UTC)
    with counted_rows() as count:
        for chosen in ({}, {"owner": OWNER}, {"endpoint_id": month[0]}):
            assert sum(part.ok for part in activity(since=now - span, until=now, **chosen)) >= 5 * 50
    assert len(count.statements) == 3
    assert count.largest() <= 1_500, count.worst()


@pytest.mark.parametrize("span", [HOUR, DAY, 30 * DAY], ids=["hour", "day", "month"])
def test_what_the_worst_cost_is_bounded(month, span):
    now = datetime.now(tz=UTC)
    spans = 1 + span // (MINUTE if span <= DAY else HOUR)
    with counted_rows() as count:
        assert len(worst_endpoints(since=now - span, until=now, limit=5)) == 5
    assert len(count.statements) == 2
    assert count.largest() <= 6_100 + 11 * (spans + 60), count.worst()
