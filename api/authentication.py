"""Callers prove themselves with a secret key: as a bearer token, or as basic authentication's user name."""

import base64

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from api.context import context_of
from api.envelope import CHALLENGE
from api.rate_limit import check_account, check_address, note_failed_key
from core.api_keys import ApiKeyIdentity, authenticate
from core.errors import ApiKeyRefused, MalformedKey


class ApiKeyAuthentication(BaseAuthentication):
    """One indexed query. Sets `request.user` to the key's identity; there are no anonymous callers."""

    def authenticate(self, request: Request) -> tuple[ApiKeyIdentity, None]:
        """Raises NotAuthenticated without a key, else core's ApiKeyRefused, 401 either way; RateLimited, 429.

        Opens no transaction: the limits' statements each commit by themselves.
        """
        check_address(request)
        try:
            identity = authenticate(_token(request.META.get("HTTP_AUTHORIZATION", "")))
        except ApiKeyRefused:
            note_failed_key(request)
            raise
        context_of(request).recognise(identity)
        check_account(identity)
        return identity, None

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE["WWW-Authenticate"]


def _token(header: str) -> str:
    scheme, _, credentials = header.strip().partition(" ")
    credentials = credentials.strip()
    match scheme.lower():
        case "bearer":
            token = credentials
        case "basic":
            token = _user_name(credentials)
        case _:
            raise NotAuthenticated
    if not token:
        raise NotAuthenticated
    return token


def _user_name(credentials: str) -> str:
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except ValueError:  # not ASCII, not base64, or not UTF-8 within
        raise MalformedKey("") from None
    return text.partition(":")[0]
