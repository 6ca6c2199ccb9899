"""Every edge and every spelling through the real transport: what a listener on all addresses saw of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dispatcher.addresses import AddressPolicy
from tests.ssrf.internet import (
    EVERYWHERE,
    PUBLIC,
    RULES,
    Listeners,
    attempts,
    denied_among,
    played_on_an_internet,
    transport,
)
from tests.ssrf.name_server import NameServer
from tests.ssrf.spellings import spellings
from tests.ssrf.table import IPV4_DENIED, IPV6_ALLOWED, IPV6_DENIED, MAPPED, ipv4, ipv6, is_denied

Record = Callable[[str, object], None]


def edges() -> list[str]:
    numbers = [number for span in IPV4_DENIED for number in span.edges.values()]
    wide = [number for span in [IPV6_ALLOWED, *IPV6_DENIED] for number in span.edges.values()]
    mapped = [MAPPED.first + number for number in numbers]
    more = ["::1", "::", "fd00:ec2::254", "fec0::1", "64:ff9b::7f00:1", "2a00:1450::5efe:7f00:1"]
    return [*map(ipv4, numbers), *map(ipv6, wide), *map(ipv6, mapped), *more]


def zone(name: str, _: int) -> Sequence[str] | None:
    if name == "shop.example":
        return [PUBLIC]
    host = name.removeprefix("www.")
    if host.startswith("at-") and host.endswith(".example") and len(host) == len("at-00000000.example"):
        return [ipv4(int(host[3:11], 16))]
    return None


def sent(urls: Sequence[str], *, everywhere: bool = False, ruled: bool = False) -> dict[str, Any]:
    listeners = Listeners(80)
    policy = EVERYWHERE if everywhere else AddressPolicy()
    with NameServer(zone), transport(policy, rules=RULES if ruled else None) as adapter:
        outcomes = attempts(adapter, urls)
    reached = listeners.reached()
    return {
        "tried": len(outcomes),
        "succeeded": sum(outcome.succeeded for outcome in outcomes),
        "codes": Counter(str(outcome.failure_code) for outcome in outcomes),
        "reached": sorted(set(reached)),
        "denied": len(denied_among(reached)),
        "connections": len(reached),
    }


def send_to_edges(everywhere: bool) -> dict[str, Any]:
    hosts = [f"[{address}]" if ":" in address else address for address in edges()]
    return sent([f"http://{host}/" for host in hosts], everywhere=everywhere)


def send_spellings(ruled: bool, everywhere: bool) -> dict[str, Any]:
    urls = [spelling.url for spelling in spellings()]
    # A control needs no more than enough of each kind.
    return sent(urls[::16] if everywhere else urls, ruled=ruled, everywhere=everywhere)


def test_of_the_edges_of_all_ranges_only_permitted_ones_are_connected() -> None:
    found = played_on_an_internet(send_to_edges, False)
    control = played_on_an_internet(send_to_edges, True)

    permitted = {one.removeprefix("::ffff:") for one in edges() if not is_denied(one)}
    assert found["denied"] == 0
    assert set(found["reached"]) == permitted
    assert found["codes"]["blocked_address"] == len(denied_among(edges()))
    # The same listeners count those that are denied, once the operator allows them.
    assert control["denied"] > 60
    assert "blocked_address" not in control["codes"]


@pytest.mark.parametrize("ruled", [True, False], ids=["as sent", "without the URL check"])
def test_no_spelling_of_a_denied_address_is_connected(ruled: bool, record_property: Record) -> None:
    found = played_on_an_internet(send_spellings, ruled, False)
    control = played_on_an_internet(send_spellings, ruled, True)

    assert found["tried"] >= 10_000
    assert found["denied"] == 0
    # Some only trick the eye, and in truth name the public host beside the address.
    assert PUBLIC in found["reached"]
    assert found["codes"]["blocked_address"] > 500
    # Were they allowed, the listeners would count them: libcurl knows all these spellings.
    assert control["denied"] > (50 if ruled else 200)
    how = "as endpoints' URLs" if ruled else "handed to libcurl unchecked"
    record_property(
        "ssrf",
        f"{found['tried']:,} spellings sent {how}: connections to denied addresses: {found['denied']} "
        f"(control, a sixteenth of them allowed: {control['denied']:,})",
    )
