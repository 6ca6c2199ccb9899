"""Every page asks the database at most twelve times, whatever it shows."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dispatcher.models import Replay, ReplayState
from outbox.identifiers import decode_id, new_uuid
from tools.demo_data.furnishing import furnish
from tools.demo_data.pages import Samples, all_pages

MOST = 12
PAGES = list(all_pages())


@pytest.mark.django_db
def test_no_page_asks_the_database_more_than_twelve_times() -> None:
    samples = _a_small_history()
    admin, stranger = Client(), Client()
    admin.force_login(User.objects.get(username="ada"))
    found: dict[str, Any] = {}
    for page in PAGES:
        client = admin if page.logged_in else stranger
        address = samples.address(page)
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(address)
        if answer.status_code in (302, 303, 405):
            continue  # it leads to another page, or only changes something
        found[page.key] = (answer.status_code, len(asked))
    assert {key: status for key, (status, _) in found.items()} == {
        page.key: page.status for page in PAGES if page.key in found
    }
    assert {key: count for key, (_, count) in found.items() if count > MOST} == {}
    assert any(count >= 3 for _, count in found.values()), "nobody was logged in"


def _a_small_history() -> Samples:
    made = furnish(days=1, per_day=30, port=443, closed_port=444)
    key = made["merchants"]["northwind"]["api_key"]
    merchant = Client(headers={"Authorization": f"Bearer {key}"})
    paid = merchant.post(
        "/v1/payment_intents",
        "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true",
        content_type="application/x-www-form-urlencoded",
    )
    assert paid.status_code == 200, paid.content
    now = timezone.now()
    Replay.objects.create(
        id=new_uuid(),
        owner=made["merchants"]["northwind"]["account"],
        endpoint_id=decode_id("we", made["endpoints"]["erp"]),
        kind="failed",
        since=now - timedelta(hours=1),
        until=now,
        rate=20.0,
        counted=3,
        state=ReplayState.RUNNING,
        created_by="ada",
    )
    return Samples(
        _rows,
        endpoint=made["endpoints"]["erp"],
        account=made["merchants"]["northwind"]["account"],
        entry_link=made["entry_link"],
        portal_link=lambda: str(
            merchant.post("/portal_sessions/", content_type="application/json").json()["url"]
        ),
    )


def _rows(query: str, *parameters: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
