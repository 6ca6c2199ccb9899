from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.api_keys import authenticate, create_api_key, key_uuid, revoke_api_key, rotate_api_key
from core.checks import check_hash_key
from core.errors import (
    ApiKeyNotFound,
    ExpiredKey,
    InvalidScope,
    KeyNotRotatable,
    MalformedKey,
    RevokedKey,
    UnknownKey,
)
from core.key_scopes import Access, KeyKind, permits
from core.models import ApiKey
from outbox.identifiers import new_uuid
from tests.core.merchants import statements_of


@pytest.fixture
def token(account):
    return create_api_key(account=account, name="server")


def test_a_key_tells_whose_it_is(account, token):
    identity = authenticate(token)
    assert (identity.account_id, identity.owner) == (account.id, account.public_id)
    assert identity.key_id == key_uuid(token)


def test_only_a_keyed_hash_is_kept(token, settings):
    row = ApiKey.objects.get()
    assert token.startswith("sk_test_")
    stored = " ".join(str(value) for value in ApiKey.objects.values_list().get()).encode() + bytes(
        row.token_hash
    )
    assert token[-43:].encode() not in stored
    settings.API_KEY_HASH_KEY = "another key, as long as the first was, or longer"
    with pytest.raises(UnknownKey):
        authenticate(token)


def test_authentication_is_one_query_and_notes_the_use_once_a_minute(token):
    with CaptureQueriesContext(connection) as captured:
        authenticate(token)
    assert len(statements_of(captured)) == 2
    first_use = ApiKey.objects.get().last_used_at
    assert first_use is not None

    with CaptureQueriesContext(connection) as captured:
        authenticate(token)
    assert len(statements_of(captured)) == 1
    assert ApiKey.objects.get().last_used_at == first_use

    ApiKey.objects.update(last_used_at=first_use - timedelta(seconds=61))
    authenticate(token)
    assert ApiKey.objects.filter(last_used_at__gte=first_use).count() == 1


def test_a_wrong_secret_and_an_unknown_id_are_refused_in_the_same_words(token):
    wrong_secret = token[:-4] + ("0000" if token[-4:] != "0000" else "1111")
    ApiKey.objects.get()
    with pytest.raises(UnknownKey) as refused:
        authenticate(wrong_secret)
    assert refused.value.message == f"Invalid API Key provided: ****{wrong_secret[-4:]}"
    ApiKey.objects.all().delete()
    with pytest.raises(UnknownKey) as unknown:
        authenticate(wrong_secret)
    assert unknown.value.message == refused.value.message


@pytest.mark.parametrize(
    "change",
    [
        lambda token: "",
        lambda token: "sk_test_",
        lambda token: token[:-1],
        lambda token: token + "0",
        lambda token: token.replace("sk_test_", "sk_live_"),
        lambda token: "sk_test_" + "z" * 65,
        lambda token: token[:10] + "-" + token[11:],
        lambda token: token[:-1] + "é",
    ],
)
def test_what_has_not_the_shape_of_a_key_is_malformed(token, change):
    changed = change(token)
    with CaptureQueriesContext(connection) as captured, pytest.raises(MalformedKey) as refused:
        authenticate(changed)
    assert statements_of(captured) == []
    assert changed[:12] == "" or changed[:12] not in refused.value.message


def test_a_revoked_key_is_refused_from_the_next_request_on(token):
    authenticate(token)
    first = revoke_api_key(key_uuid(token)).revoked_at
    with pytest.raises(RevokedKey) as refused:
        authenticate(token)
    assert token[-4:] in refused.value.message
    assert token[:-4] not in refused.value.message
    assert revoke_api_key(key_uuid(token)).revoked_at == first


def test_that_a_key_is_revoked_is_told_only_to_who_has_all_of_it(token):
    revoke_api_key(key_uuid(token))
    with pytest.raises(UnknownKey):
        authenticate(token[:-4] + ("0000" if token[-4:] != "0000" else "1111"))


def test_a_key_ends_when_it_expires(account):
    expired = create_api_key(account=account, name="old", expires_at=timezone.now() - timedelta(seconds=1))
    good = create_api_key(account=account, name="new", expires_at=timezone.now() + timedelta(hours=1))
    with pytest.raises(ExpiredKey) as refused:
        authenticate(expired)
    assert refused.value.code == "api_key_expired"
    assert authenticate(good).account_id == account.id


def test_an_unknown_key_cannot_be_revoked(db):
    with pytest.raises(ApiKeyNotFound):
        revoke_api_key(new_uuid())


def test_keys_are_never_the_same(account):
    tokens = {create_api_key(account=account, name="server") for _ in range(20)}
    assert len({token[-43:] for token in tokens}) == 20


