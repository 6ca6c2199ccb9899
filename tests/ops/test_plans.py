"""What pages read stays a page's worth, however much there is."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from api.ops.roles import Role
from dispatcher.replay_runs import Counted
from dispatcher.rollups import sparklines
from dispatcher.skips import LOOKED_AT, count_skipped
from tests.dispatcher.plans import counted_rows
from tests.dispatcher.scenes import OWNER, make_endpoint, query

pytestmark = pytest.mark.django_db
Browsers = Callable[[Role | None], Client]
# UUIDv7 of the last days, one a second.
IDS = "encode(int8send((extract(epoch FROM now()) * 1000)::int8 - n * 1000), 'hex')"
UUIDS = f"(substr({IDS}, 5) || '7' || substr(md5(n::text), 1, 19))::uuid"


@pytest.mark.parametrize(
    "asked", ["", "actor=ada", "action=endpoint.enabled&actor=bob", "subject=we_77", "range=24h"]
)
def test_the_audit_log_reads_a_page(browser: Browsers, asked: str):
    query(
        "INSERT INTO api_audit_entry (id, actor, action, subject, account) "
        f"SELECT {UUIDS}, CASE WHEN n %% 100 = 0 THEN 'ada' ELSE 'bob' END, "
        "CASE WHEN n %% 3 = 0 THEN 'endpoint.enabled' ELSE 'replay.started' END, 'we_' || n, 'acct_1' "
        "FROM generate_series(1, 20000) AS n"
    )
    query("ANALYZE api_audit_entry")
    client = browser(Role.VIEWER)
    with counted_rows() as count:
        assert client.get(f"/ops/audit/?{asked}").status_code == 200
    assert count.largest() <= 51 * 4, count.worst()


def test_skips_are_looked_at_up_to_a_bound():
    endpoint = make_endpoint()
    query(
        "INSERT INTO dispatcher_finished_delivery "
        "(id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, finished_at) "
        f"SELECT {UUIDS}, %s, %s, {UUIDS}, CASE WHEN n <= 5000 THEN 'skipped' ELSE 'succeeded' END, "
        "NULL, 0, 0, now() FROM generate_series(1, 20000) AS n",
        OWNER, endpoint.id,
    )  # fmt: skip
    query("ANALYZE dispatcher_finished_delivery")
    with counted_rows() as count:
        found = count_skipped(endpoint_id=endpoint.id, since=timezone.now() - timedelta(days=30))
    assert found == Counted(found=LOOKED_AT, more=True)
    assert len(count.statements) == 1
    assert count.largest() <= 2 * LOOKED_AT, count.worst()


def test_sparklines_read_the_hours_of_two_days():
    endpoints = [make_endpoint(url=f"https://shop.test/{number}") for number in range(20)]
    for seconds, spans in ((60, 300), (3_600, 720)):
        query(
            "INSERT INTO dispatcher_rollup SELECT id, %s, date_trunc('hour', now()) - n * %s * interval '1 s', "
            "'endpoint', 5, 1, 5, 0, 0, 0, '{\"http_5xx\": 1}', 9, array_fill(1, '{12}'), array_fill(1, '{12}') "
            "FROM generate_series(0, %s - 1) AS n, dispatcher_endpoint",
            seconds, seconds, spans,
        )  # fmt: skip
    query("ANALYZE dispatcher_rollup")
    now = timezone.now()
    with counted_rows() as count:
        series = sparklines(
            endpoint_ids=[endpoint.id for endpoint in endpoints], since=now - timedelta(days=2), until=now
        )
    assert {sum(point.ok for point in points) for points in series.values()} == {5 * 49}
    assert count.largest() <= 20 * 50, count.worst()
    assert sparklines(endpoint_ids=[], since=now - timedelta(days=2), until=now) == {}
    assert uuid.UUID(int=0) not in series
