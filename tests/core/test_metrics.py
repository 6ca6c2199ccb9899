"""`run_settlement --metrics-port`: what it settled, what it could not, and what is due."""

from datetime import timedelta

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone
from prometheus_client import generate_latest

from core import settler
from core.confirmation import confirm_payment_intent
from core.metrics import CATALOGUE, Metrics
from core.models import PaymentIntent
from core.settlement import lease_due_settlements, settle_payment
from core.settler import Settler
from core.standing import COUNTED, DueReading, read_due
from core.stop_signal import StopSignal
from tests.core.merchants import new_intent, write_of
from tests.dispatcher.plans import counted_rows
from tests.dispatcher.scenes import query
from tests.processes import Command
from tests.scrapes import Scrape, moves, scrape
from tools.demo.ports import reserved_port

pytestmark = pytest.mark.django_db(transaction=True)


def _processing(account):
    intent = new_intent(account)
    confirm_payment_intent(write=write_of(account), intent_id=intent.id, payment_method=None)
    return intent


def _shown(metrics: Metrics) -> Scrape:
    return Scrape(generate_latest(metrics.registry).decode())


def test_a_settlement_process_serves_what_it_did(account, bank):
    with (
        reserved_port(0) as port,
        Command(
            "run_settlement", "--poll-interval", "0.02", "--metrics-port", str(port), BANK_SUCCESS_RATE="1"
        ) as process,
    ):
        for _ in range(3):
            _processing(account)
        process.says("payment.settled")
        shown = moves(port, ("settlement_settled_total", "payment", "succeeded"), 3)
        assert shown.described() == {one.name: (one.type, one.help) for one in CATALOGUE}
        assert shown["settlement_leased_total"] == 3
        assert shown["settlement_seconds_count", "payment"] == 3
        assert shown["settlement_failures_total", "payment"] == 0
        assert shown["settlement_database_up"] == 1
        assert shown["settlement_oldest_due_age_seconds", "refund"] == 0
        assert shown["outbox_events_recorded_total", "payment_intent.succeeded"] == 3
        assert scrape(port)["process_resident_memory_bytes"] > 0


def test_what_fails_and_what_is_tried_again_is_counted(account, bank, monkeypatch):
    poison, _good = _processing(account), _processing(account)
    losses = iter([OperationalError("server closed the connection unexpectedly")])

    def lease(*, limit):
        if (error := next(losses, None)) is not None:
            raise error
        return lease_due_settlements(limit=limit)

    settle = settle_payment
    monkeypatch.setattr(settler, "lease_due_settlements", lease)
    monkeypatch.setattr(
        settler, "settle_payment", lambda due: 1 / 0 if due.intent_id == poison.id else settle(due)
    )
    metrics = Metrics(due=lambda: None)
    Settler(stop=StopSignal(), batch=10, poll_interval=1, observer=metrics).settle_batch()
    shown = _shown(metrics)
    assert shown["settlement_failures_total", "payment"] == 1
    assert shown["settlement_settled_total", "payment", "succeeded"] == 1
    assert shown["settlement_leased_total"] == 2
    assert shown["settlement_database_losses_total"] == 1
    assert shown["settlement_database_up"] == 0
    assert ("settlement_due", "payment") not in shown.values


def test_the_metrics_of_the_database_are_those_of_a_reading():
    due = DueReading(oldest_payment=1.5, oldest_refund=2.5, payments=3, refunds=4)
    shown = _shown(Metrics(due=lambda: due))
    assert [
        shown[f"settlement_{name}", kind]
        for name in ("oldest_due_age_seconds", "due")
        for kind in ("payment", "refund")
    ] == [1.5, 2.5, 3, 4]


def test_only_what_is_due_and_not_leased_is_late_and_reading_it_is_bounded(account, bank):
    late, leased, later = (_processing(account) for _ in range(3))
    rows = PaymentIntent.objects
    rows.filter(id=late.id).update(settle_at=timezone.now() - timedelta(minutes=1))
    rows.filter(id__in=[leased.id, later.id]).update(settle_at=timezone.now() + timedelta(minutes=1))
    reading = read_due()
    assert 59 < reading.oldest_payment < 600
    assert (reading.payments, reading.oldest_refund, reading.refunds) == (1, 0, 0)
    query(
        "INSERT INTO core_payment_intent SELECT (jsonb_populate_record(intent, jsonb_build_object("
        "'id', outbox_uuid7(), 'bank_reference', outbox_uuid7(), 'client_secret', outbox_uuid7()))).* "
        "FROM core_payment_intent AS intent, generate_series(1, 500) WHERE intent.id = %s",
        late.id,
    )
    query("ANALYZE core_payment_intent")
    with transaction.atomic(), counted_rows() as count:
        bounded = read_due(counted=50)
    assert bounded.payments == 50
    assert count.largest() <= 50 + 4, count.worst()
    assert str(COUNTED) in next(one.help for one in CATALOGUE if one.name == "settlement_due")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--metrics-port", "0"], "--metrics-port must be between 1 and 65535, not 0"),
        (["--metrics-host", "0.0.0.0"], "--metrics-host needs --metrics-port"),
    ],
)
def test_a_flag_that_cannot_be_used_exits_2_with_one_sentence(arguments, sentence):
    with Command("run_settlement", *arguments) as settlement:
        assert settlement.wait() == 2
    assert sentence in settlement.output()
    assert "Traceback" not in settlement.output()
