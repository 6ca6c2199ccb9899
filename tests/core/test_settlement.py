import json
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import settlement
from core.confirmation import confirm_payment_intent
from core.errors import IllegalMove
from core.models import BankAnswer, PaymentIntent
from core.settlement import lease_due_settlements, settle_payment
from core.settler import Settler
from core.sql import SQL
from core.stop_signal import StopSignal
from outbox.database import fetch_all
from tests.core.merchants import (
    RememberedOperation,
    event_types,
    in_threads,
    new_intent,
    transactions_of,
    write_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


def _processing(account, count=1):
    """Confirmed bank debits, due at once."""
    intents = [new_intent(account) for _ in range(count)]
    for intent in intents:
        confirm_payment_intent(write=write_of(account), intent_id=intent.id, payment_method=None)
    return [intent.id for intent in intents]


def _end_leases():
    PaymentIntent.objects.filter(status="processing").update(settle_at=timezone.now() - timedelta(seconds=1))


def _finals(account):
    finals = ("payment_intent.succeeded", "payment_intent.payment_failed")
    return [name for name in event_types(account) if name in finals]


def test_a_settlement_is_two_transactions_with_no_bank_inside(account, bank):
    _processing(account)
    (due,) = lease_due_settlements(limit=10)
    with CaptureQueriesContext(connection) as captured:
        settle_payment(due)
    assert transactions_of(captured) == [1, 4]


def test_a_lease_takes_the_longest_due_first_and_no_more_than_asked(account, bank):
    ids = _processing(account, 4)
    now = timezone.now()
    for hours, intent_id in enumerate(ids, start=1):
        PaymentIntent.objects.filter(id=intent_id).update(settle_at=now - timedelta(hours=hours))
    assert {due.intent_id for due in lease_due_settlements(limit=3)} == set(ids[1:])
    assert [due.intent_id for due in lease_due_settlements(limit=3)] == ids[:1]
    assert lease_due_settlements(limit=3) == []


def test_leased_work_is_due_again_when_its_lease_ends(account, bank):
    ids = _processing(account)
    assert len(lease_due_settlements(limit=10)) == 1
    _end_leases()
    assert [due.intent_id for due in lease_due_settlements(limit=10)] == ids


def test_a_lease_passes_over_what_another_process_is_taking(account, bank):
    ids = _processing(account, 4)
    with transaction.atomic():
        mine = {due.intent_id for due in lease_due_settlements(limit=2)}
        (theirs,) = in_threads(lambda: lease_due_settlements(limit=10))
    assert len(mine) == 2
    assert {due.intent_id for due in theirs} == set(ids) - mine


def test_two_processes_that_settle_the_same_record_it_once(account, bank):
    _processing(account, 10)
    due = lease_due_settlements(limit=10)
    together = threading.Barrier(2)

    def settle_all():
        settled = 0
        for one in due:
            together.wait()
            settled += settle_payment(one) is not None
        return settled

    assert sum(in_threads(settle_all, settle_all)) == 10
    assert _finals(account) == ["payment_intent.succeeded"] * 10


@pytest.mark.parametrize("success_rate", [0.0, 1.0])
def test_a_crash_between_answer_and_record_ends_as_the_bank_said(account, bank, success_rate, monkeypatch):
    bank["SUCCESS_RATE"] = success_rate
    _processing(account)
    (due,) = lease_due_settlements(limit=10)

    def die(**arguments):
        raise SystemExit("killed")

    with monkeypatch.context() as dying:
        dying.setattr(settlement, "apply_answer", die)
        with pytest.raises(SystemExit):
            settle_payment(due)
    assert PaymentIntent.objects.get().status == "processing"
    assert _finals(account) == []

    # The bank would draw otherwise now; but it remembers.
    bank["SUCCESS_RATE"] = 1.0 - success_rate
    _end_leases()
    (again,) = lease_due_settlements(limit=10)
    assert again == due
    settled = settle_payment(again)
    assert settled is not None
    assert settled.status == ("succeeded" if success_rate else "requires_payment_method")
    assert len(_finals(account)) == 1
    assert BankAnswer.objects.count() == 1


def test_a_crash_before_the_commit_leaves_neither_state_nor_event(account, bank, monkeypatch):
    _processing(account)
    (due,) = lease_due_settlements(limit=10)

    def die(*arguments):
        raise SystemExit("killed")

    with monkeypatch.context() as dying:
        dying.setattr(settlement, "record", die)
        with pytest.raises(SystemExit):
            settle_payment(due)
    assert PaymentIntent.objects.get().status == "processing"
    assert settle_payment(due) is not None
    assert _finals(account) == ["payment_intent.succeeded"]


def test_a_late_answer_touches_no_later_confirmation(account, bank):
    bank["SUCCESS_RATE"] = 0.0
    (intent_id,) = _processing(account)
    (late,) = lease_due_settlements(limit=10)
    assert settle_payment(late) is not None
    confirm_payment_intent(
        write=write_of(account), intent_id=intent_id, payment_method="pm_usBankAccount_success"
    )
    assert settle_payment(late) is None
    assert PaymentIntent.objects.get().status == "processing"
    (due,) = lease_due_settlements(limit=10)
    settled = settle_payment(due)
    assert settled is not None
    assert settled.status == "succeeded"
    assert _finals(account) == ["payment_intent.payment_failed", "payment_intent.succeeded"]


def test_a_lease_reads_only_what_is_due(account, bank):
    """With 100,000 finished intents and 20,000 not yet due it reads at most 4 × batch + 50 rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_payment_intent (id, account_id, amount, currency, status, amount_received,
                client_secret, metadata, payment_method, payment_method_types, bank_reference, settle_at)
            SELECT outbox_uuid7(), %(account)s, 2000, 'usd',
                   CASE WHEN n <= 100000 THEN 'succeeded' ELSE 'processing' END, 0, 'secret', '{}',
                   'pm_usBankAccount', '[]', gen_random_uuid(),
                   CASE WHEN n <= 100000 THEN NULL
                        WHEN n %% 100 = 0 THEN now() - interval '1 hour'
                        ELSE now() + n * interval '1 second' END
              FROM generate_series(1, 120000) AS n
            """,
            {"account": account.id},
        )
        cursor.execute("ANALYZE core_payment_intent")
    batch = 50
    ((plan,),) = fetch_all(
        "EXPLAIN (ANALYZE, FORMAT JSON) " + SQL["lease_due_settlements"],
        {"limit": batch, "lease": timedelta(seconds=30)},
    )
    decoded = json.loads(plan) if isinstance(plan, str) else plan
    scanned = sum(_rows_scanned(decoded[0]["Plan"]))
    assert batch <= scanned <= 4 * batch + 50


