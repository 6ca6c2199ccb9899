import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from core.api_keys import authenticate
from core.errors import ExpiredKey, RevokedKey
from core.models import Account, ApiKey
from outbox.identifiers import decode_id

pytestmark = pytest.mark.django_db


def _run(*arguments):
    out, talk = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=talk)
    return out.getvalue(), talk.getvalue()


def test_create_api_key_prints_the_key_alone_and_talks_on_stderr():
    out, talk = _run("create_api_key", "--account-name", "Shop")
    identity = authenticate(out.strip())
    assert out == f"{out.strip()}\n"
    assert identity.owner in talk
    assert out.strip() not in talk
    assert Account.objects.get().name == "Shop"


def test_create_api_key_serves_programs():
    made = json.loads(_run("create_api_key", "--json", "--name", "ci")[0])
    assert made.keys() == {"api_key", "account", "id"}
    assert authenticate(made["api_key"]).owner == made["account"]
    assert (ApiKey.objects.get().name, ApiKey.objects.get().public_id) == ("ci", made["id"])


def test_an_account_can_have_several_keys(account):
    for _ in range(2):
        out, _ = _run("create_api_key", "--account", account.public_id)
        assert authenticate(out.strip()).account_id == account.id
    assert Account.objects.count() == 1


def test_create_api_key_makes_restricted_and_publishable_keys():
    out, _ = _run("create_api_key", "--restricted", "customers=read", "payment_intents=write")
    identity = authenticate(out.strip())
    assert (identity.kind, identity.scopes) == (
        "restricted",
        {"customers": "read", "payment_intents": "write"},
    )
    out, _ = _run("create_api_key", "--publishable")
    assert authenticate(out.strip()).kind == "publishable"


def test_create_api_key_sets_the_version_of_the_account(account):
    out, _ = _run("create_api_key", "--api-version", "2019-10-08")
    assert authenticate(out.strip()).api_version == "2019-10-08"
    _run("create_api_key", "--account", account.public_id, "--api-version", "2018-11-08")
    account.refresh_from_db()
    assert account.api_version == "2018-11-08"


@pytest.mark.parametrize(
    "flags",
    [
        ("--restricted", "everything=write"),
        ("--restricted", "customers=all"),
        ("--restricted", "customers"),
        ("--api-version", "2011-01-01"),
        ("--api-version", "2026-11-22.plain"),
    ],
)
def test_a_key_that_cannot_be_is_an_error_and_leaves_no_account(flags):
    with pytest.raises(CommandError):
        _run("create_api_key", *flags)
    assert not Account.objects.exists()


@pytest.mark.parametrize("unknown", ["acct_0000000000000000000000", "shop"])
def test_a_key_for_no_account_is_an_error(unknown):
    with pytest.raises(CommandError, match=f"^No such account: '{unknown}'$"):
        _run("create_api_key", "--account", unknown)
    assert ApiKey.objects.count() == 0


@pytest.mark.parametrize("named_by", ["api_key", "id"])
def test_revoke_api_key_takes_the_key_or_its_id(named_by):
    made = json.loads(_run("create_api_key", "--json")[0])
    out, talk = _run("revoke_api_key", made[named_by])
    assert out == ""
    assert made["id"] in talk
    with pytest.raises(RevokedKey):
        authenticate(made["api_key"])


@pytest.mark.parametrize("key", ["key_1", "sk_test_1", "", "key_0000000000000000000000"])
def test_revoking_what_is_no_key_is_an_error(key):
    with pytest.raises(CommandError):
        _run("revoke_api_key", key)


def test_create_api_key_makes_a_key_that_expires():
    made = json.loads(_run("create_api_key", "--json", "--expires-in", "90d")[0])
    row = ApiKey.objects.get()
    assert row.expires_at is not None
    assert timedelta(days=89) < row.expires_at - timezone.now() <= timedelta(days=90)
    assert authenticate(made["api_key"])
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(ExpiredKey):
        authenticate(made["api_key"])


@pytest.mark.parametrize("span", ["soon", "90", "-1d", "4000d", "999999999d"])
def test_a_span_that_is_none_is_an_error_and_makes_no_key(span):
    with pytest.raises(CommandError, match="expires-in"):
        _run("create_api_key", f"--expires-in={span}")
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("named_by", ["api_key", "id"])
def test_rotate_api_key_prints_the_new_key_alone_and_both_are_good(named_by):
    made = json.loads(_run("create_api_key", "--json", "--restricted", "customers=read")[0])
    out, talk = _run("rotate_api_key", made[named_by], "--overlap", "2h")
    new = authenticate(out.strip())
    assert out == f"{out.strip()}\n"
    assert (new.owner, new.scopes) == (made["account"], {"customers": "read"})
    assert authenticate(made["api_key"]).owner == made["account"]
    assert f"{made['id']} is good until" in talk
    assert out.strip() not in talk


def test_rotate_api_key_serves_programs():
    made = json.loads(_run("create_api_key", "--json")[0])
    rotated = json.loads(_run("rotate_api_key", made["id"], "--json", "--expires-in", "30d")[0])
    assert rotated.keys() == {"api_key", "id", "old_expires_at"}
    old, new = (ApiKey.objects.get(id=decode_id("key", one["id"])) for one in (made, rotated))
    assert old.expires_at is not None
    assert new.expires_at is not None
    assert old.expires_at.isoformat() == rotated["old_expires_at"]
    assert new.expires_at > old.expires_at


@pytest.mark.parametrize("arguments", [["key_1"], ["key_0000000000000000000000"], ["sk_test_1"]])
def test_rotating_what_is_no_key_is_an_error(arguments):
    with pytest.raises(CommandError):
        _run("rotate_api_key", *arguments)


def test_rotating_for_longer_than_a_week_is_an_error():
    made = json.loads(_run("create_api_key", "--json")[0])
    with pytest.raises(CommandError, match="between 0 and 7 days"):
        _run("rotate_api_key", made["id"], "--overlap", "8d")
    assert ApiKey.objects.count() == 1


def test_list_api_keys_tells_all_but_the_keys(account):
    used = json.loads(_run("create_api_key", "--json", "--account", account.public_id)[0])
    unused = json.loads(_run("create_api_key", "--json", "--account", account.public_id, "--publishable")[0])
    _run("create_api_key", "--account-name", "Another")
    authenticate(used["api_key"])
    out, _ = _run("list_api_keys", "--account", account.public_id)
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(line["id"], line["kind"], line["last_used_at"] is None) for line in lines] == [
        (unused["id"], "publishable", True),
        (used["id"], "secret", False),
    ]
    assert used["api_key"][-43:] not in out
    with pytest.raises(CommandError, match="No such account"):
        _run("list_api_keys", "--account", "acct_0000000000000000000000")
