"""Origins that may show the portal in a frame: `https://shop.example`, as browsers write them."""

import re
from ipaddress import IPv6Address
from urllib.parse import urlsplit

from api.errors import InvalidParameter
from api.fields import shown

MAX_ORIGINS = 10
_DEFAULT_PORTS = {"https": 443, "http": 80}
# A page of one's own machine, while one builds: nobody else can stand there.
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_NAME = 253


def checked_origins(given: list[str]) -> list[str]:
    """Each as a browser names it, once. They go into a header as they are, so nothing else may.

    Raises:
        InvalidParameter: one is no origin, or is not https; the message says what is wrong with it.
    """
    if len(given) > MAX_ORIGINS:
        raise InvalidParameter(
            f"At most {MAX_ORIGINS} origins can be named.",
            code="parameter_too_long",
            param="allowed_origins",
        )
    origins: dict[str, None] = {}
    for index, text in enumerate(given):
        try:
            origins[_normal(text)] = None
        except ValueError as error:
            raise InvalidParameter(
                f"Invalid origin {shown(text)}: {error}",
                code="origin_invalid",
                param=f"allowed_origins[{index}]",
            ) from None
    return list(origins)


def _normal(text: str) -> str:
    """Raises ValueError, in words for whoever passed it."""
    if not text.isascii():
        raise ValueError("write a name with other letters in its ASCII form (xn--…).")
    if any(character.isspace() or character in "*;,'\"\\" for character in text):
        raise ValueError("an origin has no spaces, wildcards, quotes or separators; name each one in full.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("its host or its port is not valid.") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("it must begin with https:// and a host, as https://shop.example.")
    if parts.path not in ("", "/") or parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError("an origin has no path, query or fragment; leave out what follows the host.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an origin has no user name or password.")
    host = _host(parts.hostname)
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ValueError("it must be https; http is allowed for localhost alone.")
    if port == 0:
        raise ValueError("there is no port 0.")
    shown_port = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown_port}"


def _host(name: str) -> str:
    if ":" in name:
        return f"[{IPv6Address(name)}]"
    if len(name) > _LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError("its host is not a valid name.")
    return name
