import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from core.logs import configure_logs
from core.metrics_server import serving_metrics
from core.models import BankAnswer, PaymentIntent
from core.settler import Settler
from core.stop_signal import StopSignal
from outbox.errors import NotUsable
from outbox.metrics_server import MetricsOptions
from outbox.tracing import start_tracing

USAGE, DATABASE_UNREACHABLE = 2, 3


class Command(BaseCommand):
    help = (
        "Apply the bank's answers to the payments that wait for them. Any number of processes may run. "
        "SIGTERM and SIGINT finish the batch in hand; a second one stops at once."
    )

    # The whole set would load the API, which this command does without.
    requires_system_checks = ["core"]

    def add_arguments(self, parser: CommandParser) -> None:
        until = parser.add_mutually_exclusive_group()
        until.add_argument("--once", action="store_true", help="settle one batch and end")
        until.add_argument("--drain", action="store_true", help="end when nothing is due")
        parser.add_argument(
            "--batch",
            type=_batch,
            default=50,
            metavar="N",
            help="payments leased at once, 1 to 1000 (default 50)",
        )
        parser.add_argument(
            "--poll-interval",
            type=_seconds,
            default=0.25,
            metavar="SECONDS",
            help="wait while nothing is due (default 0.25)",
        )
        MetricsOptions.add_to(parser)

    def handle(
        self, *args: Any, once: bool, drain: bool, batch: int, poll_interval: float, **options: Any
    ) -> None:
        configure_logs()
        stop = StopSignal()
        stop.listen()
        _check_database()
        try:
            start_tracing("ministripe-settlement")
            with serving_metrics(MetricsOptions.of(options)) as observer:
                settler = Settler(stop=stop, batch=batch, poll_interval=poll_interval, observer=observer)
                if once:
                    settler.settle_batch()
                elif drain:
                    settler.drain()
                else:
                    settler.run()
        except NotUsable as error:
            raise CommandError(f"not usable: {error}", returncode=USAGE) from error


def _check_database() -> None:
    """At start an unusable database is a mistake to mend; later it is weather to wait out."""
    try:
        PaymentIntent.objects.exists()
        BankAnswer.objects.exists()
    except Error as error:
        reason = " ".join(str(error).split())
        raise CommandError(
            f"The database cannot be used ({reason}); check DATABASE_URL and run `manage.py migrate`.",
            returncode=DATABASE_UNREACHABLE,
        ) from None


def _batch(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1000:
        raise argparse.ArgumentTypeError("must be between 1 and 1000")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0.001 <= number <= 3600:
        raise argparse.ArgumentTypeError("must be between 0.001 and 3600 seconds")
    return number
