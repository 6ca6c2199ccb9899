"""`manage.py run_settlement` as a process: its exit codes, its signals, its log, its patience."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from core import settler
from core.confirmation import confirm_payment_intent
from core.models import PaymentIntent
from core.settlement import lease_due_settlements, settle_payment
from core.settler import Settler
from core.stop_signal import StopSignal
from tests.core.merchants import event_types, new_intent, write_of

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[2]
NAME = "settlement-under-test"
PATIENCE = 60  # seconds until a process that says nothing is taken for hung


def _database_url(**query):
    """The test database, under an application name by which its connections can be found."""
    url = urlsplit(os.environ["DATABASE_URL"])
    options = "&".join(filter(None, [url.query, urlencode(query)]))
    return url._replace(path=f"/{connection.settings_dict['NAME']}", query=options).geturl()


def _command(*arguments):
    return [sys.executable, "-W", "error", "manage.py", "run_settlement", *arguments]


def _environment(url):
    return {**os.environ, "DATABASE_URL": url, "BANK_DELAY_SECONDS": "0", "BANK_SUCCESS_RATE": "1"}


def _run(*arguments, url=None):
    return subprocess.run(
        _command(*arguments),
        cwd=ROOT,
        env=_environment(url or _database_url()),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@contextmanager
def _running(*arguments) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        _command("--poll-interval", "0.02", *arguments),
        cwd=ROOT,
        env=_environment(_database_url(application_name=NAME)),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _line(process, event):
    """The next log line of that event; what is logged before it is passed over."""
    assert process.stderr is not None
    for text in process.stderr:
        line = json.loads(text)
        if line["event"] == event:
            return line
    raise AssertionError(f"the process ended with {process.wait()} and never logged {event}")


def _processing(account):
    intent = new_intent(account)
    confirm_payment_intent(write=write_of(account), intent_id=intent.id, payment_method=None)
    return intent


def test_drain_settles_all_that_is_due_and_ends(account, bank):
    intents = [_processing(account) for _ in range(5)]
    done = _run("--drain", "--batch", "2")
    assert (done.returncode, done.stdout) == (0, "")
    lines = [json.loads(text) for text in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["payment.settled"] * 5
    assert {line["payment_intent"] for line in lines} == {intent.public_id for intent in intents}
    assert {line["account"] for line in lines} == {account.public_id}
    assert {(line["outcome"], line["code"], line["level"]) for line in lines} == {("succeeded", None, "info")}
    assert not PaymentIntent.objects.exclude(status="succeeded").exists()
    assert event_types(account).count("payment_intent.succeeded") == 5


def test_once_is_one_batch(account, bank):
    for _ in range(3):
        _processing(account)
    assert _run("--once", "--batch", "2").returncode == 0
    assert PaymentIntent.objects.filter(status="processing").count() == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_with_exit_code_0(account, bank, number):
    _processing(account)
    with _running() as process:
        _line(process, "payment.settled")
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0


def test_a_postgresql_that_went_away_is_waited_for(account, bank):
    _processing(account)
    with _running() as process:
        _line(process, "payment.settled")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", [NAME]
            )
            assert cursor.fetchall() == [(True,)]
        assert _line(process, "settlement.database_unavailable")["level"] == "warning"
        later = _processing(account)
        assert _line(process, "payment.settled")["payment_intent"] == later.public_id
        process.terminate()
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    "arguments",
    [["--batch", "0"], ["--batch", "many"], ["--poll-interval", "-1"], ["--once", "--drain"], ["--nonsense"]],
)
def test_a_bad_option_is_a_usage_error(arguments):
    refused = _run(*arguments)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", None])
def test_an_unusable_database_at_start_is_one_sentence(url):
    # None: a database that is there, and was never migrated.
    refused = _run("--once", url=url or urlsplit(_database_url())._replace(path="/template1").geturl())
    assert refused.returncode == 3
    assert "Traceback" not in refused.stderr
    (sentence,) = refused.stderr.splitlines()
    assert sentence.startswith("CommandError: The database cannot be used (")


def test_one_payment_that_cannot_be_settled_holds_back_no_other(account, bank, monkeypatch):
    poison, good = _processing(account), _processing(account)
    settle = settle_payment
    monkeypatch.setattr(
        settler, "settle_payment", lambda due: 1 / 0 if due.intent_id == poison.id else settle(due)
    )
    assert Settler(stop=StopSignal(), batch=10, poll_interval=1).settle_batch() == 2
    poison.refresh_from_db()
    good.refresh_from_db()
    assert (poison.status, good.status) == ("processing", "succeeded")
    assert lease_due_settlements(limit=10) == []


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03", "57014"])
def test_a_transaction_that_others_are_in_the_way_of_holds_back_no_other(account, bank, monkeypatch, code):
    """Serialization failure, deadlock, lock not available, statement timeout."""
    unlucky, good = _processing(account), _processing(account)
    settle = settle_payment

    def settle_or_fail(due):
        if due.intent_id == unlucky.id:
            with connection.cursor() as cursor:
                cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{code}'; END $$")
        return settle(due)

    monkeypatch.setattr(settler, "settle_payment", settle_or_fail)
    assert Settler(stop=StopSignal(), batch=10, poll_interval=1).settle_batch() == 2
    unlucky.refresh_from_db()
    good.refresh_from_db()
    assert (unlucky.status, good.status) == ("processing", "succeeded")


@pytest.mark.parametrize("kind", [OperationalError, DatabaseError, InterfaceError])
def test_a_database_that_fails_is_tried_again(account, bank, monkeypatch, kind):
    intent = _processing(account)
    errors = iter([kind("server closed the connection unexpectedly")])

    def lease(*, limit):
        if (error := next(errors, None)) is not None:
            raise error
        return lease_due_settlements(limit=limit)

    monkeypatch.setattr(settler, "lease_due_settlements", lease)
    assert Settler(stop=StopSignal(), batch=10, poll_interval=1).settle_batch() == 1
    intent.refresh_from_db()
    assert intent.status == "succeeded"


def test_between_batches_what_is_no_longer_kept_is_deleted_a_batch_at_a_time(monkeypatch):
    """A full batch is followed by the next at once; after one that was not full it takes a minute."""
    stop = StopSignal()
    limits = []

    def expire(*, limit):
        limits.append(limit)
        return limit if len(limits) < 3 else limit - 1

    looks = iter(range(10))

    def lease(*, limit):
        if next(looks) == 9:
            stop.request()
        return []

    monkeypatch.setattr(settler, "expire_rows", expire)
    monkeypatch.setattr(settler, "lease_due_settlements", lease)
    Settler(stop=stop, batch=1, poll_interval=0.001).run()
    assert limits == [1_000, 1_000, 1_000]


def test_an_expiry_that_fails_holds_no_settlement_up(account, bank, monkeypatch):
    stop = StopSignal()

    def expire(*, limit):
        stop.request()
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setattr(settler, "expire_rows", expire)
    _processing(account)
    Settler(stop=stop, batch=10, poll_interval=0.001).run()
    assert PaymentIntent.objects.get().status == "succeeded"


def test_a_stop_ends_the_loop_after_the_batch_in_hand(account, bank, monkeypatch):
    for _ in range(4):
        _processing(account)
    stop = StopSignal()
    settle = settle_payment

    def settle_and_stop(due):
        stop.request()
        return settle(due)

    monkeypatch.setattr(settler, "settle_payment", settle_and_stop)
    Settler(stop=stop, batch=2, poll_interval=1).run()
    assert PaymentIntent.objects.filter(status="succeeded").count() == 2
