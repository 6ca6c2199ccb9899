from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.api_keys import key_named, revoke_api_key
from core.errors import CoreError
from outbox.errors import InvalidIdentifier


class Command(BaseCommand):
    help = "Revoke an API key: from the next request on it is refused."

    # The whole set would load the API, which this command does without.
    requires_system_checks = ["core"]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "key", metavar="KEY", help="its id (key_…) or its whole text (sk_test_…, rk_test_…, pk_test_…)"
        )

    def handle(self, *args: Any, key: str, **options: Any) -> None:
        try:
            row = revoke_api_key(key_named(key))
        except InvalidIdentifier:
            raise CommandError("That is no key id.") from None
        except CoreError as error:
            raise CommandError(error.message) from None
        self.stderr.write(f"{row.public_id} was revoked at {row.revoked_at:%Y-%m-%d %H:%M:%S} UTC.")
