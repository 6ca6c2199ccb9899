"""What a command changes and its entry in the audit log commit together, or not at all."""

from collections.abc import Callable

import pytest

from core.api_keys import create_api_key, key_uuid
from core.models import Account
from dispatcher.models import Endpoint
from dispatcher.replay_runs import pause_replay, start_replay
from outbox.identifiers import encode_id
from outbox.models import Event
from tests.api.callers import HOOK
from tests.audit_log import no_change_without_its_entry
from tests.command_line.running import within

pytestmark = pytest.mark.django_db
Scene = Callable[[Account, Endpoint, list[Event]], tuple[str, ...]]


def _of_replay(change: str) -> Scene:
    def scene(_: Account, endpoint: Endpoint, failed: list[Event]) -> tuple[str, ...]:
        since = failed[0].created_at
        run = start_replay(owner=endpoint.owner, endpoint_id=endpoint.id, since=since, created_by="tests")
        if change == "resume":
            pause_replay(replay_id=run.id)
        return "replays", change, run.public_id

    return scene


def _of_key(*arguments: str) -> Scene:
    def scene(account: Account, _: Endpoint, __: list[Event]) -> tuple[str, ...]:
        made = encode_id("key", key_uuid(create_api_key(account=account, name="till")))
        return "keys", arguments[0], made, *arguments[1:]

    return scene


SCENES: dict[str, Scene] = {
    "endpoint.created": lambda *_: ("endpoints", "create", HOOK),
    "endpoint.updated": lambda _, we, __: ("endpoints", "update", we.public_id, "--rate-limit", "5"),
    "endpoint.disabled": lambda _, we, __: ("endpoints", "disable", we.public_id),
    "endpoint.deleted": lambda _, we, __: ("endpoints", "delete", we.public_id),
    "endpoint.secret_rolled": lambda _, we, __: ("rotate-secret", we.public_id),
    "delivery.resent": lambda _, __, events: ("resend", events[0].public_id),
    "replay.started": lambda _, we, __: ("replay", "--endpoint", we.public_id, "--since", "1h", "--no-wait"),
    "replay.paused": _of_replay("pause"),
    "replay.resumed": _of_replay("resume"),
    "replay.cancelled": _of_replay("cancel"),
    "key.created": lambda *_: ("keys", "create", "--name", "till"),
    "key.rotated": _of_key("rotate"),
    "key.revoked": _of_key("revoke"),
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_no_change_is_made_whose_entry_cannot_be(
    account: Account, endpoint: Endpoint, failed: list[Event], scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = scene(account, endpoint, failed)
    with no_change_without_its_entry(monkeypatch):
        within(*arguments)
