import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from core.accounts import create_account, get_account
from core.api_keys import create_api_key, key_uuid
from core.errors import CoreError
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
        parser.add_argument("--json", action="store_true", help='print {"api_key", "account", "id"}')

    def handle(
        self, *args: Any, account: str | None, account_name: str, name: str, json: bool, **options: Any
    ) -> None:
        try:
            with transaction.atomic():
                owner = get_account(account) if account else create_account(name=account_name)
                token = create_api_key(account=owner, name=name)
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
