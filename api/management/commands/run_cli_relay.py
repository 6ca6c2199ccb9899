import argparse
import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import structlog
import uvicorn
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from api.cli_relay.application import MAX_MESSAGE_BYTES, RelayApplication
from api.cli_relay.switchboard import Switchboard
from api.models import CliMessage, CliSession
from core.logs import configure_logs
from dispatcher.management.commands.run_dispatcher import UNREACHABLE, USAGE, database_sentence
from dispatcher.stopping import Stopped, StopRequest
from outbox.config import log_format
from outbox.errors import NotUsable
from outbox.metrics_server import MetricsOptions, served

_log = structlog.get_logger("api.cli_relay")
_GRACE_SECONDS = 5
_PING_SECONDS = 20.0


class Command(BaseCommand):
    help = (
        "Serve the WebSockets of the official Stripe CLI (`stripe listen`, `stripe logs tail`). Any number of "
        "these processes may run behind CLI_RELAY_URL. The first SIGTERM or Ctrl-C closes the connections and exits "
        "0; a second one stops at once."
    )
    # The database may be away when it starts under a supervisor: it is asked for with one clear sentence below.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)"
        )
        parser.add_argument(
            "--port", type=_port, default=8001, help="0 to 65535; 0 takes a free one (default: 8001)"
        )
        parser.add_argument(
            "--poll-interval",
            type=_seconds,
            default=0.5,
            metavar="SECONDS",
            help="between looks at the database; a recorded event ends the wait (default: 0.5)",
        )
        parser.add_argument(
            "--max-sessions",
            type=_count,
            default=1_000,
            help="connected at once, 1 to 100000 (default: 1000)",
        )
        MetricsOptions.add_to(parser)

    def handle(
        self, *args: Any, host: str, port: int, poll_interval: float, max_sessions: int, **options: Any
    ) -> None:
        configure_logs()
        _check_database()
        try:
            listening = socket.create_server((host, port), family=_family(host))
        except OSError as error:
            raise CommandError(f"cannot listen on {host}:{port}: {error}", returncode=USAGE) from None
        switchboard = Switchboard(
            poll_interval=poll_interval, max_sessions=max_sessions, on_failure=lambda: server.give_up()
        )
        server = Server(
            uvicorn.Config(
                RelayApplication(switchboard),
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                ws="websockets-sansio",
                http="h11",
                loop="asyncio",
                ws_max_size=MAX_MESSAGE_BYTES,
                ws_ping_interval=_PING_SECONDS,
                ws_ping_timeout=_PING_SECONDS,
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        try:
            with _serving_metrics(switchboard, options), StopRequest().listening(), listening:
                self._tell_ready(f"ws://{host}:{listening.getsockname()[1]}/")
                asyncio.run(_serve(server, switchboard, listening))
        except NotUsable as error:
            raise CommandError(f"not usable: {error}", returncode=USAGE) from error
        except Stopped:
            raise SystemExit(1) from None
        if switchboard.failure is not None:
            raise SystemExit(1)

    def _tell_ready(self, url: str) -> None:
        if log_format() == "json":
            _log.info("cli_relay.ready", url=url)
        else:
            self.stderr.write(f"CLI relay ready: {url}; Ctrl-C stops")


class Server(uvicorn.Server):
    """uvicorn, which ends at a second signal without waiting."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            # Nothing to clean up: what was not acknowledged is pushed again.
            os._exit(1)
        super().handle_exit(sig, frame)

    def give_up(self) -> None:
        self.should_exit = True


@contextmanager
def _serving_metrics(switchboard: Switchboard, options: dict[str, Any]) -> Iterator[None]:
    """Raises NotUsable."""
    where = MetricsOptions.of(options)
    if where.port is None:
        yield
        return
    from api.cli_relay.metrics import Metrics

    with served(Metrics(switchboard).registry, where):
        yield


async def _serve(server: Server, switchboard: Switchboard, listening: socket.socket) -> None:
    switchboard.start()
    try:
        await server.serve(sockets=[listening])
    finally:
        await asyncio.to_thread(switchboard.stop)


def _check_database() -> None:
    try:
        CliSession.objects.exists()
        CliMessage.objects.exists()
    except Error as error:
        raise CommandError(database_sentence(error), returncode=UNREACHABLE) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _port(text: str) -> int:
    return _within(int(text), 0, 65_535)


def _count(text: str) -> int:
    return _within(int(text), 1, 100_000)


def _seconds(text: str) -> float:
    number = float(text)
    if not 0.01 <= number <= 60:
        raise argparse.ArgumentTypeError("must be between 0.01 and 60 seconds")
    return number


def _within(number: int, least: int, most: int) -> int:
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"must be between {least} and {most}")
    return number
