"""Brokers that lose what they hold, die, and come back on the same port."""

import os
import signal

from tests.acceptance.kernel import children_of
from tests.crash.environment.postgres import is_running
from tests.processes import until
from tools.failures import Failure
from tools.private_brokers import PrivateBroker


def kill(broker: PrivateBroker) -> None:
    """SIGKILL of the server and its helpers; it stays down, and its files stay."""
    keeper = broker.pid
    assert keeper is not None, "it runs"
    servers = children_of(keeper)
    for server in servers:
        os.kill(server, signal.SIGKILL)
    until(lambda: not any(map(is_running, servers)), what="the broker's end")
    broker.stop()  # its keeper, which has nothing left to keep


def start(broker: PrivateBroker) -> None:
    """Returns when it accepts connections; on a busy machine RabbitMQ takes more than one try."""

    def started() -> bool:
        try:
            broker.start()
        except Failure:
            return False
        return True

    until(started, what=f"{broker.name}'s start")
