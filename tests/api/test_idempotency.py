"""One key, one operation, one answer: over retries, races and crashes."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connections
from django.utils import timezone

from api.idempotency import IdempotentOperation, forget_operations, perform
from api.models import IdempotencyKey
from core.api_keys import create_api_key
from core.key_scopes import KeyKind
from core.models import Customer, PaymentIntent
from core.settlement import lease_due_settlements, settle_payment
from dispatcher.models import Endpoint
from dispatcher.sealing import unseal
from dispatcher.urls import UrlRefused
from outbox.expiry import expire_rows
from outbox.identifiers import floor_uuid
from outbox.models import Event
from tests.api.callers import HOOK, Caller, error_of

REAL = pytest.mark.django_db(transaction=True)


class Crash(BaseException):
    """The process is gone: nothing after it runs, no handler sees it."""


def _lease_ends() -> None:
    IdempotencyKey.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_retry_gets_the_saved_bytes(caller: Caller) -> None:
    first = caller.post("/customers/", {"name": "A", "metadata": {"b": "1", "a": "2"}}, idempotency_key="k")
    again = caller.post("/customers/", {"metadata": {"a": "2", "b": "1"}, "name": "A"}, idempotency_key="k")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert again["Original-Request"] == first["Request-Id"] != again["Request-Id"]
    assert first["Idempotency-Key"] == again["Idempotency-Key"] == "k"
    assert Customer.objects.count() == Event.objects.count() == 1


def test_the_encoding_of_a_request_is_no_difference(caller: Caller) -> None:
    first = caller.form("/payment_intents/", "amount=2000&currency=usd", idempotency_key="k")
    again = caller.post("/payment_intents", {"currency": "usd", "amount": 2000}, idempotency_key="k")
    assert again.content == first.content


def test_other_parameters_are_refused(caller: Caller) -> None:
    caller.post("/customers/", {"name": "A"}, idempotency_key="k")
    refused = caller.post("/customers/", {"name": "B"}, idempotency_key="k")
    assert error_of(refused) == (400, "idempotency_key_reused", None)
    error = refused.json()["error"]
    assert error["type"] == "idempotency_error"
    assert error["message"].startswith(
        "Keys for idempotent requests can only be used with the same parameters they were first used with."
    )


def test_another_endpoint_is_refused_by_name(caller: Caller) -> None:
    caller.post("/customers/", {}, idempotency_key="k")
    refused = caller.post("/v1/customers", {}, idempotency_key="k")
    assert error_of(refused) == (400, "idempotency_key_reused", None)
    assert "'POST /v1/customers' vs 'POST /customers'" in refused.json()["error"]["message"]


def test_keys_belong_to_their_account(caller: Caller, other_caller: Caller) -> None:
    first = caller.post("/customers/", {}, idempotency_key="k").json()
    assert other_caller.post("/customers/", {}, idempotency_key="k").json()["id"] != first["id"]


def test_a_refusal_of_the_request_keeps_no_key(caller: Caller) -> None:
    assert caller.post("/payment_intents/", {"amount": 1}, idempotency_key="k").status_code == 400
    assert (
        caller.post("/payment_intents/", {"amount": 1, "currency": "usd"}, idempotency_key="k").status_code
        == 400
    )
    made = caller.post("/payment_intents/", {"amount": 2000, "currency": "usd"}, idempotency_key="k")
    assert made.status_code == 201


def test_a_refusal_of_the_domain_is_the_answer_under_its_key(caller: Caller) -> None:
    fields = {"amount": 2000, "currency": "usd", "customer": "cus_0000000000000000000000"}
    first = caller.post("/payment_intents/", fields, idempotency_key="k")
    again = caller.post("/payment_intents/", fields, idempotency_key="k")
    assert error_of(first) == (404, "resource_missing", "customer")
    assert (again.status_code, again.content) == (404, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert not PaymentIntent.objects.exists()


@REAL
def test_a_decline_is_the_answer_under_its_key(caller: Caller, bank: dict[str, Any]) -> None:
    path = f"/payment_intents/{caller.intent()['id']}/confirm/"
    first = caller.post(path, {"payment_method": "pm_card_chargeDeclined"}, idempotency_key="k")
    again = caller.post(path, {"payment_method": "pm_card_chargeDeclined"}, idempotency_key="k")
    assert first.status_code == again.status_code == 402
    assert again.content == first.content
    error = first.json()["error"]
    assert (error["type"], error["code"], error["decline_code"]) == (
        "card_error",
        "card_declined",
        "generic_decline",
    )
    assert error["payment_intent"]["status"] == "failed"
    assert Event.objects.filter(type="payment_intent.payment_failed").count() == 1


def test_an_answer_with_a_secret_is_kept_encrypted(caller: Caller) -> None:
    fields = {"url": HOOK, "enabled_events": ["*"]}
    first = caller.post("/webhook_endpoints/", fields, idempotency_key="k")
    assert caller.post("/webhook_endpoints/", fields, idempotency_key="k").content == first.content
    kept = bytes(IdempotencyKey.objects.get().body or b"")
    assert b"whsec_" in first.content
    assert b"whsec_" not in kept
    assert first.json()["id"].encode() not in kept
    assert Endpoint.objects.count() == 1


def test_a_fault_of_an_update_gives_its_key_back(caller: Caller) -> None:
    path = f"/webhook_endpoints/{caller.endpoint()['id']}/"
    refused = caller.post(path, {"url": "https://10.0.0.1/"}, idempotency_key="k")
    assert error_of(refused) == (400, "url_invalid", "url")
    refused = caller.post(path, {"enabled_events": ["nothing"]}, idempotency_key="k")
    assert error_of(refused) == (400, "event_type_unknown", "enabled_events[0]")
    assert not IdempotencyKey.objects.exists()
    assert caller.post(path, {"description": "new"}, idempotency_key="k").json()["description"] == "new"


def test_a_roll_under_a_key_rolls_once(caller: Caller) -> None:
    path = f"/webhook_endpoints/{caller.endpoint()['id']}/roll_secret/"
    first = caller.post(path, idempotency_key="k")
    assert caller.post(path, idempotency_key="k").content == first.content


@pytest.mark.parametrize(("action", "rows"), [("resend", 2), ("stop", 1)])
def test_an_action_on_a_delivery_under_a_key_happens_once(caller: Caller, action: str, rows: int) -> None:
    path = f"/deliveries/{caller.delivery()['id']}/{action}/"
    first = caller.post(path, idempotency_key="k")
    again = caller.post(path, idempotency_key="k")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert len(caller.get("/deliveries/").json()["data"]) == rows


def test_an_expired_key_is_a_new_one(caller: Caller) -> None:
    first = caller.post("/customers/", {"name": "A"}, idempotency_key="k").json()
    long_ago = floor_uuid(timezone.now() - timedelta(hours=25))
    IdempotencyKey.objects.update(id=long_ago)
    second = caller.post("/customers/", {"name": "B"}, idempotency_key="k").json()
    assert first["id"] != second["id"]
    assert IdempotencyKey.objects.get().id != long_ago


def test_expired_keys_are_forgotten(caller: Caller) -> None:
    caller.post("/customers/", {}, idempotency_key="old")
    IdempotencyKey.objects.update(id=floor_uuid(timezone.now() - timedelta(hours=25)))
    caller.post("/customers/", {}, idempotency_key="new")
    assert forget_operations(limit=10) == 1
    assert IdempotencyKey.objects.get().key == "new"


def test_the_command_forgets_them_all(caller: Caller) -> None:
    for key in ("a", "b", "c"):
        caller.post("/customers/", {}, idempotency_key=key)
    long_ago = timezone.now() - timedelta(hours=25)
    for number, row in enumerate(IdempotencyKey.objects.order_by("key")[:2]):
        IdempotencyKey.objects.filter(id=row.id).update(id=floor_uuid(long_ago + timedelta(seconds=number)))
    told = StringIO()
    call_command("forget_idempotency_keys", batch=1, stdout=told)
    assert told.getvalue() == "2 idempotency keys forgotten\n"
    assert IdempotencyKey.objects.get().key == "c"


@REAL
def test_of_concurrent_requests_under_a_key_one_works_and_the_others_are_told_at_once(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is held inside its transaction until the second has its answer."""
    begun, answered = threading.Event(), threading.Event()
    begin = IdempotentOperation.begin

    def begin_and_wait(operation: IdempotentOperation, result: Any = None) -> None:
        begin(operation, result)
        begun.set()
        assert answered.wait(30)

    monkeypatch.setattr(IdempotentOperation, "begin", begin_and_wait)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(_in_thread(lambda: caller.post("/customers/", {}, idempotency_key="k")))
        assert begun.wait(30)
        second = caller.post("/customers/", {}, idempotency_key="k")
        answered.set()
        assert first.result().status_code == 201
    assert error_of(second) == (409, "idempotency_key_in_use", None)
    assert second["Stripe-Should-Retry"] == "true"
    monkeypatch.undo()
    assert caller.post("/customers/", {}, idempotency_key="k").content == first.result().content
    assert Customer.objects.count() == 1


