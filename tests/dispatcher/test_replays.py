"""Replays in bulk: what is found, what is made of it, how it is paced, and what is refused."""

import json
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from dispatcher import replay_runs
from dispatcher.deliveries import resend_delivery, stop_delivery
from dispatcher.endpoints import delete_endpoint, send_test_event, update_endpoint
from dispatcher.errors import EndpointNotFound, ReplayRefused
from dispatcher.management.commands.replay_deliveries import moment
from dispatcher.models import Delivery, Endpoint, FinishedDelivery
from dispatcher.replay_runs import Counted, count_replay
from dispatcher.replays import Replayed, replay_deliveries
from outbox.identifiers import encode_id, floor_uuid, new_uuid
from outbox.models import Event
from tests.dispatcher.plans import counted_rows
from tests.dispatcher.scenes import (
    GONE,
    OWNER,
    assert_lanes_count_their_leases,
    assert_no_lane_sleeps_past_its_work,
    claim,
    fan_out,
    finish,
    lane_of,
    make_due,
    make_endpoint,
    query,
    record,
)
from tests.processes import Command

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
EARLIER = datetime.now(tz=UTC) - HOUR / 2


def replay(endpoint: Endpoint, **changes: Any) -> Replayed:
    given: dict[str, Any] = {
        "owner": OWNER, "endpoint_id": endpoint.id, "since": datetime.now(tz=UTC) - HOUR, "rate": 10_000.0,
    }  # fmt: skip
    return replay_deliveries(**{**given, **changes})


def made() -> list[Delivery]:
    return list(Delivery.objects.filter(resend_no__gt=0).order_by("due_at"))


def fail(count: int = 1) -> list[Event]:
    """So many events whose deliveries are dead-lettered."""
    events = record(count)
    fan_out()
    finish([one for one in claim(1000) if not one.by_hand], GONE)
    return events


# --- What failed ---


def test_dead_lettered_and_cancelled_deliveries_are_made_again_in_the_order_of_their_events():
    endpoint = make_endpoint()
    dead = fail(2)
    cancelled = record(2)
    fan_out()
    update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "disabled"})
    assert claim() == []
    update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "enabled"})
    assert replay(endpoint).made == 4
    assert [row.event_id for row in made()] == [event.id for event in (*dead, *cancelled)]
    assert {(row.resend_no, row.order_key, row.attempts) for row in made()} == {(1, None, 0)}
    assert_no_lane_sleeps_past_its_work()
    make_due()
    finish(claim())
    assert FinishedDelivery.objects.filter(state="succeeded").count() == 4
    assert replay(endpoint) == Replayed()
    assert_lanes_count_their_leases()


def test_what_succeeded_since_is_under_way_or_was_stopped_is_left_alone():
    endpoint = make_endpoint()
    fail(4)
    mended, under_way, stopped, again = FinishedDelivery.objects.order_by("event_id")
    resend_delivery(owner=OWNER, delivery_id=mended.id)
    finish(claim())
    resend_delivery(owner=OWNER, delivery_id=under_way.id)
    stop_delivery(owner=OWNER, delivery_id=resend_delivery(owner=OWNER, delivery_id=stopped.id).id)
    resent = resend_delivery(owner=OWNER, delivery_id=again.id)
    finish([one for one in claim() if one.delivery_id == resent.id], GONE)
    assert replay(endpoint).made == 1
    assert [row.resend_no for row in made() if row.event_id == again.event_id] == [2]


def test_a_success_is_never_failed_although_a_later_resend_was():
    endpoint = make_endpoint()
    record(1)
    fan_out()
    finish(claim())
    resend_delivery(owner=OWNER, delivery_id=FinishedDelivery.objects.get().id)
    finish(claim(), GONE)
    assert replay(endpoint) == Replayed()


