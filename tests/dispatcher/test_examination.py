"""Each look of the doctor finds what it is for, and says nothing where that is well."""

import threading
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db.migrations.recorder import MigrationRecorder

import dispatcher.database_examination as of_database
import dispatcher.examination as examination
from dispatcher.deliveries import database_now
from dispatcher.findings import CATALOGUE
from dispatcher.models import Endpoint
from dispatcher.pause import pause_deliveries
from outbox.findings import Level, Seen, finding
from tests.dispatcher.beats import beat
from tests.dispatcher.scenes import fan_out, make_endpoint, query, record

pytestmark = pytest.mark.django_db


def found(name: str) -> list[str]:
    return [seen.finding.id for seen in looked(name) if seen.finding is not None]


def looked(name: str) -> list[Seen]:
    return list(examination.look(examination.LOOKS[name]))


def server_row(**changes):
    row = {
        "number": 150_018, "version": "15.18", "in_recovery": False, "read_only": False, "fsync": True,
        "full_pages": True, "commits": "on", "vacuums": True, "wal_level": "replica", "most": 100, "used": 5,
        "ids_used": 200_000_000,
    }  # fmt: skip
    return [tuple({**row, **changes}.values())]


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({}, []),
        ({"number": 130_000}, ["database.E001"]),
        ({"number": 190_000}, ["database.W001"]),
        ({"in_recovery": True}, ["database.E003"]),
        ({"fsync": False}, ["database.E004"]),
        ({"commits": "off"}, ["database.E004"]),
        ({"vacuums": False}, ["database.W002"]),
        ({"wal_level": "minimal"}, ["database.W009"]),
        ({"ids_used": 1_500_000_000}, ["database.W013"]),
        ({"used": 81}, ["database.W008"]),
    ],
)
def test_a_server_is_judged_by_what_it_says(monkeypatch, changes, ids):
    monkeypatch.setattr(of_database, "fetch_all", lambda *_: server_row(**changes))
    assert found("server") == ids


def test_this_server_answers_all_that_is_asked():
    assert {seen.told.partition(" ")[0] for seen in looked("server")} >= {"PostgreSQL"}
    assert set(found("server")) <= {"database.E004"}  # the tests' own is not durable


def test_migrations_that_are_not_applied_are_named():
    assert found("migrations") == []
    MigrationRecorder.Migration.objects.filter(app="outbox").latest("id").delete()
    assert found("migrations") == ["database.E002"]


@pytest.mark.parametrize(
    ("apart", "ids"),
    [(0, []), (1, []), (5, ["database.W007"]), (-5, ["database.W007"]), (90, ["database.E005"])],
)
def test_clocks_that_differ_are_told(monkeypatch, apart, ids):
    now = database_now
    monkeypatch.setattr(of_database, "database_now", lambda: now() + timedelta(seconds=apart))
    assert found("clocks") == ids


def test_dead_rows_and_what_keeps_them_are_told(monkeypatch):
    assert found("tables") == []
    rows = {
        "examine_tables": [("dispatcher_lane", 10, 90_000, 5_000_000, None)],
        "examine_transactions": [(4711, "psql", "idle in transaction", timedelta(hours=3))],
    }
    answering(
        monkeypatch,
        **rows,
        examine_vacuum=[("dispatcher_lane",)],
        examine_prepared=[("two", timedelta(days=1))],
    )
    seen = looked("tables")
    ids = ["database.W003", "database.W012", "database.W004", "database.W015"]
    assert [one.finding and one.finding.id for one in seen] == ids
    assert "3.0 h" in seen[2].told


def answering(monkeypatch, **rows):
    """The database as it answers these statements."""
    answers = {of_database._SQL[name]: answer for name, answer in rows.items()}
    monkeypatch.setattr(of_database, "fetch_all", lambda statement, _: answers[statement])


def test_a_table_that_autovacuum_passes_over_is_told():
    query("ALTER TABLE dispatcher_lane SET (autovacuum_enabled = off)")
    (seen,) = (one for one in looked("tables") if one.finding is not None)
    assert "dispatcher_lane" in seen.told
    assert found("tables") == ["database.W012"]


def test_a_slot_that_holds_back_wal_is_told(monkeypatch):
    assert "database.W010" not in found("storage")
    # Temporary: it ends with this session.
    query("SELECT pg_create_physical_replication_slot('for_a_doctor', true, true)")
    held = [one for one in looked("storage") if "for_a_doctor" in one.told]
    assert [one.finding for one in held] == [None]
    monkeypatch.setattr(of_database, "_HELD_WAL", -1)
    (seen,) = (one for one in looked("storage") if "for_a_doctor" in one.told)
    assert seen.finding is not None
    assert seen.finding.id == "database.W010"
    query("SELECT pg_drop_replication_slot('for_a_doctor')")


