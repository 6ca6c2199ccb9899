"""`webhooks endpoints` and `webhooks rotate-secret`."""

import getpass

import pytest

from api.command_line.moments import moment_text
from api.models import AuditEntry
from dispatcher.models import Endpoint
from dispatcher.sealing import unseal
from tests.command_line.running import webhooks, within

URL = "http://127.0.0.1:9/hook"


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_is_made_and_gets_another_secret(account):
    made = webhooks(
        "endpoints", "create", URL, "--events", "payment_intent.succeeded", "--metadata", "team=pay"
    )
    assert made.code == 0, made.talk
    row = Endpoint.objects.get()
    assert made.record["id"] == row.public_id
    assert made.record["secret"] == unseal(row.secret)
    assert (row.owner, row.url, row.enabled_events) == (account.public_id, URL, ["payment_intent.succeeded"])
    assert row.metadata == {"team": "pay"}
    assert made.record["secret"] not in made.talk
    rotated = webhooks("rotate-secret", row.public_id, "--overlap", "2h")
    assert rotated.code == 0, rotated.talk
    row.refresh_from_db()
    assert rotated.record["secret"] == unseal(row.secret) != made.record["secret"]
    assert unseal(row.previous_secret or "") == made.record["secret"]
    assert rotated.record["previous_secret_expires_at"] == moment_text(row.previous_secret_expires_at)


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_is_listed_changed_switched_and_deleted(endpoint):
    name = endpoint.public_id
    assert within("endpoints", "list").record["id"] == name
    assert "enabled" in within("endpoints", "list", "--all", "--text").data
    assert within("endpoints", "list", "--disabled").data == ""
    changed = within(
        "endpoints", "update", name, "--rate-limit", "5", "--events", "customer.created", "--metadata", "a=1", "b=2",
        "--ordered", "--on-dead-letter", "stop",
    )  # fmt: skip
    assert changed.code == 0, changed.talk
    assert changed.record["enabled_events"] == ["customer.created"]
    assert (changed.record["rate_limit"], changed.record["ordered"]) == (5.0, True)
    assert within("endpoints", "update", name, "--metadata", "a=").record["metadata"] == {"b": "2"}
    assert within("endpoints", "disable", name).record["status"] == "disabled"
    assert "already" in within("endpoints", "disable", name).talk
    assert within("endpoints", "list", "--disabled").record["status_reason"] == "by_request"
    assert within("endpoints", "enable", name).record["status"] == "enabled"
    shown = within("endpoints", "show", name, "--text").data
    assert "closed" in shown
    assert "5/s" in shown
    assert within("endpoints", "delete", name).record == {"id": name, "deleted": True}
    gone = within("endpoints", "show", name)
    told = list(
        AuditEntry.objects.order_by("id").values_list("action", "subject", "account", "before", "after")
    )
    assert [one[0].partition(".")[2] for one in told] == [
        "updated",
        "updated",
        "disabled",
        "enabled",
        "deleted",
    ]
    assert {one[1:3] for one in told} == {(name, endpoint.owner)}
    assert [(before or {}).get("status") for *_, before, _ in told[2:]] == ["enabled", "disabled", "enabled"]
    assert AuditEntry.objects.earliest("id").actor == f"cli:{getpass.getuser()}"
    assert (gone.code, "was deleted at" in gone.talk) == (1, True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["create", "ftp://shop.test/"], 2, "argument URL: the URL must begin with"),
        (["create", "https://127.0.0.1/hook"], 2, "argument URL: 127.0.0.1 is not a public address"),
        (
            ["create", "https://127.0.0.1/hook", "--events", "payment_intent.suceeded"],
            2,
            "argument --events: ",
        ),
        (["update", "{we}"], 2, "nothing is to be changed"),
        (
            ["update", "{we}", "--url", "https://127.0.0.1/hook"],
            2,
            "argument --url: 127.0.0.1 is not a public",
        ),
        (
            ["update", "{we}", "--on-dead-letter", "stop"],
            2,
            "argument --on-dead-letter: 'stop' stops an order key",
        ),
        (["update", "{we}", "--rate-limit", "-1"], 2, "argument --rate-limit: "),
        (["show", "we_0355TFrH8aMHaGq6BF9BOk"], 1, "No such webhook endpoint"),
    ],
)
def test_bad_input_is_refused_in_the_words_of_the_command(endpoint, arguments, code, words):
    ended = within("endpoints", *(one.format(we=endpoint.public_id) for one in arguments))
    assert ended.code == code
    assert words in ended.talk
    assert ended.data == ""


@pytest.mark.django_db
def test_an_account_has_only_so_many_endpoints(account, settings):
    settings.DISPATCHER = {
        **settings.DISPATCHER, "MAX_ENDPOINTS_PER_OWNER": 0, "ALLOW_ADDRESSES": ["127.0.0.0/8"],
    }  # fmt: skip
    from unittest.mock import patch

    from dispatcher.errors import TooManyEndpoints

    with patch("api.command_line.endpoints.create_endpoint", side_effect=TooManyEndpoints(16)):
        ended = within("endpoints", "create", "https://127.0.0.1/hook")
    assert (ended.code, "at most 16 webhook endpoints" in ended.talk) == (2, True)


@pytest.mark.django_db
@pytest.mark.parametrize("overlap", ["25h", "tomorrow"])
def test_an_overlap_is_a_day_at_most(endpoint, overlap):
    from django.core.management import CommandError

    with pytest.raises(CommandError, match="argument --overlap"):
        within("rotate-secret", endpoint.public_id, "--overlap", overlap)