def test_only_this_endpoint_and_only_events_of_the_time_asked_for():
    endpoint, other = make_endpoint(), make_endpoint()
    early, late = fail(1)[0], fail(1)[0]
    query(
        "UPDATE dispatcher_finished_delivery SET event_id = %s WHERE event_id = %s",
        floor_uuid(EARLIER),
        early.id,
    )
    assert replay(other, since=EARLIER).made == 2
    assert {row.endpoint_id for row in made()} == {other.id}
    replay(endpoint, since=EARLIER + timedelta(milliseconds=1))
    assert [row.event_id for row in made() if row.endpoint_id == endpoint.id] == [late.id]
    replay(endpoint, since=EARLIER - HOUR, until=EARLIER)
    assert len(made()) == 3


# --- What is missing ---


def test_events_without_a_delivery_and_skipped_ones_are_missing():
    endpoint = make_endpoint(status="disabled", enabled_events=["parcel.sent"])
    skipped = record(2)
    record(1, type="parcel.lost")
    fan_out()
    before = record(1)
    query("DELETE FROM outbox_pending")
    record(1, owner="acct_other")
    query("UPDATE dispatcher_endpoint SET status = 'enabled'")
    sent = record(1)
    fan_out()
    finish(claim())
    pending = record(1)
    assert replay(endpoint, only="missing").made == 3
    assert [row.event_id for row in made()] == [event.id for event in (*skipped, *before)]
    assert not {row.event_id for row in made()} & {sent[0].id, pending[0].id}
    make_due()
    finish(claim())
    assert replay(endpoint, only="missing") == Replayed()


def test_failed_and_missing_are_different_replays():
    endpoint = make_endpoint()
    fail(1)
    record(1)
    query("DELETE FROM outbox_pending")
    assert replay(endpoint, only="missing", dry_run=True).found == 1
    assert replay(endpoint, only="failed", dry_run=True).found == 1


def test_a_test_event_is_missing_nowhere():
    endpoint, tested = make_endpoint(), make_endpoint()
    send_test_event(owner=OWNER, endpoint_id=tested.id)
    assert replay(endpoint, only="missing") == Replayed()


# --- How it is made ---


def test_a_dry_run_counts_and_makes_nothing():
    endpoint = make_endpoint()
    fail(3)
    assert replay(endpoint, dry_run=True) == Replayed(found=3)
    assert made() == []


def test_the_schedule_paces_across_chunks(monkeypatch):
    monkeypatch.setattr("dispatcher.replays.CHUNK", 3)
    endpoint = make_endpoint()
    fail(8)
    seen: list[int] = []
    done = replay(endpoint, rate=4.0, progress=lambda so_far: seen.append(so_far.made))
    moments = [row.due_at for row in made()]
    gap = timedelta(seconds=0.25)
    assert [after - before for before, after in pairwise(moments)] == [gap] * 7
    assert (done.first_due_at, done.last_due_at) == (moments[0], moments[-1])
    assert seen == [3, 6, 8]
    assert len(claim()) <= 2
    assert_no_lane_sleeps_past_its_work()


def test_a_second_replay_makes_nothing_twice_and_begins_behind_the_first():
    endpoint = make_endpoint()
    fail(3)
    first = replay(endpoint, rate=0.1)
    assert replay(endpoint, rate=0.1) == Replayed()
    fail(2)
    second = replay(endpoint, rate=0.1)
    assert second.made == 2
    assert first.last_due_at is not None
    assert second.first_due_at == first.last_due_at + timedelta(seconds=10)


def test_a_replay_that_died_is_finished_by_the_next(monkeypatch):
    monkeypatch.setattr("dispatcher.replays.CHUNK", 2)
    endpoint = make_endpoint()
    fail(5)

    def die(done: Replayed) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(endpoint, progress=die)
    assert len(made()) == 2
    assert replay(endpoint).made == 3
    assert len({row.event_id for row in made()}) == 5


