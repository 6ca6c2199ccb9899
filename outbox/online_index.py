"""An index on a table in use: an operation for migrations, which keeps no writer waiting while it builds.

`AddIndex` holds off every writer until it is done. Django's `AddIndexConcurrently` knows no partitioned tables, is
ended by the session's time-outs, and trips over what an interrupted run of it left.
"""

import time
from datetime import timedelta

from django.contrib.postgres.operations import NotInTransactionMixin
from django.db import OperationalError
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement, Table
from django.db.migrations.operations import AddIndex
from django.db.migrations.state import ProjectState
from django.db.models import Index, Model

from outbox.database import fetch_all, sqlstate
from outbox.sql import statements

# A lock that writers wait behind is asked for so long at a time, and they pass in between.
_ASKING = timedelta(seconds=0.25)
_PAUSE = timedelta(seconds=0.5)
_PATIENCE = timedelta(minutes=1)
_LOCK_NOT_AVAILABLE = "55P03"
_SQL = statements("outbox.sql")


class AddIndexOnline(NotInTransactionMixin, AddIndex):
    """AddIndex for a table in use, partitioned or not; the migration says `atomic = False`.

    1. Make the index of a partitioned table without its partitions: nothing is built, and partitions that are made
       from now on get their part with it.
    2. Build each partition's part concurrently, and attach it. The last one makes the whole valid.

    What was interrupted goes on when it is run again: parts that are done stay, one that is invalid is dropped first.
    Locks that hold off writers are held for moments, and not waited for longer than a quarter of a second at a time.

    Raises:
        django.db.NotSupportedError: it runs in a transaction.
        django.db.OperationalError: somebody held a table for a minute, such as a long transaction.
    """

    atomic = False

    def describe(self) -> str:
        return f"Create index {self.index.name} on model {self.model_name} while it is in use"

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        if schema_editor.collect_sql:
            # sqlmigrate asks: what the table has in the end. The steps depend on its partitions.
            schema_editor.add_index(model, self.index)
            return
        _OnlineBuild(schema_editor, model, self.index).run()


class _OnlineBuild:
    """One index, in the sessions of one schema editor. `django.db` errors as of the operation."""

    def __init__(self, editor: BaseDatabaseSchemaEditor, model: type[Model], index: Index) -> None:
        self._editor = editor
        self._model = model
        self._index = index
        self._table = model._meta.db_table  # noqa: SLF001 - Django's own way to ask for it

    def run(self) -> None:
        try:
            if fetch_all(_SQL["is_partitioned"], {"table": self._table})[0][0]:
                self._index_partitions()
            else:
                self._build(self._table, self._index.name)
        finally:
            self._editor.execute("RESET statement_timeout")
            self._editor.execute("RESET lock_timeout")

    def _index_partitions(self) -> None:
        if self._is_valid(self._index.name) is None:
            self._briefly(self._statement(self._table, self._index.name, how="ONLY"))
        # Asked anew after each: maintenance may have dropped one meanwhile.
        while missing := fetch_all(
            _SQL["partitions_without_index"], {"table": self._table, "index": self._index.name}
        ):
            partition: str = missing[0][0]
            part = self._index.name + partition.removeprefix(self._table)
            self._build(partition, part)
            self._briefly(
                f"ALTER INDEX {self._quoted(self._index.name)} ATTACH PARTITION {self._quoted(part)}"
            )

    def _build(self, table: str, name: str) -> None:
        """Concurrently: it waits for every transaction that is older, and nobody waits for it."""
        self._editor.execute("SET statement_timeout = 0")
        self._editor.execute("SET lock_timeout = 0")
        valid = self._is_valid(name)
        if valid is False:
            self._editor.execute(f"DROP INDEX CONCURRENTLY {self._quoted(name)}")
        if not valid:
            self._editor.execute(self._statement(table, name, how="CONCURRENTLY"))

    def _briefly(self, statement: "Statement | str") -> None:
        """Run what takes a moment once it has its lock, and what everybody waits behind until then."""
        self._editor.execute(f"SET lock_timeout = {_ASKING // timedelta(milliseconds=1)}")
        give_up_at = time.monotonic() + _PATIENCE.total_seconds()
        while True:
            try:
                self._editor.execute(statement)
            except OperationalError as error:
                if sqlstate(error) != _LOCK_NOT_AVAILABLE:
                    raise
                if time.monotonic() > give_up_at:
                    raise
            else:
                return
            time.sleep(_PAUSE.total_seconds())

    def _statement(self, table: str, name: str, *, how: str) -> Statement:
        """CREATE INDEX, of another table with the same columns and under another name."""
        index = self._index.clone()
        index.name = name
        statement = index.create_sql(self._model, self._editor, concurrently=how == "CONCURRENTLY")
        only = "ONLY " if how == "ONLY" else ""
        statement.parts["table"] = Table(table, lambda named: only + self._quoted(named))
        return statement

    def _is_valid(self, index: str) -> bool | None:
        """None where there is no index of that name."""
        rows = fetch_all(_SQL["index_is_valid"], {"index": index})
        return rows[0][0] if rows else None

    def _quoted(self, name: str) -> str:
        return self._editor.quote_name(name)
