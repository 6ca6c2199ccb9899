"""TRACING: one trace from a request over its event to each attempt, over processes; nothing where it is off."""

import json
import subprocess
import sys
from typing import Any

import pytest

from core.accounts import create_account
from core.api_keys import create_api_key
from outbox.models import Event
from tests.acceptance.client import ApiClient
from tests.acceptance.product import Product
from tests.hostile.receivers import OK, Receiver, answer_all
from tests.otlp import Span, collecting
from tests.processes import ROOT, Command, command_environment, until, worker_database_url

CALLERS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def header(request: bytes, name: str) -> str | None:
    for line in request.split(b"\r\n\r\n")[0].decode().split("\r\n")[1:]:
        key, _, value = line.partition(": ")
        if key.lower() == name:
            return value
    return None


def context_of(span: Span) -> str:
    """Sampled, and of a random id, which OpenTelemetry's SDK tells too."""
    return f"00-{span.trace_id}-{span.span_id}-03"


@pytest.mark.django_db(transaction=True)
def test_one_trace_leads_from_a_request_over_settlement_to_the_deliveries() -> None:
    key = create_api_key(account=create_account(name="Shop"), name="server")
    failing = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
    with (
        collecting() as (collector, environment),
        Receiver(answer_all(OK)) as told,
        Receiver(answer_all(failing)) as untold,
        Product(
            worker_database_url(), **environment, BANK_DELAY_SECONDS="0", BANK_SUCCESS_RATE="1"
        ) as product,
    ):
        api = product.start_api()
        with ApiClient(api.port, api_key=key) as client:
            for receiver, wants in ((told, True), (untold, False)):
                made = client.send(
                    "POST",
                    "/webhook_endpoints/",
                    {
                        "url": receiver.url("/hook?token=canary"),
                        "enabled_events": ["payment_intent.succeeded"],
                        "send_traceparent": wants,
                    },
                )
                assert made.status == 201, made
            intent = client.send("POST", "/payment_intents/", {"amount": 2000, "currency": "usd"}).content
            confirmed = client.send("POST", f"/payment_intents/{intent['id']}/confirm/", {})
            assert confirmed.content["status"] == "processing"
        settlement = product.start_settlement()
        dispatcher = product.start_dispatcher()
        until(lambda: told.requests and len(untold.requests) > 1, what="deliveries")
        product.stop(dispatcher)
        product.stop(settlement)
        product.stop(api.command)
        # Each process has sent what it had when it ended.
        (server,) = collector.named("POST /payment_intents/{id}/confirm")
        (settled,) = collector.named("settle payment")
        (recorded,) = [
            span
            for span in collector.named("record payment_intent.succeeded")
            if span.parent_id == settled.span_id
        ]
        attempts = collector.named("deliver payment_intent.succeeded")

    assert {server.service, settled.service, attempts[0].service} == {
        "ministripe-api",
        "ministripe-settlement",
        "webhook-dispatcher",
    }
    assert {span.trace_id for span in (server, settled, recorded, *attempts)} == {server.trace_id}
    assert (server.kind, server.parent_id) == ("SERVER", "")
    assert (settled.kind, settled.parent_id) == ("CONSUMER", server.span_id)
    assert (recorded.kind, recorded.service) == ("PRODUCER", "ministripe-settlement")
    assert {(span.kind, span.parent_id) for span in attempts} == {("CLIENT", recorded.span_id)}
    assert server.attributes["http.response.status_code"] == 200
    assert settled.attributes["settlement.outcome"] == "succeeded"
    succeeded = [span for span in attempts if span.failed is None]
    assert [span.attributes["http.response.status_code"] for span in succeeded] == [200]
    failed = [span for span in attempts if span.failed]
    assert {span.failed for span in failed} == {"http_5xx"}
    assert {span.attributes["dispatcher.attempt.number"] for span in failed} >= {1, 2}
    # The endpoint that asked for it got the context of its own attempt's span, the other one nothing.
    assert header(told.requests[0], "traceparent") == context_of(succeeded[0])
    assert {header(request, "traceparent") for request in untold.requests} == {None}
    event = Event.objects.get(type="payment_intent.succeeded")
    assert event.traceparent == context_of(recorded)
    assert recorded.attributes["messaging.message.id"] == event.public_id
    assert "canary" not in collector.text
    assert key not in collector.text


# --- A request's span, in this process ---

