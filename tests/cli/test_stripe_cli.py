"""The official Stripe CLI works against us, unmodified: real binary, real API, real relay, real dispatcher."""

import json
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import stripe

from api.models import CliMessage
from core.accounts import create_account
from core.api_keys import create_api_key
from outbox.models import Event
from tests.acceptance.client import ApiClient
from tests.acceptance.product import Api, Product
from tests.acceptance.shop import Received, Shop
from tests.cli.official import StripeCli, needs_stripe_cli
from tests.processes import Command, until, worker_database_url
from tools.demo.ports import reserved_port

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True), needs_stripe_cli]

SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")


@dataclass(frozen=True, slots=True)
class Stage:
    product: Product
    cli: StripeCli
    client: ApiClient
    relay: Command
    relay_port: int

    def listen(self, *arguments: str) -> Command:
        return self.cli.start("listen", "--all-snapshot", "--skip-update", *arguments)


@dataclass(frozen=True, slots=True)
class Deployment:
    """The API of all tests here, which sends CLIs to a port on which each test has a relay of its own."""

    product: Product
    api: Api
    relay_port: int


@pytest.fixture(scope="module")
def deployment(django_db_setup: None) -> Iterator[Deployment]:
    with reserved_port(0) as relay_port:
        url = f"ws://127.0.0.1:{relay_port}/"
        with Product(worker_database_url(), CLI_RELAY_URL=url) as product:
            yield Deployment(product, product.start_api(), relay_port)


@pytest.fixture
def stage(deployment: Deployment, tmp_path: Path) -> Iterator[Stage]:
    key = create_api_key(account=create_account(name="Shop"), name="cli")
    port = deployment.api.port
    with deployment.product.ended_with_the_block() as product, ApiClient(port, key) as client:
        relay = product.start_cli_relay(deployment.relay_port)
        cli = StripeCli(api_port=port, api_key=key, home=tmp_path)
        yield Stage(product, cli, client, relay, deployment.relay_port)


def _customer(client: ApiClient) -> str:
    made: str = client.post("/v1/customers", {"description": "by hand"}, key="k").content["id"]
    return made


def _verified(request: Received, secret: str) -> stripe.Event:
    event: stripe.Event = stripe.Webhook.construct_event(
        request.body, request.headers["stripe-signature"], secret
    )
    return event


def _arrived(shop: Shop, event_type: str) -> list[Received]:
    return [one for one in list(shop.received) if json.loads(one.body)["type"] == event_type]


