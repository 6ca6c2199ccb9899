"""The addresses that are denied by default, as the design's table words them, read by plain arithmetic.

Nothing here comes from dispatcher.addresses, nor from `ipaddress`' own ideas of networks: what is compared
with this table was derived twice.
"""

import socket
from dataclasses import dataclass

_IPV4 = """
    0/8, 10/8, 100.64/10, 127/8, 169.254/16, 172.16/12, 192.0.0/24, 192.0.2/24, 192.88.99/24, 192.168/16,
    198.18/15, 198.51.100/24, 203.0.113/24, 224/4, 240/4, 168.63.129.16
"""
_IPV6_ONLY = "2000::/3"
_IPV6_MINUS = "2001::/23, 2001:db8::/32, 2002::/16, 3fff::/20"
_MAPPED = "::ffff:0:0/96"
_ISATAP_GROUP = 0x5EFE  # *:5efe:*, the sixth of eight groups


@dataclass(frozen=True, slots=True)
class Span:
    """Addresses as numbers, both ends included."""

    text: str
    bits: int  # 32 or 128
    first: int
    last: int

    def __str__(self) -> str:
        first = ipv4(self.first) if self.bits == 32 else ipv6(self.first)
        return f"{first}/{self.bits + 1 - (self.last - self.first + 1).bit_length()}"

    def __contains__(self, number: int) -> bool:
        return self.first <= number <= self.last

    @property
    def edges(self) -> dict[str, int]:
        """First and last, and their neighbours outside, where there are any."""
        edges = {"first": self.first, "last": self.last}
        if self.first > 0:
            edges["before"] = self.first - 1
        if self.last < (1 << self.bits) - 1:
            edges["after"] = self.last + 1
        return edges


def _span(text: str) -> Span:
    address, _, length = text.partition("/")
    if ":" in address:
        packed, bits = socket.inet_pton(socket.AF_INET6, address), 128
    else:
        octets = [int(octet) for octet in address.split(".")]
        packed, bits = bytes(octets + [0] * (4 - len(octets))), 32
    first = int.from_bytes(packed, "big")
    size = 1 << (bits - int(length or bits))
    assert first % size == 0, text
    return Span(text, bits, first, first + size - 1)


def _spans(text: str) -> list[Span]:
    return [_span(entry.strip()) for entry in text.split(",")]


IPV4_DENIED = _spans(_IPV4)
IPV6_ALLOWED = _span(_IPV6_ONLY)
IPV6_DENIED = _spans(_IPV6_MINUS)
MAPPED = _span(_MAPPED)


def is_denied(address: str) -> bool:
    """Whether the table denies a numeric address without a zone."""
    if ":" not in address:
        return _ipv4_denied(int.from_bytes(socket.inet_pton(socket.AF_INET, address), "big"))
    number = int.from_bytes(socket.inet_pton(socket.AF_INET6, address), "big")
    if number in MAPPED:
        return _ipv4_denied(number - MAPPED.first)
    return (
        number not in IPV6_ALLOWED
        or any(number in span for span in IPV6_DENIED)
        or number >> 32 & 0xFFFF == _ISATAP_GROUP
    )


def _ipv4_denied(number: int) -> bool:
    return any(number in span for span in IPV4_DENIED)


def ipv4(number: int) -> str:
    return socket.inet_ntop(socket.AF_INET, number.to_bytes(4, "big"))


def ipv6(number: int) -> str:
    return socket.inet_ntop(socket.AF_INET6, number.to_bytes(16, "big"))
