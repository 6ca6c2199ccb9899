"""Signing secrets at rest: Fernet (AES-128-CBC with HMAC-SHA256) under a list of keys of their own."""

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from dispatcher.config import dispatcher_settings, fallback_secret
from dispatcher.errors import SecretUndecryptable
from dispatcher.signing import SigningKeys


def seal(secret: str) -> str:
    """Encrypt a signing secret with the newest key."""
    return _fernet().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt a signing secret with whichever key fits.

    Raises:
        SecretUndecryptable: no key fits, or the text was altered.
    """
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise SecretUndecryptable from error


def reseal(sealed: str) -> str | None:
    """The same secret under the newest key; None where that has sealed it already.

    Raises:
        SecretUndecryptable: as unseal.
    """
    newest, *_ = fernets = _fernets()
    try:
        newest.decrypt(sealed.encode())
    except InvalidToken:
        try:
            return MultiFernet(fernets).rotate(sealed.encode()).decode()
        except InvalidToken as error:
            raise SecretUndecryptable from error
    return None


@lru_cache(maxsize=10_000)
def signing_keys(*sealed: str) -> SigningKeys:
    """The keys of sealed secrets, current one first; decrypted once a process."""
    return SigningKeys(*(unseal(secret) for secret in sealed))


def _fernet() -> MultiFernet:
    return MultiFernet(_fernets())


def _fernets() -> list[Fernet]:
    """The newest first."""
    keys = dispatcher_settings().secret_keys
    if keys:
        return [Fernet(key) for key in keys]
    derived = hashlib.sha256(b"dispatcher.sealing:" + fallback_secret().encode()).digest()
    return [Fernet(base64.urlsafe_b64encode(derived))]
