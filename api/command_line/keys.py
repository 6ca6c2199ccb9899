"""`webhooks keys …`: API keys, by the services of the commands `create_api_key` and its like."""

import argparse
import uuid
from datetime import UTC, datetime, timedelta

from django.db import transaction

from api.command_line.accounts import choose_account
from api.command_line.arguments import add_account, span
from api.command_line.audit import audit
from api.command_line.errors import ArgumentRefused
from api.command_line.moments import moment_text, shown_moment
from api.command_line.output import Column, Line, Output, Tone, toned
from api.command_line.subcommands import Subcommand
from core.api_keys import api_keys_of, create_api_key, key_named, key_uuid, revoke_api_key, rotate_api_key
from core.key_records import key_record
from core.key_scopes import KeyKind
from core.management.scopes import scope
from core.models import ApiKey
from outbox.errors import InvalidIdentifier
from outbox.identifiers import encode_id


def _list(arguments: argparse.Namespace, output: Output) -> int:
    account = choose_account(arguments.account)
    now = datetime.now(UTC)
    output.table(
        [
            Column("id"),
            Column("kind"),
            Column("status", whole=False),
            Column("last used"),
            Column("name", whole=False),
        ],
        [(key_record(row), _cells(row, now)) for row in api_keys_of(account)],
        nothing=f"{account.public_id} has no key. Make one: manage.py webhooks keys create --account "
        f"{account.public_id}",
    )
    return 0


def _cells(row: ApiKey, now: datetime) -> list[Line]:
    used = "never" if row.last_used_at is None else shown_moment(row.last_used_at, now)
    return [row.public_id, row.kind, _status(row, now), used, row.name]


def _status(row: ApiKey, now: datetime) -> Line:
    if row.revoked_at is not None:
        return toned(f"revoked {shown_moment(row.revoked_at, now)}", Tone.BAD)
    if row.expires_at is None:
        return toned("good", Tone.GOOD)
    if row.expires_at <= now:
        return toned(f"expired {shown_moment(row.expires_at, now)}", Tone.BAD)
    return toned(f"good until {shown_moment(row.expires_at, now)}", Tone.WARNING)


def _add_create(parser: argparse.ArgumentParser) -> None:
    add_account(parser)
    parser.add_argument("--name", default="default", help="what the key is for (default: default)")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--restricted",
        nargs="+",
        type=scope,
        metavar="RESOURCE=read|write",
        help="a key that may do this alone: customers=read payment_intents=write",
    )
    kind.add_argument(
        "--publishable",
        action="store_true",
        help="a key that may only read and confirm a payment with its client_secret",
    )
    parser.add_argument(
        "--expires-in", type=span, metavar="SPAN", help="when the key expires: 12h, 90d (default: never)"
    )


def _create(arguments: argparse.Namespace, output: Output) -> int:
    account = choose_account(arguments.account)
    scopes = None if arguments.restricted is None else dict(arguments.restricted)
    kind = KeyKind.PUBLISHABLE if arguments.publishable else KeyKind.RESTRICTED if scopes else KeyKind.SECRET
    with transaction.atomic():
        token = create_api_key(
            account=account,
            name=arguments.name,
            expires_at=_moment_in(arguments.expires_in),
            kind=kind,
            scopes=scopes,
        )
        made = encode_id("key", key_uuid(token))
        audit(
            "key.created",
            subject=made,
            account=account.public_id,
            after={"name": arguments.name, "kind": kind.value, "scopes": scopes},
        )
    output.talk(f"{made} of {account.public_id} ({account.name}). It is shown this once:")
    output.record({"id": made, "account": account.public_id, "kind": kind.value, "api_key": token}, token)
    return 0


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "key", metavar="KEY", help="its id (key_…) or its whole text (sk_test_…, rk_test_…, pk_test_…)"
    )


def _add_rotate(parser: argparse.ArgumentParser) -> None:
    _add_key(parser)
    parser.add_argument(
        "--overlap",
        type=span,
        default=timedelta(days=1),
        metavar="SPAN",
        help="how long the old key is still good: 0s, 90m, 24h, up to 7d (default: 24h)",
    )
    parser.add_argument(
        "--expires-in", type=span, metavar="SPAN", help="when the new key expires (default: never)"
    )


def _rotate(arguments: argparse.Namespace, output: Output) -> int:
    key = _named(arguments.key)
    with transaction.atomic():
        token, old = rotate_api_key(
            key, overlap=arguments.overlap, expires_at=_moment_in(arguments.expires_in)
        )
        made = encode_id("key", key_uuid(token))
        assert old.expires_at is not None
        audit(
            "key.rotated",
            subject=old.public_id,
            account=old.account.public_id,
            after={"replaced_by": made, "expires_at": moment_text(old.expires_at)},
        )
    output.talk(f"{old.public_id} is good until {shown_moment(old.expires_at)}.")
    output.talk(f"{made} takes its place. It is shown this once:")
    fields = {
        "id": made,
        "replaces": old.public_id,
        "old_expires_at": moment_text(old.expires_at),
        "api_key": token,
    }
    output.record(fields, token)
    return 0


def _revoke(arguments: argparse.Namespace, output: Output) -> int:
    with transaction.atomic():
        row = revoke_api_key(_named(arguments.key))
        audit(
            "key.revoked",
            subject=row.public_id,
            account=row.account.public_id,
            after={"revoked_at": moment_text(row.revoked_at)},
        )
    output.record(key_record(row), f"{row.public_id} is revoked: from now on it is refused.")
    return 0


def _named(text: str) -> uuid.UUID:
    try:
        return key_named(text)
    except InvalidIdentifier:
        raise ArgumentRefused(
            "KEY", "it is neither the id of a key (key_ and 22 letters and digits) nor a key"
        ) from None


def _moment_in(ahead: timedelta | None) -> datetime | None:
    return None if ahead is None else datetime.now(UTC) + ahead


SUBCOMMAND = Subcommand(
    name="keys",
    help="list, create, rotate and revoke API keys",
    children=(
        Subcommand(
            name="list",
            help="an account's keys, newest first: what they may do and when they were used",
            description="An account's keys, newest first. A key itself nobody can show again. `last used` "
            "is right to the minute.",
            add_arguments=add_account,
            run=_list,
            examples=("keys list --account acct_…",),
        ),
        Subcommand(
            name="create",
            help="make a key; it is shown this once",
            add_arguments=_add_create,
            run=_create,
            examples=(
                "keys create --name ci --expires-in 90d",
                "keys create --restricted customers=read events=read",
            ),
        ),
        Subcommand(
            name="rotate",
            help="make a key that may do what another may, and let that one expire after an overlap",
            add_arguments=_add_rotate,
            run=_rotate,
            examples=("keys rotate key_… --overlap 24h",),
        ),
        Subcommand(
            name="revoke",
            help="from the next request on a key is refused",
            add_arguments=_add_key,
            run=_revoke,
            examples=("keys revoke key_…",),
        ),
    ),
)
