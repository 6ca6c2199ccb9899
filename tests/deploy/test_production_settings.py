"""Production starts with a deployment's settings, and refuses those of a checkout: each in words, all at once."""

import re
from dataclasses import replace

import pytest

from core.production import Chosen, problems
from tests.deploy.production import FERNET_KEY, OTHER_SECRET, PRODUCTION, SECRET, manage
from tests.processes import ROOT

GOOD = Chosen(
    debug=False,
    local_secrets=False,
    secret_key=SECRET,
    api_key_hash_key=OTHER_SECRET,
    webhook_secret_keys=[FERNET_KEY],
    allowed_hosts=["api.example.com"],
    public_url="https://api.example.com",
    cli_relay_url="wss://relay.example.com/",
    allow_http=False,
    allow_addresses=["10.8.0.0/16", "fd00:1::/64"],
    crash_at=None,
)
# What a deployment could have taken over from a checkout → the variable that must be named.
BAD = {
    "DEBUG": "true",
    "LOCAL_SECRETS": "true",
    "SECRET_KEY": "only-for-tests-" + "s" * 40,
    "API_KEY_HASH_KEY": "h" * 60,
    "WEBHOOK_SECRET_KEYS": "b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMtMDE=",
    "ALLOWED_HOSTS": "api.example.com,*",
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "CLI_RELAY_URL": "ws://relay.example.com/",
    "WEBHOOK_ALLOW_HTTP": "true",
    "WEBHOOK_ALLOW_ADDRESSES": "127.0.0.0/8",
    "CRASH_AT": "after_send",
}


def refused(chosen: Chosen) -> set[str]:
    return {name for name, _ in problems(chosen)}


def test_the_settings_of_a_deployment_are_accepted() -> None:
    assert problems(GOOD) == []


@pytest.mark.django_db
def test_a_process_refuses_everything_that_is_wrong_at_once() -> None:
    done = manage("check", **BAD)
    assert done.returncode == 2
    told = dict(re.findall(r"(?m)^  ([A-Z_]+): (.+)$", done.stderr))
    assert set(told) == set(BAD)
    assert all(len(words.split()) > 5 for words in told.values())
    # It names what is wrong with a secret, never the secret.
    assert not any(
        BAD[name] in done.stderr for name in ("SECRET_KEY", "API_KEY_HASH_KEY", "WEBHOOK_SECRET_KEYS")
    )


@pytest.mark.django_db
@pytest.mark.parametrize("name", BAD)
def test_each_of_them_alone_is_refused(name: str) -> None:
    done = manage("check", **{name: BAD[name]})
    assert (done.returncode, re.findall(r"(?m)^  ([A-Z_]+):", done.stderr)) == (2, [name])


@pytest.mark.django_db
def test_a_value_that_does_not_parse_is_told_beside_the_others() -> None:
    done = manage("check", MAX_BODY_BYTES="many", DEBUG="true")
    assert re.findall(r"(?m)^  ([A-Z_]+):", done.stderr) == ["MAX_BODY_BYTES", "DEBUG"]


@pytest.mark.django_db
def test_the_same_is_accepted_in_development() -> None:
    assert manage("check", **BAD, ENVIRONMENT="development").returncode == 0


@pytest.mark.django_db
def test_an_environment_that_nobody_knows_is_refused() -> None:
    done = manage("check", ENVIRONMENT="prod")
    assert done.returncode == 2
    assert "ENVIRONMENT" in done.stderr


@pytest.mark.django_db
def test_a_missing_secret_is_not_made_up() -> None:
    before = (ROOT / ".secrets.json").exists()
    done = manage("check", SECRET_KEY="", LOCAL_SECRETS="true")
    assert done.returncode == 2
    assert "SECRET_KEY" in done.stderr
    assert (ROOT / ".secrets.json").exists() == before


@pytest.mark.django_db
def test_check_deploy_is_clean() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING")
    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues" in done.stdout


def secrets_shown() -> set[str]:
    """Values for secrets that stand in files of this repository."""
    files = ["Makefile", ".env.example", "bench/stage.py", "tests/conftest.py"]
    text = "\n".join((ROOT / name).read_text() for name in files)
    plain = re.findall(r"""(?:SECRET_KEY|HASH_KEY)"?\]?\s*[=:]\s*"?([\w-]{8,})""", text)
    keys = re.findall(r"[\w-]{43}=", text)
    return {*plain, *keys}


def test_no_secret_that_this_repository_shows_is_accepted() -> None:
    shown = secrets_shown()
    assert len(shown) >= 6
    for secret in shown:
        if secret.endswith("="):
            assert refused(replace(GOOD, webhook_secret_keys=[FERNET_KEY, secret])) == {"WEBHOOK_SECRET_KEYS"}
        else:
            padded = secret + "x7Kp2" * 10
            assert refused(replace(GOOD, secret_key=padded)) == {"SECRET_KEY"}, secret
            assert refused(replace(GOOD, api_key_hash_key=padded)) == {"API_KEY_HASH_KEY"}, secret


def test_one_secret_for_two_uses_is_refused() -> None:
    assert refused(replace(GOOD, api_key_hash_key=SECRET)) == {"API_KEY_HASH_KEY"}


@pytest.mark.parametrize(
    "network",
    [
        "127.0.0.1/32", "0.0.0.0/0", "::1/128", "::/0", "169.254.169.254/32", "fe80::1/128", "::ffff:127.0.0.1/128",
        "::ffff:0:0/96", "::ffff:169.254.0.0/112", "::/1", "0.0.0.0/32",
    ],
)  # fmt: skip
def test_no_allowed_network_may_hold_this_machine(network: str) -> None:
    assert refused(replace(GOOD, allow_addresses=["10.0.0.0/8", network])) == {"WEBHOOK_ALLOW_ADDRESSES"}


@pytest.mark.parametrize("network", ["10.0.0.0/8", "192.168.7.0/24", "fd00::/8", "::ffff:10.0.0.0/104"])
def test_a_private_network_may_be_allowed(network: str) -> None:
    assert problems(replace(GOOD, allow_addresses=[network])) == []


def test_every_host_and_no_host_are_refused() -> None:
    assert refused(replace(GOOD, allowed_hosts=["*"])) == {"ALLOWED_HOSTS"}
    assert refused(replace(GOOD, allowed_hosts=[])) == {"ALLOWED_HOSTS"}


def test_the_pages_have_a_host_of_their_own() -> None:
    assert refused(replace(GOOD, public_url="https://example.com/payments")) == {"PUBLIC_URL"}
    assert problems(replace(GOOD, public_url="https://api.example.com/")) == []


def test_the_image_and_docker_compose_are_production() -> None:
    assert "ENVIRONMENT=production" in (ROOT / "Dockerfile").read_text()
    assert "ENVIRONMENT: ${ENVIRONMENT:-production}" in (ROOT / "docker-compose.yml").read_text()
    assert set(PRODUCTION) <= set(re.findall(r"(?m)^#?([A-Z_]+)=", (ROOT / ".env.example").read_text()))
