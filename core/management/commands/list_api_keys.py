import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.accounts import get_account
from core.api_keys import api_keys_of
from core.errors import CoreError
from core.key_records import key_record


class Command(BaseCommand):
    help = "Print an account's API keys, one line of JSON each, newest first: what they may do and when they were used."

    # The whole set would load the API, which this command does without.
    requires_system_checks = ["core"]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", required=True, metavar="acct_…", help="the account")

    def handle(self, *args: Any, account: str, **options: Any) -> None:
        try:
            owner = get_account(account)
        except CoreError as error:
            raise CommandError(error.message) from None
        for row in api_keys_of(owner):
            self.stdout.write(json.dumps(key_record(row)))
