"""Whose objects a command works on."""

import uuid

from api.command_line.errors import ArgumentRefused, CommandRefused
from core.accounts import get_account
from core.models import Account
from dispatcher.models import Endpoint
from outbox.identifiers import encode_id

_NAMED = 5


def choose_account(account_id: uuid.UUID | None) -> Account:
    """The account of `--account`, else the only one there is.

    Raises:
        AccountNotFound, CommandRefused: there is none, or one has to be named.
    """
    if account_id is not None:
        return get_account(encode_id("acct", account_id))
    found = list(Account.objects.order_by("-id")[: _NAMED + 1])
    if not found:
        raise CommandRefused("There is no account yet. Make one, with its key: manage.py create_api_key")
    if len(found) > 1:
        named = ", ".join(f"{account.public_id} ({account.name})" for account in found[:_NAMED])
        more = ", …" if len(found) > _NAMED else ""
        raise ArgumentRefused("--account", f"there are several accounts; name one of {named}{more}")
    return found[0]


def find_endpoint(endpoint_id: uuid.UUID) -> Endpoint:
    """One that is not deleted, of whichever account, with its lane. Raises CommandRefused."""
    endpoint = Endpoint.objects.select_related("lane").filter(id=endpoint_id).first()
    shown = encode_id("we", endpoint_id)
    if endpoint is None:
        raise CommandRefused(
            f"No such webhook endpoint: '{shown}'. List them: manage.py webhooks endpoints list"
        )
    if endpoint.deleted_at is not None:
        raise CommandRefused(
            f"Webhook endpoint '{shown}' was deleted at {endpoint.deleted_at:%Y-%m-%d %H:%M:%S} UTC."
        )
    return endpoint
