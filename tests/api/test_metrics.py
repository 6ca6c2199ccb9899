"""The API's own metrics: each worker has a port, counts what it answers, and tells no id."""

import os
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse
from django.test import RequestFactory
from marshmallow import ValidationError
from prometheus_client import generate_latest

from api.config import metrics_ports
from api.metrics import CATALOGUE, Metrics
from api.metrics_middleware import MetricsMiddleware
from core.accounts import create_account
from core.api_keys import create_api_key
from core.environment import are_ports
from tests.acceptance.client import ApiClient
from tests.acceptance.product import Product
from tests.api.callers import Caller
from tests.processes import Command, until, worker_database_url
from tests.scrapes import Scrape, scrape
from tools.demo.ports import HOST, adjacent_ports


@pytest.mark.django_db(transaction=True)
def test_each_worker_serves_what_it_answered_and_the_public_port_serves_none() -> None:
    key = create_api_key(account=create_account(name="Shop"), name="server")
    with adjacent_ports(2) as ports, Product(worker_database_url()) as product:
        api = product.start_api(
            workers=2, threads=2, environment={"API_METRICS_PORTS": f"{ports[0]}-{ports[-1]}"}
        )

        def serving() -> list[Scrape]:
            found = []
            for port in ports:
                with socket.socket() as probe:
                    if probe.connect_ex((HOST, port)) == 0:
                        found.append(port)
            return [scrape(port) for port in found]

        try:
            until(lambda: len(serving()) == 2, what="a port for each worker")
        except AssertionError as error:
            raise AssertionError(f"{ports}, {api.workers}:\n{api.command.output()}") from error
        assert serving()[0].described() == {one.name: (one.type, one.help) for one in CATALOGUE}
        with ApiClient(api.port, api_key=key) as client:
            assert client.send("GET", "/metrics").status == 404
        for _ in range(8):
            with ApiClient(api.port, api_key=key) as client:
                assert client.send("POST", "/v1/customers", {}).status == 200

        def created(shown: Scrape) -> float:
            return shown.get("api_requests_total", "POST", "/v1/customers", "2xx")

        until(lambda: sum(map(created, serving())) == 8, what="every request in one of the two")
        assert sum(shown.get("outbox_events_recorded_total", "customer.created") for shown in serving()) == 8
        # Who takes the place of a worker that died takes its port too, and counts from nothing.
        died = min(api.workers)
        os.kill(died, signal.SIGKILL)
        until(lambda: died not in api.workers and len(api.workers) == 2, what="another worker")
        until(lambda: len(serving()) == 2, what="its metrics")
        assert any(created(shown) == 0 for shown in serving())
        product.stop(api.command)


@pytest.fixture
def counted(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Scrape]:
    """The middleware as it is where ports are named, without a port: what a scrape would show."""
    metrics = Metrics()
    settings.API_METRICS = {"PORTS": "1", "HOST": HOST}
    monkeypatch.setattr("api.metrics_middleware._metrics_of_this_process", lambda: metrics)
    return lambda: Scrape(generate_latest(metrics.registry).decode())


@pytest.mark.django_db(transaction=True)
def test_replays_limits_and_refused_keys_are_counted_by_route_and_no_id_is_a_label(
    counted: Callable[[], Scrape], caller: Caller, settings: Any
) -> None:
    intent = caller.intent()
    path = f"/payment_intents/{intent['id']}/"
    for _ in range(3):
        assert caller.post("/v1/customers", {}, idempotency_key="once").status_code == 200
    caller.get(path)
    caller.get(f"/v1/payment_intents/pi_{'0' * 22}")
    caller.send("BREW", f"/{caller.key}/nowhere")
    stranger = Caller(account=caller.account, key="sk_test_nobody")
    stranger.get(path)
    Caller(account=caller.account, key=None).get(path)
    settings.API_RATE_LIMIT = 0.001
    statuses = [caller.get(path).status_code for _ in range(3)]
    shown = counted()
    # In the alphabetical order of their labels: method, route, status.
    assert shown["api_requests_total", "POST", "/payment_intents", "2xx"] == 1
    assert shown["api_requests_total", "POST", "/v1/customers", "2xx"] == 3
    assert shown["api_idempotent_replays_total"] == 2
    assert shown["api_requests_total", "GET", "/v1/payment_intents/{id}", "4xx"] == 1
    assert shown["api_requests_total", "other", "none", "4xx"] == 1
    assert shown["api_authentication_failures_total", "invalid_request_error"] == 1
    assert shown["api_authentication_failures_total", "api_key_missing"] == 1
    assert shown["api_rate_limited_total"] == statuses.count(429) == 2
    assert shown["api_requests_in_flight"] == 0
    key = ("api_request_seconds_count", "POST", "/v1/customers")
    assert shown[key] == 3
    for private in (intent["id"], caller.key, caller.account.public_id, "once", "BREW"):
        assert str(private) not in shown.text


def test_a_request_that_ends_without_an_answer_is_in_flight_no_more(counted: Callable[[], Scrape]) -> None:
    def fail(request: object) -> HttpResponse:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        MetricsMiddleware(fail)(RequestFactory().get("/"))
    assert counted()["api_requests_in_flight"] == 0


def test_without_ports_the_middleware_is_not_there(settings: Any) -> None:
    settings.API_METRICS = {"PORTS": "", "HOST": HOST}
    with pytest.raises(MiddlewareNotUsed):
        MetricsMiddleware(lambda request: HttpResponse())


@pytest.mark.parametrize("ports", ["0", "http", "9473-9470", "1-65536", "-9470", "9470-9471-9472"])
def test_what_is_no_port_is_refused(ports: str) -> None:
    with pytest.raises(ValidationError, match="Must be a port or a range of ports, such as 9470-9473"):
        are_ports(ports)


@pytest.mark.parametrize(
    ("ports", "meant"), [("", []), ("9470", [9470]), ("9470-9472", [9470, 9471, 9472]), ("65535", [65535])]
)
def test_ports_are_one_or_a_range(ports: str, meant: list[int], settings: Any) -> None:
    are_ports(ports)
    settings.API_METRICS = {"PORTS": ports, "HOST": HOST}
    assert list(metrics_ports()) == meant


def test_ports_that_are_none_stop_the_start() -> None:
    with Command("check", API_METRICS_PORTS="9473-9470") as command:
        assert command.wait() == 2
    assert "API_METRICS_PORTS: Must be a port or a range of ports" in command.output()


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_finds_no_port_answers_all_the_same_and_says_so() -> None:
    with ExitStack() as stack, Product(worker_database_url()) as product:
        ports = stack.enter_context(adjacent_ports(1))
        busy = stack.enter_context(socket.socket())
        busy.bind((HOST, ports[0]))
        busy.listen()
        api = product.start_api(environment={"API_METRICS_PORTS": str(ports[0])})
        api.command.says("api.metrics_not_served")
        product.stop(api.command)
