"""The page of the processes that send, and the pause of all deliveries."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from api.models import AuditEntry
from api.ops.roles import Role
from dispatcher.models import Pause, Process
from dispatcher.processes import ProcessFacts, beat, tell_of_the_end
from tests.ops.scenes import form_of, send

pytestmark = pytest.mark.django_db(transaction=True)
Browsers = Callable[[Role | None], Client]
PAGE = "/ops/dispatchers/"


def process(
    *, seen_ago: timedelta = timedelta(), stopped: bool = False, error: str | None = None
) -> uuid.UUID:
    facts = ProcessFacts.of_this_process(
        id=uuid.uuid4(), kind="dispatcher", executor="local", concurrency=256
    )
    beat(facts, in_flight=3, leases=7, last_error=(timezone.now(), error) if error else None)
    if stopped:
        tell_of_the_end(facts)
    Process.objects.filter(id=facts.id).update(seen_at=timezone.now() - seen_ago)
    return facts.id


def test_without_any_it_says_how_to_start_one(browser: Browsers):
    text = browser(Role.VIEWER).get(PAGE).content.decode()
    assert "No dispatcher is running: nothing is sent." in text
    assert "manage.py run_dispatcher" in text


def test_each_is_shown_as_it_told_of_itself(browser: Browsers, django_assert_max_num_queries: Any):
    process(error="<b>connection lost</b>")
    process(seen_ago=timedelta(seconds=30))
    process(seen_ago=timedelta(minutes=5))
    process(stopped=True)
    client = browser(Role.VIEWER)
    client.get("/ops/audit/")
    with django_assert_max_num_queries(12):
        text = client.get(PAGE).content.decode()
    assert (
        "1 is alive. 1 is late: hanging, or cut off from the database. 1 ended without saying so; what it held"
        in text
    )
    for word in ("alive", "late", "gone", "stopped"):
        assert f"</span> {word}</span>" in text
    assert "&lt;b&gt;connection lost" in text
    assert "local, 256 at once" in text
    assert text.index("Those that run, or should") < text.index("Those that stopped as they should")


def test_deliveries_are_paused_with_a_reason_and_resumed(operator: Client):
    answer = send(operator, f"{PAGE}pause/", reason="moving house")
    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    assert Pause.objects.get().reason == "moving house"
    text = operator.get(PAGE).content.decode()
    assert "All deliveries are paused since" in text
    assert "Resume deliveries" in text
    send(operator, f"{PAGE}resume/")
    assert not Pause.objects.exists()
    paused, resumed = AuditEntry.objects.order_by("id")
    assert (paused.action, paused.actor, paused.after) == (
        "deliveries.paused",
        "operator",
        {"reason": "moving house"},
    )
    assert resumed.action == "deliveries.resumed"
    assert resumed.before is not None
    assert resumed.before["reason"] == "moving house"


def test_a_second_operator_who_pauses_too_changes_nothing(operator: Client):
    first, second = (form_of(operator.get(f"{PAGE}pause/").content.decode()) for _ in range(2))
    operator.post(f"{PAGE}pause/", {**first, "reason": "mine"})
    operator.post(f"{PAGE}pause/", {**second, "reason": "his"})
    assert Pause.objects.get().reason == "mine"
    assert "Deliveries are paused already." in operator.get(PAGE).content.decode()
    assert AuditEntry.objects.count() == 1


def test_a_viewer_pauses_nothing(browser: Browsers):
    client = browser(Role.VIEWER)
    client.handler.enforce_csrf_checks = False
    assert "Pause all deliveries" not in client.get(PAGE).content.decode()
    assert client.post(f"{PAGE}pause/", {}).status_code == 403
    assert not Pause.objects.exists()
