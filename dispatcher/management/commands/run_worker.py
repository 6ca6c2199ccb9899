"""`manage.py run_worker`: send what dispatchers hand out through a broker, record how it went, for ever."""

import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from dispatcher.attempt_log import AttemptLog
from dispatcher.config import DispatcherSettings, dispatcher_settings
from dispatcher.connection import connect
from dispatcher.errors import BrokerOutOfReach, BrokerUnusable, ConfigurationError
from dispatcher.management.commands.run_dispatcher import (
    UNREACHABLE,
    USAGE,
    add_log_option,
    attempt_log,
    database_sentence,
)
from dispatcher.metrics_server import serving_metrics
from dispatcher.observer import Observer
from dispatcher.pipeline import LONGEST_WAIT
from dispatcher.stopping import Stopped, StopRequest
from outbox.database import disconnect, fetch_all
from outbox.errors import NotUsable
from outbox.metrics_server import MetricsOptions
from outbox.sql import statements
from outbox.tracing import start_tracing

# Between two looks of dramatiq's threads at their queues; it bounds Redis' idle latency, and a stop.
_LOOK_MS = 100
_SQL = statements("dispatcher.sql")


class Command(BaseCommand):
    help = (
        "Send what `run_dispatcher --executor dramatiq` hands out. Any number of these processes may run, on any "
        "number of machines. The first SIGTERM or Ctrl-C ends what is in flight and exits 0; a second one stops "
        "at once."
    )
    requires_system_checks: list[str] = []  # as of run_dispatcher

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--broker", metavar="URL", help="amqp://… or redis://… (default: BROKER_URL)")
        parser.add_argument("--concurrency", type=int, help="sends at once in this process (default: 256)")
        parser.add_argument("--threads", type=int, default=8, help="messages taken from the broker at once")
        add_log_option(parser)
        MetricsOptions.add_to(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            settings = dispatcher_settings()
            start_tracing("webhook-dispatcher")
            concurrency = settings.concurrency if options["concurrency"] is None else options["concurrency"]
            _check(concurrency, options["threads"])
            log = attempt_log(options, settings)
            url = options["broker"] or settings.broker_url
            if not url:
                raise BrokerUnusable("--broker or DISPATCHER['BROKER_URL'] has to name a broker")
            with serving_metrics(MetricsOptions.of(options)) as observer:
                exit_code = _work(
                    url,
                    settings,
                    log,
                    observer,
                    concurrency=concurrency,
                    threads=options["threads"],
                )
        except (ConfigurationError, BrokerUnusable, NotUsable) as error:
            raise CommandError(f"not usable: {error}", returncode=USAGE) from error
        except BrokerOutOfReach as error:
            raise CommandError(f"cannot reach the broker: {error}", returncode=UNREACHABLE) from error
        except Error as error:
            raise CommandError(database_sentence(error), returncode=UNREACHABLE) from error
        if exit_code:
            raise SystemExit(exit_code)


def _check(concurrency: int, threads: int) -> None:
    problems = []
    if not 1 <= concurrency <= 10_000:
        problems.append(f"--concurrency must be between 1 and 10000, not {concurrency}")
    if not 1 <= threads <= 100:
        problems.append(f"--threads must be between 1 and 100, not {threads}")
    if problems:
        raise ConfigurationError(problems)


def _work(
    url: str,
    settings: DispatcherSettings,
    log: AttemptLog,
    observer: Observer | None,
    *,
    concurrency: int,
    threads: int,
) -> int:
    """0 when drained, 1 when stopped at once.

    Raises:
        django.db.Error, BrokerOutOfReach: at the start; or what ended the pipeline.
    """
    try:
        from dramatiq import Worker

        from dispatcher.brokers import broker_warnings, close_broker, reach_broker, shown
        from dispatcher.hint_worker import worker_broker
    except ImportError as error:
        raise BrokerUnusable(
            f"{error.name} is not installed; install the package with its extra: ministripe-outbox[dramatiq]"
        ) from error
    broker, middleware = worker_broker(
        url, settings=settings, log=log, concurrency=concurrency, observer=observer
    )
    connect()
    fetch_all(_SQL["backlog"], {})  # that it is migrated too
    disconnect()
    reach_broker(broker)
    for warning in broker_warnings(broker):
        log.tell(warning)
    _tell_of_dramatiq(log)
    worker = Worker(broker, worker_threads=threads, worker_timeout=_LOOK_MS)
    # What this process holds and has not begun, other workers cannot begin.
    worker.queue_prefetch = threads
    stop = StopRequest()
    with stop.listening():
        try:
            worker.start()
            pipeline = middleware.pipeline
            assert pipeline is not None
            log.tell(f"worker ready: {concurrency} slots, hints from {shown(url)}; Ctrl-C drains")
            while not stop.requested and pipeline.is_alive():
                pipeline.join(LONGEST_WAIT)
            worker.stop(timeout=round(1000 * settings.attempt_timeout.total_seconds()) + 5000)
            close_broker(broker)
        except Stopped:
            log.tell("stopped at once; what was in flight is claimed again when its lease ends")
            return 1
    if pipeline.failure is not None:
        raise pipeline.failure
    return 0


class _Sentences(logging.Handler):
    """What dramatiq warns of, in a line each: a broker that goes away is an expected event."""

    def __init__(self, log: AttemptLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage().strip() or record.name
        cause = record.exc_info[1] if record.exc_info else None
        self._log.tell(text.splitlines()[0] + (f" ({type(cause).__name__}: {cause})" if cause else ""))


def _tell_of_dramatiq(log: AttemptLog) -> None:
    logger = logging.getLogger("dramatiq")
    logger.addHandler(_Sentences(log))
    logger.propagate = False
