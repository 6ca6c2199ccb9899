"""What production may not be started with: settings that suit a checkout, a test or a demo, and nobody else.

`ENVIRONMENT=production` asks for it. Each problem names the variable, what is wrong and how to mend it; none
shows a secret.
"""

import base64
import binascii
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

ENVIRONMENTS = ("development", "production")

LEAST_SECRET_LENGTH = 50  # characters; below it Django's own check warns, too
# Words in which the secrets of this repository's examples, tests, benchmarks and tools are written.
_MARKS = (
    "replace-me",
    "only-for-tests",
    "of-a-benchmark",
    "unused",
    "changeme",
    "change-me",
    "django-insecure",
)
_MAKE_SECRET = 'Make one: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
_MAKE_FERNET = (
    'Make one: python3 -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'
)
# This machine and its link, where clouds answer whoever asks with the machine's own credentials.
_NEVER_REACHED_IPV4 = [IPv4Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16")]
_NEVER_REACHED_IPV6 = [IPv6Network(text) for text in ("::/127", "fe80::/10")]
_MAPPED = IPv6Network("::ffff:0:0/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The settings that are judged; None is one that could not be parsed, which is told elsewhere."""

    debug: bool | None
    local_secrets: bool | None
    secret_key: str | None
    api_key_hash_key: str | None
    webhook_secret_keys: list[str] | None
    allowed_hosts: list[str] | None
    public_url: str | None
    cli_relay_url: str | None
    allow_http: bool | None
    allow_addresses: list[str] | None
    crash_at: str | None


def problems(chosen: Chosen) -> list[tuple[str, str]]:
    """Every (variable, what is wrong and how to mend it)."""
    return [*_of_secrets(chosen), *_of_the_web(chosen), *_of_deliveries(chosen)]


def _of_secrets(chosen: Chosen) -> Iterator[tuple[str, str]]:
    if chosen.local_secrets:
        yield (
            "LOCAL_SECRETS",
            (
                "is on: a missing secret would be made up, and another one on each host. Set it to false and "
                "give all three secrets."
            ),
        )
    for name, value in (("SECRET_KEY", chosen.secret_key), ("API_KEY_HASH_KEY", chosen.api_key_hash_key)):
        if value is not None and (fault := _fault_of_secret(value)):
            yield name, f"{fault}. {_MAKE_SECRET}"
    if chosen.secret_key is not None and chosen.secret_key == chosen.api_key_hash_key:
        yield "API_KEY_HASH_KEY", f"is SECRET_KEY: who learns one has both. {_MAKE_SECRET}"
    for position, key in enumerate(chosen.webhook_secret_keys or [], 1):
        if _is_written_by_hand(key):
            yield "WEBHOOK_SECRET_KEYS", f"key {position} is text and not random. {_MAKE_FERNET}"


def _of_the_web(chosen: Chosen) -> Iterator[tuple[str, str]]:
    if chosen.debug:
        yield "DEBUG", "is on: it keeps every SQL statement and shows them to strangers. Leave it out."
    if chosen.allowed_hosts is not None and (not chosen.allowed_hosts or "*" in chosen.allowed_hosts):
        yield (
            "ALLOWED_HOSTS",
            "must name the hosts that the API answers to, such as api.example.com; `*` is anybody's.",
        )
    if chosen.public_url is not None and urlsplit(chosen.public_url).scheme != "https":
        yield (
            "PUBLIC_URL",
            (
                f"is {chosen.public_url}: payers would send what they know in the clear. Give the https:// address "
                "of the proxy."
            ),
        )
    elif chosen.public_url is not None and urlsplit(chosen.public_url).path.strip("/"):
        yield (
            "PUBLIC_URL",
            (
                f"is {chosen.public_url}: the links of pages begin at the root of their host. Give the API a host of "
                "its own, and no path."
            ),
        )
    if chosen.cli_relay_url is not None and _is_clear_to_a_stranger(chosen.cli_relay_url):
        yield "CLI_RELAY_URL", "carries events in the clear. Give the wss:// address of the proxy."


def _of_deliveries(chosen: Chosen) -> Iterator[tuple[str, str]]:
    if chosen.allow_http:
        yield (
            "WEBHOOK_ALLOW_HTTP",
            "is on: payloads would travel in the clear. Leave it out; endpoints are https.",
        )
    for text in chosen.allow_addresses or []:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            continue  # the dispatcher's own check tells of it
        if _reaches_this_machine(network):
            yield (
                "WEBHOOK_ALLOW_ADDRESSES",
                (
                    f"{text} holds loopback or link-local addresses: any merchant could have us call our own "
                    "services. Name the private networks that receivers are in, and nothing wider."
                ),
            )
    if chosen.crash_at:
        yield "CRASH_AT", "is set: the process would kill itself there. It is for crash tests; unset it."


def _fault_of_secret(value: str) -> str | None:
    if any(mark in value.lower() for mark in _MARKS):
        return "is one of this repository's, known to everybody"
    if len(value) < LEAST_SECRET_LENGTH:
        return f"is shorter than {LEAST_SECRET_LENGTH} characters"
    if max(Counter(value).values()) > len(value) / 3:
        return "repeats one character and is not random"
    return None


def _is_written_by_hand(key: str) -> bool:
    """Whether a Fernet key decodes to text, which 32 random bytes never are."""
    try:
        decoded = base64.urlsafe_b64decode(key)
    except (binascii.Error, ValueError):
        return False  # no key at all; the dispatcher's own check tells of it
    return decoded.isascii() and decoded.decode().isprintable()


def _is_clear_to_a_stranger(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme != "wss" and parts.hostname not in ("127.0.0.1", "::1", "localhost")


def _reaches_this_machine(network: IPv4Network | IPv6Network) -> bool:
    if isinstance(network, IPv4Network):
        return any(network.overlaps(one) for one in _NEVER_REACHED_IPV4)
    if network.subnet_of(_MAPPED):
        low = int(network.network_address) - int(_MAPPED.network_address)
        return _reaches_this_machine(IPv4Network((low, network.prefixlen - _MAPPED.prefixlen)))
    return any(network.overlaps(one) for one in [*_NEVER_REACHED_IPV6, _MAPPED])
