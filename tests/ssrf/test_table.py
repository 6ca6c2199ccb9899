"""Both ends of every range of the table, and their neighbours, judged as the table says."""

import random

import pytest

from dispatcher.addresses import AddressPolicy
from tests.processes import ROOT
from tests.ssrf.table import (
    IPV4_DENIED,
    IPV6_ALLOWED,
    IPV6_DENIED,
    MAPPED,
    Span,
    ipv4,
    ipv6,
    is_denied,
)

POLICY = AddressPolicy()
# Neighbours that another range of the table denies.
_ADJOINING = {"0/8 before", "224/4 after", "240/4 before"}
_IPV4_EDGES = [(span, edge, number) for span in IPV4_DENIED for edge, number in span.edges.items()]
_IPV6_EDGES = [(span, edge, number) for span in IPV6_DENIED for edge, number in span.edges.items()]


def test_the_documentation_lists_the_same_ranges() -> None:
    page = (ROOT / "docs" / "addresses.md").read_text()
    ranges = [*IPV4_DENIED, *IPV6_DENIED, IPV6_ALLOWED]

    assert [str(span) for span in ranges if f"`{span}`" not in page] == []


def named(edges: list[tuple[Span, str, int]]) -> list[str]:
    return [f"{span.text} {edge}" for span, edge, _ in edges]


@pytest.mark.parametrize(("span", "edge", "number"), _IPV4_EDGES, ids=named(_IPV4_EDGES))
def test_an_ipv4_range_is_denied_from_its_first_address_to_its_last(
    span: Span, edge: str, number: int
) -> None:
    denied = edge in ("first", "last") or f"{span.text} {edge}" in _ADJOINING

    assert is_denied(ipv4(number)) is denied
    assert POLICY.permits(ipv4(number)) is not denied
    mapped = MAPPED.first + number
    assert POLICY.permits(ipv6(mapped)) is not denied
    assert POLICY.permits(f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}") is not denied
    # Next to the mapped range lies none of its meaning.
    for other in (number, mapped - (1 << 32), mapped + (1 << 32)):
        assert not POLICY.permits(ipv6(other))


@pytest.mark.parametrize(("span", "edge", "number"), _IPV6_EDGES, ids=named(_IPV6_EDGES))
def test_an_ipv6_range_is_denied_from_its_first_address_to_its_last(
    span: Span, edge: str, number: int
) -> None:
    denied = edge in ("first", "last")

    assert is_denied(ipv6(number)) is denied
    assert POLICY.permits(ipv6(number)) is not denied


@pytest.mark.parametrize("edge", ["first", "last", "before", "after"])
def test_ipv6_is_denied_outside_its_one_range(edge: str) -> None:
    denied = edge in ("before", "after")

    assert is_denied(ipv6(IPV6_ALLOWED.edges[edge])) is denied
    assert POLICY.permits(ipv6(IPV6_ALLOWED.edges[edge])) is not denied


@pytest.mark.parametrize("group", [0x5EFD, 0x5EFE, 0x5EFF])
@pytest.mark.parametrize("before", [0x0000, 0x0200, 0xFFFF])
def test_isatap_ids_are_denied_and_their_neighbours_are_not(group: int, before: int) -> None:
    address = f"2a00:1450:0:1:{before:x}:{group:x}:a00:1"

    assert is_denied(address) is (group == 0x5EFE)
    assert POLICY.permits(address) is (group != 0x5EFE)


def test_ten_thousand_addresses_of_any_kind_are_judged_as_the_table_says() -> None:
    chance = random.Random(4)
    judged = {True: 0, False: 0}
    for _ in range(5_000):
        small, large = chance.getrandbits(32), chance.getrandbits(128)
        # Most of IPv6 is denied: three in four are put where it is not.
        large = large >> 3 | IPV6_ALLOWED.first if chance.random() < 0.75 else large
        for address in (ipv4(small), ipv6(large)):
            denied = is_denied(address)
            judged[denied] += 1
            assert POLICY.permits(address) is not denied, address
    assert min(judged.values()) > 1_000
