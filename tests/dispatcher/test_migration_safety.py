"""No migration breaks a process of the version before: docs/how-to/change-the-schema.md, held by a rule."""

import inspect
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently, CreateExtension
from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState

from outbox.online_index import AddIndexOnline
from tests.dispatcher.migration_rules import complaints_of

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("outbox", "dispatcher", "core", "api")
NEXT = (0, 3, 0)


def test_every_migration_keeps_the_version_before_running() -> None:
    """The first migrations make empty databases: no process was there before them."""
    loader = MigrationLoader(None)
    judged = {key: migration for key, migration in loader.disk_migrations.items() if key[0] in ROOMS}
    assert {room for room, name in judged if name.startswith("0001_")} == set(ROOMS)
    major, minor, patch = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"].split(
        "."
    )
    for (room, name), migration in judged.items():
        if name.startswith("0001_"):
            continue
        source = inspect.getsource(sys.modules[type(migration).__module__])
        state = loader.project_state((room, name), at_end=False)
        found = complaints_of(migration, state, source, version=(int(major), int(minor), int(patch)))
        assert found == [], f"{room}/migrations/{name}.py"


def judged(*made_up: Operation, comment: str = "") -> list[str]:
    """The rule's verdict on a migration of a parcels app."""
    state = ProjectState()
    state.add_model(
        ModelState(
            "parcels",
            "Parcel",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("code", models.CharField(max_length=20)),
                ("weight", nullable(models.IntegerField)),
                ("state", models.TextField(db_default="new")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["code"], name="parcel_code"),
                    models.CheckConstraint(condition=models.Q(weight__gt=0), name="parcel_weight"),
                ]
            },
        )
    )
    made = type("MadeUp", (Migration,), {"operations": list(made_up)})
    return complaints_of(made("0002_made_up", "parcels"), state, comment, version=NEXT)


def add(field: "models.Field[Any, Any]") -> Operation:
    return operations.AddField("parcel", "added", field)


def nullable(kind: "type[models.Field[Any, Any]]") -> "models.Field[Any, Any]":
    return kind(null=True)


def alter(name: str, field: "models.Field[Any, Any]") -> Operation:
    return operations.AlterField("parcel", name, field)


@pytest.mark.parametrize(
    "operation",
    [
        add(nullable(models.IntegerField)),
        add(models.IntegerField(db_default=0)),
        operations.CreateModel("Van", [("id", models.BigAutoField(primary_key=True))]),
        AddIndexOnline("parcel", models.Index(fields=["state"], name="parcel_state")),
        operations.RemoveConstraint("parcel", "parcel_weight"),
        alter("code", models.CharField(max_length=21)),
        alter("code", models.TextField()),
        alter("weight", nullable(models.BigIntegerField)),
        alter("state", nullable(models.TextField)),
        operations.RunSQL("ALTER TABLE parcel ADD COLUMN size integer"),
        operations.RunSQL("CREATE TABLE van (id uuid); CREATE INDEX van_id ON van (id)"),
        operations.RunSQL("ALTER TABLE parcel ADD COLUMN size integer NOT NULL DEFAULT 0"),
        operations.RunSQL("ALTER TABLE parcel ADD COLUMN size integer DEFAULT 0 NOT NULL"),
        operations.RunSQL("CREATE TABLE van (id uuid NOT NULL, CHECK (id IS NOT NULL))"),
        operations.RunSQL("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DROP TABLE parcel $$"),
        operations.RunSQL("-- DROP TABLE parcel\nSELECT 'DROP TABLE parcel' /* RENAME */"),
        operations.RunSQL("SELECT 1", reverse_sql="DROP TABLE parcel"),
        operations.SeparateDatabaseAndState(state_operations=[operations.RemoveField("parcel", "weight")]),
    ],
    ids=lambda operation: operation.describe(),
)
def test_what_old_code_can_live_with_passes(operation: Operation) -> None:
    assert judged(operation) == []


