"""Every list of /v1 costs the same number of statements however long its page is."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.callers import Caller
from tests.sdk.contract import description
from tests.sdk.scenes import EXPANSIONS, FILTERS, MAKERS, Stock, posting_as


def lists() -> list[str]:
    """The paths whose GET answers a page, found in the description."""
    found = []
    for path, methods in description()["paths"].items():
        if path.startswith("/v1/") and "get" in methods:
            answer = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            shape = description()["components"]["schemas"][answer["$ref"].rpartition("/")[2]]
            # The catalogue of events is one page for ever.
            paged = any(one["name"] == "limit" for one in methods["get"].get("parameters", []))
            if paged and {"data", "has_more"} <= shape.get("properties", {}).keys():
                found.append(path)
    return found


def test_the_description_has_lists() -> None:
    assert {"/v1/customers", "/v1/payment_intents", "/v1/events", "/v1/webhook_endpoints"} <= set(lists())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", lists())
def test_a_page_costs_the_same_however_long_it_is(path: str, caller: Caller, bank: object) -> None:
    assert path in MAKERS, f"tests/sdk/scenes.py makes nothing that {path} lists"
    stock = Stock(posting_as(caller))
    for _ in range(4):
        MAKERS[path](stock)
    url = path.replace("{id}", stock.customer_id if "{id}" in path else "")
    expandable = 0
    for expansion in (None, *[f"data.{name}" for name in EXPANSIONS]):
        query = {**FILTERS.get(path, {}), **({} if expansion is None else {"expand[]": expansion})}
        if expansion is not None and caller.get(url, limit=1, **query).status_code == 400:
            continue
        expandable += 1
        assert statements(caller, url, 2, query) == statements(caller, url, 4, query), expansion
    assert expandable >= 1


def statements(caller: Caller, url: str, length: int, query: dict[str, str]) -> int:
    caller.get(url, limit=1)  # the key's use is noted once a minute
    with CaptureQueriesContext(connection) as captured:
        answer = caller.get(url, limit=length, **query)
    assert answer.status_code == 200, answer.content
    assert len(answer.json()["data"]) == length
    return len(captured)
