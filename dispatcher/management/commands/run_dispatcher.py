"""`manage.py run_dispatcher`: claim what is due, send it, record how it went, for ever."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from dispatcher.attempt_log import AttemptLog
from dispatcher.config import DispatcherSettings, dispatcher_settings
from dispatcher.connection import connection_is_lost, schema_is_missing
from dispatcher.errors import ConfigurationError
from dispatcher.metrics_server import MetricsOptions, serving_metrics
from dispatcher.observer import Observer
from dispatcher.pipeline import Pipeline
from dispatcher.process import DispatcherProcess, RunOptions
from dispatcher.stopping import StopRequest

USAGE, UNREACHABLE = 2, 3


class Command(BaseCommand):
    help = (
        "Deliver webhooks. Any number of these processes may run, on any number of machines. "
        "The first SIGTERM or Ctrl-C ends what is in flight and exits 0; a second one stops at once."
    )
    # The database may be away when a dispatcher starts under a supervisor: it is asked for with one clear
    # sentence below, not by Django's checks.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--concurrency", type=int, help="sends at once in this process (default: 256)")
        parser.add_argument("--batch", type=int, default=500, help="deliveries claimed by one cycle at most")
        parser.add_argument("--lease", type=float, help="seconds a claim holds (default: 30)")
        parser.add_argument(
            "--poll-interval", type=float, default=0.02, help="seconds between looks while nothing happens"
        )
        parser.add_argument(
            "--log",
            choices=["attempts", "failures"],
            help="a line for every attempt, or for those that failed and a count of the others once a second "
            "(default: attempts on a terminal, failures elsewhere)",
        )
        ending = parser.add_mutually_exclusive_group()
        ending.add_argument(
            "--drain",
            action="store_true",
            help="end when nothing is due, leased or waiting to be fanned out; what is scheduled for later stays",
        )
        ending.add_argument("--once", action="store_true", help="one cycle and its sends")
        MetricsOptions.add_to(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            settings = dispatcher_settings()
            run_options = _run_options(options, settings.concurrency, settings.lease)
            _check(run_options, settings)
            log = AttemptLog(
                max_attempts=settings.retry_policy.max_attempts,
                every_attempt=None if options["log"] is None else options["log"] == "attempts",
            )
            with serving_metrics(MetricsOptions.of(options)) as observer:
                exit_code = _process(run_options, settings, log, observer).run()
        except ConfigurationError as error:
            raise CommandError(f"not usable: {error}", returncode=USAGE) from error
        except Error as error:
            raise CommandError(_sentence(error), returncode=UNREACHABLE) from error
        if exit_code:
            raise SystemExit(exit_code)


def _process(
    run: RunOptions, settings: DispatcherSettings, log: AttemptLog, observer: Observer | None
) -> DispatcherProcess:
    stop = StopRequest()
    pipeline = Pipeline(
        settings=settings,
        log=log,
        observer=observer,
        concurrency=run.concurrency,
        lease=run.lease,
        is_stopping=lambda: stop.requested,
    )
    ready = f"dispatcher ready: {run.concurrency} slots, lease {run.lease.total_seconds():g} s; Ctrl-C drains"
    return DispatcherProcess(options=run, executor=pipeline, log=log, stop=stop, ready=ready)


def _run_options(options: dict[str, Any], concurrency: int, lease: timedelta) -> RunOptions:
    return RunOptions(
        concurrency=concurrency if options["concurrency"] is None else options["concurrency"],
        batch=options["batch"],
        lease=lease if options["lease"] is None else timedelta(seconds=options["lease"]),
        poll_interval=timedelta(seconds=options["poll_interval"]),
        drain=options["drain"],
        once=options["once"],
    )


def _check(run: RunOptions, settings: DispatcherSettings) -> None:
    problems = []
    if not 1 <= run.concurrency <= 10_000:
        problems.append(f"--concurrency must be between 1 and 10000, not {run.concurrency}")
    if not 1 <= run.batch <= 10_000:
        problems.append(f"--batch must be between 1 and 10000, not {run.batch}")
    if not timedelta(milliseconds=1) <= run.poll_interval <= timedelta(minutes=1):
        problems.append(
            f"--poll-interval must be between 0.001 and 60 seconds, not {run.poll_interval.total_seconds():g}"
        )
    if problem := settings.lease_problem(run.lease):
        problems.append(f"--lease {problem}")
    if problems:
        raise ConfigurationError(problems)


def _sentence(error: Error) -> str:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if schema_is_missing(error):
        return f"the database is not ready ({reason}); run: manage.py migrate"
    if connection_is_lost(error):
        return f"cannot reach PostgreSQL: {reason}"
    return f"the database refused: {reason}"
