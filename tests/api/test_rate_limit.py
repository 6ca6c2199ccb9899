import uuid
from typing import Any

import pytest

from api import rate_limit
from api.models import IdempotencyKey
from api.rate_limit import Buckets
from tests.api.callers import Caller, error_of


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "_buckets", Buckets())


def test_a_bucket_holds_a_second_and_fills_with_time() -> None:
    buckets, key = Buckets(), uuid.uuid4()
    assert [buckets.take(key, rate=3, now=10.0) for _ in range(4)] == [True, True, True, False]
    assert [buckets.take(key, rate=3, now=10.4) for _ in range(2)] == [True, False]
    assert [buckets.take(key, rate=3, now=99.0) for _ in range(4)] == [True, True, True, False]


def test_less_than_one_request_a_second_is_possible() -> None:
    buckets, key = Buckets(), uuid.uuid4()
    taken = [buckets.take(key, rate=0.5, now=float(second)) for second in range(5)]
    assert taken == [True, False, True, False, True]


def test_keys_have_buckets_of_their_own_and_only_so_many_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limit, "_MOST_BUCKETS", 100)
    buckets = Buckets()
    assert all(buckets.take(uuid.uuid4(), rate=1, now=1.0) for _ in range(300))
    assert len(buckets._buckets) == 100


def test_too_many_requests_are_told_and_use_no_idempotency_key(caller: Caller, settings: Any) -> None:
    settings.API_RATE_LIMIT = 0.001
    assert caller.get("/v1/customers").status_code == 200
    refused = caller.post("/v1/customers", {}, idempotency_key="k")
    assert error_of(refused) == (429, "rate_limit", None)
    assert refused.json()["error"]["type"] == "invalid_request_error"
    assert refused["Retry-After"] == "1"
    assert not IdempotencyKey.objects.exists()
    settings.API_RATE_LIMIT = 0
    assert caller.post("/v1/customers", {}, idempotency_key="k").status_code == 200


def test_callers_do_not_wait_for_each_other(caller: Caller, other_caller: Caller, settings: Any) -> None:
    settings.API_RATE_LIMIT = 0.001
    assert caller.get("/v1/customers").status_code == 200
    assert caller.get("/v1/customers").status_code == 429
    assert other_caller.get("/v1/customers").status_code == 200


def test_without_a_limit_nothing_is_counted(caller: Caller) -> None:
    for _ in range(5):
        assert caller.get("/v1/customers").status_code == 200
    assert not rate_limit._buckets._buckets
