"""Buckets of tokens, shared by every process; and what the edge counts with them."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api.models import IdempotencyKey, RateBucket
from api.rate_limit import Rate, forget_buckets, take_token
from core.api_keys import create_api_key, key_uuid, revoke_api_key
from core.key_scopes import KeyKind
from outbox.expiry import expire_rows
from tests.api.callers import Caller, error_of
from tests.dispatcher.plans import counted_rows
from tests.processes import Command

HOUR = timedelta(hours=1)
SLOW = Rate(burst=3, each=HOUR)  # no token comes back while a test runs
TAKER = """
import django
django.setup()
from datetime import timedelta
from api.rate_limit import Rate, take_token
rate = Rate(burst=100, each=timedelta(hours=1))
print(sum(take_token("shared", rate) == 0 for _ in range(60)))
"""


def _age(subject: str, by: timedelta) -> None:
    """Let a bucket's time pass."""
    row = RateBucket.objects.get(subject=subject)
    RateBucket.objects.filter(subject=subject).update(full_at=row.full_at - by)


@pytest.mark.django_db
def test_a_bucket_holds_its_burst_and_fills_one_token_at_a_time() -> None:
    assert [take_token("a", SLOW) > 0 for _ in range(5)] == [False, False, False, True, True]
    _age("a", HOUR)
    assert [take_token("a", SLOW) > 0 for _ in range(2)] == [False, True]
    _age("a", 50 * HOUR)
    assert [take_token("a", SLOW) > 0 for _ in range(4)] == [False, False, False, True]


@pytest.mark.django_db
def test_who_is_refused_is_told_when_the_next_token_comes() -> None:
    for _ in range(3):
        take_token("a", SLOW)
    assert 3_500 < take_token("a", SLOW) <= 3_600
    _age("a", timedelta(minutes=45))
    assert 800 < take_token("a", SLOW) <= 900


@pytest.mark.django_db
def test_subjects_have_buckets_of_their_own() -> None:
    """Any text is a subject: what throttles logins needs no table of its own."""
    once = Rate(burst=1, each=HOUR)
    assert [take_token(f"login:{name}", once) for name in ("ada", "grace", "ada'--")] == [0, 0, 0]
    assert take_token("login:ada", once) > 0


@pytest.mark.django_db
@pytest.mark.parametrize("ahead", [timedelta(days=300), timedelta(hours=4)])
def test_a_moment_that_another_rate_or_clock_made_counts_for_nothing(ahead: timedelta) -> None:
    RateBucket.objects.create(subject="a", full_at=timezone.now() + ahead)
    assert [take_token("a", SLOW) > 0 for _ in range(4)] == [False, False, False, True]


@pytest.mark.parametrize(
    ("rate", "burst", "each"),
    [
        (Rate.per_second(3), 3, timedelta(microseconds=333_333)),
        (Rate.per_second(2.5), 2, timedelta(milliseconds=400)),
        (Rate.per_second(0.5), 1, timedelta(seconds=2)),
        (Rate.per_minute(30), 30, timedelta(seconds=2)),
    ],
)
def test_a_rate_is_a_burst_and_a_wait(rate: Rate, burst: int, each: timedelta) -> None:
    assert (rate.burst, rate.each) == (burst, each)


@pytest.mark.django_db(transaction=True)
def test_threads_that_share_a_bucket_take_exactly_what_it_holds() -> None:
    together = threading.Barrier(6)

    def take() -> int:
        try:
            together.wait()
            return sum(take_token("shared", Rate(burst=100, each=HOUR)) == 0 for _ in range(40))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        taken = [future.result() for future in [pool.submit(take) for _ in range(6)]]
    assert sum(taken) == 100


@pytest.mark.django_db(transaction=True)
def test_processes_that_share_a_bucket_take_exactly_what_it_holds() -> None:
    program = [sys.executable, "-c", TAKER]
    with Command(program=program) as one, Command(program=program) as other:
        assert (one.wait(), other.wait()) == (0, 0), one.output() + other.output()
    assert int(one.stdout[0]) + int(other.stdout[0]) == 100


@pytest.mark.django_db
def test_full_buckets_are_forgotten_some_at_a_time() -> None:
    take_token("busy", SLOW)
    past = timezone.now() - timedelta(seconds=1)
    RateBucket.objects.bulk_create(RateBucket(subject=f"idle-{n}", full_at=past) for n in range(5))
    assert [forget_buckets(limit=3), forget_buckets(limit=3), forget_buckets(limit=3)] == [3, 2, 0]
    assert list(RateBucket.objects.values_list("subject", flat=True)) == ["busy"]


@pytest.mark.django_db
def test_whoever_expires_rows_expires_buckets() -> None:
    RateBucket.objects.create(subject="idle", full_at=timezone.now())
    assert expire_rows(limit=10) == 1


