"""`webhooks resend` and `webhooks replay`."""

import pytest

from api.models import AuditEntry
from dispatcher.models import Replay
from tests.command_line.running import within
from tests.dispatcher.scenes import make_endpoint, record

GONE = "evt_0355TFrH8aMHaGq6BF9BOk"


@pytest.mark.django_db
def test_a_resend_goes_to_whom_it_went_else_to_whom_it_should(failed, endpoint):
    other = make_endpoint(owner=endpoint.owner)
    assert within("resend", failed[0].public_id).record["endpoint"] == endpoint.public_id
    (fresh,) = record(owner=endpoint.owner, type="customer.updated")
    sent_to = {row["endpoint"] for row in within("resend", fresh.public_id).records}
    assert sent_to == {endpoint.public_id, other.public_id}


@pytest.mark.django_db
def test_a_resend_that_cannot_be_says_why(endpoint):
    (event,) = record(owner="acct_another", type="customer.created")
    assert "No such event" in within("resend", GONE).talk
    ended = within("resend", event.public_id, "--endpoint", endpoint.public_id)
    assert (ended.code, "No such webhook endpoint of acct_another" in ended.talk) == (1, True)
    assert "Name one with --endpoint" in within("resend", event.public_id).talk


@pytest.mark.django_db(transaction=True)
def test_a_replay_can_be_paused_resumed_and_cancelled(failed, endpoint):
    begun = within("replay", "--endpoint", endpoint.public_id, "--since", "1h", "--no-wait")
    assert (begun.code, begun.record["state"], begun.record["made"]) == (0, "running", 0)
    name = begun.record["replay"]
    again = within("replay", "--endpoint", endpoint.public_id, "--since", "1h", "--no-wait")
    assert (again.code, f"The endpoint has a replay that is running ({name})" in again.talk) == (1, True)
    assert within("replays", "pause", name).record["state"] == "paused"
    assert "is paused already" in within("replays", "pause", name).talk
    # Whoever watches what stands still sees it stand.
    assert (
        within("replays", "watch", name).code,
        "paused" in within("replays", "show", name, "--text").data,
    ) == (4, True)
    assert within("replays", "resume", name).record["state"] == "running"
    assert within("replays", "cancel", name).record["state"] == "cancelled"
    refused = within("replays", "resume", name)
    assert (refused.code, refused.data) == (1, "")
    assert [one.action for one in AuditEntry.objects.order_by("id")] == [
        "replay.started", "replay.paused", "replay.resumed", "replay.cancelled",
    ]  # fmt: skip
    assert within("replays", "list", "--state", "running").data == ""
    assert "cancelled" in within("replays", "list", "--endpoint", endpoint.public_id, "--text").data
    assert "No such replay" in within("replays", "show", "rpl_0355TFrH8aMHaGq6BF9BOk").talk


@pytest.mark.django_db(transaction=True)
def test_nothing_to_replay_is_no_failure(endpoint):
    ended = within("replay", "--endpoint", endpoint.public_id, "--since", "1h")
    assert (ended.code, ended.record["found"], ended.record["replay"]) == (0, 0, None)


@pytest.mark.django_db(transaction=True)
def test_many_are_replayed_only_when_somebody_says_so(failed, endpoint):
    replay = (
        "replay",
        "--endpoint",
        endpoint.public_id,
        "--since",
        "1h",
        "--confirm-above",
        "2",
        "--no-wait",
    )
    refused = within(*replay)
    assert (refused.code, refused.data) == (1, "")
    assert "say --yes" in refused.talk
    assert not Replay.objects.exists()
    assert within(*replay, "--yes").record["found"] == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--since", "2h", "--until", "3h"], 2, "argument --until: must be later than since"),
        (["--since", "2099-01-01T00:00:00Z"], 2, "argument --since: is in the future"),
        (["--since", "2h", "--rate", "99999"], 2, "argument --rate: must be above 0"),
    ],
)
def test_a_replay_of_what_cannot_be_is_refused(endpoint, arguments, code, words):
    ended = within("replay", "--endpoint", endpoint.public_id, *arguments)
    assert (ended.code, ended.data) == (code, "")
    assert words in ended.talk


@pytest.mark.django_db(transaction=True)
def test_a_replay_to_a_disabled_endpoint_is_refused(account):
    endpoint = make_endpoint(owner=account.public_id, status="disabled")
    ended = within("replay", "--endpoint", endpoint.public_id, "--since", "1h")
    assert (ended.code, "enable it first" in ended.talk) == (1, True)
