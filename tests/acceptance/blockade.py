"""Makes a process wait at a chosen statement: the test holds, in a session of its own, the lock it needs."""

from typing import Any, Self

import psycopg2

from tests.processes import until

_ADVISORY = 0x61636370  # any number; advisory locks are one database's own


class Blockade:
    """Locks held in an open transaction until `lift()`."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg2.connect(database_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def on_row(self, table: str, id: object) -> None:
        self._run(f"SELECT FROM {table} WHERE id = %s FOR UPDATE", id)

    def on_inserts(self, table: str) -> None:
        """Reading goes on."""
        self._run(f"LOCK TABLE {table} IN SHARE MODE")

    def on_commits(self) -> None:
        """Of the transactions that `CommitTrap` watches."""
        self._run("SELECT pg_advisory_xact_lock(%s)", _ADVISORY)

    def wait_for_victim(self) -> int:
        """Until a session waits for our lock; gives its backend process."""
        waiting: list[int] = []

        def found() -> bool:
            waiting[:] = [row[0] for row in self._run(_BLOCKED_BY_US)]
            return bool(waiting)

        until(found, what="a session that waits for the test's lock")
        return waiting[0]

    def is_committing(self, backend: int) -> bool:
        return self._run("SELECT query FROM pg_stat_activity WHERE pid = %s", backend) == [("COMMIT",)]

    def end_session(self, backend: int) -> None:
        """The server rolls its transaction back."""
        self._run("SELECT pg_terminate_backend(%s)", backend)
        until(
            lambda: not self._run("SELECT FROM pg_locks WHERE pid = %s", backend),
            what="the end of a terminated session",
        )

    def lift(self) -> None:
        self._connection.rollback()

    def _run(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []


# pg_locks and not pg_stat_activity, which a transaction reads once and then remembers.
_BLOCKED_BY_US = """
SELECT pid FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
"""


class CommitTrap:
    """While it is set, a commit that leaves a payment intent in `status` waits for `Blockade.on_commits`.

    A deferred trigger runs inside COMMIT: the client has asked for it and hears nothing yet.
    """

    def __init__(self, database_url: str, *, status: str) -> None:
        self._connection = psycopg2.connect(database_url)
        self._connection.autocommit = True
        self._status = status

    def __enter__(self) -> Self:
        self._run(
            "CREATE FUNCTION commit_trap() RETURNS trigger LANGUAGE plpgsql AS "
            f"'BEGIN PERFORM pg_advisory_xact_lock_shared({_ADVISORY}); RETURN NULL; END'"
        )
        self._run(
            "CREATE CONSTRAINT TRIGGER commit_trap AFTER INSERT OR UPDATE ON core_payment_intent "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
            f"WHEN (NEW.status = '{self._status}') EXECUTE FUNCTION commit_trap()"
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._run("DROP FUNCTION commit_trap CASCADE")
        self._connection.close()

    def _run(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
