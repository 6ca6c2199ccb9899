"""What is changed on the operations pages and its entry in the audit log commit together, or not at all."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from api.ops.entry_links import new_entry_link
from api.ops.roles import Role
from api.pages.ranges import shown
from dispatcher.endpoints import update_endpoint
from dispatcher.models import Delivery, Endpoint
from dispatcher.replay_runs import ReplayRun, pause_replay, start_replay
from outbox.identifiers import encode_id
from tests.audit_log import no_change_without_its_entry
from tests.dispatcher.scenes import OWNER, fan_out, make_endpoint, record
from tests.ops.scenes import form_of

pytestmark = pytest.mark.django_db
Browsers = Callable[[Role | None], Client]
Scene = Callable[[], tuple[str, dict[str, str]]]


def _of_endpoint(action: str, fields: dict[str, str] | None = None, *, status: str = "enabled") -> Scene:
    return lambda: (f"/ops/endpoints/{make_endpoint(status=status).public_id}/{action}/", fields or {})


def _of_delivery(action: str) -> Scene:
    def scene() -> tuple[str, dict[str, str]]:
        make_endpoint()
        record(1)
        fan_out()
        return f"/ops/deliveries/{encode_id('dlv', Delivery.objects.get().id)}/{action}/", {}

    return scene


def _of_replay(change: str) -> Scene:
    def scene() -> tuple[str, dict[str, str]]:
        run = _run()
        if change == "resume":
            pause_replay(replay_id=run.id)
        return f"/ops/replays/{run.public_id}/{change}/", {}

    return scene


def _new_replay() -> tuple[str, dict[str, str]]:
    since = shown(timezone.now() - timedelta(hours=1))
    query = {"endpoint": _missed().public_id, "only": "missing", "since": since}
    return f"/ops/replays/new/?{urlencode(query)}", {}


def _run() -> ReplayRun:
    return start_replay(
        owner=OWNER,
        endpoint_id=_missed().id,
        since=timezone.now() - timedelta(hours=1),
        only="missing",
        created_by="ada",
    )


def _missed() -> Endpoint:
    """An endpoint that was not sent three events."""
    endpoint = make_endpoint(status="disabled")
    record(3)
    fan_out()
    return update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "enabled"})


def _of_person(action: str, fields: dict[str, str] | None = None) -> Scene:
    def scene() -> tuple[str, dict[str, str]]:
        other = User.objects.create_user("other", is_staff=True)
        other.groups.add(*User.objects.get(username="admin").groups.all())
        return f"/ops/people/{other.pk}/{action}/", fields or {}

    return scene


SCENES: dict[str, Scene] = {
    "endpoint.disabled": _of_endpoint("disable"),
    "endpoint.enabled": _of_endpoint("enable", status="disabled"),
    "endpoint.tested": _of_endpoint("test"),
    "endpoint.secret_rolled": _of_endpoint("roll", {"overlap": "24"}),
    "delivery.resent": _of_delivery("resend"),
    "delivery.stopped": _of_delivery("stop"),
    "deliveries.paused": lambda: ("/ops/dispatchers/pause/", {"reason": "maintenance"}),
    "replay.started": _new_replay,
    "replay.paused": _of_replay("pause"),
    "replay.resumed": _of_replay("resume"),
    "replay.cancelled": _of_replay("cancel"),
    "person.created": lambda: ("/ops/people/new/", {"name": "grace", "role": "viewer"}),
    "person.role_given": _of_person("role", {"role": "admin"}),
    "person.kept_out": _of_person("access"),
    "person.link_made": _of_person("link"),
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_no_change_is_made_whose_entry_cannot_be(
    browser: Browsers, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser(Role.ADMIN)
    client.handler.enforce_csrf_checks = False
    path, fields = scene()
    form = form_of(client.get(path).content.decode())
    with no_change_without_its_entry(monkeypatch):
        client.post(path, {**form, **fields})


def test_a_link_is_not_used_up_by_an_entering_that_cannot_be_written_down(
    person: Callable[[Role | None], User], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = new_entry_link(person(Role.ADMIN))
    client = Client()
    with no_change_without_its_entry(monkeypatch):
        client.post(path)
    assert client.get("/ops/")["Location"].startswith("/ops/login/")
    assert client.post(path).status_code == 303


def test_a_password_stays_where_its_change_cannot_be_written_down(
    browser: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser(Role.VIEWER)
    client.handler.enforce_csrf_checks = False
    chosen = {"new_password1": "another for these tests 2", "new_password2": "another for these tests 2"}
    with no_change_without_its_entry(monkeypatch):
        client.post("/ops/password/", {"old_password": "only for these tests 1", **chosen})
    assert client.get("/ops/").status_code == 200