@pytest.mark.django_db
def test_a_token_costs_one_row_among_many(settings: Any) -> None:
    settings.OUTBOX = {**settings.OUTBOX, "PREPARE": False}
    later = timezone.now() + HOUR
    RateBucket.objects.bulk_create(RateBucket(subject=f"s-{n}", full_at=later) for n in range(5_000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE api_rate_bucket")
    with counted_rows() as count:
        for _ in range(5):
            take_token("s-77", SLOW)
    assert len(count.statements) == 5
    assert count.largest() <= 1, count.worst()


@pytest.mark.django_db
def test_forgetting_stops_at_its_limit() -> None:
    past = timezone.now() - HOUR
    RateBucket.objects.bulk_create(RateBucket(subject=f"s-{n}", full_at=past) for n in range(5_000))
    with counted_rows() as count:
        forget_buckets(limit=50)
    assert count.largest() <= 150, count.worst()


# --- What the edge counts ---


@pytest.mark.parametrize("dialect", ["", "/v1"])
def test_too_many_requests_are_told_and_use_no_idempotency_key(
    caller: Caller, settings: Any, dialect: str
) -> None:
    settings.API_RATE_LIMIT = 0.001
    assert caller.get(f"{dialect}/customers").status_code == 200
    refused = caller.post(f"{dialect}/customers", {}, idempotency_key="k")
    assert error_of(refused) == (429, "rate_limit", None)
    assert refused.json()["error"]["type"] == "invalid_request_error"
    assert 900 < int(refused["Retry-After"]) <= 1_000
    assert refused["Stripe-Rate-Limited-Reason"] == "global-rate"
    assert not IdempotencyKey.objects.exists()
    settings.API_RATE_LIMIT = 0
    assert caller.post(f"{dialect}/customers", {}, idempotency_key="k").status_code in {200, 201}


def test_all_keys_of_an_account_share_its_limit(caller: Caller, settings: Any) -> None:
    settings.API_RATE_LIMIT = 0.001
    second = Caller(account=caller.account, key=create_api_key(account=caller.account, name="second"))
    scopes = {"events": "read"}
    third = create_api_key(account=caller.account, name="rk", kind=KeyKind.RESTRICTED, scopes=scopes)
    assert caller.get("/v1/customers").status_code == 200
    assert second.get("/v1/customers").status_code == 429
    assert Caller(account=caller.account, key=third).get("/v1/customers").status_code == 429


def test_payers_use_up_nothing_of_the_merchants(caller: Caller, settings: Any) -> None:
    settings.API_RATE_LIMIT = 0.001
    key = create_api_key(account=caller.account, name="pk", kind=KeyKind.PUBLISHABLE)
    payer = Caller(account=caller.account, key=key)
    assert payer.get("/v1/customers").status_code == 403
    assert payer.get("/v1/customers").status_code == 429
    assert caller.get("/v1/customers").status_code == 200


def test_accounts_do_not_wait_for_each_other(caller: Caller, other_caller: Caller, settings: Any) -> None:
    settings.API_RATE_LIMIT = 0.001
    assert caller.get("/v1/customers").status_code == 200
    assert caller.get("/v1/customers").status_code == 429
    assert other_caller.get("/v1/customers").status_code == 200


def test_an_address_has_a_limit_whatever_its_keys(
    caller: Caller, other_caller: Caller, settings: Any
) -> None:
    settings.API_RATE_LIMIT_PER_ADDRESS = 0.001
    assert caller.get("/v1/customers").status_code == 200
    refused = other_caller.get("/v1/customers")
    assert error_of(refused) == (429, "rate_limit", None)
    assert refused["Stripe-Rate-Limited-Reason"] == "global-rate"


def test_a_refused_address_costs_one_statement_before_the_log(caller: Caller, settings: Any) -> None:
    settings.API_RATE_LIMIT_PER_ADDRESS = 0.001
    caller.get("/v1/customers")
    with CaptureQueriesContext(connection) as captured:
        assert caller.get("/v1/customers").status_code == 429
    assert len(captured) == 2


def test_a_forwarded_address_counts_only_from_a_trusted_proxy(caller: Caller, settings: Any) -> None:
    settings.API_RATE_LIMIT_PER_ADDRESS = 0.001
    spoofed = [
        caller.send("GET", "/v1/customers", **{"X-Forwarded-For": f"1.1.1.{n}"}).status_code for n in range(3)
    ]
    assert spoofed == [200, 429, 429]
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.0/8")]
    callers = ["9.9.9.9, 1.1.1.1", "8.8.8.8, 1.1.1.1", "1.1.1.2"]
    told = [caller.send("GET", "/v1/customers", **{"X-Forwarded-For": text}).status_code for text in callers]
    assert told == [200, 429, 200]


def test_failed_keys_have_a_stricter_limit_of_their_own(caller: Caller, settings: Any) -> None:
    settings.API_FAILED_KEYS_PER_MINUTE = 4
    assert caller.key is not None
    wrong = caller.key[:-4] + ("0000" if caller.key[-4:] != "0000" else "1111")
    revoked = create_api_key(account=caller.account, name="old")
    revoke_api_key(key_uuid(revoked))
    failing = ["sk_test_short", wrong, revoked, "sk_test_short", wrong, "sk_test_short"]
    answers = [Caller(account=caller.account, key=key).get("/v1/customers") for key in failing]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 401, 429, 429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 15
    assert error_of(answers[-1]) == (429, "rate_limit", None)
    assert Caller(account=caller.account, key=None).get("/v1/customers").status_code == 401
    assert caller.get("/v1/customers").status_code == 200


def test_without_a_limit_nothing_is_counted(caller: Caller, settings: Any) -> None:
    settings.API_FAILED_KEYS_PER_MINUTE = 0
    for _ in range(3):
        assert caller.get("/v1/customers").status_code == 200
        assert Caller(account=caller.account, key="sk_test_short").get("/v1/customers").status_code == 401
    assert not RateBucket.objects.exists()
