"""The sentence that says how it stands, the figures behind it, and how single endpoints do."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from dispatcher.connection import connect
from dispatcher.cycles import Cycle
from dispatcher.health import endpoint_health
from dispatcher.overview import Overview, overview, sentence_of, spoken
from dispatcher.pause import pause_deliveries, resume_deliveries
from dispatcher.processes import ProcessFacts, beat, tell_of_the_end
from dispatcher.tallies import Tallies
from tests.dispatcher.plans import counted_rows
from tests.dispatcher.scenes import (
    OWNER,
    REFUSED,
    SUCCESS,
    claim,
    fan_out,
    finish,
    make_due,
    make_endpoint,
    query,
    record,
)

NOW = datetime(2026, 11, 28, 14, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ON_TIME = Overview(
    moment=NOW, due=3, scheduled=1, pending_fan_out=0, leased=2, oldest_permitted=timedelta(seconds=1),
    oldest_due=timedelta(seconds=2), endpoints=14, failing=0, disabled=0, circuits_open=0, circuits_half_open=0,
    paused_since=None, pause_reason=None, dispatchers=2, anything_sent=True, ok=100, failed=0, of_owner=False,
)  # fmt: skip
LATE = {"oldest_permitted": 4 * MINUTE, "oldest_due": 5 * MINUTE}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Deliveries are on time."),
        ({"failing": 1}, "Deliveries are on time. 1 of 14 endpoints is failing."),
        (
            {"failing": 2, "disabled": 1},
            "Deliveries are on time. 2 of 14 endpoints are failing. 1 endpoint is disabled.",
        ),
        ({"failing": 1, "endpoints": 1}, "Deliveries are on time. 1 of 1 endpoint is failing."),
        (LATE, "Deliveries are late: the oldest has waited 4 min."),
        ({**LATE, "of_owner": True}, "Deliveries are late: the oldest has waited 4 min on our side."),
        ({"oldest_due": timedelta(hours=5)}, "Deliveries are on time."),  # an endpoint's hold is no fault of ours
        ({"dispatchers": 0, **LATE}, "No dispatcher is running: 3 deliveries wait, the oldest for 5 min."),
        ({"dispatchers": 0, "due": 1}, "No dispatcher is running: 1 delivery waits, the oldest for 2 s."),
        (
            {"dispatchers": 0, "due": 10_000},
            "No dispatcher is running: 10,000 or more deliveries wait, the oldest for 2 s.",
        ),
        ({"dispatchers": 0, "due": 0, "pending_fan_out": 4}, "No dispatcher is running: 4 events wait."),
        ({"dispatchers": 0, "due": 0}, "No dispatcher is running; nothing is due."),
        ({"dispatchers": 0, "of_owner": True}, "Deliveries are on time."),
        (
            {"paused_since": NOW, "pause_reason": "moving house", "dispatchers": 0},
            "Deliveries are paused since 2026-11-28 14:02 UTC (moving house). 3 deliveries wait.",
        ),
        ({"paused_since": NOW, "due": 0}, "Deliveries are paused since 2026-11-28 14:02 UTC."),
        (
            {"paused_since": NOW, "due": 0, "of_owner": True, "pause_reason": "internal"},
            "Deliveries are paused since 2026-11-28 14:02 UTC.",
        ),
        ({"endpoints": 0, "due": 0}, "No endpoints yet: nothing is sent before there is one."),
        ({"anything_sent": False, "due": 0, "leased": 0}, "Nothing was sent yet."),
        ({"anything_sent": False, "due": 0, "leased": 1}, "Deliveries are on time."),
    ],
)  # fmt: skip
def test_the_sentence_says_what_matters_first(changes, sentence):
    assert sentence_of(replace(ON_TIME, **changes)) == sentence


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3601, "1 h"), (172_800, "2 days")]
)
def test_spans_are_told_in_their_largest_unit(seconds, words):
    assert spoken(timedelta(seconds=seconds)) == words


def now(*, owner: str | None = None) -> Overview:
    moment = datetime.now(tz=UTC)
    return overview(owner=owner, since=moment - 60 * MINUTE, until=moment + MINUTE)


def run_a_dispatcher() -> ProcessFacts:
    facts = ProcessFacts.of_this_process(id=uuid.uuid4(), kind="dispatcher", executor="local", concurrency=1)
    beat(facts, in_flight=0, leases=0, last_error=None)
    return facts


@pytest.mark.django_db
class TestFigures:
    def test_an_empty_database_says_what_comes_first(self):
        found = now()
        assert found.sentence.startswith("No endpoints yet")
        assert (found.due, found.scheduled, found.leased, found.oldest_due) == (0, 0, 0, timedelta())

    def test_the_backlog_is_told_by_what_it_waits_for(self):
        facts = run_a_dispatcher()
        make_endpoint()
        other = make_endpoint(owner="acct_other")
        record(5)
        record(1, owner="acct_other")
        fan_out()
        finish(claim(1), REFUSED)
        claim(2)
        query(
            "UPDATE dispatcher_delivery SET due_at = due_at - interval '2 minutes' "
            "WHERE lease_owner IS NULL AND owner = %s",
            OWNER,
        )
        found = now()
        assert (found.leased, found.endpoints, found.disabled) == (2, 2, 0)
        assert found.due + found.scheduled == 4
        assert found.oldest_permitted >= 2 * MINUTE
        assert found.late
        assert "late" in found.sentence
        mine = now(owner="acct_other")
        assert mine.due + mine.scheduled + mine.leased <= 2
        assert mine.endpoints == 1
        query("UPDATE dispatcher_lane SET hold_until = now() + interval '1 hour', ready_at = now()")
        held = now()
        assert held.oldest_permitted == timedelta()
        assert held.oldest_due >= 2 * MINUTE
        assert held.sentence == "Deliveries are on time."
        tell_of_the_end(facts)
        assert now().sentence.startswith("No dispatcher is running")
        assert other.id

    def test_failing_and_disabled_endpoints_are_counted(self):
        run_a_dispatcher()
        make_endpoint(status="disabled")
        failing, once, circuit, _ = (make_endpoint() for _ in range(4))
        query("UPDATE dispatcher_lane SET failure_streak = 3 WHERE endpoint_id = %s", failing.id)
        query("UPDATE dispatcher_lane SET failure_streak = 2 WHERE endpoint_id = %s", once.id)
        query(
            "UPDATE dispatcher_lane SET circuit_openings = 1, circuit_until = now() + interval '1 minute' "
            "WHERE endpoint_id = %s", circuit.id,
        )  # fmt: skip
        found = now()
        assert (found.failing, found.disabled, found.endpoints) == (2, 1, 5)
        assert (found.circuits_open, found.circuits_half_open) == (1, 0)

    def test_a_pause_is_told_with_its_reason(self):
        run_a_dispatcher()
        make_endpoint()
        pause_deliveries(reason="database moves")
        assert now().pause_reason == "database moves"
        assert "paused since" in now().sentence
        resume_deliveries()
        assert not now().paused


@pytest.mark.django_db
def test_what_an_overview_reads_is_bounded():
    connect()
    endpoints = [make_endpoint() for _ in range(50)]
    query(
        "INSERT INTO dispatcher_delivery (id, owner, endpoint_id, event_id, due_at) "
        "SELECT outbox_uuid7(), %s, (%s::uuid[])[1 + n %% 50], outbox_uuid7(), now() + (n - 15000) * interval '1 s' "
        "FROM generate_series(1, 30000) n",
        OWNER, [endpoint.id for endpoint in endpoints],
    )  # fmt: skip
    query("ANALYZE dispatcher_delivery")
    with counted_rows() as count:
        assert now().due == 10_000
        assert now(owner=OWNER).scheduled == 10_000
    assert len(count.statements) == 6
    assert count.largest() <= 21_000, count.worst()


@pytest.mark.django_db(transaction=True)
class TestHealth:
    def test_an_endpoint_that_is_well(self):
        endpoint = make_endpoint(max_in_flight=7)
        record(4)
        fan_out()
        tallies = Tallies()
        tallies.cycled(Cycle(recorded=finish(claim(1), SUCCESS)))
        tallies.write()
        claim(2)
        found = endpoint_health(endpoint_ids=[endpoint.id, uuid.uuid4()])
        (health,) = found.values()
        assert (health.circuit, health.failing, health.disable_percent) == ("closed", False, None)
        assert (health.in_flight, health.max_in_flight, health.waiting) == (2, 7, 1)
        assert health.last_success_at is not None
        assert datetime.now(tz=UTC) - health.last_success_at < 2 * MINUTE
        assert health.last_failure_at is None

    @pytest.mark.parametrize(("percent", "warned"), [(49, 0), (51, 50), (75, 70), (95, 90), (140, 90)])
    def test_the_way_to_being_disabled_is_told_in_percent(self, settings, percent, warned):
        settings.DISPATCHER = {**settings.DISPATCHER, "DISABLE_AFTER": timedelta(days=5)}
        endpoint = make_endpoint()
        query(
            "UPDATE dispatcher_lane SET failing_since = now() - %s, failure_streak = 9",
            timedelta(days=5) * percent / 100,
        )
        health = endpoint_health(endpoint_ids=[endpoint.id])[endpoint.id]
        assert health.disable_percent == pytest.approx(min(percent, 100), abs=0.5)
        assert health.warned_percent == warned
        assert health.disables_at is not None
        assert health.failing_since is not None
        assert health.disables_at - health.failing_since == timedelta(days=5)
        settings.DISPATCHER = {**settings.DISPATCHER, "DISABLE_AFTER": None}
        assert endpoint_health(endpoint_ids=[endpoint.id])[endpoint.id].disable_percent is None

    def test_circuit_and_hold_are_told_while_they_last(self):
        endpoint = make_endpoint()
        query(
            "UPDATE dispatcher_lane SET circuit_openings = 2, circuit_until = now() + interval '1 hour', "
            "hold_until = now() + interval '2 hours'"
        )
        health = endpoint_health(endpoint_ids=[endpoint.id])[endpoint.id]
        assert health.circuit == "open"
        assert health.circuit_until is not None
        assert health.held_until is not None
        assert health.held_until > health.circuit_until
        make_due(endpoint)
        health = endpoint_health(endpoint_ids=[endpoint.id])[endpoint.id]
        assert (health.circuit, health.circuit_until, health.held_until) == ("half_open", None, None)

    def test_what_it_reads_is_bounded(self):
        connect()
        endpoints = [make_endpoint() for _ in range(5)]
        query(
            "INSERT INTO dispatcher_delivery (id, owner, endpoint_id, event_id, due_at) "
            "SELECT outbox_uuid7(), %s, (%s::uuid[])[1 + n %% 5], outbox_uuid7(), now() "
            "FROM generate_series(1, 20000) n",
            OWNER, [endpoint.id for endpoint in endpoints],
        )  # fmt: skip
        query(
            "INSERT INTO dispatcher_rollup SELECT id, 3600, date_trunc('hour', now()) - n * interval '1 h', "
            "'endpoint', 0, 1, 0, 0, 0, 0, '{}', 9, array_fill(1, '{12}'), array_fill(1, '{12}') "
            "FROM generate_series(0, 839) AS n, dispatcher_endpoint"
        )
        query("ANALYZE dispatcher_delivery, dispatcher_rollup")
        with transaction.atomic(), counted_rows() as count:
            found = endpoint_health(endpoint_ids=[endpoint.id for endpoint in endpoints])
        assert {health.waiting for health in found.values()} == {1_000}
        assert len(count.statements) == 1
        assert count.largest() <= 5 * (1_000 + 840 + 100), count.worst()

    def test_too_many_at_once_are_refused(self):
        with pytest.raises(ValueError, match="at most 200"):
            endpoint_health(endpoint_ids=[uuid.uuid4() for _ in range(201)])
