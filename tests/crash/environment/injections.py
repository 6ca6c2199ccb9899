"""Statements that fail because a trigger of ours says so, for as long as a block runs."""

import itertools
from typing import Self

import psycopg2.errors

from tests.acceptance.server import Server
from tests.crash.environment.postgres import run_sql
from tests.processes import until

SERIALIZATION_FAILURE = "40001"
CHECK_VIOLATION = "23514"
_numbers = itertools.count(1)


class Injection:
    """Every change of this kind fails, or a share of them.

    Args:
        change: INSERT, UPDATE or DELETE.
        error: the SQLSTATE.
        share: of the statements, 0 to 1; drawn once for each, however many rows it changes.
        rows: instead of any statement those that INSERT or UPDATE a row of which this SQL, on NEW, is true.
    """

    def __init__(
        self,
        postgres: Server,
        *,
        table: str,
        change: str,
        error: str,
        share: float = 1.0,
        rows: str | None = None,
    ) -> None:
        self._postgres = postgres
        self._name = f"crash_injection_{next(_numbers)}"
        self._table = table
        self._change = change
        self._error = error
        self._share = share
        self._rows = rows

    def __enter__(self) -> Self:
        self._run(f"CREATE SEQUENCE {self._name}")
        # A sequence forgets nothing when the statement that it counts is rolled back.
        self._run(
            f"CREATE FUNCTION {self._name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF random() < {self._share} THEN PERFORM nextval('{self._name}'); "
            f"RAISE EXCEPTION 'injected' USING ERRCODE = '{self._error}'; END IF; "
            "RETURN NEW; END $$",
        )
        level = "STATEMENT" if self._rows is None else f"ROW WHEN ({self._rows})"
        self._run(
            f"CREATE TRIGGER {self._name} BEFORE {self._change} ON {self._table} "
            f"FOR EACH {level} EXECUTE FUNCTION {self._name}()",
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._run(f"DROP FUNCTION {self._name} CASCADE")
        self._run(f"DROP SEQUENCE {self._name}")

    @property
    def count(self) -> int:
        """How many statements it has failed."""
        [(last, called)] = run_sql(self._postgres, f"SELECT last_value, is_called FROM {self._name}")
        return int(last) if called else 0

    def _run(self, sql: str) -> None:
        """It locks several tables, in another order than the product may: where it has to yield, it comes again."""

        def done() -> bool:
            try:
                run_sql(self._postgres, sql)
            except psycopg2.errors.DeadlockDetected:
                return False
            return True

        until(done, what=f"locks for: {sql}")
