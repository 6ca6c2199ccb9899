import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from core.accounts import create_account, get_account, set_api_version
from core.api_keys import create_api_key, key_uuid
from core.errors import CoreError
from core.key_scopes import KeyKind
from core.management.scopes import scope
from core.management.spans import span
from outbox.identifiers import encode_id


class Command(BaseCommand):
    help = "Make an API key, and an account for it where none is given. The key is shown this once."

    # The whole set would load the API, which this command does without.
    requires_system_checks = ["core"]

    def add_arguments(self, parser: CommandParser) -> None:
        owner = parser.add_mutually_exclusive_group()
        owner.add_argument("--account", metavar="acct_…", help="the account that the key is for")
        owner.add_argument(
            "--account-name", default="Default account", help="the name of the account to make"
        )
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
            "--api-version", metavar="VERSION", help="the account's version for requests that name none"
        )
        parser.add_argument(
            "--expires-in", type=span, metavar="SPAN", help="when the key expires: 12h, 90d (default: never)"
        )
        parser.add_argument("--json", action="store_true", help='print {"api_key", "account", "id"}')

    def handle(
        self,
        *args: Any,
        account: str | None,
        account_name: str,
        name: str,
        restricted: list[tuple[str, str]] | None,
        publishable: bool,
        api_version: str | None,
        expires_in: timedelta | None,
        json: bool,
        **options: Any,
    ) -> None:
        scopes = None if restricted is None else dict(restricted)
        kind = (
            KeyKind.PUBLISHABLE if publishable else KeyKind.SECRET if scopes is None else KeyKind.RESTRICTED
        )
        expires_at = None if expires_in is None else datetime.now(UTC) + expires_in
        try:
            with transaction.atomic():
                owner = get_account(account) if account else create_account(name=account_name)
                if api_version is not None:
                    set_api_version(owner, api_version)
                token = create_api_key(
                    account=owner, name=name, expires_at=expires_at, kind=kind, scopes=scopes
                )
        except CoreError as error:
            raise CommandError(error.message) from None
        key_id = encode_id("key", key_uuid(token))
        if json:
            self.stdout.write(_as_json(api_key=token, account=owner.public_id, id=key_id))
        else:
            self.stderr.write(f"{key_id} of {owner.public_id} ({owner.name}). It is shown this once:")
            self.stdout.write(token)


def _as_json(**members: str) -> str:
    return json.dumps(members)
