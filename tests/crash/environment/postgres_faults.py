"""PostgreSQL is killed and restarted under load."""

import itertools
import signal

from tests.crash.environment.postgres import is_up, kill_session, restart
from tests.crash.environment.under_load import Surroundings, await_load
from tests.crash.faults import Size
from tests.crash.process_faults import start_paying
from tests.crash.scene import Scene
from tests.processes import until

ROW = "PostgreSQL SIGKILL and restart under load"


class PostgresKilled(Surroundings):
    """Its postmaster."""

    name = "postgresql_killed"
    row = ROW
    quick = Size(strikes=1, events=500)
    long = Size(batches=2, strikes=13, events=4_000)

    def blow(self, scene: Scene) -> None:
        await_load(scene)
        with scene.outage():
            scene.postgres.kill()
            scene.deaths += 1
            scene.postgres.start_again()


class PostgresKilledUnderPayments(PostgresKilled):
    name = "postgresql_killed_under_payments"
    quick = Size(strikes=1, payments=30)
    long = Size(batches=2, strikes=13, payments=300)

    def arrange(self, scene: Scene) -> None:
        start_paying(scene)


class PostgresSessionKilled(Surroundings):
    """One session of the product; the server ends all the others."""

    name = "postgresql_session_killed"
    row = ROW
    quick = Size(strikes=2, events=500)
    long = Size(batches=2, strikes=14, events=4_000)

    def blow(self, scene: Scene) -> None:
        await_load(scene)
        with scene.outage():
            kill_session(scene.postgres)
            scene.deaths += 1
            until(lambda: is_up(scene.postgres), what="PostgreSQL's recovery")


class PostgresRestarted(Surroundings):
    """Fast and immediately, in turn."""

    name = "postgresql_restarted"
    row = ROW
    quick = Size(strikes=2, events=500)
    long = Size(batches=2, strikes=14, events=4_000)

    def arrange(self, scene: Scene) -> None:
        self._modes = itertools.cycle((signal.SIGINT, signal.SIGQUIT))
        super().arrange(scene)

    def blow(self, scene: Scene) -> None:
        await_load(scene)
        with scene.outage():
            restart(scene.postgres, next(self._modes))
