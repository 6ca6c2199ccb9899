"""From what a receiver's own code computed, how it computed it."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping

from dispatcher.diagnosis.bodies import earlier_bodies
from dispatcher.diagnosis.causes import Cause
from dispatcher.signing import SECRET_PREFIX

_STRIPE_RECIPE = 'HMAC-SHA256 in hexadecimal digits, key: the whole secret text, message: "{t}.{body}".'
_STANDARD_RECIPE = (
    "HMAC-SHA256 in base64, key: the bytes of the base64 behind whsec_, "
    'message: "{webhook-id}.{webhook-timestamp}.{body}".'
)


def how_computed(
    computed: str, *, headers: Mapping[str, str], body: bytes, secret: str, timestamp: str
) -> Cause | None:
    """What the receiver's code did; None where no mistake that we know gives this signature.

    Args:
        timestamp: as signed, in Unix seconds.
    """
    given = computed.strip().removeprefix("v1=").removeprefix("v1,")
    for key, of_key in _keys(secret):
        for message, of_message in _messages(headers, body, timestamp):
            for digest in ("sha256", "sha1", "sha512"):
                for text, of_text in _texts(hmac.digest(key, message, digest)):
                    if hmac.compare_digest(text.encode(), given.encode()):
                        how = f"HMAC-{digest.upper()} in {of_text}, keyed with {of_key}, of {of_message}"
                        return Cause("computed", f"your code computed {how}", _recipe(of_text))
    if given in (hashlib.sha256(secret.encode() + body).hexdigest(), hashlib.sha256(body).hexdigest()):
        return Cause(
            "computed", "your code computed a plain SHA-256, which is no HMAC", _recipe("hexadecimal digits")
        )
    return None


def _recipe(of_text: str) -> str:
    recipe = _STANDARD_RECIPE if of_text == "base64" else _STRIPE_RECIPE
    return f"It should be {recipe}"


def _keys(secret: str) -> Iterator[tuple[bytes, str]]:
    bare = secret.removeprefix(SECRET_PREFIX)
    yield secret.encode(), "the whole secret text"
    try:
        decoded = base64.b64decode(bare, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if decoded:
        yield decoded, "the bytes behind the secret's base64"
        yield decoded.hex().encode(), "those bytes in hexadecimal digits"
    yield bare.encode(), "the secret text without its whsec_"
    yield f"{secret}\n".encode(), "the secret text and a line break"
    yield b"", "an empty key: the secret was not found"


def _messages(headers: Mapping[str, str], body: bytes, timestamp: str) -> Iterator[tuple[bytes, str]]:
    stamp, identifier = timestamp.encode(), headers.get("webhook-id", "").encode()
    changed = [(body, "the body")]
    changed += [(other, f"another body (here {cause.happened})") for other, cause in earlier_bodies(body)]
    for each, name in changed:
        yield b"%b.%b" % (stamp, each), f"the timestamp, a dot and {name}"
        yield b"%b.%b.%b" % (identifier, stamp, each), f"id, timestamp and {name}, dots between"
        yield each, f"{name} alone"
        yield stamp + each, f"the timestamp and {name}, without the dot"
        yield b"%b.%b" % (identifier, each), f"the id, a dot and {name}, without the timestamp"
        yield b"%b.%b" % (each, stamp), f"{name}, a dot and the timestamp"


def _texts(digest: bytes) -> Iterator[tuple[str, str]]:
    yield digest.hex(), "hexadecimal digits"
    yield digest.hex().upper(), "upper-case hexadecimal digits"
    yield base64.b64encode(digest).decode(), "base64"
    yield base64.urlsafe_b64encode(digest).decode(), "URL-safe base64"
    yield base64.b64encode(digest.hex().encode()).decode(), "base64 of hexadecimal digits"
