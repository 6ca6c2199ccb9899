import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.api_keys import key_named, key_uuid, rotate_api_key
from core.errors import CoreError
from core.management.spans import span
from outbox.errors import InvalidIdentifier
from outbox.identifiers import encode_id


class Command(BaseCommand):
    help = (
        "Make a key that may do what another one may, and let that one expire after an overlap, in which both are "
        "good. The new key is shown this once."
    )

    # The whole set would load the API, which this command does without.
    requires_system_checks = ["core"]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "key", metavar="KEY", help="its id (key_…) or its whole text (sk_test_…, rk_test_…, pk_test_…)"
        )
        parser.add_argument(
            "--overlap",
            type=span,
            default=timedelta(days=1),
            metavar="SPAN",
            help="how long the old key is still good: 0s, 90m, 24h, up to 7d (default 24h)",
        )
        parser.add_argument(
            "--expires-in", type=span, metavar="SPAN", help="when the new key expires (default: never)"
        )
        parser.add_argument("--json", action="store_true", help='print {"api_key", "id", "old_expires_at"}')

    def handle(
        self,
        *args: Any,
        key: str,
        overlap: timedelta,
        expires_in: timedelta | None,
        json: bool,
        **options: Any,
    ) -> None:
        expires_at = None if expires_in is None else datetime.now(UTC) + expires_in
        try:
            token, old = rotate_api_key(key_named(key), overlap=overlap, expires_at=expires_at)
        except InvalidIdentifier:
            raise CommandError("That is no key id.") from None
        except CoreError as error:
            raise CommandError(error.message) from None
        new_id = encode_id("key", key_uuid(token))
        assert old.expires_at is not None
        if json:
            self.stdout.write(_as_json(api_key=token, id=new_id, old_expires_at=old.expires_at.isoformat()))
        else:
            self.stderr.write(f"{old.public_id} is good until {old.expires_at:%Y-%m-%d %H:%M:%S} UTC.")
            self.stderr.write(f"{new_id} takes its place. It is shown this once:")
            self.stdout.write(token)


def _as_json(**members: str) -> str:
    return json.dumps(members)
