"""What a secret may have been before somebody copied it."""

import base64
import binascii
import re
from collections.abc import Iterator

from dispatcher.diagnosis.causes import Cause
from dispatcher.signing import SECRET_BYTES, SECRET_PREFIX

# As it is shown, within other text.
_WHOLE = re.compile(rf"{SECRET_PREFIX}[A-Za-z0-9+/]{{32,}}={{0,2}}")
_OTHERS = re.compile(r"(sk|rk|pk|we|acct|evt|dlv|key|pi|cus)_[A-Za-z0-9_]+$")
_AS_SHOWN = "Use the secret as it was shown: whsec_ and 32 characters of base64."


def earlier_secrets(secret: str) -> Iterator[tuple[str, Cause]]:
    """Each secret that could have been changed into this one, and how."""
    stripped = secret.strip().strip("\"'").strip()
    if stripped != secret:
        yield (
            stripped,
            Cause("secret_padded", "the secret has blanks, a line break or quotes around it", _AS_SHOWN),
        )
    bare = re.sub(rf"^({SECRET_PREFIX})+", "", stripped)
    if not stripped.startswith(SECRET_PREFIX):
        yield (
            SECRET_PREFIX + stripped,
            Cause(
                "secret_without_prefix",
                "the secret has lost its whsec_, which Stripe's scheme signs with",
                _AS_SHOWN,
            ),
        )
        for encoded in _encoded(secret):
            yield (
                SECRET_PREFIX + encoded,
                Cause(
                    "secret_decoded",
                    "the secret was decoded already: it is the bytes behind the base64",
                    f"{_AS_SHOWN} Libraries decode it themselves.",
                ),
            )
        if whole := _decoded(stripped):
            yield (
                whole,
                Cause(
                    "secret_encoded",
                    "the secret is base64 of itself, as Kubernetes keeps it",
                    f"{_AS_SHOWN} Decode what `kubectl get secret` shows once.",
                ),
            )
    elif stripped.count(SECRET_PREFIX) > 1:
        yield (
            SECRET_PREFIX + bare,
            Cause("secret_prefixed_twice", "the secret begins with whsec_ twice", _AS_SHOWN),
        )
    missing = -len(bare) % 4
    if missing:
        yield (
            SECRET_PREFIX + bare + "=" * missing,
            Cause("secret_unpadded", "the secret has lost the = at its end", _AS_SHOWN),
        )
    if "-" in bare or "_" in bare:
        yield (
            SECRET_PREFIX + bare.replace("-", "+").replace("_", "/"),
            Cause("secret_url_safe", "the secret is in URL-safe base64", _AS_SHOWN),
        )
    if " " in bare:
        yield (
            SECRET_PREFIX + bare.replace(" ", "+"),
            Cause("secret_plus_lost", "the secret's + became blanks, as in a form or a URL", _AS_SHOWN),
        )

    if (within := _WHOLE.search(secret)) and within[0] not in (secret, stripped):
        yield (
            within[0],
            Cause(
                "secret_padded", "the secret has other text around it, such as its variable's name", _AS_SHOWN
            ),
        )


def shape_of(secret: str) -> Cause | None:
    """What is wrong with a secret by itself."""
    if other := _OTHERS.match(secret.strip()):
        what = "an API key" if other[1] in ("sk", "rk", "pk") else "an id, which anybody may see"
        return Cause("secret_is_another", f"that is {what} ({other[1]}_…), and no signing secret", _AS_SHOWN)
    if not secret.startswith(SECRET_PREFIX):
        return Cause("secret_malformed", "the secret does not begin with whsec_", _AS_SHOWN)
    try:
        base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return Cause(
            "secret_malformed",
            "what follows whsec_ is no base64: the secret is cut off or altered",
            _AS_SHOWN,
        )
    return None


def _encoded(secret: str) -> Iterator[str]:
    """Base64 of bytes that are written in hexadecimal digits, or as the characters of Latin-1."""
    stripped = secret.strip().strip("\"'")
    if re.fullmatch(r"([0-9a-fA-F]{2})+", stripped):
        yield base64.b64encode(bytes.fromhex(stripped)).decode()
    if len(secret) == SECRET_BYTES and max(secret) <= "\xff":
        yield base64.b64encode(secret.encode("latin-1")).decode()


def _decoded(text: str) -> str | None:
    try:
        decoded = base64.b64decode(text, validate=True).decode("ascii").strip()
    except (binascii.Error, ValueError):
        return None
    return decoded if decoded.startswith(SECRET_PREFIX) else None
