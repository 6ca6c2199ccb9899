"""Secrets are planted in everything that the product is told, and looked for in everything that it tells.

Real processes, as deployed: what they print, what the database keeps, metrics, spans, the API's description, and the
answers to requests that failed.
"""

import base64
import http.client
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import urlopen

import pytest
from django.db import connection

from core.accounts import create_account
from core.api_keys import create_api_key, key_uuid, revoke_api_key
from core.key_scopes import KeyKind
from tests.acceptance.product import Product
from tests.brokers import running_broker
from tests.canaries import SIGNATURE, Canary, Search, database_texts
from tests.dispatcher.certificates import Authority
from tests.hostile.receivers import OK, Receiver, answer_all, closed_port
from tests.log_lines import complaints
from tests.otlp import collecting
from tests.processes import ROOT, Command, command_environment, until, worker_database_url
from tests.scrapes import scrape
from tools.demo.ports import adjacent_ports

pytestmark = pytest.mark.django_db(transaction=True)

CARD = "4000056655665556"
CARDS = (CARD, "4000 0566 5566 5556", "4000-0566-5566-5556", "4000.0566.5566.5556")
PASSWORD = "canary-password-of-postgresql"
BROKER_PASSWORD = "canary-password-of-the-broker"
AUTHORIZATION = "canary-credentials-of-nobody"
CVC = "c9q7"
URL_TOKEN = "canary-token-of-a-receiver"
IDEMPOTENCY = "canary-idempotency"
SECRETS = {
    "SECRET_KEY": "canary-secret-key-of-django-" + "s" * 40,
    "API_KEY_HASH_KEY": os.environ["API_KEY_HASH_KEY"],  # of the keys that the test makes
    "WEBHOOK_SECRET_KEYS": base64.urlsafe_b64encode(b"canary-sealing-key-of-32-bytes!!").decode(),
}
# A refund of so much breaks a check of the test's own: the fault that nobody foresaw.
FATAL_AMOUNT = 4_999
DIALECTS = ("", "/v1")
GRANIAN_LOGS = ROOT / "docs" / "observability" / "granian-logging.json"
# A merchant's own objects say what the merchant wrote; so do the events of them, and answers kept for a replay.
OBJECTS = frozenset(
    {
        "core_customer.description",
        "core_customer.metadata",
        "core_payment_intent.description",
        "core_charge.description",
        "core_balance_transaction.description",
        "outbox_event.data",
        "outbox_event.previous",
        "api_idempotency_key.body",
    }
)


