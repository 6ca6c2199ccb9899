"""Every spelling of a denied address is refused as a URL, or its address is: whoever reads it, and in whatever way."""

import socket
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

from dispatcher.addresses import AddressPolicy
from dispatcher.urls import ANY_PORT, NormalisedUrl, UrlRefused, UrlRules, check_url
from tests.ssrf.spellings import Spelling, spellings
from tests.ssrf.table import is_denied

Record = Callable[[str, object], None]

RULES = UrlRules(allow_http=True, ports=ANY_PORT)
POLICY = AddressPolicy()


def accepted(spelling: Spelling) -> NormalisedUrl | None:
    try:
        return check_url.__wrapped__(spelling.url, RULES)
    except UrlRefused:
        return None


def numeric_addresses(host: str) -> set[str]:
    """What getaddrinfo takes this host for without asking anybody."""
    try:
        answers = socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return set()
    return {str(answer[4][0]).partition("%")[0] for answer in answers}


def test_every_spelling_is_refused_or_names_what_is_judged(record_property: Record) -> None:
    tried, refused, literal, names = 0, Counter[str](), 0, set[str]()
    for spelling in spellings():
        tried += 1
        checked = accepted(spelling)
        if checked is None:
            refused[spelling.kind] += 1
            continue
        addresses = numeric_addresses(checked.host)
        literal += bool(addresses)
        for address in addresses:
            assert is_denied(address), spelling
            assert not POLICY.permits(address), spelling
        if not addresses:
            names.add(checked.host)
    assert tried >= 10_000
    # A name is one to everybody: no resolver takes a last label that begins with a letter for a number.
    assert names
    assert all(name.rpartition(".")[2][0].isalpha() for name in names)
    record_property(
        "ssrf",
        f"{tried:,} spellings of denied addresses: {refused.total():,} refused as URLs in {len(refused)} kinds, "
        f"{literal:,} literals whose address is refused, {len(names)} names judged when they are resolved",
    )


def test_what_is_accepted_is_read_alike_by_every_parser() -> None:
    for spelling in spellings():
        checked = accepted(spelling)
        if checked is None:
            continue
        parts = urlsplit(checked.text)
        assert (parts.scheme, parts.hostname, parts.port or 80) == ("http", checked.host, checked.port)
        assert accepted(Spelling("again", checked.text)) == checked


def test_the_same_check_accepts_public_addresses_and_names() -> None:
    for url in (
        "http://93.184.216.34/",
        "http://[2606:4700::1111]/",
        "http://shop.example/",
        "http://1.1.1.1./",
    ):
        checked = accepted(Spelling("public", url))
        assert checked is not None
        assert not any(map(is_denied, numeric_addresses(checked.host)))