def test_get_post_delete_and_resource_commands(stage: Stage) -> None:
    made = stage.cli.answer("post", "/v1/customers", "-d", "name=A", "-d", "metadata[color]=red")
    assert (made["name"], made["metadata"]) == ("A", {"color": "red"})
    assert stage.cli.answer("get", f"/v1/customers/{made['id']}") == made
    assert stage.cli.answer("customers", "retrieve", made["id"]) == made
    assert [one["id"] for one in stage.cli.answer("customers", "list")["data"]] == [made["id"]]
    endpoint = stage.cli.answer(
        "post", "/v1/webhook_endpoints", "-d", "url=https://93.184.216.34/hook", "-d", "enabled_events[]=*"
    )
    deleted = stage.cli.answer("delete", f"/v1/webhook_endpoints/{endpoint['id']}", "--confirm")
    assert deleted == {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def test_a_refusal_is_printed_as_it_is(stage: Stage) -> None:
    done = stage.cli.run("get", "/v1/customers/cus_none")
    assert json.loads(done.stdout or done.stderr)["error"]["code"] == "resource_missing"


def test_listen_forwards_what_happens_and_its_signature_verifies(shop: Shop, stage: Stage) -> None:
    with stage.listen("--forward-to", shop.url("/hook")) as listening:
        listening.says("Ready!")
        secret = SECRET.search(listening.output())
        assert secret is not None
        customer = _customer(stage.client)
        until(lambda: _arrived(shop, "customer.created"), what="the forwarded event")
        (request,) = _arrived(shop, "customer.created")
        event = _verified(request, secret[0])
        assert event["data"]["object"]["id"] == customer
        listening.says(f"[{event['id']}]")
        until(lambda: CliMessage.objects.filter(status=200).exists(), what="the row of the answer")
        listening.signal(signal.SIGINT)
        listening.wait()
    row = CliMessage.objects.get()
    assert row.acknowledged_at is not None
    assert row.forward_url == shop.url("/hook")


def test_listen_latest_gets_each_event_once(shop: Shop, stage: Stage) -> None:
    with stage.listen("--latest", "--forward-to", shop.url("/hook")) as listening:
        listening.says("Ready!")
        _customer(stage.client)
        until(lambda: CliMessage.objects.filter(status=200).exists(), what="the row of the answer")
    assert len(shop.received) == 1


def test_listen_goes_on_with_another_relay(shop: Shop, stage: Stage) -> None:
    with stage.listen("--forward-to", shop.url("/hook")) as listening:
        listening.says("Ready!")
        stage.relay.kill()
        stage.relay.wait()
        _customer(stage.client)
        stage.product.start_cli_relay(stage.relay_port)
        until(lambda: _arrived(shop, "customer.created"), what="the event of the meantime")


def test_listen_takes_the_events_of_our_endpoints(shop: Shop, stage: Stage) -> None:
    for path, events in (("/one", ["customer.created"]), ("/two", ["payment_intent.created"])):
        body = {"url": f"https://93.184.216.34{path}", "enabled_events": events}
        stage.client.post("/v1/webhook_endpoints", body, key=path)
    with stage.listen("--use-configured-webhooks", "--forward-to", shop.url("")) as listening:
        listening.says("Ready!")
        _customer(stage.client)
        until(lambda: CliMessage.objects.filter(status=200).exists(), what="the row of the answer")
    assert [request.path for request in shop.received] == ["/one"]


def test_print_secret_is_the_same_each_time(shop: Shop, stage: Stage) -> None:
    first, second = (stage.cli.run("listen", "--print-secret", "--skip-update") for _ in range(2))
    assert first.stdout == second.stdout
    secret = first.stdout.strip()
    assert SECRET.fullmatch(secret)
    with stage.listen("--forward-to", shop.url("/hook")) as listening:
        listening.says(secret)


def test_events_resend_comes_to_the_cli_that_listens(shop: Shop, stage: Stage) -> None:
    _customer(stage.client)
    event = Event.objects.get()
    refused = stage.cli.run("events", "resend", event.public_id)
    assert "No CLI endpoints found" in refused.stdout + refused.stderr
    with stage.listen("--forward-to", shop.url("/hook")) as listening:
        listening.says("Ready!")
        assert stage.cli.answer("events", "resend", event.public_id)["id"] == event.public_id
        until(lambda: _arrived(shop, "customer.created"), what="the event once more")
        until(lambda: CliMessage.objects.filter(status=200).exists(), what="the row of the answer")
    (request,) = shop.received
    assert request.event_id == event.public_id


def test_events_resend_goes_to_an_endpoint(shop: Shop, stage: Stage) -> None:
    _customer(stage.client)
    event = Event.objects.get()
    endpoint = stage.client.post(
        "/v1/webhook_endpoints", {"url": shop.url("/hook"), "enabled_events": ["*"]}, key="e"
    ).content
    dispatcher = stage.product.start_dispatcher()
    stage.cli.answer("events", "resend", event.public_id, "--webhook-endpoint", endpoint["id"])
    until(lambda: _arrived(shop, "customer.created"), what="the delivery")
    assert _verified(shop.received[0], endpoint["secret"])["id"] == event.public_id
    stage.product.stop(dispatcher)


def test_logs_tail_prints_our_requests(stage: Stage) -> None:
    with stage.cli.start("logs", "tail") as tail:
        tail.says("Ready!")
        customer = _customer(stage.client)
        stage.client.send("GET", "/v1/customers/cus_none")
        tail.says("POST /v1/customers [req_")
        tail.says("[404] GET /v1/customers/cus_none [req_")
        stage.client.get(f"/v1/customers/{customer}")
        tail.says(f"[200] GET /v1/customers/{customer} [req_")
    assert "stripecli" not in tail.output()


def test_logs_tail_is_narrowed_by_filters(stage: Stage) -> None:
    arguments = ("--filter-http-method", "GET", "--filter-status-code-type", "4XX")
    with stage.cli.start("logs", "tail", *arguments) as tail:
        tail.says("Ready!")
        _customer(stage.client)
        stage.client.get("/v1/customers")
        stage.client.send("GET", "/v1/customers/cus_none")
        tail.says("[404] GET /v1/customers/cus_none")
    assert "[200]" not in tail.output()


@pytest.mark.parametrize(
    ("event_type", "also"),
    [
        ("customer.created", []),
        ("payment_intent.succeeded", ["payment_intent.created", "charge.succeeded"]),
        ("payment_intent.payment_failed", ["payment_intent.created", "charge.failed"]),
        ("charge.refunded", ["charge.succeeded", "refund.created"]),
    ],
)
def test_trigger_makes_the_event_which_listen_forwards(
    shop: Shop, stage: Stage, event_type: str, also: list[str]
) -> None:
    if event_type not in _known_events():
        pytest.skip(f"{event_type} is no event of this version yet: its endpoints are not there")
    with stage.listen("--forward-to", shop.url("/hook")) as listening:
        listening.says("Ready!")
        done = stage.cli.run("trigger", event_type)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Trigger succeeded" in done.stdout + done.stderr
        for name in (event_type, *also):
            until(partial(_arrived, shop, name), what=name)


def _known_events() -> set[str]:
    """Charges are what creating and confirming in one request makes: without them the fixtures have no endpoints."""
    from core.versions import EVENT_TYPES

    return set(EVENT_TYPES) if "charge.succeeded" in EVENT_TYPES else {"customer.created"}
