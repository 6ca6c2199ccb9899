"""`webhooks verify`: what it reads, and what it looks up."""

import time
from datetime import timedelta

import pytest

from dispatcher.config import dispatcher_settings
from dispatcher.endpoints import roll_secret
from dispatcher.sealing import unseal
from dispatcher.signing import SigningKeys
from tests.command_line.running import webhooks, within
from tests.dispatcher.scenes import make_endpoint, record


@pytest.fixture
def delivered(endpoint, tmp_path):
    """The endpoint, and files with headers and body of a delivery to it."""
    (event,) = record(owner=endpoint.owner, type="customer.created")
    body = dispatcher_settings().renderer(event.facts, endpoint.api_version)
    headers = SigningKeys(unseal(endpoint.secret)).headers(
        message_id=event.public_id, timestamp=int(time.time()), body=body
    )
    (tmp_path / "headers").write_text("\n".join(f"{name}: {value}" for name, value in headers.items()))
    (tmp_path / "body").write_bytes(body)
    return endpoint, tmp_path / "headers", tmp_path / "body"


def causes(ended):
    return [[cause["code"] for cause in one["causes"]] for one in ended.records]


@pytest.mark.django_db(transaction=True)
def test_a_delivery_verifies_with_its_endpoints_secret(delivered):
    endpoint, headers, body = delivered
    ended = webhooks(
        "verify", "--headers", str(headers), "--endpoint", endpoint.public_id, stdin=body.read_bytes()
    )
    assert ended.code == 0, ended.talk
    assert [(one["scheme"], one["verifies"]) for one in ended.records] == [
        ("stripe", True),
        ("standard", True),
    ]
    ended = webhooks(
        "verify", str(body), "--headers", str(headers), "--offline", WEBHOOK_SECRET=unseal(endpoint.secret)
    )
    assert ended.code == 0, ended.talk


@pytest.mark.django_db
def test_the_database_tells_whose_secret_it_was_and_what_was_sent(delivered):
    endpoint, headers, body = delivered
    other = make_endpoint(owner=endpoint.owner)
    ended = within("verify", str(body), "--headers", str(headers), "--endpoint", other.public_id)
    assert (ended.code, causes(ended)) == (4, [["wrong_secret"]] * 2)
    assert endpoint.public_id in ended.data
    body.write_bytes(body.read_bytes().replace(b'"number":0', b'"number":1'))
    ended = within("verify", str(body), "--headers", str(headers), "--endpoint", endpoint.public_id)
    assert causes(ended) == [["body_changed"]] * 2
    roll_secret(owner=endpoint.owner, endpoint_id=endpoint.id, overlap=timedelta(hours=1))
    ended = within("verify", str(body), "--headers", str(headers), "--endpoint", endpoint.public_id, "--text")
    assert "the previous one of endpoint" in ended.data


@pytest.mark.django_db
def test_nothing_that_is_secret_is_shown(delivered):
    endpoint, headers, body = delivered
    other = make_endpoint(owner=endpoint.owner)
    ended = within("verify", str(body), "--headers", str(headers), "--endpoint", other.public_id)
    for row in (endpoint, other):
        assert unseal(row.secret) not in ended.data + ended.talk


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--secret", "whsec_x"], "argument --header: give the headers"),
        (["-H", "Stripe-Signature"], "argument --header: 'Stripe-Signature' is not 'Name: value'"),
        (["-H", "a: b"], "argument --secret: "),
        (["/nowhere", "-H", "a: b", "--secret", "x"], "argument FILE: '/nowhere' cannot be read"),
    ],
)
def test_what_is_lacking_is_asked_for(arguments, words, monkeypatch, tmp_path):
    monkeypatch.delenv("WEBHOOK_SECRET", raising=False)
    (tmp_path / "body").write_bytes(b"{}")
    given = arguments if arguments[0].startswith("/") else [str(tmp_path / "body"), *arguments]
    ended = within("verify", *given)
    assert ended.code == 2
    assert words in ended.talk


@pytest.mark.django_db
def test_what_the_receivers_code_computed_is_explained(delivered):
    import hmac

    endpoint, headers, body = delivered
    secret = unseal(endpoint.secret)
    stamp = headers.read_text().partition("t=")[2].partition(",")[0]
    wrong = hmac.digest(
        secret.removeprefix("whsec_").encode(), f"{stamp}.".encode() + body.read_bytes(), "sha256"
    )
    ended = within(
        "verify",
        str(body),
        "--headers",
        str(headers),
        "--secret",
        secret,
        "--computed",
        wrong.hex(),
        "--text",
    )
    assert "keyed with the secret text without its whsec_" in ended.data
