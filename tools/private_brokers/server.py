"""The owner's side: the servers' commands, their ports, and start, stop and start again."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

from tools.demo.ports import HOST, reserved_port
from tools.failures import Failure
from tools.private_brokers.keeper import Order, argument, log_of

REPOSITORY = Path(__file__).resolve().parents[2]
KEEPER_PROGRAM = "from tools.private_brokers.keeper import main; raise SystemExit(main())"
# Debian's own command of this name is a wrapper that demands root or its own account.
RABBITMQ_PROGRAMS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")


class PrivateBroker(ABC):
    """A server that runs inside `with`; `stop()` and `start()` keep its port and its data."""

    name: ClassVar[str]
    programs: ClassVar[tuple[str, ...]]  # any one of them starts the server

    @classmethod
    def program(cls) -> str | None:
        """Where its program is on this machine, None where it is not installed."""
        return next(filter(None, map(shutil.which, cls.programs)), None)

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._keeper: subprocess.Popen[str] | None = None

    @property
    @abstractmethod
    def url(self) -> str: ...

    @abstractmethod
    def _order(self) -> Order: ...

    @property
    def pid(self) -> int | None:
        """Of the keeper, whose children are the server's processes; None where none runs."""
        return None if self._keeper is None else self._keeper.pid

    @property
    def home(self) -> Path:
        return self._home

    def __enter__(self) -> Self:
        self._port = self._reserve_port()
        self._home = Path(tempfile.mkdtemp(prefix=f"ministripe-{self.name}-", dir="/var/tmp"))
        self._stack.callback(shutil.rmtree, self._home, ignore_errors=True)
        try:
            self.start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._stack.close()

    def start(self) -> None:
        """Return when the server accepts connections. Raises Failure, with nothing left running."""
        keeper = subprocess.Popen(
            [sys.executable, "-c", KEEPER_PROGRAM, argument(self._order())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            start_new_session=True,
        )
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        with keeper.stdout:
            line = keeper.stdout.readline()
        answer = json.loads(line) if line else {"failure": ["The private broker did not start.", "", "", ""]}
        if failure := answer.get("failure"):
            keeper.stdin.close()
            keeper.wait()
            sentence, command, output, suggestion = failure
            raise Failure(sentence, command=command, output=output, suggestion=suggestion)
        self._keeper = keeper

    def stop(self) -> None:
        """Stop the server and wait until it and its keeper are gone; what it keeps on disk stays."""
        if self._keeper is None:
            return
        self._keeper.terminate()
        self._keeper.wait()
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        self._keeper = None

    def log(self) -> str:
        return log_of(self._home).read_text(errors="replace")

    def _needed_program(self) -> str:
        program = self.program()
        if program is None:
            raise Failure(
                f"There is no {self.programs[-1]}.", suggestion=f"apt-get install {self.programs[-1]}"
            )
        return program

    def _reserve_port(self) -> int:
        return self._stack.enter_context(reserved_port(0))


class PrivateRedis(PrivateBroker):
    name = "redis"
    programs = ("redis-server",)

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self._port}/0"

    def _order(self) -> Order:
        options = {
            "bind": HOST,
            "port": str(self._port),
            "dir": str(self._home),
            "appendonly": "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        return Order(
            home=str(self._home),
            commands=[[self._needed_program(), *arguments]],
            environment={},
            port=self._port,
        )


class PrivateRabbitMQ(PrivateBroker):
    """With a port mapper of its own, so that nothing is shared with, or left for, another Erlang node."""

    name = "rabbitmq"
    programs = RABBITMQ_PROGRAMS

    def __enter__(self) -> Self:
        self._distribution_port = self._reserve_port()
        self._mapper_port = self._reserve_port()
        return super().__enter__()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{HOST}:{self._port}/%2F"

    def _order(self) -> Order:
        server = self._needed_program()
        mapper = shutil.which("epmd") or "epmd"  # Erlang's, so it comes with the server
        home = self._home
        for part in ("data", "log"):
            (home / part).mkdir(exist_ok=True)
        for part in ("enabled_plugins", "rabbitmq.conf", "rabbitmq-env.conf"):
            (home / part).touch()
        (home / "enabled_plugins").write_text("[].\n")
        environment = {
            "HOME": str(home),  # of Erlang's cookie
            "RABBITMQ_CONF_ENV_FILE": str(home / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_NODENAME": f"ministripe{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(home / "data"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_PID_FILE": str(home / "pid"),
            "RABBITMQ_LOGS": "-",
            # The script becomes the server instead of staying before it, so it is the process to stop.
            "RUNNING_UNDER_SYSTEMD": "true",
            # One scheduler, which does not spin: the machine belongs to the tests.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
            ),
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": HOST,
        }
        return Order(
            home=str(home),
            commands=[[mapper, "-port", str(self._mapper_port), "-address", HOST], [server]],
            environment=environment,
            port=self._port,
        )