def test_a_short_hash_key_is_an_error_at_start(settings):
    assert check_hash_key(None) == []
    settings.API_KEY_HASH_KEY = "short"
    assert [message.id for message in check_hash_key(None)] == ["core.E001"]


@pytest.mark.parametrize(
    ("kind", "prefix", "scopes"),
    [
        (KeyKind.SECRET, "sk_test_", None),
        (KeyKind.RESTRICTED, "rk_test_", {"customers": "read", "refunds": "write"}),
        (KeyKind.PUBLISHABLE, "pk_test_", None),
    ],
)
def test_a_key_tells_its_kind_and_what_it_may_do(account, kind, prefix, scopes):
    made = create_api_key(account=account, name="k", kind=kind, scopes=scopes)
    identity = authenticate(made)
    assert made.startswith(prefix)
    assert (identity.kind, identity.scopes) == (kind, scopes or {})
    assert identity.api_version == account.api_version


def test_a_key_under_another_prefix_is_unknown(account):
    made = create_api_key(account=account, name="k", kind=KeyKind.RESTRICTED, scopes={"events": "read"})
    for prefix in ("sk_test_", "pk_test_"):
        with pytest.raises(UnknownKey):
            authenticate(prefix + made[8:])
    with pytest.raises(MalformedKey):
        authenticate("xk_test_" + made[8:])


@pytest.mark.parametrize(
    ("kind", "scopes"),
    [
        (KeyKind.RESTRICTED, None),
        (KeyKind.RESTRICTED, {}),
        (KeyKind.RESTRICTED, {"everything": "write"}),
        (KeyKind.RESTRICTED, {"customers": "delete"}),
        (KeyKind.SECRET, {"customers": "read"}),
        (KeyKind.PUBLISHABLE, {"customers": "read"}),
    ],
)
def test_a_scope_that_does_not_exist_makes_no_key(account, kind, scopes):
    with pytest.raises(InvalidScope):
        create_api_key(account=account, name="k", kind=kind, scopes=scopes)
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("scopes", "reads", "writes"),
    [
        ({"customers": "write"}, True, True),
        ({"customers": "read"}, True, False),
        ({"events": "write"}, False, False),
        ({}, False, False),
    ],
)
def test_writing_includes_reading_and_what_nobody_named_is_permitted_to_nobody(scopes, reads, writes):
    assert permits(scopes, "customers", Access.READ) is reads
    assert permits(scopes, "customers", Access.WRITE) is writes


def _without(row, *names):
    return {name: value for name, value in vars(row).items() if name not in {"_state", *names}}


def test_a_rotated_key_hands_over_within_its_overlap(account):
    scopes = {"customers": "read"}
    old_token = create_api_key(account=account, name="server", kind=KeyKind.RESTRICTED, scopes=scopes)
    token, old = rotate_api_key(key_uuid(old_token), overlap=timedelta(hours=2))
    new = ApiKey.objects.get(id=key_uuid(token))
    own = ("id", "token_hash", "expires_at", "_django_version")
    assert _without(new, *own) == _without(ApiKey.objects.get(id=old.id), *own)
    assert new.expires_at is None
    assert authenticate(old_token).scopes == authenticate(token).scopes == scopes
    ApiKey.objects.filter(id=old.id).update(expires_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(ExpiredKey):
        authenticate(old_token)
    assert authenticate(token)


@pytest.mark.django_db(transaction=True)
def test_without_an_overlap_the_old_key_is_over_at_once(token):
    rotate_api_key(key_uuid(token), overlap=timedelta(0))
    with pytest.raises(ExpiredKey):
        authenticate(token)


def test_a_rotation_never_prolongs_a_key(account):
    soon = timezone.now() + timedelta(minutes=5)
    token = create_api_key(account=account, name="server", expires_at=soon)
    _, old = rotate_api_key(key_uuid(token), overlap=timedelta(days=1))
    assert old.expires_at == soon


@pytest.mark.parametrize("over", [{"revoked_at": -1}, {"expires_at": -1}])
def test_a_key_that_is_over_hands_over_to_none(token, over):
    moments = {name: timezone.now() + timedelta(hours=hours) for name, hours in over.items()}
    ApiKey.objects.update(**moments)
    with pytest.raises(KeyNotRotatable):
        rotate_api_key(key_uuid(token), overlap=timedelta(hours=1))
    assert ApiKey.objects.count() == 1


def test_an_unknown_key_cannot_be_rotated(db):
    with pytest.raises(ApiKeyNotFound):
        rotate_api_key(new_uuid(), overlap=timedelta(0))
