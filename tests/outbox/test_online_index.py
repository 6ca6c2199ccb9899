"""An index of a table in use: writers go on while it is built, and what was interrupted is taken up."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import NotSupportedError, OperationalError, connection, models, transaction
from django.db.migrations.state import ModelState, ProjectState

from outbox import online_index
from outbox.online_index import AddIndexOnline
from tests.dispatcher.scenes import held_elsewhere, query, scalar
from tests.processes import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres_versions]

INSERT = "INSERT INTO parcels_parcel (id, code) VALUES (%s, 'later')"
# What writers wait behind; a concurrent build takes SHARE UPDATE EXCLUSIVE.
KEEPING_WRITERS_OUT = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
OPERATION = AddIndexOnline(
    "Parcel",
    models.Index(fields=["code", "id"], condition=~models.Q(code="lost"), name="parcels_parcel_code"),
)
PARTS = {
    "parcels_parcel": "parcels_parcel_code",
    "parcels_parcel_1": "parcels_parcel_code_1",
    "parcels_parcel_2": "parcels_parcel_code_2",
    "parcels_parcel_default": "parcels_parcel_code_default",
}


@pytest.fixture
def plain() -> Iterator[None]:
    query("CREATE TABLE parcels_parcel (id integer, code text)")
    yield
    query("DROP TABLE parcels_parcel")


@pytest.fixture
def partitioned() -> Iterator[None]:
    query("CREATE TABLE parcels_parcel (id integer, code text) PARTITION BY RANGE (id)")
    query("CREATE TABLE parcels_parcel_1 PARTITION OF parcels_parcel FOR VALUES FROM (0) TO (100)")
    query("CREATE TABLE parcels_parcel_2 PARTITION OF parcels_parcel FOR VALUES FROM (100) TO (200)")
    query("CREATE TABLE parcels_parcel_default PARTITION OF parcels_parcel DEFAULT")
    query("INSERT INTO parcels_parcel SELECT number, 'code' FROM generate_series(0, 299) AS number")
    yield
    query("DROP TABLE parcels_parcel")


def add_index() -> None:
    before = ProjectState()
    before.add_model(
        ModelState(
            "parcels", "Parcel", [("id", models.IntegerField(primary_key=True)), ("code", models.TextField())]
        )
    )
    after = before.clone()
    OPERATION.state_forwards("parcels", after)
    with connection.schema_editor(atomic=False) as editor:
        OPERATION.database_forwards("parcels", editor, before, after)


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool
        pool.submit(lambda: connection.close()).result()


def add_index_elsewhere(pool: ThreadPoolExecutor) -> tuple[int, "Future[None]"]:
    """The process id of its session, and its end."""
    session: int = pool.submit(lambda: int(str(scalar("SELECT pg_backend_pid()")))).result()
    return session, pool.submit(add_index)


def valid_indexes() -> dict[str, str]:
    return dict(
        query(
            "SELECT indrelid::regclass::text, indexrelid::regclass::text FROM pg_index "
            "WHERE indrelid::regclass::text LIKE 'parcels_parcel%%' AND indisvalid"
        )
    )


def write(number: int) -> None:
    """As a process in use, which does not wait for ever."""
    with transaction.atomic():
        query("SET LOCAL lock_timeout = '20s'")
        query(INSERT, number)


def waits(session: int) -> bool:
    return bool(scalar("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s", session))


@pytest.mark.usefixtures("partitioned")
def test_a_partitioned_table_and_each_partition_have_the_index_and_the_next_one_gets_it() -> None:
    add_index()
    assert valid_indexes() == PARTS
    assert scalar(
        "SELECT indpred IS NOT NULL FROM pg_index WHERE indexrelid = 'parcels_parcel_code_1'::regclass"
    )
    query("CREATE TABLE parcels_parcel_3 PARTITION OF parcels_parcel FOR VALUES FROM (500) TO (600)")
    assert "parcels_parcel_3" in valid_indexes()
    add_index()
    assert len(valid_indexes()) == len(PARTS) + 1


@pytest.mark.usefixtures("plain")
def test_a_plain_table_has_the_index() -> None:
    add_index()
    assert valid_indexes() == {"parcels_parcel": "parcels_parcel_code"}


@pytest.mark.usefixtures("partitioned")
def test_writers_pass_while_it_waits_for_the_transaction_of_another(elsewhere: ThreadPoolExecutor) -> None:
    """It needs the whole table for a moment, and somebody has been writing for long."""
    with held_elsewhere(INSERT, 1):
        session, added = add_index_elsewhere(elsewhere)
        until(lambda: waits(session), what="the wait for the table")
        for number in range(3):
            write(number)
        assert not added.done()
    added.result()
    assert valid_indexes() == PARTS


@pytest.mark.usefixtures("partitioned")
def test_nobody_waits_while_the_index_is_built(elsewhere: ThreadPoolExecutor) -> None:
    """A build waits for all older transactions: the longest part of it, seen from outside."""
    query("CREATE INDEX parcels_parcel_code ON ONLY parcels_parcel (code, id) WHERE NOT code = 'lost'")
    with held_elsewhere(INSERT, 1):
        session, added = add_index_elsewhere(elsewhere)
        until(lambda: waits(session), what="the build's wait for older transactions")
        held = query(
            "SELECT relation::regclass::text, mode FROM pg_locks WHERE pid = %s AND relation IS NOT NULL",
            session,
        )
        assert ("parcels_parcel_1", "ShareUpdateExclusiveLock") in held
        assert [lock for lock in held if lock[1] in KEEPING_WRITERS_OUT] == []
        with transaction.atomic():
            query("SET LOCAL lock_timeout = '1ms'")
            for number in (2, 102, 300):
                query(INSERT, number)
        assert not added.done()
    added.result()
    assert valid_indexes() == PARTS


@pytest.mark.usefixtures("partitioned")
def test_what_an_interrupted_build_left_is_dropped_and_built_again(elsewhere: ThreadPoolExecutor) -> None:
    query("CREATE INDEX parcels_parcel_code ON ONLY parcels_parcel (code, id) WHERE NOT code = 'lost'")
    query("SET lock_timeout = '1ms'")
    with held_elsewhere(INSERT, 101), pytest.raises(OperationalError, match="lock timeout"):
        query(f"CREATE INDEX CONCURRENTLY {PARTS['parcels_parcel_2']} ON parcels_parcel_2 (code, id)")
    query("RESET lock_timeout")
    assert (
        scalar("SELECT indisvalid FROM pg_index WHERE indexrelid = 'parcels_parcel_code_2'::regclass")
        is False
    )
    add_index()
    assert valid_indexes() == PARTS


@pytest.mark.usefixtures("partitioned")
def test_a_table_that_is_never_free_is_given_up_and_the_session_is_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(online_index, "_PATIENCE", timedelta())
    timeouts = scalar("SHOW lock_timeout"), scalar("SHOW statement_timeout")
    with held_elsewhere(INSERT, 1), pytest.raises(OperationalError, match="lock timeout"):
        add_index()
    assert (scalar("SHOW lock_timeout"), scalar("SHOW statement_timeout")) == timeouts
    assert valid_indexes() == {}
    add_index()
    assert valid_indexes() == PARTS


@pytest.mark.usefixtures("partitioned")
def test_a_transaction_is_refused() -> None:
    with pytest.raises(NotSupportedError, match="atomic = False"), transaction.atomic():
        add_index()
