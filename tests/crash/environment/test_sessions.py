"""What our sessions take from the product's: seen from a session that stands for the product."""

import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import psycopg2.errors
import psycopg2.extensions
import pytest

from tests.acceptance.server import Server
from tests.crash.environment.injections import CHECK_VIOLATION, SERIALIZATION_FAILURE, Injection
from tests.crash.environment.postgres import PRODUCT, run_sql
from tests.crash.environment.sessions import (
    OldTransaction,
    cancel_statements,
    deadlocks,
    end_sessions,
    inserts_wait,
    lock_against_the_order,
    no_connections_left,
)
from tests.processes import until

Session = psycopg2.extensions.connection


@pytest.fixture
def product(postgres: Server) -> Iterator[Session]:
    with closing(connected(postgres)) as session:
        yield session


@pytest.fixture
def delivery(postgres: Server) -> Iterator[None]:
    run_sql(postgres, _DELIVERY)
    yield
    run_sql(postgres, "TRUNCATE dispatcher_endpoint, dispatcher_lane, dispatcher_delivery CASCADE")


_DELIVERY = """
WITH endpoint AS (
    INSERT INTO dispatcher_endpoint (id, owner, url, enabled_events, api_version, secret, status)
    VALUES (gen_random_uuid(), 'acct_test', 'https://shop.test/', '{*}', '2026-10-28.endive', 'sealed', 'enabled')
    RETURNING id
), lane AS (
    INSERT INTO dispatcher_lane (endpoint_id, max_in_flight, quantum) SELECT id, 1, 1 FROM endpoint
)
INSERT INTO dispatcher_delivery (id, owner, endpoint_id, event_id, due_at)
SELECT gen_random_uuid(), 'acct_test', id, gen_random_uuid(), now() FROM endpoint
"""


def connected(postgres: Server) -> Session:
    return psycopg2.connect(postgres.url, application_name=PRODUCT)


def runs(session: Session, sql: str) -> None:
    with session.cursor() as cursor:
        cursor.execute(sql)


def test_nobody_connects_while_no_connections_are_left(postgres: Server, product: Session) -> None:
    with no_connections_left(postgres) as held:
        assert held >= 90
        with pytest.raises(psycopg2.OperationalError, match="too many clients"):
            connected(postgres)
        with pytest.raises(psycopg2.OperationalError):
            runs(product, "SELECT 1")
    connected(postgres).close()


def test_ends_the_sessions_of_the_product(postgres: Server, product: Session) -> None:
    # A session that a test before closed may be there for a moment more.
    until(lambda: sessions_of_the_product(postgres) == 1, what="one session of the product")
    assert end_sessions(postgres) == 1
    with pytest.raises(psycopg2.OperationalError):
        runs(product, "SELECT 1")


def sessions_of_the_product(postgres: Server) -> int:
    ((count,),) = run_sql(
        postgres, "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", PRODUCT
    )
    return int(count)


def test_cancels_what_the_product_runs(postgres: Server, product: Session) -> None:
    failures: list[BaseException] = []
    thread = threading.Thread(target=lambda: failures.append(failure_of(product, "SELECT pg_sleep(600)")))
    thread.start()
    until(lambda: cancel_statements(postgres) == 1, what="a statement to cancel")
    thread.join()
    assert isinstance(failures[0], psycopg2.errors.QueryCanceled)


def failure_of(session: Session, sql: str) -> BaseException:
    try:
        runs(session, sql)
    except psycopg2.Error as error:
        return error
    return AssertionError(f"{sql} did not fail")


def test_inserts_wait_until_their_timeout(postgres: Server, product: Session) -> None:
    runs(product, "SET statement_timeout = '50ms'")
    product.commit()
    insertion = "INSERT INTO outbox_pending (event_id, order_key) VALUES (gen_random_uuid(), 'a')"
    with inserts_wait(postgres, "outbox_pending"):
        runs(product, "SELECT count(*) FROM outbox_pending")
        with pytest.raises(psycopg2.errors.QueryCanceled):
            runs(product, insertion)
        product.rollback()
    runs(product, insertion)


@pytest.mark.usefixtures("delivery")
def test_whoever_records_has_to_yield_to_locks_against_the_order(postgres: Server, product: Session) -> None:
    before = deadlocks(postgres)
    runs(product, "SELECT FROM dispatcher_delivery FOR UPDATE")
    failures: list[BaseException] = []
    thread = threading.Thread(
        target=lambda: failures.append(failure_of(product, "SELECT FROM dispatcher_lane FOR UPDATE"))
    )
    # We lock first; then it comes.
    striker_done: list[bool] = []
    striker = threading.Thread(target=lambda: striker_done.append(lock_against_the_order(postgres)))
    striker.start()
    until(lambda: lanes_are_locked(postgres), what="our lock of the lanes")
    thread.start()
    for one in (thread, striker):
        one.join()
    assert isinstance(failures[0], psycopg2.errors.DeadlockDetected)
    assert striker_done == [True]
    assert deadlocks(postgres) == before + 1


def lanes_are_locked(postgres: Server) -> bool:
    return run_sql(postgres, "SELECT 1 FROM dispatcher_lane FOR UPDATE SKIP LOCKED") == []


def test_an_old_event_appears_behind_younger_ones(postgres: Server) -> None:
    ids = "SELECT object_id FROM outbox_event ORDER BY id"
    with OldTransaction(postgres, owner="acct_test", type="parcel.sent") as old:
        with OldTransaction(postgres, owner="acct_test", type="parcel.sent") as young:
            young.commit()
        assert len(run_sql(postgres, ids)) == 1
        old.commit()
    assert len(run_sql(postgres, ids)) == 2
    assert old.event < young.event
    assert run_sql(postgres, "SELECT count(*) FROM outbox_pending") == [(2,)]


def test_an_old_event_that_is_not_committed_never_was(postgres: Server) -> None:
    count = "SELECT count(*) FROM outbox_event"
    before = run_sql(postgres, count)
    with OldTransaction(postgres, owner="acct_test", type="parcel.sent"):
        pass
    assert run_sql(postgres, count) == before


def test_an_injection_fails_every_statement_and_counts_them(postgres: Server) -> None:
    deletion = "DELETE FROM outbox_pending WHERE false"
    with Injection(
        postgres, table="outbox_pending", change="DELETE", error=SERIALIZATION_FAILURE
    ) as injection:
        assert injection.count == 0
        for _ in range(2):
            with pytest.raises(psycopg2.errors.SerializationFailure):
                run_sql(postgres, deletion)
        assert injection.count == 2
    run_sql(postgres, deletion)


def test_an_injection_fails_a_share_of_the_statements(postgres: Server) -> None:
    failed = 0
    with Injection(
        postgres, table="outbox_pending", change="DELETE", error=SERIALIZATION_FAILURE, share=0.5
    ) as injection:
        for _ in range(50):
            try:
                run_sql(postgres, "DELETE FROM outbox_pending WHERE false")
            except psycopg2.errors.SerializationFailure:
                failed += 1
        assert injection.count == failed
    assert 1 <= failed <= 49


@pytest.mark.usefixtures("delivery")
def test_an_injection_fails_for_chosen_rows_alone(postgres: Server) -> None:
    with Injection(
        postgres,
        table="dispatcher_delivery",
        change="UPDATE",
        error=CHECK_VIOLATION,
        rows="NEW.claim_no = 2",
    ):
        run_sql(postgres, "UPDATE dispatcher_delivery SET claim_no = 1")
        with pytest.raises(psycopg2.errors.CheckViolation):
            run_sql(postgres, "UPDATE dispatcher_delivery SET claim_no = 2")