def test_a_replay_wakes_its_lane_whatever_holds_it():
    endpoint = make_endpoint()
    fail(1)
    query("UPDATE dispatcher_lane SET ready_at = 'infinity', hold_until = now() + interval '1 hour'")
    replay(endpoint)
    assert lane_of(endpoint)[1] is True
    assert len(claim()) == 1


def test_a_disabled_endpoint_ends_a_replay_between_chunks(monkeypatch):
    monkeypatch.setattr("dispatcher.replays.CHUNK", 2)
    endpoint = make_endpoint()
    fail(5)
    with pytest.raises(ReplayRefused, match="is disabled since"):
        replay(
            endpoint,
            progress=lambda _: query(
                "UPDATE dispatcher_endpoint SET status = 'disabled', status_since = now()"
            ),
        )
    assert len(made()) == 2


# --- What is refused ---


def test_a_disabled_or_deleted_endpoint_is_refused_with_the_way_to_mend_it():
    endpoint = make_endpoint()
    update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "disabled"})
    with pytest.raises(ReplayRefused, match=r"is disabled since .* \(by_request\); enable it first"):
        replay(endpoint)
    delete_endpoint(owner=OWNER, endpoint_id=endpoint.id)
    with pytest.raises(ReplayRefused, match=r"was deleted at .*; create an endpoint for its URL"):
        replay(endpoint)
    with pytest.raises(EndpointNotFound):
        replay(make_endpoint(owner="acct_other"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rate": 0.0}, "rate: must be above 0 and at most 10000 deliveries a second, not 0"),
        ({"rate": -1.0}, "rate: must be above 0"),
        ({"rate": 1e-300}, "rate: must be at least 0.0001 deliveries a second, not 1e-300"),
        ({"rate": float("nan")}, "rate: must be above 0"),
        ({"rate": 10_001.0}, "rate: must be above 0 and at most 10000"),
        ({"only": "lost"}, "only: must be 'failed' or 'missing', not 'lost'"),
        ({"since": datetime.now(tz=UTC) + HOUR}, "since: is in the future"),
        ({"until": datetime.now(tz=UTC) - 2 * HOUR}, "until: must be later than since"),
    ],
)
def test_arguments_out_of_range_are_refused(changes, sentence):
    endpoint = make_endpoint()
    fail(1)
    with pytest.raises(ReplayRefused, match=sentence):
        replay(endpoint, **changes)
    assert made() == []


# --- The command ---


def test_the_command_counts_first_and_answers_with_one_line_of_data(capsys):
    endpoint = make_endpoint()
    fail(3)
    call_command("replay_deliveries", "--endpoint", endpoint.public_id, "--since", "1h", "--rate", "2")
    out, err = capsys.readouterr()
    data = json.loads(out)
    assert (data["found"], data["made"], data["only"]) == (3, 3, "failed")
    first = datetime.fromisoformat(data["first_due_at"])
    assert datetime.fromisoformat(data["last_due_at"]) - first == timedelta(seconds=1)
    assert err.startswith(
        f"3 failed to replay to {endpoint.public_id} at 2/s: 0:00:02\n3 deliveries scheduled"
    )
    call_command("replay_deliveries", "--endpoint", endpoint.public_id, "--since", "1h", "--dry-run")
    assert json.loads(capsys.readouterr().out)["found"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--since", "soon"], 2, "'soon' is neither a span (90m, 2h, 3d) nor a time"),
        (["--since", "999999999d"], 2, "is longer ago than time goes back"),
        (["--since", "2999-01-01"], 2, "argument --since: is in the future"),
        (["--since", "1h", "--rate", "0"], 2, "argument --rate: must be above 0"),
        (["--since", "1h", "--until", "2h"], 2, "argument --until: must be later than since"),
        (["--since", "1h", "--only", "lost"], 2, "invalid choice: 'lost'"),
        ([], 2, "the following arguments are required: --since"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_the_command_says_in_one_sentence_what_is_wrong(arguments, code, sentence):
    with Command("replay_deliveries", "--endpoint", make_endpoint().public_id, *arguments) as command:
        assert command.wait() == code
    assert sentence in command.output()
    assert "Traceback" not in command.output()


@pytest.mark.django_db(transaction=True)
def test_the_command_ends_with_3_without_a_database():
    unreachable = "postgresql://nobody@127.0.0.1:1/nothing"
    endpoint = encode_id("we", new_uuid())
    with Command(
        "replay_deliveries", "--endpoint", endpoint, "--since", "1h", DATABASE_URL=unreachable
    ) as command:
        assert command.wait() == 3
    assert "cannot reach PostgreSQL" in command.output()
    assert "Traceback" not in command.output()


def test_the_command_knows_no_other_endpoint():
    for unknown in (encode_id("we", new_uuid()), "we_nonsense"):
        with pytest.raises(CommandError, match=f"No such webhook endpoint: '{unknown}'") as refused:
            call_command("replay_deliveries", "--endpoint", unknown, "--since", "1h")
        assert refused.value.returncode == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00+02:00", datetime(2026, 11, 22, 8, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
    ],
)
def test_a_time_without_an_offset_is_utc(text, expected):
    assert moment(text) == expected


