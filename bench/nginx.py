"""nginx as the receiver of drains: it answers 200 at a cost that no receiver of ours could match."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import Program, Programs
from tools import test_dependencies
from tools.demo.ports import reserved_port
from tools.failures import Failure

PACKAGE = test_dependencies.Program("nginx", "nginx-light", "it receives what the bench delivers")
START_SECONDS = 10.0

CONFIGURATION = """
worker_processes 1;
daemon off;
pid {place}/nginx.pid;
error_log {place}/nginx.error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 600;
    client_body_temp_path {place}/body;
    server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "ok"; }}
             location /fail {{ return 500 "no"; }} }}
}}
"""


def find() -> str | None:
    """Where the program is, None where it is not."""
    return PACKAGE.path


def required() -> str:
    """Where the program is, installed where that is one safe command. Raises Failure with how to get it."""
    if find() is None:
        test_dependencies.provide(PACKAGE)
    found = find()
    if found is None:
        raise Failure("nginx is not on this machine.", suggestion=PACKAGE.install)
    return found


@contextmanager
def running(programs: Programs, place: Path) -> Iterator[tuple[Program, str]]:
    """nginx on a free port of the loopback; the program and the URL it receives at."""
    program = required()
    with reserved_port(18_080) as port:
        configuration = place / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(place=place, port=port))
        started = programs.start("nginx", "-c", str(configuration), program=program)
        wait_for_port(port, started)
        yield started, f"http://127.0.0.1:{port}/hook"


def wait_for_port(port: int, program: Program, seconds: float = START_SECONDS) -> None:
    """Until something listens there. Raises Failure where the program ends or takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        program.check()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise Failure(f"{program.name} does not listen.", command=" ".join(program.command)) from None
            time.sleep(0.01)
        else:
            return
