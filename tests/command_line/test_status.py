"""`webhooks status`."""

from datetime import timedelta

import pytest

from api.command_line.status import Thresholds, find_problems
from dispatcher.standing import Standing
from tests.command_line.running import webhooks, within
from tests.dispatcher.beats import beat
from tests.dispatcher.scenes import fan_out, make_endpoint, query, record

FINE = {
    "events_recorded": 0, "pending_fan_out": 0, "due": 0, "scheduled": 0, "leased": 0, "leases": 0,
    "oldest_permitted": 0.0, "oldest_due": 0.0, "circuits_open": 0, "circuits_half_open": 0, "paused": False,
    "strays": {"outbox_event": 0},
}  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_check_ends_with_4_where_nobody_sends(endpoint):
    record(owner=endpoint.owner)
    fan_out()
    query("UPDATE dispatcher_delivery SET due_at = now() - interval '10 minutes'")
    query("UPDATE dispatcher_lane SET ready_at = now() - interval '10 minutes'")
    beat()
    ended = webhooks("status", "--check")
    assert ended.code == 4, ended.talk
    assert ended.record["well"] is False
    assert ended.record["due"] == 1
    assert "run_dispatcher" in ended.record["problems"][0]
    assert within("status").code == 0
    assert within("status", "--check", "--max-oldest", "1h").code == 0
    assert within("status", "--check", "--max-oldest", "1h", "--max-backlog", "0").code == 4


@pytest.mark.django_db
def test_disabled_endpoints_count_where_that_is_asked_for(endpoint):
    make_endpoint(owner=endpoint.owner, status="disabled")
    assert within("status", "--check").code == 4  # nobody delivers
    assert within("status", "--check", "--min-dispatchers", "0").record["endpoints_disabled"] == 1
    ended = within("status", "--check", "--min-dispatchers", "0", "--max-disabled", "0", "--text")
    assert ended.code == 4
    assert "Not well: 1 endpoints are disabled" in ended.data


@pytest.mark.parametrize(
    ("changes", "disabled", "words"),
    [
        ({}, 0, None),
        ({"paused": True, "oldest_permitted": 999.0}, 0, "paused"),
        ({"oldest_permitted": 61.0}, 0, "longer than 1 min"),
        ({"oldest_due": 999.0}, 0, None),
        ({"due": 11}, 0, "11 deliveries are due"),
        ({"pending_fan_out": 11}, 0, "11 events wait"),
        ({"circuits_open": 2}, 0, "2 circuits are open"),
        ({"strays": {"outbox_event": 3}}, 0, "outbox_event_default holds 3 rows"),
        ({}, 5, "5 endpoints are disabled"),
        ({}, None, "No dispatcher is alive"),
    ],
)
def test_each_threshold_has_its_sentence(changes, disabled, words):
    thresholds = Thresholds(oldest=timedelta(minutes=1), backlog=10, circuits=1, disabled=4, dispatchers=1)
    standing = Standing(**{**FINE, **changes})
    alive = 0 if disabled is None else 1
    found = list(find_problems(standing, disabled=disabled or 0, dispatchers=alive, thresholds=thresholds))
    assert len(found) == (words is not None)
    assert all(words in problem for problem in found)
