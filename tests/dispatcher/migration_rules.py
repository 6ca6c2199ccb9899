"""What a migration may do while processes of the version before keep running.

They insert without columns that they do not know, read columns that the new code has forgotten, and name
constraints in `ON CONFLICT`. So columns come nullable or with a default of the database, and nothing that
exists is taken away, renamed or narrowed before a version that does without it has been released.

What is taken away then says so in the migration's source, subject by subject:

    # Unused since 0.2.0: delivery.started_at

Nor does it keep them waiting: an index of a table that was there before is built by `AddIndexOnline`. Where a table is
never large, the source may say that too:

    # Quick to build: parcel_state
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.migrations import operations
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Field, UniqueConstraint
from django.db.models.fields import NOT_PROVIDED

from outbox.online_index import AddIndexOnline

# Add what nobody knew, or change what only Django sees.
_HARMLESS = (
    operations.CreateModel,
    operations.RemoveIndex,
    operations.RenameIndex,
    operations.AlterModelManagers,
    operations.AlterModelOptions,
    operations.AlterModelTableComment,
    operations.AlterOrderWithRespectTo,
)
_TAKEN_AWAY = (
    operations.RemoveField,
    operations.RenameField,
    operations.DeleteModel,
    operations.RenameModel,
    operations.AlterModelTable,
    operations.AlterUniqueTogether,
    operations.AddConstraint,
)
_WIDENINGS = {
    ("smallint", "integer"),
    ("smallint", "bigint"),
    ("integer", "bigint"),
    ("date", "timestamp with time zone"),
}
_VARCHAR = re.compile(r"varchar(?:\((\d+)\))?")

# A function's body, a string, a comment: text that a migration stores or passes over, and does not run.
_NOT_RUN = re.compile(r"(\$\w*\$).*?\1|'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_BREAKING_SQL = re.compile(
    r"""
      \b DROP \s+ (?: COLUMN | TABLE | (?:MATERIALIZED \s+)? VIEW | FUNCTION | CONSTRAINT | TYPE | SCHEMA
                    | DEFAULT | INDEX ) \b [^;]*
    | \b RENAME \b [^;]*
    | \b ALTER \s+ (?:COLUMN \s+)? \S+ \s+ (?: SET \s+ DATA \s+ )? TYPE \b [^;]*
    | \b SET \s+ (?: NOT \s+ NULL | SCHEMA ) \b [^;]*
    | \b ADD \s+ CONSTRAINT \b [^;]*
    | \b ADD \s+ (?:COLUMN \s+)? (?! CONSTRAINT \b ) [^;,]* \b NOT \s+ NULL \b (?! [^;,]* \b DEFAULT \b ) [^;,]*
    | \b CREATE \s+ UNIQUE \s+ INDEX \b [^;]*
    | \b TRUNCATE \b [^;]*
    | \b DO \b \s* (?: LANGUAGE \b | \$ ) [^;]*
    """,
    re.IGNORECASE | re.VERBOSE,
)
# `ADD COLUMN n integer DEFAULT 0 NOT NULL` has its default before the NOT NULL.
_HAS_DEFAULT = re.compile(r"\bDEFAULT\b", re.IGNORECASE)
_NEW_TABLE = re.compile(r"\bCREATE\s+TABLE\s+(\w+)", re.IGNORECASE)
_NEW_INDEX = re.compile(
    r"\bCREATE\s+INDEX\s+(?:CONCURRENTLY\s+)?(\w+)\s+ON\s+(?:ONLY\s+)?(\w+)", re.IGNORECASE
)
_QUICK = re.compile(r"(?m)^\s*# Quick to build: (\w+)")
_UNUSED_SINCE = re.compile(r"(?m)^\s*# Unused since (\d+)\.(\d+)\.(\d+): (\S.*?)\s*$")

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Complaint:
    """One operation that a process of the version before may trip over."""

    subject: str  # what an `Unused since` comment has to name
    reason: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}"


def complaints_of(migration: Migration, state: ProjectState, source: str, *, version: Version) -> list[str]:
    """What is wrong with a migration, in sentences.

    Args:
        state: the models before the migration.
        source: its text, for the comments that allow what is otherwise refused.
        version: the version that the migration comes with; a subject must have been unused before it.
    """
    allowed = {subject: (int(a), int(b), int(c)) for a, b, c, subject in _UNUSED_SINCE.findall(source)}
    found = []
    for operation in migration.operations:
        for complaint in _judge(operation, migration.app_label, state):
            since = allowed.pop(complaint.subject, None)
            if since is None:
                found.append(str(complaint))
            elif since >= version:
                found.append(f"{complaint.subject}: it is dropped in the very version that stopped using it")
        operation.state_forwards(migration.app_label, state)
    found += [f"{subject}: said to be unused, and nothing happens to it here" for subject in allowed]
    quick = set(_QUICK.findall(source))
    for index in _slow_indexes(migration):
        if index in quick:
            quick.remove(index)
        else:
            found.append(f"{index}: writers wait while it is built; use AddIndexOnline")
    found += [f"{index}: said to be quick to build, and it is not built here" for index in sorted(quick)]
    return found


def _slow_indexes(migration: Migration) -> Iterator[str]:
    """Indexes that are not built online, of tables that the migration does not make itself."""
    made: set[str] = set()
    for operation in _of_the_database(migration.operations):
        match operation:
            case operations.CreateModel():
                made.add(operation.name_lower)
            case AddIndexOnline():
                continue
            case operations.AddIndex():
                if operation.model_name_lower not in made:
                    yield str(operation.index.name)
            case operations.RunSQL():
                for statement in _statements(operation):
                    text = _NOT_RUN.sub(" $$ ", statement)
                    made.update(name.lower() for name in _NEW_TABLE.findall(text))
                    yield from (name for name, table in _NEW_INDEX.findall(text) if table.lower() not in made)
            case _:
                continue


def _of_the_database(every: Sequence[Operation]) -> Iterator[Operation]:
    for operation in every:
        if isinstance(operation, operations.SeparateDatabaseAndState):
            yield from _of_the_database(operation.database_operations)
        else:
            yield operation


def _judge(operation: Operation, app_label: str, state: ProjectState) -> Iterator[Complaint]:
    match operation:
        case operations.SeparateDatabaseAndState():
            # The state is Django's own view; what other processes meet is the database.
            for part in operation.database_operations:
                yield from _judge(part, app_label, state)
        case operations.AddField():
            yield from _judge_new_field(operation)
        case operations.AlterField():
            before = state.models[app_label, operation.model_name_lower].get_field(operation.name)
            yield from _judge_altered_field(operation, before)
        case operations.RemoveConstraint():
            held = state.models[app_label, operation.model_name_lower].get_constraint_by_name(operation.name)
            if isinstance(held, UniqueConstraint):
                yield Complaint(_subject(operation), "an ON CONFLICT of the version before may rest on it")
        case operations.RunSQL():
            yield from _judge_sql(operation)
        case operations.RunPython():
            yield Complaint(_subject(operation), "what it does cannot be read off; do it in SQL")
        case _ if isinstance(operation, _TAKEN_AWAY):
            yield Complaint(_subject(operation), f"{type(operation).__name__} breaks the version before")
        case operations.AddIndex():
            return  # what it may keep waiting is judged by `_slow_indexes`
        case _ if isinstance(operation, _HARMLESS):
            return
        case _:
            yield Complaint(type(operation).__name__, "an operation that the rule does not know yet")


def _judge_new_field(operation: operations.AddField) -> Iterator[Complaint]:
    field = operation.field
    if not (field.null or field.many_to_many or field.db_default is not NOT_PROVIDED):
        yield Complaint(
            _subject(operation),
            "a new column must be null=True or have a db_default: old code inserts without it",
        )


def _judge_altered_field(operation: operations.AlterField, before: "Field[Any, Any]") -> Iterator[Complaint]:
    after = operation.field
    subject = _subject(operation)
    old_type, new_type = (field.db_type(connection) or "" for field in (before, after))
    if old_type != new_type and (old_type, new_type) not in _WIDENINGS and not _longer(old_type, new_type):
        yield Complaint(subject, f"{old_type} becomes {new_type}")
    if before.null and not after.null:
        yield Complaint(subject, "NULL is no longer accepted")
    if after.unique and not before.unique:
        yield Complaint(subject, "it becomes unique")
    if before.unique and not after.unique:
        yield Complaint(subject, "an ON CONFLICT of the version before may rest on its being unique")
    if before.db_default is not NOT_PROVIDED and after.db_default is NOT_PROVIDED and not after.null:
        yield Complaint(subject, "its default is gone: the version before inserts without it")
    if (before.db_column or operation.name) != (after.db_column or operation.name):
        yield Complaint(subject, "the column gets another name")


def _longer(old_type: str, new_type: str) -> bool:
    old, new = _VARCHAR.fullmatch(old_type), _VARCHAR.fullmatch(new_type)
    if old is None:
        return False
    if new is None:
        return new_type == "text"
    return new[1] is None or (old[1] is not None and int(new[1]) >= int(old[1]))


def _judge_sql(operation: operations.RunSQL) -> Iterator[Complaint]:
    for text in _statements(operation):
        for found in _BREAKING_SQL.finditer(_NOT_RUN.sub(" $$ ", text)):
            words = " ".join(found[0].split())
            if (
                words.upper().startswith("ADD")
                and "CONSTRAINT" not in words.upper()
                and _HAS_DEFAULT.search(words)
            ):
                continue
            yield Complaint(words, "this SQL breaks the version before")


def _statements(operation: operations.RunSQL) -> list[str]:
    statements = operation.sql if isinstance(operation.sql, list | tuple) else [operation.sql]
    return [statement if isinstance(statement, str) else statement[0] for statement in statements]


def _subject(operation: Operation) -> str:
    """`delivery.started_at` for a field, `delivery` for a model, the code's name for a function."""
    if isinstance(operation, operations.RunPython):
        return getattr(operation.code, "__name__", "RunPython")
    if isinstance(operation, operations.AddConstraint):
        return f"{operation.model_name_lower}.{operation.constraint.name}"
    if isinstance(operation, operations.RenameField):
        return f"{operation.model_name_lower}.{operation.old_name}"
    if isinstance(operation, operations.RenameModel):
        return operation.old_name_lower
    model = getattr(operation, "model_name_lower", None)
    name = getattr(operation, "name", None)
    return f"{model}.{name}" if model and name else str(getattr(operation, "name_lower", model))
