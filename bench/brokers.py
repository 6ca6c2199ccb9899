"""The brokers of the dramatiq executor, each a private server that lives as long as a scenario."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tools.failures import Failure


@dataclass(frozen=True, slots=True)
class RunningBroker:
    url: str
    pid: int | None  # of its server, whose CPU seconds count


@dataclass(frozen=True, slots=True)
class Broker:
    name: str
    module: str
    server: str  # the context manager in it

    @contextmanager
    def running(self) -> Iterator[RunningBroker]:
        """Raises Failure where this version has no such broker, or the machine lacks its server."""
        try:
            start: Any = getattr(importlib.import_module(self.module), self.server)
        except (ImportError, AttributeError):
            raise Failure(f"{self.module}.{self.server} is not in this version.") from None
        with start() as server:
            yield RunningBroker(server.url, getattr(server, "pid", None))


ALL = (
    Broker("RabbitMQ", "tools.private_brokers", "PrivateRabbitMQ"),
    Broker("Redis", "tools.private_brokers", "PrivateRedis"),
)
