"""`manage.py run_dispatcher`: claim what is due, send it, record how it went, for ever."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from dispatcher.attempt_log import AttemptLog
from dispatcher.config import DispatcherSettings, dispatcher_settings
from dispatcher.dramatiq_executor import DramatiqExecutor
from dispatcher.errors import BrokerOutOfReach, BrokerUnusable, ConfigurationError
from dispatcher.metrics_server import serving_metrics
from dispatcher.observer import Observer, Observers
from dispatcher.pipeline import Pipeline
from dispatcher.process import DispatcherProcess, Executor, RunOptions
from dispatcher.processes import ProcessFacts
from dispatcher.pulse import Pulse
from dispatcher.stopping import StopRequest
from dispatcher.tallies import Tallies
from outbox.database import connection_is_lost, first_line, schema_is_missing
from outbox.errors import NotUsable
from outbox.metrics_server import MetricsOptions
from outbox.tracing import start_tracing

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
        add_log_option(parser)
        parser.add_argument(
            "--executor",
            choices=["local", "dramatiq"],
            default="local",
            help="who sends: this process, or `run_worker` processes",
        )
        parser.add_argument(
            "--broker",
            metavar="URL",
            help="of --executor dramatiq: amqp://… or redis://… (default: BROKER_URL)",
        )
        parser.add_argument(
            "--outstanding",
            type=int,
            default=2048,
            help="of --executor dramatiq: deliveries handed out at most that no worker has begun",
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
            start_tracing("webhook-dispatcher")
            run_options = _run_options(options, settings.concurrency, settings.lease)
            _check(run_options, settings, outstanding=options["outstanding"])
            log = attempt_log(options, settings)
            stop = StopRequest()
            with serving_metrics(MetricsOptions.of(options)) as observer:
                tallies = Tallies(kept=settings.rollups)
                executor = _executor(options, run_options, settings, log, stop, Observers(observer, tallies))
                exit_code = DispatcherProcess(
                    options=run_options,
                    executor=executor,
                    log=log,
                    stop=stop,
                    ready=_ready(options, run_options),
                    pulse=_pulse(options, run_options, executor, tallies, log),
                ).run()
        except (ConfigurationError, BrokerUnusable, NotUsable) as error:
            raise CommandError(f"not usable: {error}", returncode=USAGE) from error
        except Error as error:
            raise CommandError(database_sentence(error), returncode=UNREACHABLE) from error
        except BrokerOutOfReach as error:
            raise CommandError(f"cannot reach the broker: {error}", returncode=UNREACHABLE) from error
        if exit_code:
            raise SystemExit(exit_code)


def add_log_option(parser: CommandParser) -> None:
    parser.add_argument(
        "--log",
        choices=["attempts", "failures"],
        help="a line for every attempt, or for those that failed and a count of the others once a second "
        "(default: attempts on a terminal, failures elsewhere)",
    )


def attempt_log(options: dict[str, Any], settings: DispatcherSettings) -> AttemptLog:
    return AttemptLog(
        max_attempts=settings.retry_policy.max_attempts,
        every_attempt=None if options["log"] is None else options["log"] == "attempts",
    )


def _executor(
    options: dict[str, Any],
    run: RunOptions,
    settings: DispatcherSettings,
    log: AttemptLog,
    stop: StopRequest,
    observer: Observer | None,
) -> Executor:
    if options["executor"] == "local":
        return Pipeline(
            settings=settings,
            log=log,
            observer=observer,
            concurrency=run.concurrency,
            lease=run.lease,
            is_stopping=lambda: stop.requested,
        )
    url = options["broker"] or settings.broker_url
    if not url:
        raise BrokerUnusable("--executor dramatiq needs --broker, or DISPATCHER['BROKER_URL']")
    return DramatiqExecutor(
        broker_url=url,
        log=log,
        observer=observer,
        lease=run.lease,
        outstanding=options["outstanding"],
        is_stopping=lambda: stop.requested,
    )


def _pulse(
    options: dict[str, Any], run: RunOptions, executor: Executor, tallies: Tallies, log: AttemptLog
) -> Pulse:
    facts = ProcessFacts.of_this_process(
        id=executor.lease_owner, kind="dispatcher", executor=options["executor"], concurrency=run.concurrency
    )
    return Pulse(
        facts=facts,
        tallies=tallies,
        log=log,
        in_flight=lambda: executor.in_flight,
        leases=lambda: executor.outstanding,
    )


def _ready(options: dict[str, Any], run: RunOptions) -> str:
    slots = f"{run.concurrency} slots" if options["executor"] == "local" else "workers send"
    return f"dispatcher ready: {slots}, lease {run.lease.total_seconds():g} s; Ctrl-C drains"


def _run_options(options: dict[str, Any], concurrency: int, lease: timedelta) -> RunOptions:
    return RunOptions(
        concurrency=concurrency if options["concurrency"] is None else options["concurrency"],
        batch=options["batch"],
        lease=lease if options["lease"] is None else timedelta(seconds=options["lease"]),
        poll_interval=timedelta(seconds=options["poll_interval"]),
        drain=options["drain"],
        once=options["once"],
    )


def _check(run: RunOptions, settings: DispatcherSettings, *, outstanding: int) -> None:
    problems = []
    if not 1 <= run.concurrency <= 10_000:
        problems.append(f"--concurrency must be between 1 and 10000, not {run.concurrency}")
    if not 1 <= run.batch <= 10_000:
        problems.append(f"--batch must be between 1 and 10000, not {run.batch}")
    if not 1 <= outstanding <= 100_000:
        problems.append(f"--outstanding must be between 1 and 100000, not {outstanding}")
    if not timedelta(milliseconds=1) <= run.poll_interval <= timedelta(minutes=1):
        problems.append(
            f"--poll-interval must be between 0.001 and 60 seconds, not {run.poll_interval.total_seconds():g}"
        )
    if problem := settings.lease_problem(run.lease):
        problems.append(f"--lease {problem}")
    if problems:
        raise ConfigurationError(problems)


def database_sentence(error: Error) -> str:
    """What ended a command, for people."""
    reason = first_line(error)
    if schema_is_missing(error):
        return f"the database is not ready ({reason}); run: manage.py migrate"
    if connection_is_lost(error):
        return f"cannot reach PostgreSQL: {reason}"
    return f"the database refused: {reason}"
