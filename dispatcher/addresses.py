"""Which addresses a delivery may reach: public ones, unless the operator says otherwise.

`ipaddress.is_global` is not enough: Python 3.11 calls 224.0.0.1, 64:ff9b::7f00:1, 2002:7f00:1:: and
fec0::1 global. So the rules are written out.
"""

import ipaddress
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPNetwork = IPv4Network | IPv6Network

_DENIED_IPV4 = {
    IPv4Network("0.0.0.0/8"): "this-host",
    IPv4Network("10.0.0.0/8"): "private",
    IPv4Network("100.64.0.0/10"): "carrier-grade NAT",
    IPv4Network("127.0.0.0/8"): "loopback",
    IPv4Network("168.63.129.16/32"): "cloud platform",
    IPv4Network("169.254.0.0/16"): "link-local",
    IPv4Network("172.16.0.0/12"): "private",
    IPv4Network("192.0.0.0/24"): "reserved",
    IPv4Network("192.0.2.0/24"): "documentation",
    IPv4Network("192.88.99.0/24"): "6to4 relay",
    IPv4Network("192.168.0.0/16"): "private",
    IPv4Network("198.18.0.0/15"): "benchmarking",
    IPv4Network("198.51.100.0/24"): "documentation",
    IPv4Network("203.0.113.0/24"): "documentation",
    IPv4Network("224.0.0.0/4"): "multicast",
    IPv4Network("240.0.0.0/4"): "reserved",
}

# Everything outside this network is denied: NAT64, unique local, link-local, site-local, multicast, ::/96.
_GLOBAL_IPV6 = IPv6Network("2000::/3")
_DENIED_IPV6 = {
    IPv6Network("2001::/23"): "reserved",
    IPv6Network("2001:db8::/32"): "documentation",
    IPv6Network("2002::/16"): "6to4, which embeds an IPv4 address",
    IPv6Network("3fff::/20"): "documentation",
}
_ISATAP_MARK = 0x5EFE
_MAPPED_PREFIX = 96

# A dispatcher meets few addresses, again and again; the bound only stops a hostile name server.
_CACHE_LIMIT = 8192


class AddressPolicy:
    """Judges one address; the verdict depends on nothing but the address and the operator's lists.

    Parameters:
        allow: CIDRs that are reachable although the defaults deny them (the demo allows 127.0.0.0/8).
        deny: CIDRs that are never reachable. They win over `allow`, and `allow` wins over the defaults.
            In both, a network of mapped addresses (::ffff:10.0.0.0/104) is the IPv4 network within it.

    Raises:
        ValueError: an entry is not a CIDR, host bits set included.
    """

    def __init__(self, allow: Sequence[str] = (), deny: Sequence[str] = ()) -> None:
        self.allow = tuple(map(_network, allow))
        self.deny = tuple(map(_network, deny))
        self._refusals: dict[str, str | None] = {}

    def __repr__(self) -> str:
        return f"AddressPolicy(allow={[str(n) for n in self.allow]}, deny={[str(n) for n in self.deny]})"

    def permits(self, address: str) -> bool:
        """Whether a delivery may connect to this address."""
        return self.refusal(address) is None

    def refusal(self, address: str) -> str | None:
        """Why the address is refused, in words; None where it is permitted."""
        try:
            return self._refusals[address]
        except KeyError:
            if len(self._refusals) >= _CACHE_LIMIT:
                self._refusals.clear()
            verdict = self._refusals[address] = self._judge(address)
            return verdict

    def _judge(self, text: str) -> str | None:
        try:
            address = _unwrapped(text)
        except ValueError:
            return f"{text[:80]!r} is not an IP address"
        if _within(address, self.deny):
            return f"{address} is in a network the operator denies"
        if _within(address, self.allow):
            return None
        kind = _denied_kind(address)
        return None if kind is None else f"{address} is not a public address ({kind})"


def words_for_owner(host: str, refusal: str) -> str:
    """The refusal as the owner of a URL may read it: what the operator's resolver finds behind a name is not told.

    A name of his could point anywhere in the operator's network, and the answer would map it for him.
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return f"{host} leads to an address that is not allowed"
    return refusal


def _network(text: str) -> IPNetwork:
    network = ipaddress.ip_network(text)
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED_PREFIX:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_PREFIX))


def _unwrapped(text: str) -> IPv4Address | IPv6Address:
    """The address itself: ::ffff:10.0.0.1 reaches 10.0.0.1, so it is judged as that."""
    address = ipaddress.ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _within(address: IPv4Address | IPv6Address, networks: Sequence[IPNetwork]) -> bool:
    return any(address in network for network in networks)


def _denied_kind(address: IPv4Address | IPv6Address) -> str | None:
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _DENIED_IPV4.items() if address in network), None)
    if address.scope_id is not None:
        return "zone-bound"
    if address not in _GLOBAL_IPV6:
        return "outside 2000::/3"
    # ISATAP carries an IPv4 address behind ::0:5efe: or ::200:5efe: in the interface id.
    if (int(address) >> 32) & 0xFFFF == _ISATAP_MARK:
        return "ISATAP, which embeds an IPv4 address"
    return next((kind for network, kind in _DENIED_IPV6.items() if address in network), None)