@pytest.mark.parametrize("text", ["yesterday", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ArgumentTypeError, match="is neither a span"):
        moment(text)


@pytest.mark.parametrize(("text", "ago"), [("90m", 1.5), ("2h", 2), ("1.5h", 1.5), ("1d", 24), ("3600s", 1)])
def test_a_span_is_ago(text, ago):
    assert abs(datetime.now(tz=UTC) - moment(text) - ago * HOUR) < timedelta(minutes=1)


# --- What it reads ---


@pytest.fixture
def long_history():
    """An endpoint's, of 20,000 events, of which each ended in one way or another."""
    endpoint = make_endpoint()
    query(
        "WITH event AS (INSERT INTO outbox_event (id, owner, type, object_id, data) "
        "SELECT outbox_uuid7(), %s, 'parcel.sent', 'par_' || n, '{}' FROM generate_series(1, 20000) n RETURNING id), "
        "numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM event) "
        "INSERT INTO dispatcher_finished_delivery "
        "(id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, finished_at) "
        "SELECT outbox_uuid7(), %s, %s, id, "
        "(ARRAY['succeeded', 'dead_lettered', 'skipped', 'cancelled'])[1 + n %% 4], 'endpoint_disabled', 1, 0, now() "
        "FROM numbered",
        OWNER, OWNER, endpoint.id,
    )  # fmt: skip
    query("SET LOCAL enable_seqscan = off")
    query("SET LOCAL lock_timeout = '30s'")  # autovacuum may be at it, and gives way
    query("ANALYZE")
    return endpoint


@pytest.mark.postgres_versions
@pytest.mark.parametrize("only", ["failed", "missing"])
def test_a_replay_reads_in_proportion_to_its_chunk(long_history, only):
    with counted_rows() as count:
        done = replay(long_history, only=only)
    assert done.made == (10_000 if only == "failed" else 5_000)
    assert count.largest() <= 4 * 500 + 50, count.worst()


@pytest.mark.postgres_versions
@pytest.mark.parametrize(("only", "found"), [("failed", 800), ("missing", 200)])
def test_a_count_is_a_few_statements_that_read_in_proportion_to_what_they_look_at(
    long_history, only, found, monkeypatch
):
    monkeypatch.setattr(replay_runs, "_COUNTED_AT_ONCE", (100, 200, 500))
    with counted_rows() as count:
        counted = count_replay(
            owner=OWNER, endpoint_id=long_history.id, since=datetime.now(tz=UTC) - HOUR, only=only
        )
    assert counted == Counted(found=found, more=True)
    assert len(count.statements) <= 2 + 3 + 2
    assert count.largest() <= 4 * 500 + 50, count.worst()
