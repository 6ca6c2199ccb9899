"""Whose request it is by its address, as far as that can be believed."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.http import HttpRequest
from rest_framework.request import Request

from api.config import trusted_proxies

# Who has one IPv6 address has all of its network: RFC 6177 gives every site at least so much.
_IPV6_PREFIX = 64
_UNKNOWN = "unknown"

Address = IPv4Address | IPv6Address


def client_network(request: HttpRequest | Request) -> str:
    """The caller's IPv4 address, or the /64 of its IPv6 address; "unknown" behind a socket without addresses.

    `X-Forwarded-For` is read from its right end, and only as far as trusted proxies wrote it: the first address that is
    none of theirs is the caller's. What is left of it anybody may have made up.
    """
    address = _address(request.META.get("REMOTE_ADDR", ""))
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while address is not None and hops and _is_trusted(address):
        named = _address(hops.pop())
        if named is None:
            break
        address = named
    match address:
        case None:
            return _UNKNOWN
        case IPv4Address():
            return str(address)
        case IPv6Address():
            return str(IPv6Network((address, _IPV6_PREFIX), strict=False))


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in trusted_proxies())
