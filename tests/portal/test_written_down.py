"""What is changed in the portal and its entry in the audit log commit together, or not at all."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from dispatcher.models import Endpoint
from dispatcher.replay_runs import pause_replay, start_replay
from outbox.identifiers import decode_id
from tests.api.callers import HOOK
from tests.audit_log import no_change_without_its_entry
from tests.dispatcher.scenes import fan_out, record
from tests.portal.visitors import Visitor

pytestmark = pytest.mark.django_db
Scene = Callable[[Visitor], tuple[str, dict[str, str]]]
_OTHER = {"url": f"{HOOK}/2", "which": "all", "description": "Other"}


def _new(visitor: Visitor) -> tuple[str, dict[str, str]]:
    return "endpoints/new/", _OTHER


def _of_endpoint(action: str, fields: dict[str, str] | None = None) -> Scene:
    def scene(visitor: Visitor) -> tuple[str, dict[str, str]]:
        return f"endpoints/{visitor.caller.endpoint()['id']}/{action}/", fields or {}

    return scene


def _enable(visitor: Visitor) -> tuple[str, dict[str, str]]:
    made = visitor.caller.endpoint()
    visitor.send(f"endpoints/{made['id']}/disable/")
    return f"endpoints/{made['id']}/enable/", {}


def _test(visitor: Visitor) -> tuple[str, dict[str, str]]:
    return "test/", {"endpoint": visitor.caller.endpoint()["id"]}


def _of_delivery(action: str) -> Scene:
    def scene(visitor: Visitor) -> tuple[str, dict[str, str]]:
        return f"deliveries/{visitor.caller.delivery()['id']}/{action}/", {}

    return scene


def _send_event(visitor: Visitor) -> tuple[str, dict[str, str]]:
    made = visitor.caller.delivery()
    return f"events/{made['event']}/send/", {"endpoint": made["endpoint"]}


def _of_replay(change: str) -> Scene:
    def scene(visitor: Visitor) -> tuple[str, dict[str, str]]:
        replay = start_replay(**_missed(visitor), created_by="tests")
        if change == "resume":
            pause_replay(replay_id=replay.id)
        return f"replays/{replay.public_id}/{change}/", {}

    return scene


def _replay(visitor: Visitor) -> tuple[str, dict[str, str]]:
    missed = _missed(visitor)
    fields = {"only": "missing", "since": missed["since"].isoformat(), "count": "3"}
    return f"endpoints/{Endpoint.objects.get().public_id}/replay/", {
        **fields,
        "until": timezone.now().isoformat(),
    }


def _missed(visitor: Visitor) -> dict[str, Any]:
    """What a replay needs of an endpoint that was not sent three events."""
    made = visitor.caller.endpoint()
    visitor.send(f"endpoints/{made['id']}/disable/")
    record(3, owner=visitor.caller.account.public_id, type="customer.created")
    fan_out()
    visitor.send(f"endpoints/{made['id']}/enable/")
    return {
        "owner": visitor.caller.account.public_id,
        "endpoint_id": decode_id("we", made["id"]),
        "since": timezone.now() - timedelta(hours=1),
        "only": "missing",
    }


SCENES: dict[str, Scene] = {
    "endpoint.created": _new,
    "endpoint.updated": _of_endpoint("edit", _OTHER),
    "endpoint.disabled": _of_endpoint("disable"),
    "endpoint.enabled": _enable,
    "endpoint.deleted": _of_endpoint("delete"),
    "endpoint.secret_rolled": _of_endpoint("roll", {"overlap": "3600"}),
    "endpoint.tested": _test,
    "delivery.resent": _of_delivery("resend"),
    "delivery.stopped": _of_delivery("stop"),
    "event.sent": _send_event,
    "portal_session.ended": lambda _: ("end/", {}),
    "replay.started": _replay,
    "replay.paused": _of_replay("pause"),
    "replay.resumed": _of_replay("resume"),
    "replay.cancelled": _of_replay("cancel"),
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_no_change_is_made_whose_entry_cannot_be(
    visitor: Visitor, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, fields = scene(visitor)
    form = visitor.form_of("endpoints/new/")
    with no_change_without_its_entry(monkeypatch):
        visitor.send(path, fields, form=form)
