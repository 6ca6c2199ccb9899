"""The whole of /v1, driven from our own OpenAPI description: no fault of ours, and every answer fits its schema.

FUZZ_EXAMPLES=500 makes it longer, and FUZZ_SEED=7 another run: `make fuzz`. Without them it is the same each time.
"""

import os
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from core.wsgi import application
from tests.api.callers import Caller
from tests.sdk.contract import description
from tests.sdk.scenes import EXPANSIONS, FILTERS, MAKERS, Stock, posting_as

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
SEED = os.environ.get("FUZZ_SEED")
PATHS = {path: methods for path, methods in description()["paths"].items() if path.startswith("/v1/")}
OPERATIONS = [(method.upper(), path) for path, methods in PATHS.items() for method in methods]
SCHEMA = schemathesis.openapi.from_dict({**description(), "paths": PATHS})
SCHEMA.app = application

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[" ".join(one) for one in OPERATIONS])
def test_no_input_is_a_fault_of_ours_and_every_answer_fits(
    method: str, path: str, caller: Caller, bank: object
) -> None:
    operation = SCHEMA[path][method]
    ids = existing_ids(caller, path)
    headers = {"Authorization": f"Bearer {caller.key}"}

    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=SEED is None,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(data=st.data())
    def run(data: Any) -> None:
        mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
        known = data.draw(st.booleans()) and bool(ids)
        case = data.draw(operation.as_strategy(generation_mode=mode, path_parameters=ids if known else None))
        case.call_and_validate(headers=headers, checks=CHECKS)

    (run if SEED is None else hypothesis.seed(int(SEED))(run))()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", [path for path, methods in PATHS.items() if "get" in methods])
def test_what_is_expanded_fits_too(path: str, caller: Caller, bank: object) -> None:
    """Every list, with an object in it, and every object, with each expansion that it takes."""
    ids = existing_ids(caller, path)
    if not ids and path in MAKERS:
        MAKERS[path](Stock(posting_as(caller)))
    prefix = "data." if path in MAKERS else ""
    shown = 0
    for name in (None, *EXPANSIONS):
        query = {**FILTERS.get(path, {}), **({} if name is None else {"expand[]": [prefix + name]})}
        case = SCHEMA[path]["GET"].Case(path_parameters=ids, query=query)
        response = case.call_and_validate(headers={"Authorization": f"Bearer {caller.key}"}, checks=CHECKS)
        shown += response.status_code == 200
    assert shown >= 1


def existing_ids(caller: Caller, path: str) -> dict[str, Any]:
    """Values for the path's parameters that lead to an object, as far as one can be made."""
    if "{" not in path:
        return {}
    stock = Stock(posting_as(caller))
    resource = path.split("/")[2]
    match resource:
        case "customers" if "{method}" in path:
            return {"id": stock.customer_id, "method": stock.payment_method()["id"]}
        case "customers":
            return {"id": stock.customer_id}
        case "requests":
            return {"id": caller.get("/v1/customers")["Request-Id"]}
        case "payment_intents":
            return {"id": stock.intent()["id"]}
        case "webhook_endpoints":
            return {"id": stock.endpoint()["id"]}
        case "deliveries":
            return {"id": stock.delivery()["id"]}
        case "events":
            stock.customer()
            return {"id": caller.get("/v1/events").json()["data"][0]["id"]}
        case "refunds":
            return {"id": stock.refund()["id"]}
        case "setup_intents":
            return {"id": stock.setup_intent()["id"]}
        case "payment_methods":
            return {"id": stock.payment_method()["id"]}
        case "charges" | "balance_transactions":
            stock.charge()
            return {"id": caller.get(f"/v1/{resource}").json()["data"][0]["id"]}
        case "portal_sessions":
            return {"id": caller.post("/v1/portal_sessions", {}).json()["id"]}
        case "accounts":
            return {"id": caller.account.public_id}
    raise AssertionError(f"nothing of {path} is made here: add it")
