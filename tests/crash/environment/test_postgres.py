"""The server that is killed and restarted: it ends, comes back, and keeps what was committed."""

import signal
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import psycopg2.extensions
import pytest

from tests.acceptance.server import Server, durable_server
from tests.crash.environment.postgres import PRODUCT, is_up, kill_session, restart, run_sql
from tests.processes import until


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with durable_server() as server:
        run_sql(server, "CREATE TABLE kept (word text)")
        yield server


def test_a_killed_server_is_down_until_it_is_started(postgres: Server) -> None:
    run_sql(postgres, "INSERT INTO kept VALUES ('before the kill')")
    postgres.kill()
    assert not is_up(postgres)
    postgres.start_again()
    assert ("before the kill",) in run_sql(postgres, "SELECT word FROM kept")


@pytest.mark.parametrize("mode", [signal.SIGINT, signal.SIGQUIT])
def test_a_restart_ends_every_session(postgres: Server, mode: signal.Signals) -> None:
    before = postgres.postmaster
    with closing(psycopg2.connect(postgres.url)) as session:
        restart(postgres, mode)
        assert postgres.postmaster != before
        with pytest.raises(psycopg2.Error), session.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert is_up(postgres)


def test_a_killed_session_takes_the_others_with_it_and_the_server_recovers(postgres: Server) -> None:
    before = postgres.postmaster
    with (
        closing(psycopg2.connect(postgres.url, application_name=PRODUCT)),
        closing(psycopg2.connect(postgres.url)) as bystander,
    ):
        kill_session(postgres)
        until(lambda: has_ended(bystander), what="the end of the other session")
    until(lambda: is_up(postgres), what="its recovery")
    assert postgres.postmaster == before


def has_ended(session: psycopg2.extensions.connection) -> bool:
    try:
        with session.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        return True
    return False
