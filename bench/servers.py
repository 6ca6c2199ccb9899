"""Django under granian, as it is deployed: the product and what it is compared with."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.nginx import wait_for_port
from bench.processes import Program
from bench.stage import Stage
from tools.demo.ports import HOST, reserved_port
from tools.failures import Failure, tail

PRODUCT, UNLOGGED, BARE = "core.wsgi:application", "bench.unlogged:application", "bench.bare_wsgi:application"
WORKERS, THREADS = 2, 8


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    api_key: str


def create_account(stage: Stage) -> Account:
    """An account with a key, by the product's own command."""
    output = stage.place / "account.json"
    program = stage.start("create_api_key", "manage.py", "create_api_key", "--json", output=output)
    program.wait()
    content = json.loads(output.read_text())
    return Account(content["account"], content["api_key"])


@dataclass(frozen=True, slots=True)
class Server:
    program: Program
    url: str  # where payment intents are created


@contextmanager
def serving(stage: Stage, application: str, **variables: str) -> Iterator[Server]:
    """granian with the application, on a free port, until the block ends."""
    with reserved_port(0) as port:
        program = stage.start(
            f"granian {application.partition(':')[0]}",
            *("--interface", "wsgi", "--host", HOST, "--port", str(port)),
            *(
                "--workers",
                str(WORKERS),
                "--blocking-threads",
                str(THREADS),
                "--no-ws",
                "--log-level",
                "warning",
            ),
            application,
            program=str(Path(sys.executable).with_name("granian")),
            variables=variables,
        )
        try:
            wait_for_port(port, program, seconds=30)
            yield Server(program, f"http://{HOST}:{port}/payment_intents/")
        finally:
            program.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How bench.load asks."""

    connections: int
    seconds: float
    confirm: bool = False
    idempotency: bool = True

    def put_on(self, stage: Stage, server: Server, api_key: str) -> dict[str, Any]:
        """Ask until the time is over; what was answered. Raises Failure with the first answer that is no 2xx."""
        return self.finish(self.start(stage, server, api_key))

    def start(self, stage: Stage, server: Server, api_key: str) -> "tuple[Program, Path]":
        output = stage.place / "load.json"
        output.unlink(missing_ok=True)
        flags = ["--confirm"] * self.confirm + ["--no-idempotency"] * (not self.idempotency)
        program = stage.start(
            "load", "-m", "bench.load", server.url, "--api-key", api_key, "--out", str(output),
            "--connections", str(self.connections), "--seconds", str(self.seconds), *flags,
        )  # fmt: skip
        return program, output

    @staticmethod
    def finish(started: "tuple[Program, Path]") -> dict[str, Any]:
        program, output = started
        program.wait()
        if not output.exists():
            raise Failure("The load client wrote nothing.", output=tail(program.log))
        content: dict[str, Any] = json.loads(output.read_text())
        return content
