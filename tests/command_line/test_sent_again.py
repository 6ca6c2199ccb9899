"""`webhooks resend` and `replay` with a dispatcher at work, which would meddle with what other tests set up."""

import pytest

from api.models import AuditEntry
from dispatcher.models import Endpoint, Replay
from tests.command_line.running import webhooks, within
from tests.dispatcher.scenes import make_endpoint, record
from tests.processes import until


@pytest.mark.acceptance
@pytest.mark.django_db(transaction=True)
def test_a_resend_arrives_with_the_same_id(delivering, shop, account):
    endpoint = make_endpoint(
        owner=account.public_id, url=f"http://127.0.0.1:{shop.port}/hook", status="disabled"
    )
    (event,) = record(owner=endpoint.owner, type="customer.created")
    ended = webhooks("resend", event.public_id, "--endpoint", endpoint.public_id, "--wait", "30s")
    assert ended.code == 0, ended.talk
    assert (ended.record["event"], ended.record["state"]) == (event.public_id, "succeeded")
    assert event.public_id in [one.event_id for one in shop.received]


@pytest.mark.acceptance
@pytest.mark.django_db(transaction=True)
def test_a_replay_is_counted_carried_out_and_shown(delivering, shop, failed, endpoint):
    Endpoint.objects.update(url=f"http://127.0.0.1:{shop.port}/hook")
    counted = within("replay", "--endpoint", endpoint.public_id, "--since", "1h", "--dry-run")
    assert (counted.record["found"], counted.record["made"]) == (3, 0)
    assert "3 failed to replay" in counted.talk
    assert not Replay.objects.exists()
    done = webhooks("replay", "--endpoint", endpoint.public_id, "--since", "1h", "--rate", "6000/m")
    assert done.code == 0, done.talk
    assert (done.record["state"], done.record["found"], done.record["made"]) == ("finished", 3, 3)
    assert done.record["created_by"].startswith("cli:")
    until(
        lambda: {one.event_id for one in shop.received} >= {event.public_id for event in failed},
        what="the events that were replayed",
    )
    listed = webhooks("replays", "list")
    assert [one["replay"] for one in listed.records] == [done.record["replay"]]
    assert within("replays", "watch", done.record["replay"]).record["made"] == 3
    assert AuditEntry.objects.get().subject == done.record["replay"]