@dataclass
class Shop:
    """A merchant's program that does everything wrong that one can.

    Attributes:
        refusals: the answers to what failed, without the objects of the merchant that they show.
        statuses: of all answers.
    """

    port: int
    key: str
    refusals: list[str] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)

    def send(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> Any:
        """JSON where the body is a mapping, else as it is. `None` as a header's value leaves it out."""
        sent = {"Authorization": f"Bearer {key or self.key}", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        payload = json.dumps(body) if isinstance(body, dict) else body
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        client.request(method, path, payload, sent)
        response = client.getresponse()
        text = response.read().decode()
        client.close()
        self.statuses.add(response.status)
        content = json.loads(text)
        if response.status >= 400:
            shown = {name: value for name, value in content["error"].items() if name != "payment_intent"}
            self.refusals.append(f"{response.headers.items()}\n{json.dumps(shown)}")
        return content


@dataclass(frozen=True)
class Keys:
    good: str
    revoked: str
    restricted: str
    unknown: str


@pytest.fixture
def keys() -> Keys:
    account = create_account(name="Shop")
    good, revoked = (create_api_key(account=account, name=name) for name in ("good", "revoked"))
    revoke_api_key(key_uuid(revoked))
    scopes = {"events": "read"}
    restricted = create_api_key(account=account, name="rk", kind=KeyKind.RESTRICTED, scopes=scopes)
    return Keys(good, revoked, restricted, good[:-6] + "canary")


@pytest.fixture
def fatal_amount() -> Iterator[None]:
    """A payment of FATAL_AMOUNT fails in the database, whose error would tell the whole row."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE core_payment_intent ADD CONSTRAINT canary CHECK (amount <> {FATAL_AMOUNT}) NOT VALID"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_payment_intent DROP CONSTRAINT canary")


def _with_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.replace("@", f":{PASSWORD}@")).geturl()


def _paid(shop: Shop, dialect: str) -> list[dict[str, Any]]:
    """What works, with secrets wherever a merchant may put them. Gives the payments."""
    note = f"paid with {CARDS[1]}, {CARDS[2]} and {CARDS[3]}"
    customer = shop.send(
        "POST", f"{dialect}/customers", {"description": f"card {CARD}", "metadata": {"note": note}},
        Idempotency_Key=f"{IDEMPOTENCY}-1{dialect}",
    )  # fmt: skip
    card = {"type": "card", "card": {"number": CARD, "exp_month": 12, "exp_year": 2040, "cvc": CVC}}
    shop.send("POST", f"{dialect}/payment_methods", card)
    intent = shop.send(
        "POST", f"{dialect}/payment_intents",
        {"amount": 2000, "currency": "usd", "customer": customer["id"], "description": note},
        Idempotency_Key=f"{IDEMPOTENCY}-2{dialect}",
    )  # fmt: skip
    form = urlencode({"payment_method": "pm_card_visa", "client_secret": intent["client_secret"]})
    paid = shop.send(
        "POST", f"{dialect}/payment_intents/{intent['id']}/confirm", form,
        Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert "error" not in paid, paid
    debit = shop.send(
        "POST", f"{dialect}/payment_intents",
        {"amount": 2000, "currency": "usd", "payment_method": "pm_usBankAccount_success", "confirm": True},
    )  # fmt: skip
    setup = shop.send("POST", f"{dialect}/setup_intents", {})
    shop.send("GET", f"{dialect}/payment_intents/{intent['id']}?client_secret={intent['client_secret']}")
    return [intent, debit, setup]


def _failed(shop: Shop, keys: Keys, dialect: str, intent: dict[str, Any]) -> None:
    """Every kind of refusal, with secrets in what is refused."""
    post, get = "POST", "GET"
    customers = f"{dialect}/customers"
    shop.send(get, customers, Authorization=f"Bearer {AUTHORIZATION}")
    shop.send(get, customers, Authorization=f"Digest {AUTHORIZATION}")
    basic = base64.b64encode(f"nobody:{AUTHORIZATION}".encode()).decode()
    shop.send(get, customers, Authorization=f"Basic {basic}")
    for key in (keys.unknown, keys.revoked, keys.restricted):
        shop.send(get, customers, key=key)
    shop.send(get, f"{customers}/{CARD}")
    shop.send(get, f"{dialect}/{keys.good}/{intent['client_secret']}")
    shop.send(get, f"{customers}?email={quote(CARDS[1])}&{keys.good}={keys.good}")
    shop.send(post, customers, {"email": f"card {CARDS[2]}"})
    shop.send(post, customers, {f"card {CARD}": "x"})
    shop.send(post, customers, {"metadata": {"number": CARD, keys.good: keys.good}, "name": 7})
    shop.send(post, customers, f'{{"name": "{CARD}')
    shop.send(post, customers, {"description": CARD}, Idempotency_Key=f"{IDEMPOTENCY}-1{dialect}")
    shop.send(post, customers, {"description": CARD}, Content_Type="text/csv")
    shop.send(post, customers, {"description": CARD * 9_000})
    shop.send("PATCH", customers, {"description": CARD})
    declined = {
        "amount": 2000,
        "currency": "usd",
        "payment_method": "pm_card_chargeDeclined",
        "confirm": True,
    }
    shop.send(post, f"{dialect}/payment_intents", {**declined, "description": CARD})
    wrong = {"payment_method": "pm_card_visa", "client_secret": intent["client_secret"] + "x"}
    shop.send(post, f"{dialect}/payment_intents/{intent['id']}/confirm", wrong)
    shop.send(
        post, f"{dialect}/webhook_endpoints",
        {"url": f"https://ada:{AUTHORIZATION}@127.0.0.1/hook?token={URL_TOKEN}", "enabled_events": ["*"]},
    )  # fmt: skip
    fatal = {"amount": FATAL_AMOUNT, "currency": "usd", "description": f"card {CARD}"}
    shop.send(post, f"{dialect}/payment_intents", fatal, Idempotency_Key=f"{IDEMPOTENCY}-3{dialect}")
    shop.send(post, f"{dialect}/payment_intents", fatal)


def _signatures(receivers: list[Receiver]) -> tuple[str, ...]:
    """As the receivers were sent them; without their schemes too."""
    sent = b"\n".join(request for receiver in receivers for request in receiver.requests).decode(
        errors="replace"
    )
    full = SIGNATURE.findall(sent)
    assert full
    return tuple(text[3:] for text in full)


def _hidden(text: str) -> str:
    """The part of a key or client_secret that proves something."""
    return text[-24:]


def test_no_secret_comes_to_light(
    keys: Keys,
    fatal_amount: None,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    authority = Authority.create(tmp_path)
    url = _with_password(worker_database_url())
    with (
        Receiver(answer_all(OK)) as good,
        Receiver(answer_all(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")) as failing,
        Receiver(answer_all(OK), tls=authority.server_context(self_signed=True)) as untrusted,
        adjacent_ports(3) as metrics_ports,
        collecting() as (collector, traced),
        Product(
            url,
            **SECRETS,
            **traced,
            API_RATE_LIMIT="1000",
            API_METRICS_PORTS=str(metrics_ports[0]),
            API_LOG_REQUESTS="true",
            LOG_FORMAT="json",
            BANK_DELAY_SECONDS="0",
            BANK_SUCCESS_RATE="1",
        ) as product,
    ):
        api = product.start_api(options=["--log-config", str(GRANIAN_LOGS)])
        shop = Shop(api.port, keys.good)
        endpoints = [
            shop.send(
                "POST", "/v1/webhook_endpoints",
                {"url": receiver.url(f"/hook?token={URL_TOKEN}"), "enabled_events": ["*"]},
                Idempotency_Key=f"{IDEMPOTENCY}-{receiver.port}",
            )
            for receiver in (good, failing, untrusted)
        ]  # fmt: skip
        rolled = shop.send("POST", f"/v1/webhook_endpoints/{endpoints[0]['id']}/roll_secret", {})
        session = shop.send("POST", "/v1/stripecli/sessions", {"websocket_features": ["webhooks"]})
        portal = shop.send("POST", "/v1/portal_sessions", {}, Idempotency_Key=f"{IDEMPOTENCY}-portal")
        link = portal["url"].split("/")[-2]
        urlopen(f"http://127.0.0.1:{api.port}/portal/{link}/").read()
        urlopen(f"http://127.0.0.1:{api.port}/portal/{link}/").read()
        shop.send("GET", f"/v1/portal/{link}/endpoints")
        intents = [intent for dialect in DIALECTS for intent in _paid(shop, dialect)]
        for dialect in DIALECTS:
            _failed(shop, keys, dialect, intents[0])
        settlement = product.start("run_settlement", "--metrics-port", str(metrics_ports[1]))
        dispatcher = product.start_dispatcher("--metrics-port", str(metrics_ports[2]))
        for told in ("succeeded", "http_5xx", "tls_untrusted"):
            dispatcher.says(told)
        until(lambda: len(good.requests) > 10, what="deliveries")
        texts = {
            f"metrics of the {process}": scrape(port).text
            for process, port in zip(("API", "settlement", "dispatcher"), metrics_ports, strict=True)
        }
        for page in ("/schema/", "/docs/", "/healthz", "/readyz"):
            texts[f"GET {page}"] = urlopen(f"http://127.0.0.1:{api.port}{page}").read().decode()
        product.stop(dispatcher)
        product.stop(settlement)
        product.stop(api.command)
    texts |= {
        "API": api.command.output(),
        "dispatcher": dispatcher.output(),
        "settlement": settlement.output(),
        "spans": collector.text,
    }
    for process in ("API", "dispatcher", "settlement"):
        assert complaints(texts[process].splitlines()) == []
    assert {"ministripe-api", "webhook-dispatcher"} <= {span.service for span in collector.spans}
    assert "api_authentication_failures_total" in texts["metrics of the API"]
    texts |= _of_unreachable_servers()
    texts["refusals"] = "\n".join(shop.refusals)
    assert shop.statuses >= {200, 201, 400, 401, 402, 403, 404, 405, 413, 415, 500}
    assert "canary" in texts["API"], "the fault was not logged"
    secrets = [endpoint["secret"] for endpoint in endpoints] + [rolled["secret"], session["secret"]]
    search = Search(
        [
            Canary("API key", tuple(_hidden(key) for key in (keys.good, keys.revoked, keys.restricted))),
            Canary("wrong API key", (_hidden(keys.unknown),)),
            Canary("authorization", (AUTHORIZATION, base64.b64encode(AUTHORIZATION.encode()).decode()[4:-4])),
            Canary("signing secret", tuple(_hidden(secret) for secret in secrets)),
            Canary("signature", _signatures([good, failing])),
            Canary("card number", CARDS, kept_in=OBJECTS),
            Canary("card verification code", (CVC,)),
            Canary(
                "client_secret",
                tuple(_hidden(intent["client_secret"]) for intent in intents),
                kept_in=OBJECTS | {"core_payment_intent.client_secret", "core_setup_intent.client_secret"},
            ),
            Canary("link of the portal", (link[-24:],)),
            Canary("token of a URL", (URL_TOKEN,), kept_in=OBJECTS | {"dispatcher_endpoint.url"}),
            Canary("password of PostgreSQL", (PASSWORD,)),
            Canary("password of the broker", (BROKER_PASSWORD,)),
            Canary("setting", tuple(SECRETS.values())),
            Canary(
                "idempotency key",
                (IDEMPOTENCY,),
                kept_in=frozenset(
                    {
                        "api_idempotency_key.key",
                        "api_request_log.idempotency_key",
                        "outbox_event.idempotency_key",
                        "refusals",
                    }
                ),
            ),
        ]
    )
    search.look_in(texts)
    search.look_in(database_texts())
    assert search.found == []
    size = sum(map(len, search.texts.values()))
    counted = f"{len(search.canaries)} canaries × {len(search.texts)} sinks, {size:,} characters"
    record_property("canaries", counted)


def _of_unreachable_servers() -> dict[str, str]:
    """What commands say that cannot reach what a URL with a password names."""
    nowhere = f"127.0.0.1:{closed_port()}"
    database = command_environment(DATABASE_URL=f"postgresql://ada:{PASSWORD}@{nowhere}/shop")
    broker = command_environment(WEBHOOK_BROKER_URL=f"redis://:{BROKER_PASSWORD}@{nowhere}/0")
    told = {}
    for name, environment in (
        ("run_settlement", database),
        ("run_dispatcher", database),
        ("maintain_partitions", database),
        ("run_worker", broker),
    ):
        with Command(name, whole_environment=environment) as command:
            assert command.wait() != 0
        told[f"{name} that reaches nothing"] = command.output()
    return told


def test_a_worker_tells_no_secret() -> None:
    """Behind a real broker."""
    with (
        running_broker("redis") as broker,
        Receiver(answer_all(OK)) as good,
        Receiver(answer_all(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")) as failing,
        collecting() as (collector, traced),
        Product(
            _with_password(worker_database_url()), **SECRETS, **traced, WEBHOOK_BROKER_URL=broker.url
        ) as product,
    ):
        key = create_api_key(account=create_account(name="Shop"), name="server")
        shop = Shop(product.start_api().port, key)
        endpoints = [
            shop.send(
                "POST",
                "/v1/webhook_endpoints",
                {"url": receiver.url(f"/hook?token={URL_TOKEN}"), "enabled_events": ["*"]},
            )
            for receiver in (good, failing)
        ]
        worker = product.start("run_worker", "--log", "attempts")
        dispatcher = product.start("run_dispatcher", "--executor", "dramatiq")
        shop.send("POST", "/v1/customers", {"description": f"card {CARD}"})
        for told in ("succeeded", "http_5xx"):
            worker.says(told)
        product.stop(dispatcher)
        product.stop(worker)
    search = Search(
        [
            Canary("signing secret", tuple(_hidden(endpoint["secret"]) for endpoint in endpoints)),
            Canary("signature", _signatures([good, failing])),
            Canary("card number", CARDS),
            Canary("token of a URL", (URL_TOKEN,)),
            Canary("API key", (_hidden(key),)),
            Canary("password of PostgreSQL", (PASSWORD,)),
            Canary("setting", tuple(SECRETS.values())),
        ]
    )
    search.look_in({"worker": worker.output(), "dispatcher": dispatcher.output(), "spans": collector.text})
    recorded, *_ = collector.named("record customer.created")
    attempts = collector.named("deliver customer.created")
    # A worker's attempts, begun by hints, are of the request's trace as well.
    assert {span.trace_id for span in attempts} == {recorded.trace_id}
    assert len(attempts) >= 2
    assert search.found == []


def test_the_search_finds_what_is_planted() -> None:
    create_account(name="a shop that wrote sk_canary into its name")
    search = Search([Canary("planted", ("sk_canary",), kept_in=frozenset({"core_customer.name"}))])
    search.look_in(database_texts())
    search.look_in({"log": "t=1,v1=" + "a" * 64})
    assert search.found == [("planted", "core_account.name"), ("a full signature", "log")]
