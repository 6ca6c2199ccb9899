"""`webhooks keys`."""

import pytest

from core.api_keys import authenticate
from core.errors import RevokedKey
from tests.command_line.running import webhooks, within


@pytest.mark.django_db(transaction=True)
def test_a_key_is_made_rotated_and_revoked(account):
    made = webhooks("keys", "create", "--name", "ci", "--restricted", "customers=read")
    assert made.code == 0, made.talk
    key = made.record["api_key"]
    assert authenticate(key).scopes == {"customers": "read"}
    assert key not in made.talk
    rotated = within("keys", "rotate", made.record["id"], "--overlap", "90m")
    assert rotated.record["replaces"] == made.record["id"]
    assert authenticate(rotated.record["api_key"]).scopes == {"customers": "read"}
    assert within("keys", "revoke", key).record["revoked_at"] is not None
    with pytest.raises(RevokedKey):
        authenticate(key)
    listed = within("keys", "list")
    assert [row["id"] for row in listed.records] == [rotated.record["id"], made.record["id"]]
    assert "revoked" in within("keys", "list", "--text").data


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["create", "--restricted", "everything=read"], 1, "No such resource: 'everything'"),
        (["rotate", "key_0355TFrH8aMHaGq6BF9BOk"], 1, "No such API key"),
        (["revoke", "key_1"], 2, "argument KEY: "),
        (["revoke", "nonsense"], 1, "Invalid API Key provided"),
    ],
)
def test_bad_input_is_refused(account, arguments, code, words):
    ended = within("keys", *arguments)
    assert (ended.code, ended.data) == (code, "")
    assert words in ended.talk
