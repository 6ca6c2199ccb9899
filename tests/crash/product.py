"""The product under the crash suite: commands that are forked by a host, and the API under granian."""

import contextlib
import signal
from pathlib import Path
from typing import Self

from tests.acceptance.product import IMPATIENT, Api
from tests.acceptance.product import Product as Deployed
from tests.crash.hosting import Host, Process
from tests.processes import command_environment

LEASE = 4.0  # seconds; an attempt ends within one
SETTINGS = {
    **IMPATIENT,
    "WEBHOOK_ATTEMPT_TIMEOUT_SECONDS": "1",
    "WEBHOOK_CONNECT_TIMEOUT_SECONDS": "1",
    "WEBHOOK_LEASE_SECONDS": f"{LEASE:g}",
    # Sends of a process that stands still time out: an open circuit would be waited for, and is tested elsewhere.
    "WEBHOOK_CIRCUIT_THRESHOLD": "10000",
    "WEBHOOK_DISABLE_AFTER_DAYS": "0",
    # Leases of the dead fill no lane.
    "WEBHOOK_MAX_IN_FLIGHT": "10000",
}
# What a dispatcher holds at once is what its death delays: few enough that many can die.
_SLOTS = ("--concurrency", "32", "--log", "failures")

_API = {"GRANIAN_RESPAWN_INTERVAL": "0.1"}


class Product:
    """Starts processes on one database, in `with`; all are killed when it ends.

    Args:
        settings: environment variables beside SETTINGS, or instead of them.
    """

    def __init__(self, database_url: str, directory: Path, **settings: str) -> None:
        self._database_url = database_url
        self._directory = directory
        self._settings = {**SETTINGS, **settings}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        environment = command_environment(DATABASE_URL=self._database_url, **self._settings)
        self.host = self._stack.enter_context(Host(environment, self._directory))
        self._deployed = self._stack.enter_context(Deployed(self._database_url, **self._settings))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, *arguments: str) -> None:
        """A command, from beginning to end."""
        process = self.host.start(*arguments)
        assert process.wait() == 0, process.output

    def create_api_key(self) -> str:
        return self._deployed.create_api_key()

    def start_dispatcher(self, **environment: str) -> Process:
        return self.host.start("run_dispatcher", *_SLOTS, "--batch", "64", **environment)

    def start_hinting_dispatcher(self, broker_url: str, **environment: str) -> Process:
        """One that hands out what it claims to workers."""
        hand_out = ("--executor", "dramatiq", "--broker", broker_url, "--outstanding", "256")
        return self.host.start("run_dispatcher", *hand_out, "--batch", "64", **environment)

    def start_worker(self, broker_url: str, **environment: str) -> Process:
        return self.host.start("run_worker", "--broker", broker_url, *_SLOTS, **environment)

    def start_settlement(self, **environment: str) -> Process:
        return self.host.start("run_settlement", "--poll-interval", "0.05", **environment)

    def start_api(self) -> Api:
        """granian with two workers, on the same port each time."""
        return self._deployed.start_api(workers=2, environment=_API)

    def launch_api(self, **environment: str) -> Api:
        """The same, for workers that die before they all serve."""
        return self._deployed.launch_api(workers=2, environment={**_API, **environment})

    def stop(self) -> list[str]:
        """SIGTERM to every command; what was wrong with their ends, in sentences."""
        living = self.host.living
        for process in living:
            process.signal(signal.SIGTERM)
        return [
            f"{process} ended with {status} when asked to stop: {process.output[-2000:]}"
            for process in living
            if (status := process.wait()) != 0
        ]
