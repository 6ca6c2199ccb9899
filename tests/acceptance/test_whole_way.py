"""Payments of many clients through several processes of each kind, two of which die: nothing is lost."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from outbox.identifiers import decode_id
from tests.acceptance.blockade import Blockade
from tests.acceptance.client import ApiClient
from tests.acceptance.evidence import (
    assert_both_packages_verify,
    assert_each_payment_ended_once,
    assert_every_event_arrived,
    assert_every_request_has_its_attempt,
    assert_lanes_are_empty,
    deliveries,
    everything_ended,
)
from tests.acceptance.kernel import connections_of, needs_proc
from tests.acceptance.payers import Payers, confirm, create_key, order_of
from tests.acceptance.product import IMPATIENT, Api, Product, attempts_told_by
from tests.acceptance.shop import Received, Shop
from tests.processes import Command, until, worker_database_url

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True), needs_proc]

PAYMENTS = 300
PLAIN, STRIPE = "/plain", "/stripe"


def test_payments_survive_the_death_of_a_dispatcher_and_of_an_api_worker(shop: Shop) -> None:
    database_url = worker_database_url()
    with Product(database_url) as product:
        api_key = product.create_api_key()
        api = product.start_api(workers=2)
        settlements = [product.start_settlement(), product.start_settlement()]
        doomed, survivor = product.start_dispatcher(), product.start_dispatcher()
        secrets = register(shop, api.port, api_key)
        for dispatcher in (doomed, survivor):
            dispatcher.says("dispatcher ready")

        with Payers(port=api.port, api_key=api_key) as payers, ApiClient(api.port, api_key) as client:
            payers.order(range(100))
            until(lambda: payers.have_paid(20), what="the first payments")
            in_flight = kill_with_sends_in_flight(doomed, shop)
            successor = product.start_dispatcher()
            successor.says("dispatcher ready")

            payers.order(range(100, 200))
            until(lambda: payers.have_paid(110), what="payments after the first death")
            payers.paid[200] = pay_while_the_worker_dies(client, api, 200, database_url)

            payers.order(range(201, PAYMENTS))
        until(lambda: everything_ended(database_url), what="the end of every payment and delivery")
        until(lambda: len(api.workers) == 2, what="two API workers again")

        with ApiClient(api.port, api_key) as client:
            states = [delivery["state"] for delivery in client.all("/deliveries/")]
        for process in (*settlements, survivor, successor, api.command):
            product.stop(process)

    assert sorted(payers.paid) == list(range(PAYMENTS))
    assert_each_payment_ended_once(database_url, payers.paid)
    found = deliveries(database_url, shop.received)
    assert_every_event_arrived(database_url, found, paths={PLAIN, STRIPE})
    assert_every_request_has_its_attempt(found, lease_seconds=float(IMPATIENT["WEBHOOK_LEASE_SECONDS"]))
    assert_both_packages_verify(shop.received, secrets)
    assert_lanes_are_empty(database_url)
    assert states == ["succeeded"] * len(found)

    by_address = {(one.event_id, one.path): one for one in found}
    for request in in_flight:
        attempts = by_address[request.event_id, request.path].attempts
        # Its lease was claimed again: the claim that vanished is told of, and a later one succeeded.
        [vanished] = [attempt for attempt in attempts if attempt.outcome == "unknown" and attempt.superseded]
        assert [attempt.claim_no for attempt in attempts if attempt.outcome == "succeeded"] > [
            vanished.claim_no
        ]
    for posts in ([doomed, successor], [survivor]):
        told = [line for dispatcher in posts for line in attempts_told_by(dispatcher)]
        delivered = sum(line["outcome"] == "succeeded" and not line["superseded"] for line in told)
        assert delivered >= len(found) / 10


def register(shop: Shop, port: int, api_key: str) -> dict[str, str]:
    """An endpoint for all events in each dialect; gives path → signing secret."""
    with ApiClient(port, api_key) as client:
        created = client.post(
            "/webhook_endpoints/", {"url": shop.url(PLAIN), "enabled_events": ["*"]}, key="plain"
        )
    assert created.status == 201, created
    merchant = stripe.StripeClient(api_key, base_addresses={"api": f"http://127.0.0.1:{port}"})
    endpoint = merchant.v1.webhook_endpoints.create({"url": shop.url(STRIPE), "enabled_events": ["*"]})
    assert endpoint.secret is not None
    return {PLAIN: created.content["secret"], STRIPE: endpoint.secret}


def kill_with_sends_in_flight(dispatcher: Command, shop: Shop) -> list[Received]:
    """SIGKILL while the shop holds answers that it waits for; gives those requests."""

    def in_flight() -> list[Received]:
        connections = connections_of(dispatcher.process.pid)
        return [request for request in shop.held() if (request.peer_port, shop.port) in connections]

    shop.hold()
    until(in_flight, what="sends of this dispatcher in flight")
    # What it has in flight now it has when it dies.
    dispatcher.signal(signal.SIGSTOP)
    held = in_flight()
    assert held, "its sends ended before it could be stopped"
    dispatcher.kill()
    assert dispatcher.wait() == -signal.SIGKILL
    shop.answer()
    return held


def pay_while_the_worker_dies(client: ApiClient, api: Api, number: int, database_url: str) -> str:
    """A payment whose confirmation is under way when its API worker is killed; gives its intent's id."""
    created = client.post("/payment_intents/", order_of(number), key=create_key(number))
    intent: str = created.content["id"]
    before = client.unanswered
    with Blockade(database_url) as blockade, ThreadPoolExecutor(max_workers=1) as waiting:
        blockade.on_row("core_payment_intent", decode_id("pi", intent))
        confirmation = waiting.submit(confirm, client, number, intent)
        blockade.wait_for_victim()
        connection = (api.port, client.local_port)
        [victim] = [worker for worker in api.workers if connection in connections_of(worker)]
        os.kill(victim, signal.SIGKILL)
        until(lambda: client.unanswered > before, what="a request that its worker left unanswered")
        assert not confirmation.done()
        blockade.lift()
        confirmation.result()
    return intent