@pytest.mark.parametrize(
    ("row", "ids", "words"),
    [
        ((1, False, None, None, True), [], "pg_monitor is told"),
        ((1, False, None, "/data", False), [], "runs elsewhere"),
        ((1, False, None, "/nowhere/of/this/machine", True), [], "runs elsewhere"),
        ((1, False, datetime(2026, 11, 28, 10, 0), None, True), ["database.W011"], "2026-11-28 10:00 UTC"),  # noqa: DTZ001
    ],
)
def test_storage_is_told_as_far_as_it_can_be_known(monkeypatch, row, ids, words):
    answering(monkeypatch, examine_storage=[row], examine_slots=[])
    seen = looked("storage")
    assert [one.finding.id for one in seen if one.finding is not None] == ids
    assert any(words in one.told for one in seen)


@pytest.mark.parametrize(
    ("total", "free", "ids"),
    [
        (20, 3.0, []), (20, 1.9, ["database.W014"]), (20, 0.3, ["database.E006"]),
        (10_000, 11.0, []), (10_000, 9.0, ["database.W014"]), (10_000, 1.9, ["database.E006"]),
    ],
)  # fmt: skip
def test_a_disk_that_fills_up_is_told(monkeypatch, total, free, ids):
    answering(monkeypatch, examine_storage=[(1, False, None, "/data", True)], examine_slots=[])
    usage = SimpleNamespace(total=total * 1024**3, free=free * 1024**3)
    monkeypatch.setattr("dispatcher.database_examination.shutil.disk_usage", lambda _: usage)
    assert found("storage") == ids


def test_this_servers_storage_is_told():
    told = " ".join(one.told for one in looked("storage"))
    assert "in this database" in told
    assert "free on the disk of" in told


def test_partitions_that_lack_are_told():
    assert found("partitions") == []
    (name,) = query(
        "SELECT relname FROM pg_class WHERE relname LIKE 'dispatcher_attempt_2%%' AND relkind = 'r' "
        "ORDER BY relname OFFSET (SELECT count(*) FROM pg_class WHERE relname LIKE 'dispatcher_attempt_2%%' "
        "AND relkind = 'r' AND relname <= 'dispatcher_attempt_' || to_char(now() AT TIME ZONE 'UTC', "
        "'YYYYMMDD')) LIMIT 1"
    )[0]
    query(f"DROP TABLE {name}")
    assert found("partitions") == ["database.W005"]


def test_nobody_who_delivers_is_told_where_work_waits():
    make_endpoint()
    assert found("deliveries") == []
    record()
    fan_out()
    assert found("deliveries") == ["dispatcher.E004"]
    beat(seen_ago=0)
    assert found("deliveries") == []
    query("UPDATE dispatcher_delivery SET due_at = now() - interval '10 minutes'")
    query("UPDATE dispatcher_lane SET ready_at = now() - interval '10 minutes'")
    assert found("deliveries") == ["dispatcher.W008"]
    beat(seen_ago=3600, leases=5)
    pause_deliveries(reason="")
    assert sorted(found("deliveries")) == ["dispatcher.W006", "dispatcher.W007"]


def test_secrets_that_no_key_opens_are_told():
    make_endpoint()
    assert found("secrets") == []
    Endpoint.objects.update(secret="gAAAAAB")
    assert found("secrets") == ["dispatcher.E003"]


def test_a_broker_that_does_not_answer_is_told(settings):
    assert found("broker") == []
    settings.DISPATCHER = {**settings.DISPATCHER, "BROKER_URL": "redis://127.0.0.1:1/0"}
    assert found("broker") == ["dispatcher.E005"]


def test_names_that_are_slow_or_unknown_are_told(monkeypatch):
    make_endpoint(url="https://good.test/")
    make_endpoint(url="https://bad.test/")
    make_endpoint(url="https://slow.test/")
    answers = {"good.test": (0.1, None), "bad.test": (0.0, "cannot be resolved"), "slow.test": (3.0, None)}
    monkeypatch.setattr(examination, "_resolve", answers.get)
    told = {one.told.split()[3] for one in looked("names") if one.finding is not None}
    assert told == {"bad.test", "slow.test"}
    assert set(found("names")) == {"dispatcher.W009"}


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch):
    make_endpoint(url="https://hangs.test/")
    released = threading.Event()
    monkeypatch.setattr(examination, "_LONGEST_LOOKUP", 0.0)
    monkeypatch.setattr(examination, "_resolve", lambda _: (released.wait(), (0.0, None))[1])
    (seen,) = looked("names")
    released.set()
    assert seen.finding is not None
    assert "hangs.test took longer than" in seen.told


def test_every_entry_says_what_to_do_and_errors_are_told_from_warnings():
    for name, entry in CATALOGUE.items():
        made = finding(CATALOGUE, name, "Something.")
        assert made.level is (Level.ERROR if ".E" in name else Level.WARNING)
        assert entry.remedy.endswith(".")
        assert made.link.endswith(f"#{name.lower().replace('.', '')}")
