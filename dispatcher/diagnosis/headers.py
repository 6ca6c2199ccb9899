"""The signature headers as somebody copied, forwarded or logged them."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from dispatcher.diagnosis.causes import Cause, Scheme

NAMES = {
    Scheme.STRIPE: ("stripe-signature",),
    Scheme.STANDARD: ("webhook-id", "webhook-timestamp", "webhook-signature"),
}
_STRIPE = re.compile(r"t=\d{1,12}(,v\d{1,2}=[0-9a-f]{64})+")
_STANDARD = re.compile(r"v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*")
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{43}=")


def read_headers(lines: Iterable[str]) -> dict[str, str]:
    """Header lines, names in lower case; `HTTP_STRIPE_SIGNATURE` is the name that WSGI and PHP have for one."""
    found = {}
    for line in lines:
        name, colon, value = line.strip().lstrip("<>").partition(":")  # which curl -v puts before each
        folded = name.strip().strip("\"'").lower().replace("_", "-").removeprefix("http-")
        if colon and folded:
            found[folded] = value.strip()
    return found


def missing_headers(scheme: Scheme, headers: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name in NAMES[scheme] if not headers.get(name))


def restore_names(scheme: Scheme, headers: Mapping[str, str]) -> tuple[dict[str, str], list[Cause]]:
    """The headers by the names that they were sent by, and which of them had got others on the way."""
    restored, causes = dict(headers), []
    for name in missing_headers(scheme, headers):
        # `x-amzn-remapped-…`, `x-original-…`, `x-forwarded-…`
        other = next((one for one in headers if one.endswith(f"-{name}") and headers[one]), None)
        if other is not None:
            restored[name] = headers[other]
            causes.append(
                Cause(
                    "header_renamed",
                    f"{name} arrived as {other}: a proxy gave it another name",
                    "Have the proxy pass it on by its own name, or read it by that one.",
                )
            )
    return restored, causes


def mend_headers(scheme: Scheme, headers: Mapping[str, str]) -> tuple[dict[str, str], list[Cause]]:
    """The headers as they were sent, as far as that can be told, and what was done to them."""
    mended = dict(headers)
    causes = []
    name = NAMES[scheme][-1]
    given = headers[name]
    shape = _STRIPE if scheme is Scheme.STRIPE else _STANDARD
    if not shape.fullmatch(given) or "v1" not in given:
        text, what = _mended(given, scheme)
        mended[name] = text
        causes.append(
            Cause(
                "header_mangled", f"{name} is not as it was sent: {what}", "Take the header's value as it is."
            )
        )
    stamp = headers.get("webhook-timestamp", "")
    if scheme is Scheme.STANDARD and not re.fullmatch(r"\d{1,12}", stamp):
        mended["webhook-timestamp"] = "".join(re.findall(r"\d", stamp))[:10]
        causes.append(
            Cause(
                "header_mangled",
                "webhook-timestamp is in milliseconds; seconds were sent"
                if re.fullmatch(r"\d{13}", stamp)
                else f"webhook-timestamp is no number of Unix seconds: {stamp[:40]!r}",
                "Take it as it is.",
            )
        )
    return mended, causes


def _mended(given: str, scheme: Scheme) -> tuple[str, str]:
    """The value as it probably was, and what is odd about it."""
    text = given.strip().strip("\"'")
    if "%" in text:
        text = unquote(text)
    if scheme is Scheme.STRIPE:
        return _mended_stripe(text, given)
    if "v1" not in text and _HEX.search(text):
        return text, "it holds hexadecimal digits, as Stripe-Signature does; this scheme's are base64"
    signatures = _BASE64.findall(text)
    return " ".join(f"v1,{one}" for one in signatures), _oddity(
        given, "v1,<base64> v1,<base64>", bool(signatures)
    )


def _mended_stripe(text: str, given: str) -> tuple[str, str]:
    stamp = re.search(r"t\s*=\s*(\d{1,13})", text)
    signatures = [one.lower() for one in _HEX.findall(text)]
    if stamp is None and signatures:
        return text, "its t=… is missing: the timestamp is signed too"
    if not signatures and _BASE64.search(text):
        return text, "it holds base64, as webhook-signature does; this scheme's signatures are hexadecimal"
    if stamp is None or not signatures:
        return text, _oddity(given, "t=<seconds>,v1=<64 hexadecimal digits>", bool(signatures))
    seconds = stamp[1] if len(stamp[1]) < 13 else stamp[1][:-3]
    whole = f"t={seconds}," + ",".join(f"v1={one}" for one in signatures)
    if seconds != stamp[1]:
        return whole, "its timestamp is in milliseconds; seconds were sent"
    if re.search(r"\bv\d+=", text) and "v1=" not in text:
        return whole, "it has no v1 signature; v1 is the only scheme that is sent"
    return whole, _oddity(given, "t=<seconds>,v1=<64 hexadecimal digits>", True)


def _oddity(given: str, shape: str, is_whole: bool) -> str:
    if given != given.strip().strip("\"'"):
        return "it has quotes or blanks around it"
    if "%" in given:
        return "it is URL-encoded"
    if not is_whole:
        return f"no whole signature is in it (it should be {shape}): it was cut off or taken apart"
    return f"it should be {shape}"
