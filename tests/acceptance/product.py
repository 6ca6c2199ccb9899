"""The product as it is deployed: API workers, settlements and dispatchers, each a process, on one database."""

import contextlib
import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.acceptance.client import NO_ANSWER, ApiClient
from tests.acceptance.kernel import children_of
from tests.processes import Command, command_environment, until
from tools.demo.ports import reserved_port

# Everything that a crash leaves behind is taken up within seconds, and no attempt of ours is the last one.
IMPATIENT = {
    "WEBHOOK_ATTEMPT_TIMEOUT_SECONDS": "2",
    "WEBHOOK_CONNECT_TIMEOUT_SECONDS": "2",
    # A second more than the rules ask for, in which a claim may wait for a busy processor.
    "WEBHOOK_LEASE_SECONDS": "4",
    "WEBHOOK_RETRY_SCHEDULE_SECONDS": ",".join(["0.2"] * 50),
    "SETTLEMENT_LEASE_SECONDS": "2",
    "IDEMPOTENCY_LEASE_SECONDS": "2",
    "BANK_DELAY_SECONDS": "0.1",
    "BANK_SUCCESS_RATE": "0.8",
}


class Api:
    """granian and its workers, on one port."""

    def __init__(self, command: Command, port: int) -> None:
        self.command = command
        self.port = port

    @property
    def workers(self) -> set[int]:
        return {process for process in children_of(self.command.process.pid) if _is_worker(process)}

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert self.command.process.poll() is None, self.command.output()
            with ApiClient(self.port, api_key="") as client:
                try:
                    return client.send("GET", "/readyz").status == 200
                except NO_ANSWER:
                    return False

        until(ready, what="the API's /readyz")

    def kill(self) -> None:
        """SIGKILL, all of it at once."""
        self.command.kill()


class Product:
    """Starts processes on one database; all are killed when the block ends."""

    def __init__(self, database_url: str, **settings: str) -> None:
        self._environment = command_environment(DATABASE_URL=database_url, **{**IMPATIENT, **settings})
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Product":
        self._api_port = self._stack.enter_context(reserved_port(0))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def ended_with_the_block(self) -> Iterator["Product"]:
        """The same product; what is started of it within the block is killed when that ends."""
        whole, self._stack = self._stack, contextlib.ExitStack()
        try:
            with self._stack:
                yield self
        finally:
            self._stack = whole

    def run(self, *arguments: str) -> Command:
        """A command of manage.py, from beginning to end."""
        with self._command(*arguments) as command:
            assert command.wait() == 0, command.output()
        return command

    def create_api_key(self) -> str:
        key: str = json.loads(self.run("create_api_key", "--json").stdout[0])["api_key"]
        return key

    def start_api(
        self,
        *,
        workers: int = 1,
        threads: int = 8,
        environment: Mapping[str, str] = {},
        options: Sequence[str] = (),
    ) -> Api:
        """On the same port again, where there was one before; it serves when this returns."""
        api = self.launch_api(workers=workers, threads=threads, environment=environment, options=options)
        for number in range(workers):
            api.command.says(f"Started worker-{number + 1}")
        api.wait_until_ready()
        return api

    def launch_api(
        self,
        *,
        workers: int = 1,
        threads: int = 8,
        environment: Mapping[str, str] = {},
        options: Sequence[str] = (),
    ) -> Api:
        """As `start_api`, for workers that may die before both serve."""
        granian = [
            str(Path(sys.executable).with_name("granian")),
            *("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self._api_port)),
            *("--workers", str(workers), "--blocking-threads", str(threads), "--respawn-failed-workers"),
            *options,
            "core.wsgi:application",
        ]
        command = self._stack.enter_context(
            Command(program=granian, whole_environment={**self._environment, **environment})
        )
        return Api(command, self._api_port)

    def start(self, *arguments: str) -> Command:
        """A command of manage.py that goes on until it is stopped."""
        return self._stack.enter_context(self._command(*arguments))

    def start_settlement(self) -> Command:
        return self.start("run_settlement", "--poll-interval", "0.05")

    def start_dispatcher(self, *arguments: str) -> Command:
        """Small batches: however fast one of them is, the others find work too."""
        return self.start("run_dispatcher", "--batch", "8", "--log", "attempts", *arguments)

    def start_cli_relay(self, port: int) -> Command:
        """Where CLI_RELAY_URL, a setting of this product, says."""
        relay = self.start("run_cli_relay", "--port", str(port), "--poll-interval", "0.05")
        relay.says("CLI relay ready")
        return relay

    def stop(self, command: Command) -> None:
        """SIGTERM; it ends by itself, and well."""
        command.signal(signal.SIGTERM)
        assert command.wait() == 0, command.output()

    def _command(self, *arguments: str) -> Command:
        return Command(*arguments, whole_environment=self._environment)


def attempts_told_by(dispatcher: Command) -> list[dict[str, Any]]:
    """Its log lines, one an attempt; one that it died over is no line."""
    return [json.loads(line) for line in dispatcher.stdout if line.endswith("\n")]


def _is_worker(process: int) -> bool:
    """granian's children also hold one that tracks multiprocessing's resources."""
    try:
        return b"resource_tracker" not in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False
