"""Which URLs an endpoint may have, and the one spelling of each that is sent to.

Every parser reads an odd URL its own way, and the difference is what an attacker uses. So odd ones are
refused, and what passes is put together again from its checked parts: no later parser sees the original.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

import idna

from dispatcher.addresses import AddressPolicy, words_for_owner
from dispatcher.errors import DispatcherError
from dispatcher.failures import FailureCode

MAX_URL_LENGTH = 2048
DEFAULT_PORTS = frozenset({443, 8443})
ANY_PORT = frozenset(range(1, 65536))

_SCHEME_PORTS = {"https": 443, "http": 80}
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\\\s]")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

Resolve = Callable[..., Iterable[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlRules:
    """What the operator allows beyond https on the default ports."""

    allow_http: bool = False  # http too, on port 80 and the ports below
    ports: frozenset[int] = DEFAULT_PORTS


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalisedUrl:
    """A URL that passed, in ASCII."""

    text: str
    scheme: str
    host: str  # lower case, IDNA, no trailing dot; an IPv6 literal without its brackets
    port: int


class UrlRefused(DispatcherError, ValueError):
    """The URL breaks a rule; `reason` says which in words, `code` is the failure an attempt would record."""

    def __init__(self, reason: str, code: FailureCode = FailureCode.INVALID_URL) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


@lru_cache(maxsize=4096)
def check_url(url: str, rules: UrlRules) -> NormalisedUrl:
    """The URL in its normal form. No name is resolved.

    Raises:
        UrlRefused: code invalid_url.
    """
    if len(url) > MAX_URL_LENGTH:
        raise UrlRefused(f"the URL is longer than {MAX_URL_LENGTH} characters")
    if _FORBIDDEN.search(url):
        raise UrlRefused("the URL contains a space, a control character or a backslash")
    try:
        parts = urlsplit(url)
        given_port = parts.port
    except ValueError as error:
        raise UrlRefused("the URL's host or port is malformed") from error
    scheme = _check_scheme(parts, rules)
    if "@" in parts.netloc:
        raise UrlRefused("the URL contains a user name or password")
    if "#" in url:
        raise UrlRefused("the URL contains a fragment (#…)")
    host = _normal_host(parts)
    default_port = _SCHEME_PORTS[scheme]
    port = default_port if given_port is None else given_port
    if port not in rules.ports and not (scheme == "http" and port == default_port):
        shown = ", ".join(map(str, sorted(rules.ports)[:8]))
        raise UrlRefused(f"port {port} is not allowed; allowed: {shown}")
    return NormalisedUrl(text=_assemble(parts, scheme, host, port), scheme=scheme, host=host, port=port)


def check_addresses(
    url: str, rules: UrlRules, policy: AddressPolicy, resolve: Resolve = socket.getaddrinfo
) -> NormalisedUrl:
    """`check_url`, and every address its host has now is permitted. Blocks while the name is resolved.

    This is for the moment an endpoint is created, to tell its owner early. What protects a delivery is the
    judgement right before each socket is opened: names change their addresses.

    Raises:
        UrlRefused: code invalid_url, dns_failed or blocked_address.
    """
    checked = check_url(url, rules)
    try:
        answers = list(resolve(checked.host, checked.port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        raise UrlRefused(f"the host {checked.host} cannot be resolved", FailureCode.DNS_FAILED) from error
    if not answers:
        raise UrlRefused(f"the host {checked.host} has no address", FailureCode.DNS_FAILED)
    for answer in answers:
        refusal = policy.refusal(str(answer[4][0]))
        if refusal is not None:
            raise UrlRefused(words_for_owner(checked.host, refusal), FailureCode.BLOCKED_ADDRESS)
    return checked


def _check_scheme(parts: SplitResult, rules: UrlRules) -> str:
    scheme = parts.scheme.lower()
    if scheme == "https" or (scheme == "http" and rules.allow_http):
        return scheme
    raise UrlRefused(
        "the URL must begin with http:// or https://"
        if rules.allow_http
        else "the URL must begin with https://"
    )


def _normal_host(parts: SplitResult) -> str:
    text = parts.netloc.rpartition("@")[2]
    if text.startswith("["):
        return _ipv6_literal(parts.hostname or "")
    host = parts.hostname or ""
    if "%" in host:
        raise UrlRefused("the URL's host contains a percent sign")
    host = host.removesuffix(".")
    if not host:
        raise UrlRefused("the URL has no host")
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        return _domain_name(host)


def _ipv6_literal(text: str) -> str:
    if "%" in text:
        raise UrlRefused("the URL's host contains a percent sign")
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError as error:
        raise UrlRefused("the URL's host is not a valid IPv6 address") from error


def _domain_name(host: str) -> str:
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode()
        except idna.IDNAError as error:
            raise UrlRefused("the URL's host is not a valid internationalised name") from error
        # UTS 46 maps the ideographic full stop to a dot, at the end too.
        host = host.removesuffix(".")
    if len(host) > 253:
        raise UrlRefused("the URL's host is longer than 253 characters")
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlRefused("the URL's host is not a valid domain name")
    # inet_aton reads 2130706433, 0x7f.1 and 127.1 as addresses; it needs a number as the last label.
    if _NUMBER.fullmatch(labels[-1]):
        raise UrlRefused("the URL's host looks like a number; write an IPv4 address as four decimal numbers")
    return host


def _assemble(parts: SplitResult, scheme: str, host: str, port: int) -> str:
    authority = f"[{host}]" if ":" in host else host
    if port != _SCHEME_PORTS[scheme]:
        authority = f"{authority}:{port}"
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = "?" + quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]") if parts.query else ""
    return f"{scheme}://{authority}{path}{query}"
