"""What tells a database that failed from a statement that did."""

import os
import socket

import pytest
from django.db import DatabaseError, Error, connection, transaction

from outbox.database import database_failed
from tests.dispatcher.scenes import query, scalar

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres_versions]


def lose_connection() -> None:
    """As when the server dies: nothing is said, and the socket is at its end."""
    assert connection.connection is not None
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as one:
        one.shutdown(socket.SHUT_RDWR)


def test_a_connection_lost_in_a_statement_is_a_failure_of_the_database() -> None:
    query("SELECT 1")
    lose_connection()
    with pytest.raises(Error) as caught:
        query("SELECT 1")
    assert database_failed(caught.value)
    connection.close()


def test_a_connection_lost_in_commit_is_a_failure_of_the_database() -> None:
    with pytest.raises(DatabaseError) as caught:
        commit_on_a_lost_connection()
    assert database_failed(caught.value)
    assert scalar("SELECT 1") == 1


def commit_on_a_lost_connection() -> None:
    with transaction.atomic():
        query("SELECT 1")
        lose_connection()


@pytest.mark.parametrize(
    ("code", "failed"),
    [
        ("57P01", True),  # the server is shutting down
        ("53100", True),  # its disk is full
        ("40001", True),  # another transaction was in the way
        ("23514", False),  # a constraint is violated
        ("22012", False),  # division by zero
        ("MS001", False),  # of a class that psycopg2 knows nothing of
    ],
)
def test_a_sqlstate_tells_whose_failure_it_is(code: str, failed: bool) -> None:
    with pytest.raises(DatabaseError) as caught:
        query(f"DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{code}'; END $$")
    assert database_failed(caught.value) is failed