def _rows_scanned(node):
    """Rows that leave a scan, and those that its filters removed, over all its loops."""
    if "Scan" in node["Node Type"] and "Relation Name" in node:
        removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        yield (node["Actual Rows"] + removed) * node["Actual Loops"]
    for child in node.get("Plans", []):
        yield from _rows_scanned(child)


@pytest.mark.django_db(transaction=True)
def test_a_payment_method_that_is_no_more_holds_back_no_other(account, bank):
    intents = _processing(account, 3)
    PaymentIntent.objects.filter(id=intents[1]).update(payment_method="pm_card_retired")
    Settler(stop=StopSignal(), batch=10, poll_interval=0.01)._settle_batch()
    states = dict(PaymentIntent.objects.values_list("id", "status"))
    assert [states[intent_id] for intent_id in intents] == ["succeeded", "processing", "succeeded"]


@pytest.mark.django_db(transaction=True)
def test_a_resumed_operation_moves_nothing_twice(account, bank):
    bank["SUCCESS_RATE"] = 0.0
    intent = new_intent(account)
    first = RememberedOperation()
    for operation in (first, RememberedOperation()):
        confirm_payment_intent(write=write_of(account, operation), intent_id=intent.id, payment_method=None)
        for due in lease_due_settlements(limit=10):
            settle_payment(due)
    before = event_types(account)
    first.resumed = True
    with pytest.raises(IllegalMove):
        confirm_payment_intent(write=write_of(account, first), intent_id=intent.id, payment_method=None)
    assert event_types(account) == before