@pytest.mark.parametrize(
    ("operation", "subject"),
    [
        (add(models.IntegerField(default=0)), "parcel.added"),
        (operations.RemoveField("parcel", "weight"), "parcel.weight"),
        (operations.RenameField("parcel", "weight", "grams"), "parcel.weight"),
        (operations.RenameModel("Parcel", "Package"), "parcel"),
        (operations.DeleteModel("Parcel"), "parcel"),
        (operations.AlterModelTable("parcel", "packages"), "parcel"),
        (operations.AlterUniqueTogether("parcel", [("code", "state")]), "parcel"),
        (operations.RemoveConstraint("parcel", "parcel_code"), "parcel.parcel_code"),
        (
            operations.AddConstraint(
                "parcel", models.CheckConstraint(condition=models.Q(weight__lt=9), name="parcel_light")
            ),
            "parcel.parcel_light",
        ),
        (alter("code", models.CharField(max_length=19)), "parcel.code"),
        (alter("code", models.IntegerField()), "parcel.code"),
        (alter("code", models.CharField(max_length=20, unique=True)), "parcel.code"),
        (alter("code", models.CharField(max_length=20, db_column="number")), "parcel.code"),
        (alter("weight", models.IntegerField(default=0)), "parcel.weight"),
        (alter("state", models.TextField()), "parcel.state"),
        (operations.RunSQL("ALTER TABLE parcel DROP COLUMN weight"), "DROP COLUMN weight"),
        (operations.RunSQL("ALTER TABLE parcel RENAME weight TO grams"), "RENAME weight TO grams"),
        (operations.RunSQL([("DROP VIEW v", None)]), "DROP VIEW v"),
        (
            operations.RunSQL("ALTER TABLE parcel ALTER COLUMN weight TYPE smallint"),
            "ALTER COLUMN weight TYPE smallint",
        ),
        (operations.RunSQL("ALTER TABLE parcel ALTER weight SET NOT NULL"), "SET NOT NULL"),
        (
            operations.RunSQL("ALTER TABLE parcel ADD COLUMN size integer NOT NULL"),
            "ADD COLUMN size integer NOT NULL",
        ),
        (
            operations.RunSQL("ALTER TABLE parcel ADD CONSTRAINT light CHECK (weight < 9)"),
            "ADD CONSTRAINT light CHECK (weight < 9)",
        ),
        (
            operations.RunSQL("CREATE UNIQUE INDEX u ON parcel (state)"),
            "CREATE UNIQUE INDEX u ON parcel (state)",
        ),
        (operations.RunSQL("DO $$ BEGIN EXECUTE 'DROP TABLE parcel'; END $$"), "DO $$"),
        (operations.RunPython(operations.RunPython.noop), "noop"),
        (CreateExtension("pg_trgm"), "CreateExtension"),
        (
            operations.SeparateDatabaseAndState(
                database_operations=[operations.RunSQL("ALTER TABLE parcel DROP COLUMN weight")]
            ),
            "DROP COLUMN weight",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value.describe(),
)
def test_what_breaks_old_code_is_refused_until_a_version_did_without_it(
    operation: Operation, subject: str
) -> None:
    (complaint,) = judged(operation)
    assert complaint.startswith(f"{subject}: ")
    assert judged(operation, comment=f"    # Unused since 0.2.0: {subject}") == []


@pytest.mark.parametrize(
    "operation",
    [
        operations.AddIndex("parcel", models.Index(fields=["state"], name="parcel_state")),
        # Ended by the session's time-outs, and not to be run again where it was interrupted.
        AddIndexConcurrently("parcel", models.Index(fields=["state"], name="parcel_state")),
        operations.RunSQL("CREATE INDEX parcel_state ON parcel (state)"),
        operations.SeparateDatabaseAndState(
            database_operations=[operations.RunSQL("CREATE INDEX parcel_state ON ONLY parcel (state)")]
        ),
    ],
    ids=lambda operation: operation.describe(),
)
def test_an_index_that_writers_wait_for_is_refused_unless_its_table_is_small(operation: Operation) -> None:
    (complaint,) = judged(operation)
    assert complaint == "parcel_state: writers wait while it is built; use AddIndexOnline"
    assert judged(operation, comment="# Quick to build: parcel_state (what is under way alone)") == []


def test_an_index_of_a_table_that_the_migration_makes_keeps_nobody_waiting() -> None:
    van = operations.CreateModel("Van", [("id", models.BigAutoField(primary_key=True))])
    assert judged(van, operations.AddIndex("van", models.Index(fields=["id"], name="van_id"))) == []


def test_an_index_that_is_not_built_is_not_said_to_be_quick() -> None:
    (complaint,) = judged(comment="# Quick to build: parcel_state")
    assert complaint.startswith("parcel_state: said to be quick")


def test_what_this_very_version_stopped_using_stays() -> None:
    removal = operations.RemoveField("parcel", "weight")
    (complaint,) = judged(removal, comment="# Unused since 0.3.0: parcel.weight")
    assert "the very version" in complaint


def test_an_allowance_counts_for_its_own_subject_once() -> None:
    removal = operations.RemoveField("parcel", "weight")
    found = judged(removal, comment="# Unused since 0.2.0: parcel.state")
    assert [complaint.partition(":")[0] for complaint in found] == ["parcel.weight", "parcel.state"]


def test_a_field_is_compared_with_what_the_migration_itself_made_of_it() -> None:
    widened = alter("code", models.CharField(max_length=30))
    narrowed = alter("code", models.CharField(max_length=25))
    assert len(judged(widened, narrowed)) == 1
