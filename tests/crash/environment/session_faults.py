"""Connections run out, statements fail that did nothing wrong, and some rows fail for ever."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.crash.environment.injections import CHECK_VIOLATION, SERIALIZATION_FAILURE, Injection
from tests.crash.environment.postgres import run_sql
from tests.crash.environment.sessions import (
    OldTransaction,
    cancel_statements,
    end_sessions,
    inserts_wait,
    lock_against_the_order,
    no_connections_left,
)
from tests.crash.environment.under_load import Surroundings, await_load, await_refusal
from tests.crash.faults import Size
from tests.crash.process_faults import pause, start_paying
from tests.crash.product import LEASE, Product
from tests.crash.scene import Scene
from tests.crash.suite import OWNERS
from tests.processes import until

ROW = "deadlock, serialization failure, statement timeout, poison row"


class ConnectionsExhausted(Surroundings):
    """The server's, and those that the product's role is allowed, in turn; the product's own are ended first."""

    name = "connections_exhausted"
    row = "connections used up"
    quick = Size(strikes=2, payments=20)
    long = Size(strikes=14, payments=300)

    def arrange(self, scene: Scene) -> None:
        run_sql(scene.postgres, _CREATE_ROLE)
        self._ways = itertools.cycle((self._server_is_full, self._role_is_full))
        role = self.start_beside(
            scene, Product(scene.postgres.url.replace("//postgres@", f"//{ROLE}@"), scene.directory)
        )
        role.start_settlement()
        for dispatcher in (role.start_dispatcher(), role.start_dispatcher()):
            dispatcher.says("dispatcher ready")
        self.api = role.start_api()
        scene.open.callback(self.api.kill)
        scene.load.start_paying(port=self.api.port, api_key=scene.api_key)

    def blow(self, scene: Scene) -> None:
        await_load(scene)
        with scene.outage(), next(self._ways)(scene):
            await_refusal(scene, self.api)
            pause(scene.random.uniform(0.0, 1.0))

    @contextmanager
    def _server_is_full(self, scene: Scene) -> Iterator[None]:
        with no_connections_left(scene.postgres):
            yield

    @contextmanager
    def _role_is_full(self, scene: Scene) -> Iterator[None]:
        run_sql(scene.postgres, f"ALTER ROLE {ROLE} CONNECTION LIMIT 0")
        end_sessions(scene.postgres)
        try:
            yield
        finally:
            run_sql(scene.postgres, f"ALTER ROLE {ROLE} CONNECTION LIMIT -1")


ROLE = "shopkeeper"
# Everything that its tables' owner may, and nothing that only a superuser may: not to pass over limits, either.
_CREATE_ROLE = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
        CREATE ROLE {ROLE} LOGIN IN ROLE postgres;
    END IF;
