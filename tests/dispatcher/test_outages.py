"""What a dispatcher's thread does when its database fails: it tries again what may well succeed later."""

import pytest
from django.db import DatabaseError, connection

from dispatcher.connection import surviving_outages
from tests.dispatcher.scenes import query, scalar

pytestmark = [pytest.mark.django_db(transaction=True)]

STATEMENT_TIMEOUT, DEADLOCK, SERIALIZATION_FAILURE, LOCK_TIMEOUT = "57014", "40P01", "40001", "55P03"
TOO_MANY_CONNECTIONS, DISK_FULL, SHUTDOWN = "53300", "53100", "57P01"
CHECK_VIOLATION = "23514"


class Work:
    """Fails the first time."""

    def __init__(self, code: str) -> None:
        self._code = code
        self.runs = 0

    def __call__(self) -> int:
        self.runs += 1
        if self.runs == 1:
            query(f"DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{self._code}'; END $$")
        return self.runs


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (STATEMENT_TIMEOUT, "statement failed (on purpose)"),
        (DEADLOCK, "statement failed (on purpose)"),
        (SERIALIZATION_FAILURE, "statement failed (on purpose)"),
        (LOCK_TIMEOUT, "statement failed (on purpose)"),
        (TOO_MANY_CONNECTIONS, "database out of reach (on purpose)"),
        (DISK_FULL, "database out of reach (on purpose)"),
        (SHUTDOWN, "database out of reach (on purpose)"),
    ],
)
def test_what_passes_is_tried_again_on_a_fresh_connection(code: str, what: str) -> None:
    told: list[str] = []
    session = scalar("SELECT pg_backend_pid()")
    assert surviving_outages(Work(code), tell=told.append, keep_trying=lambda: True) == 2
    assert [line.partition(";")[0] for line in told] == [what]
    assert scalar("SELECT pg_backend_pid()") != session
    assert scalar("SELECT count(*) FROM pg_listening_channels()") == 1


def test_what_does_not_pass_is_not_tried_again() -> None:
    work = Work(CHECK_VIOLATION)
    with pytest.raises(DatabaseError, match="on purpose"):
        surviving_outages(work, tell=lambda _: None, keep_trying=lambda: True)
    assert work.runs == 1
    connection.close()


def test_nothing_is_tried_again_where_nobody_wants_it() -> None:
    work = Work(STATEMENT_TIMEOUT)
    with pytest.raises(DatabaseError, match="on purpose"):
        surviving_outages(work, tell=lambda _: None, keep_trying=lambda: False)
    assert work.runs == 1
