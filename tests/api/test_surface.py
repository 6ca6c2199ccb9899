"""What belongs to no one resource: dialects, headers, faults of ours, health, the description."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client, override_settings

from api import health, outputs
from api.operations import OPERATIONS
from core.versions import PLAIN, STRIPE
from tests.api.callers import Caller, error_of


@pytest.mark.parametrize("path", ["/customers", "/customers/", "/v1/customers", "/v1/customers/"])
def test_a_trailing_slash_is_no_difference(caller: Caller, path: str) -> None:
    made = caller.post(path, {})
    assert made.status_code == (200 if path.startswith("/v1") else 201)
    assert caller.get(path).status_code == 200


@pytest.mark.parametrize(
    ("path", "version", "status"),
    [("/payment_intents/", PLAIN, "created"), ("/v1/payment_intents", STRIPE, "requires_payment_method")],
)
def test_the_path_chooses_the_dialect(caller: Caller, path: str, version: str, status: str) -> None:
    response = caller.form(path, "amount=2000&currency=usd")
    assert response.json()["status"] == status
    assert response["Stripe-Version"] == version
    assert response["Request-Id"].startswith("req_")


def test_a_form_says_what_json_says(caller: Caller) -> None:
    text = (
        "amount=2000&currency=USD&description=&metadata%5B0%5D=zero&metadata[a]=b"
        "&automatic_payment_methods[enabled]=true&payment_method_types[1]=us_bank_account"
        "&payment_method_types[0]=card&shipping[name]=A&shipping[address][line1]=B+C"
    )
    made = caller.form("/payment_intents/", text).json()
    assert made["metadata"] == {"0": "zero", "a": "b"}
    assert made["description"] is None
    assert made["currency"] == "usd"
    assert made["payment_method_types"] == ["card", "us_bank_account"]
    assert made["automatic_payment_methods"] == {"enabled": True}
    assert made["shipping"] == {"name": "A", "address": {"line1": "B C"}}


def test_a_cancel_keeps_its_reason_in_stripes_spelling(caller: Caller) -> None:
    path = f"/payment_intents/{caller.intent()['id']}/cancel/"
    refused = caller.post(path, {"cancellation_reason": "bored"})
    assert error_of(refused) == (400, "parameter_invalid_choice", "cancellation_reason")
    canceled = caller.post(path, {"cancellation_reason": "abandoned"}).json()
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "abandoned")


@pytest.mark.parametrize("debug", [True, False])
def test_an_error_of_ours_tells_nothing_but_its_id(
    caller: Caller, debug: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.views.customers.customers_of", _raising(RuntimeError("the secret plan")))
    with override_settings(DEBUG=debug):
        response = caller.get("/customers/")
    assert error_of(response) == (500, "internal_error", None)
    assert response.json()["error"]["type"] == "api_error"
    assert b"secret plan" not in response.content
    assert b"Traceback" not in response.content


def test_an_unreachable_database_is_a_reason_to_try_again(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.authentication.authenticate", _raising(OperationalError("connection refused")))
    response = caller.get("/customers/")
    assert error_of(response) == (503, "service_unavailable", None)
    assert response["Stripe-Should-Retry"] == "true"


def test_an_error_outside_the_framework_has_the_envelope(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.schema._schema", _raising(RuntimeError("no")))
    response = Client(raise_request_exception=False).get("/schema/")
    assert error_of(response) == (500, "internal_error", None)


def test_the_process_is_healthy_without_a_database(client: Any) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_it_is_ready_once_migrated(db: None, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", set())
    monkeypatch.setattr(health, "_unapplied", lambda: True)
    assert client.get("/readyz").status_code == 503
    monkeypatch.undo()
    monkeypatch.setattr(health, "_migrated", set())
    assert client.get("/readyz").json() == {"status": "ok"}
    monkeypatch.setattr(health, "_unapplied", _raising(AssertionError("asked again")))
    assert client.get("/readyz").json() == {"status": "ok"}


def test_it_is_not_ready_without_a_database(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", {"default"})
    monkeypatch.setattr(health, "fetch_all", _raising(OperationalError("gone")))
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"status": "the database does not answer"})


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(Client().get("/schema/").content)
    return decoded


def test_the_description_is_openapi_3_1_of_every_operation(description: dict[str, Any]) -> None:
    assert description["openapi"] == "3.1.0"
    names = {
        operation["operationId"]
        for methods in description["paths"].values()
        for operation in methods.values()
    }
    every = {operation.name for operation in OPERATIONS.values()}
    assert names == every | {f"stripe_{name}" for name in every - {"patch_webhook_endpoint"}}
    assert description["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"


def test_the_description_names_parameters_with_their_bounds(description: dict[str, Any]) -> None:
    listed = description["paths"]["/customers/"]["get"]["parameters"]
    limit = next(parameter for parameter in listed if parameter["name"] == "limit")
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 100}
    made = description["components"]["schemas"]["PaymentIntentInputRequest"]
    assert made["required"] == ["amount", "currency"]
    assert made["properties"]["amount"]["minimum"] == 1


@pytest.mark.parametrize(
    ("output", "path"),
    [
        (outputs.Customer, "/customers/{customer}"),
        (outputs.PaymentIntent, "/payment_intents/{intent}"),
        (outputs.WebhookEndpoint, "/webhook_endpoints/{endpoint}"),
        (outputs.Event, "/events/{event}"),
        (outputs.DetailedDelivery, "/deliveries/{delivery}"),
        (outputs.CustomerList, "/customers"),
    ],
)
@pytest.mark.parametrize("dialect", ["", "/v1"])
def test_the_description_has_the_keys_of_real_answers(
    caller: Caller, output: outputs.Output, path: str, dialect: str
) -> None:
    delivery = caller.delivery()
    ids = {
        "customer": caller.customer()["id"],
        "intent": caller.intent()["id"],
        "endpoint": delivery["endpoint"],
        "event": delivery["event"],
        "delivery": delivery["id"],
    }
    shown = caller.get(dialect + path.format(**ids)).json()
    fields = output().fields
    assert shown.keys() <= fields.keys()
    optional = {name for name, field in fields.items() if not field.required}
    assert fields.keys() - shown.keys() <= optional
    if not dialect:
        assert fields.keys() - shown.keys() <= {"secret"}
    assert [name for name, value in shown.items() if value is None and not fields[name].allow_null] == []


def test_the_policy_of_the_pages_lets_their_script_run(client: Any) -> None:
    page = client.get("/docs/")
    script = page.content.rpartition(b"<script>")[2].partition(b"</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}'" in page["Content-Security-Policy"]
    assert b"SwaggerUIBundle" in script


def test_a_browser_that_opens_the_root_sees_the_reference(db: None, client: Any) -> None:
    page = client.get("/", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.content == client.get("/docs/").content
    assert page["Content-Security-Policy"] == client.get("/docs/")["Content-Security-Policy"]


@pytest.mark.parametrize(("method", "accept"), [("GET", "*/*"), ("POST", "text/html"), ("GET", None)])
def test_a_program_that_asks_for_the_root_is_told_where_the_paths_are(
    db: None, client: Any, method: str, accept: str | None
) -> None:
    answer = client.generic(method, "/", headers={"Accept": accept} if accept else {})
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["code"] == "url_unknown"
    assert error["message"] == f"Unrecognized request URL ({method}: /). Those that there are: /docs/"


def test_the_pages_load_everything_from_here(client: Any) -> None:
    page = client.get("/docs/")
    assert page.status_code == 200
    assert b"http://" not in page.content
    assert b"https://" not in page.content
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"):
        path = f"/static/drf_spectacular_sidecar/swagger-ui-dist/{name}"
        assert path.encode() in page.content
        asset = client.get(path)
        assert asset.status_code == 200
        assert b"".join(asset.streaming_content)


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("../__init__.py", (404, "url_unknown", None)),
        ("%2e%2e/__init__.py", (404, "url_unknown", None)),
        ("nothing.js", (404, "url_unknown", None)),
        ("swagger-ui-dist/", (404, "url_unknown", None)),
        ("", (404, "url_unknown", None)),
    ],
)
def test_nothing_else_is_served_as_an_asset(
    db: None, client: Any, path: str, refusal: tuple[int, str, None]
) -> None:
    assert error_of(client.get(f"/static/drf_spectacular_sidecar/{path}")) == refusal


def _raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def test_the_description_is_made_without_a_warning(tmp_path: Path) -> None:
    call_command("spectacular", file=str(tmp_path / "openapi.yaml"), validate=True, fail_on_warn=True)
