"""What wakes the database thread: results, and notifications of recorded events."""

import threading

import pytest
from django.db import connection, transaction
from django.test import override_settings

from dispatcher.connection import connect
from dispatcher.waking import Wakeup
from outbox import notifying
from tests.dispatcher.scenes import query, record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres_versions]

FOREVER = 60.0
AT_ONCE = 0.0


@pytest.fixture
def wakeup():
    connect()
    made = Wakeup()
    yield made
    made.close()
    connection.close()


@pytest.fixture(autouse=True)
def unthrottled(monkeypatch):
    monkeypatch.setattr(notifying, "_last", [float("-inf")])


def elsewhere(work):
    """Run in another thread, on a connection of its own."""

    def run():
        work()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_nothing_wakes_nobody(wakeup):
    assert not wakeup.wait(AT_ONCE)


def test_a_result_wakes_until_it_is_cleared(wakeup):
    elsewhere(wakeup.set)
    assert wakeup.wait(FOREVER)
    assert wakeup.wait(FOREVER)
    wakeup.clear()
    assert not wakeup.wait(AT_ONCE)


def test_a_committed_event_wakes_a_listener_once(wakeup):
    elsewhere(lambda: record(3))
    assert wakeup.wait(FOREVER)
    assert not wakeup.wait(AT_ONCE)


def test_an_event_recorded_during_a_cycle_wakes_after_it(wakeup):
    """Its notification comes with the answer to the cycle's COMMIT and is never to be read from the socket again."""
    with transaction.atomic():
        query("SELECT 1")
        elsewhere(lambda: record(1))
    assert wakeup.wait(AT_ONCE)
    assert not wakeup.wait(AT_ONCE)


def test_a_rolled_back_event_wakes_nobody(wakeup):
    def fail():
        with transaction.atomic():
            record(1)
            transaction.set_rollback(True)

    elsewhere(fail)
    assert not wakeup.wait(AT_ONCE)


def test_events_in_quick_succession_notify_once(wakeup, monkeypatch):
    monkeypatch.setattr(notifying, "THROTTLE", FOREVER)

    def record_many():
        for _ in range(5):
            record(1)

    elsewhere(record_many)
    query("SELECT 1")
    assert len(connection.connection.notifies) == 1


def test_a_setting_ends_notifications(wakeup):
    def record_quietly():
        with override_settings(OUTBOX={"NOTIFY": False}):
            record(1)

    elsewhere(record_quietly)
    assert not wakeup.wait(AT_ONCE)


def test_a_lost_connection_wakes_and_breaks_nothing(wakeup):
    pid = connection.connection.get_backend_pid()
    elsewhere(lambda: query("SELECT pg_terminate_backend(%s, 10000)", pid))
    assert wakeup.wait(FOREVER)
    connection.close()