IN_A_PROCESS = """
import json, sys
import django
django.setup()
from django.test import Client
from django.test.utils import override_settings
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
kept = InMemorySpanExporter()
# A project that has set OpenTelemetry up itself keeps what it has set up.
trace.set_tracer_provider(TracerProvider(sampler=ALWAYS_OFF if sys.argv[1] == "off" else ALWAYS_ON))
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(kept))
client = Client(raise_request_exception=False)
client.get("/healthz")
for headers in json.loads(sys.argv[2]):
    client.get("/payment_intents/sk_test_canary/?q=canary", HTTP_HOST="localhost", headers=headers)
print(json.dumps([
    {"name": span.name, "attributes": dict(span.attributes), "parent": span.parent is not None,
     "links": [format(link.context.trace_id, "032x") for link in span.links],
     "trace": format(span.context.trace_id, "032x"), "failed": not span.status.is_ok}
    for span in kept.get_finished_spans()
]))
"""


def spans_of_requests(*headers: dict[str, str], sampler: str = "on") -> list[dict[str, Any]]:
    """Of a request with each of these headers, and of a probe before them."""
    with Command(
        program=[sys.executable, "-W", "error", "-c", IN_A_PROCESS, sampler, json.dumps(headers)],
        TRACING="true",
        DJANGO_SETTINGS_MODULE="core.settings",
    ) as command:
        assert command.wait() == 0, command.output()
    spans: list[dict[str, Any]] = json.loads(command.stdout[-1])
    return spans


@pytest.mark.django_db(transaction=True)
def test_a_requests_span_is_named_by_its_route_and_a_callers_trace_is_linked_alone() -> None:
    spans = spans_of_requests({}, {"traceparent": CALLERS}, {"traceparent": "no trace at all"})
    assert len({span["trace"] for span in spans}) == 3, "a probe has none, and each request one of its own"
    for span in spans:
        assert span["name"] == "GET /payment_intents/{id}"
        assert span["attributes"]["http.response.status_code"] == 401
        assert span["attributes"]["api.error_code"] == "api_key_missing"
        assert (span["failed"], span["parent"]) == (False, False)
        assert span["trace"] not in CALLERS
    assert [span["links"] for span in spans] == [[], ["0af7651916cd43dd8448eb211c80319c"], []]
    assert "canary" not in json.dumps(spans)


@pytest.mark.django_db(transaction=True)
def test_a_caller_has_no_trace_kept_that_we_do_not_keep() -> None:
    assert spans_of_requests({"traceparent": CALLERS}, sampler="off") == []


# --- Where it is off, and where it cannot be ---

IMPORTED = """
import sys
{what}
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("opentelemetry", "prometheus_client")))
"""
COMMAND = (
    "from django.core.management import execute_from_command_line\n"
    "execute_from_command_line(['manage.py', '{}', '--drain'])"
)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "what",
    [
        "from core.wsgi import application",
        COMMAND.format("run_dispatcher"),
        COMMAND.format("run_settlement"),
    ],
    ids=["api", "dispatcher", "settlement"],
)
def test_a_process_that_is_not_observed_imports_nothing_for_it(what: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORTED.format(what=what)],
        cwd=ROOT,
        env=command_environment(DJANGO_SETTINGS_MODULE="core.settings"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


WITHOUT = (
    "import importlib.util as util; found = util.find_spec\n"
    "util.find_spec = lambda name, *a: None if name.startswith('opentelemetry') else found(name, *a)\n"
    "from django.core.management import execute_from_command_line\n"
    "execute_from_command_line(['manage.py', 'run_dispatcher', '--drain'])\n"
)


def test_traces_without_their_package_exit_2_and_say_how_to_install_it() -> None:
    with Command(
        program=[sys.executable, "-c", WITHOUT], TRACING="true", DJANGO_SETTINGS_MODULE="core.settings"
    ) as dispatcher:
        assert dispatcher.wait() == 2
    assert "pip install 'ministripe-outbox[tracing]'" in dispatcher.output()
    assert "Traceback" not in dispatcher.output()


def test_a_collector_that_is_away_costs_no_delivery_and_no_exit_code(db: None) -> None:
    """Nothing listens there; the process ends well, and says nothing of any body or key."""
    with Command(
        "run_dispatcher", "--drain", TRACING="true", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1"
    ) as dispatcher:
        assert dispatcher.wait() == 0, dispatcher.output()
