"""The server that is killed and restarted: it ends, comes back, and keeps what was committed."""

import signal
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import psycopg2.extensions
import pytest

from tests.crash.environment.postgres import PRODUCT, MortalPostgres
from tests.processes import until


@pytest.fixture(scope="module")
def postgres() -> Iterator[MortalPostgres]:
    with MortalPostgres() as server:
        server.rows("CREATE TABLE kept (word text)")
        yield server


def test_a_killed_server_is_down_until_it_is_started(postgres: MortalPostgres) -> None:
    postgres.rows("INSERT INTO kept VALUES ('before the kill')")
    postgres.kill()
    assert not postgres.is_up
    postgres.start()
    assert ("before the kill",) in postgres.rows("SELECT word FROM kept")


@pytest.mark.parametrize("mode", [signal.SIGINT, signal.SIGQUIT])
def test_a_restart_ends_every_session(postgres: MortalPostgres, mode: signal.Signals) -> None:
    before = postgres.postmaster
    with closing(psycopg2.connect(postgres.url)) as session:
        postgres.restart(mode)
        assert postgres.postmaster != before
        with pytest.raises(psycopg2.Error), session.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert postgres.is_up


def test_a_killed_session_takes_the_others_with_it_and_the_server_recovers(postgres: MortalPostgres) -> None:
    before = postgres.postmaster
    with (
        closing(psycopg2.connect(postgres.url, application_name=PRODUCT)),
        closing(psycopg2.connect(postgres.url)) as bystander,
    ):
        postgres.kill_backend()
        until(lambda: has_ended(bystander), what="the end of the other session")
    until(lambda: postgres.is_up, what="its recovery")
    assert postgres.postmaster == before


def has_ended(session: psycopg2.extensions.connection) -> bool:
    try:
        with session.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        return True
    return False