@REAL
def test_many_concurrent_requests_under_a_key_make_one_object(caller: Caller) -> None:
    barrier = threading.Barrier(8)

    def create() -> Any:
        barrier.wait(30)
        return caller.post("/customers/", {}, idempotency_key="k")

    with ThreadPoolExecutor(8) as pool:
        answers = [future.result() for future in [pool.submit(_in_thread(create)) for _ in range(8)]]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert Customer.objects.count() == Event.objects.count() == 1


@REAL
@pytest.mark.parametrize("moment", ["before_commit", "after_commit"])
def test_a_create_survives_a_crash_around_its_commit(
    caller: Caller, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if moment == "before_commit":
        monkeypatch.setattr("core.customers.record", _crash)
    else:
        monkeypatch.setattr("api.views.base.perform", _crash_after(perform))
    with pytest.raises(Crash):
        caller.post("/customers/", {"name": "A"}, idempotency_key="k")
    monkeypatch.undo()
    retried = caller.post("/customers/", {"name": "A"}, idempotency_key="k")
    assert retried.status_code == 201
    assert ("Idempotent-Replayed" in retried) is (moment == "after_commit")
    assert Customer.objects.count() == Event.objects.count() == 1


@REAL
def test_a_fault_of_ours_is_the_answer_under_its_key_and_the_payment_goes_on(
    caller: Caller, bank: dict[str, Any], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SETTLEMENT = {**settings.SETTLEMENT, "LEASE": timedelta(0)}
    path = f"/payment_intents/{caller.intent()['id']}/confirm/"
    monkeypatch.setattr("core.confirmation.ask_bank", _out_of_order)
    failed = caller.post(path, {"payment_method": "pm_card_visa"}, idempotency_key="k")
    assert error_of(failed) == (500, "internal_error", None)
    monkeypatch.undo()
    again = caller.post(path, {"payment_method": "pm_card_visa"}, idempotency_key="k")
    assert (again.status_code, again.content, again["Idempotent-Replayed"]) == (500, failed.content, "true")
    assert again["Stripe-Should-Retry"] == "false"
    assert "Stripe-Should-Retry" not in failed
    for due in lease_due_settlements(limit=10):
        settle_payment(due)
    assert PaymentIntent.objects.get().status == "succeeded"


@REAL
def test_a_fault_of_ours_before_anything_was_committed_is_kept_too(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.customers.record", _out_of_order)
    failed = caller.post("/customers/", {"name": "A"}, idempotency_key="k")
    monkeypatch.undo()
    again = caller.post("/customers/", {"name": "A"}, idempotency_key="k")
    assert (failed.status_code, again.status_code, again.content) == (500, 500, failed.content)
    assert not Customer.objects.exists()
    assert caller.post("/customers/", {"name": "A"}, idempotency_key="another").status_code == 201


@REAL
@pytest.mark.parametrize("kind", [OperationalError, DatabaseError])
def test_a_write_that_lost_its_database_is_taken_up_at_once(
    caller: Caller, bank: dict[str, Any], monkeypatch: pytest.MonkeyPatch, kind: type[DatabaseError]
) -> None:
    """During COMMIT psycopg2 raises the more general one."""
    path = f"/payment_intents/{caller.intent()['id']}/confirm/"

    def away(*_: Any, **__: Any) -> None:
        raise kind("server closed the connection unexpectedly")

    monkeypatch.setattr("core.confirmation.ask_bank", away)
    failed = caller.post(path, {"payment_method": "pm_card_visa"}, idempotency_key="k")
    assert error_of(failed) == (503, "service_unavailable", None)
    monkeypatch.undo()
    retried = caller.post(path, {"payment_method": "pm_card_visa"}, idempotency_key="k")
    assert (retried.status_code, retried.json()["status"]) == (200, "succeeded")


@pytest.mark.parametrize("refusal", ["a parameter", "no key", "a scope"])
def test_what_was_refused_before_it_began_keeps_no_key(caller: Caller, refusal: str) -> None:
    user = Caller(account=caller.account, key=caller.key)
    fields: dict[str, Any] = {"name": "A"}
    match refusal:
        case "a parameter":
            fields["colour"] = "red"
        case "no key":
            user.key = None
        case "a scope":
            user.key = create_api_key(
                account=caller.account, name="rk", kind=KeyKind.RESTRICTED, scopes={"customers": "read"}
            )
    assert 400 <= user.post("/v1/customers", fields, idempotency_key="k").status_code < 404
    made = caller.post("/v1/customers", {"name": "B"}, idempotency_key="k")
    assert (made.status_code, "Idempotent-Replayed" in made) == (200, False)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_only_a_post_has_an_operation(caller: Caller, method: str) -> None:
    path = f"/v1/customers/{caller.customer()['id']}"
    assert caller.send(method, path, idempotency_key="k").status_code == 200
    assert not IdempotencyKey.objects.exists()
    assert caller.send(method, path, idempotency_key="k")["Idempotency-Key"] == "k"


def test_a_key_of_255_characters_is_one(caller: Caller) -> None:
    key = "k" * 255
    first = caller.post("/v1/customers", {}, idempotency_key=key)
    assert caller.post("/v1/customers", {}, idempotency_key=key).content == first.content


def test_installed_apps_expire_keys_where_somebody_has_a_loop_to_spare(caller: Caller) -> None:
    for key in ("a", "b", "c"):
        caller.post("/customers/", {}, idempotency_key=key)
    long_ago = timezone.now() - timedelta(hours=25)
    for number, row in enumerate(IdempotencyKey.objects.order_by("key")[:2]):
        IdempotencyKey.objects.filter(id=row.id).update(id=floor_uuid(long_ago + timedelta(seconds=number)))
    assert [expire_rows(limit=1) for _ in range(3)] == [1, 1, 0]
    assert IdempotencyKey.objects.get().key == "c"


def test_a_replay_asks_no_name_server(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"url": "https://93.184.216.34/hook", "enabled_events": ["*"]}
    first = caller.post("/webhook_endpoints/", fields, idempotency_key="k")

    def refused(*_: Any, **__: Any) -> None:
        raise UrlRefused("the name does not resolve")

    monkeypatch.setattr("dispatcher.endpoints.check_addresses", refused)
    again = caller.post("/webhook_endpoints/", fields, idempotency_key="k")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    other = caller.post("/webhook_endpoints/", fields, idempotency_key="another")
    assert error_of(other) == (400, "url_invalid", "url")


@REAL
@pytest.mark.parametrize("moment", ["before_commit", "after_commit"])
def test_a_roll_that_crashed_rolls_once(caller: Caller, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    created = caller.endpoint()
    path = f"/webhook_endpoints/{created['id']}/roll_secret/"
    if moment == "before_commit":
        monkeypatch.setattr("api.idempotency.IdempotentOperation.finish", _crash)
    else:
        monkeypatch.setattr("api.views.base.perform", _crash_after(perform))
    with pytest.raises(Crash):
        caller.post(path, idempotency_key="k")
    monkeypatch.undo()
    rolled = caller.post(path, idempotency_key="k")
    assert ("Idempotent-Replayed" in rolled) is (moment == "after_commit")
    signing = Endpoint.objects.get()
    assert signing.previous_secret is not None
    assert (unseal(signing.secret), unseal(signing.previous_secret)) == (
        rolled.json()["secret"],
        created["secret"],
    )


@REAL
@pytest.mark.parametrize(
    ("point", "card", "answers"),
    [
        ("core.confirmation.ask_bank", "pm_card_visa", (200, "succeeded")),
        ("core.confirmation.apply_answer", "pm_card_visa", (200, "succeeded")),
        ("core.confirmation.apply_answer", "pm_card_chargeDeclined", (402, "failed")),
    ],
)
def test_a_confirm_that_crashed_between_its_transactions_is_taken_up_after_the_lease(
    caller: Caller,
    bank: dict[str, Any],
    point: str,
    card: str,
    answers: tuple[int, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = f"/payment_intents/{caller.intent()['id']}/confirm/"
    monkeypatch.setattr(point, _crash)
    with pytest.raises(Crash):
        caller.post(path, {"payment_method": card}, idempotency_key="k")
    monkeypatch.undo()
    operation = IdempotencyKey.objects.get()
    assert error_of(caller.post(path, {"payment_method": card}, idempotency_key="k"))[0] == 409
    _lease_ends()
    other = caller.post(path, {"payment_method": "pm_card_amex"}, idempotency_key="k")
    assert error_of(other)[1] == "idempotency_key_reused"
    resumed = caller.post(path, {"payment_method": card}, idempotency_key="k")
    intent = resumed.json() if resumed.status_code == 200 else resumed.json()["error"]["payment_intent"]
    assert (resumed.status_code, intent["status"]) == answers
    assert IdempotencyKey.objects.get().id == operation.id == PaymentIntent.objects.get().bank_reference
    replayed = caller.post(path, {"payment_method": card}, idempotency_key="k")
    assert (replayed.status_code, replayed.content) == (resumed.status_code, resumed.content)
    told = Event.objects.filter(type__startswith="payment_intent.").exclude(type="payment_intent.created")
    assert told.count() == 1


@REAL
def test_a_confirm_that_crashed_and_was_settled_meanwhile_answers_the_same(
    caller: Caller, bank: dict[str, Any], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SETTLEMENT = {**settings.SETTLEMENT, "LEASE": timedelta(0)}
    path = f"/payment_intents/{caller.intent()['id']}/confirm/"
    monkeypatch.setattr("core.confirmation.apply_answer", _crash)
    with pytest.raises(Crash):
        caller.post(path, {"payment_method": "pm_card_visa"}, idempotency_key="k")
    monkeypatch.undo()
    for due in lease_due_settlements(limit=10):
        settle_payment(due)
    _lease_ends()
    resumed = caller.post(path, {"payment_method": "pm_card_visa"}, idempotency_key="k")
    assert (resumed.status_code, resumed.json()["status"]) == (200, "succeeded")
    assert Event.objects.filter(type="payment_intent.succeeded").count() == 1


def _crash(*_: Any, **__: Any) -> None:
    raise Crash


def _out_of_order(*_: Any, **__: Any) -> None:
    raise RuntimeError("out of order")


def _crash_after(real: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        real(*args, **kwargs)
        raise Crash

    return run


def _in_thread(run: Callable[[], Any]) -> Callable[[], Any]:
    """With a connection of its own, closed at the end."""

    def run_and_close() -> Any:
        try:
            return run()
        finally:
            connections.close_all()

    return run_and_close
