"""`manage.py replay_deliveries`: after an outage, send again what failed, or what was never sent."""

import argparse
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from dispatcher.deliveries import database_now
from dispatcher.errors import EndpointNotFound, ReplayRefused
from dispatcher.models import Endpoint
from dispatcher.replays import KINDS, Replayed, replay_deliveries
from outbox.database import connection_is_lost, first_line
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id
from outbox.spans import parse_span

USAGE, UNREACHABLE = 2, 3
_SECONDS_BETWEEN_LINES = 5.0


class Command(BaseCommand):
    help = (
        "Send an endpoint again what it failed to take, or what it was never sent. Counts first, then schedules one "
        "delivery after the other; dispatchers send them. Run again after an interruption: what is still under way "
        "is not made twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--endpoint", required=True, metavar="ID", help="the endpoint (we_…)")
        parser.add_argument(
            "--since",
            required=True,
            type=moment,
            metavar="WHEN",
            help="of events recorded from then on: 90m, 2h, 3d, or a time as 2026-11-22T10:00:00Z",
        )
        parser.add_argument(
            "--until", type=moment, metavar="WHEN", help="of events recorded before then (default: now)"
        )
        parser.add_argument(
            "--only",
            choices=list(KINDS),
            default="failed",
            help="failed: dead-lettered or cancelled by a disable (default); missing: no delivery, or skipped",
        )
        parser.add_argument("--rate", type=float, default=20.0, help="deliveries a second (default: 20)")
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._replay(options)
        except (InvalidIdentifier, Endpoint.DoesNotExist, EndpointNotFound):
            raise CommandError(f"No such webhook endpoint: {options['endpoint']!r}") from None
        except ReplayRefused as error:
            if error.field == "endpoint":
                raise CommandError(error.reason) from None
            raise CommandError(f"argument --{error.field}: {error.reason}", returncode=USAGE) from None
        except Error as error:
            if not connection_is_lost(error):
                raise
            reason = first_line(error)
            raise CommandError(f"cannot reach PostgreSQL: {reason}", returncode=UNREACHABLE) from error

    def _replay(self, options: dict[str, Any]) -> None:
        endpoint_id = decode_id("we", options["endpoint"])
        owner = Endpoint.objects.values_list("owner", flat=True).get(id=endpoint_id)
        # Both walks see the same events.
        until = options["until"] or database_now()
        asked = {name: options[name] for name in ("since", "only", "rate")}
        count = replay_deliveries(owner=owner, endpoint_id=endpoint_id, until=until, dry_run=True, **asked)
        seconds = count.found / options["rate"]
        self.stderr.write(
            f"{count.found:,} {options['only']} to replay to {options['endpoint']} at {options['rate']:g}/s: "
            f"{timedelta(seconds=round(seconds))}"
        )
        done = count
        if not options["dry_run"]:
            teller = _Progress(self, count.found)
            done = replay_deliveries(
                owner=owner, endpoint_id=endpoint_id, until=until, progress=teller.tell, **asked
            )
            teller.end(done)
        self.stdout.write(
            json.dumps(
                {
                    "endpoint": options["endpoint"],
                    "only": options["only"],
                    "found": done.found,
                    "made": done.made,
                    "first_due_at": _text(done.first_due_at),
                    "last_due_at": _text(done.last_due_at),
                }
            )
        )


class _Progress:
    """How far it is: in place on a terminal, else a line every five seconds."""

    def __init__(self, command: BaseCommand, total: int) -> None:
        self._stderr = command.stderr
        self._total = total
        self._in_place = self._stderr.isatty()
        self._next_line = time.monotonic() + _SECONDS_BETWEEN_LINES

    def tell(self, done: Replayed) -> None:
        if self._in_place:
            self._stderr.write(f"\r{self._sentence(done)}", ending="")
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _SECONDS_BETWEEN_LINES
            self._stderr.write(self._sentence(done))

    def end(self, done: Replayed) -> None:
        if self._in_place:
            self._stderr.write("")
        last = f"; the last is due at {done.last_due_at:%Y-%m-%d %H:%M:%S} UTC" if done.last_due_at else ""
        self._stderr.write(f"{done.made:,} deliveries scheduled{last}.")

    def _sentence(self, done: Replayed) -> str:
        return f"{done.made:,} of {self._total:,} scheduled"


def moment(text: str) -> datetime:
    """`2h` is two hours ago; a time without an offset is UTC."""
    try:
        ago = parse_span(text)
        if ago is not None:
            return datetime.now(tz=UTC) - ago
    except OverflowError:
        raise argparse.ArgumentTypeError(f"{text!r} is longer ago than time goes back") from None
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a span (90m, 2h, 3d) nor a time (2026-11-22T10:00:00Z)"
        ) from None


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
