import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core.api_keys import authenticate
from core.errors import RevokedKey
from core.models import Account, ApiKey

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