END $$
"""


class Deadlocked(Surroundings):
    name = "deadlock"
    row = ROW
    quick = Size(strikes=1, events=500)
    long = Size(strikes=10, events=3_000)

    def blow(self, scene: Scene) -> None:
        await_load(scene)
        with scene.outage():
            until(lambda: lock_against_the_order(scene.postgres), what="a deadlock")


class SerializationFailed(Surroundings):
    """Half of the statements that change one table, table after table."""

    name = "serialization_failure"
    row = ROW
    quick = Size(strikes=4, payments=20)
    long = Size(strikes=21, payments=300)

    def arrange(self, scene: Scene) -> None:
        self._places = itertools.cycle(_PLACES)
        start_paying(scene)
        scene.load.start_recorder()

    def blow(self, scene: Scene) -> None:
        await_load(scene)
        table, change = next(self._places)
        with (
            scene.outage(),
            Injection(
                scene.postgres, table=table, change=change, error=SERIALIZATION_FAILURE, share=0.5
            ) as injection,
        ):
            until(lambda: injection.count >= _FAILURES, what=f"failures of {change} on {table}")


_FAILURES = 4  # statements
_PLACES = (
    ("outbox_event", "INSERT"),
    ("dispatcher_delivery", "UPDATE"),
    ("dispatcher_attempt", "INSERT"),
    ("core_payment_intent", "UPDATE"),
    ("dispatcher_delivery", "INSERT"),
    ("dispatcher_lane", "UPDATE"),
    ("api_idempotency_key", "UPDATE"),
)


class StatementsTimedOut(Surroundings):
    """Statements wait for a lock until their timeout, are cancelled wherever they are, lose their sessions, in turn."""

    name = "statement_timeout"
    row = ROW
    quick = Size(strikes=3, payments=20)
    long = Size(strikes=15, payments=300)

    def arrange(self, scene: Scene) -> None:
        self._ways = itertools.cycle((self._wait, self._cancel, self._end))
        product = self.start_beside(
            scene, Product(scene.postgres.url, scene.directory, STATEMENT_TIMEOUT_MS="500")
        )
        product.start_settlement()
        for dispatcher in (product.start_dispatcher(), product.start_dispatcher()):
            dispatcher.says("dispatcher ready")
        api = product.start_api()
        scene.open.callback(api.kill)
        scene.load.start_paying(port=api.port, api_key=scene.api_key)
        scene.load.start_recorder()

    def blow(self, scene: Scene) -> None:
        await_load(scene)
        with scene.outage():
            next(self._ways)(scene)

    def _wait(self, scene: Scene) -> None:
        table = scene.random.choice(("dispatcher_attempt", "outbox_pending", "dispatcher_delivery"))
        with inserts_wait(scene.postgres, table):
            pause(scene.random.uniform(0.6, 2.0))

    def _cancel(self, scene: Scene) -> None:
        self._repeat(lambda: cancel_statements(scene.postgres))

    def _end(self, scene: Scene) -> None:
        self._repeat(lambda: end_sessions(scene.postgres))

    def _repeat(self, blow: Callable[[], int]) -> None:
        hit = 0

        def hit_enough() -> bool:
            nonlocal hit
            hit += blow()
            return hit >= _BLOWS

        until(hit_enough, what="statements and sessions to strike")


_BLOWS = 20


class RowsPoisoned(Surroundings):
    """Some events cannot be fanned out, or their deliveries cannot end, in turn; all others go on."""

    name = "poison_row"
    row = ROW
    quick = Size(strikes=1, events=1_000)
    long = Size(strikes=10, events=5_000)

    def arrange(self, scene: Scene) -> None:
        self._tables = itertools.cycle(("dispatcher_delivery", "dispatcher_finished_delivery"))
        super().arrange(scene)

    def blow(self, scene: Scene) -> None:
        await_load(scene)
        with (
            scene.outage() as look,
            Injection(
                scene.postgres,
                table=next(self._tables),
                change="INSERT",
                error=CHECK_VIOLATION,
                rows=_POISONED.format(event="NEW.event_id"),
            ) as injection,
        ):
            until(lambda: injection.count, what="a poison row")
            [(newest,)] = run_sql(scene.postgres, "SELECT max(event_id::text) FROM outbox_pending")

            def others_have_ended() -> bool:
                look()
                pause(LEASE / 10)
                return run_sql(scene.postgres, _OTHERS, newest, newest) == [(0,)]

            until(others_have_ended, what="the end of what is not poisoned")


# One event of 4,096, every few seconds one: the last three digits are random.
_POISONED = "right({event}::text, 3) = '0a7'"
_OTHERS = f"""
SELECT (SELECT count(*) FROM outbox_pending
        WHERE event_id::text <= %s AND NOT {_POISONED.format(event="event_id")})
     + (SELECT count(*) FROM dispatcher_delivery
        WHERE event_id::text <= %s AND NOT {_POISONED.format(event="event_id")})
"""


class OldTransactionOpen(Surroundings):
    """An event is committed after younger ones have long been delivered."""

    name = "old_transaction"
    row = "a long transaction holding an older event"
    quick = Size(strikes=2, events=500)
    long = Size(strikes=12, events=3_000)

    def blow(self, scene: Scene) -> None:
        owner = scene.random.choice([*OWNERS])
        with scene.outage(), OldTransaction(scene.postgres, owner=owner, type="parcel.sent") as old:
            await_load(scene)
            until(lambda: _delivered_since(scene, old), what="deliveries of younger events")
            old.commit()


def _delivered_since(scene: Scene, old: OldTransaction) -> bool:
    return run_sql(scene.postgres, _DELIVERED, str(old.id)) != []


_DELIVERED = "SELECT 1 FROM dispatcher_finished_delivery WHERE event_id > %s LIMIT 1"
