"""The API as it is deployed, granian behind the documented nginx: slow clients are held off, and others are served."""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.roles import API
from tests.acceptance.kernel import needs_proc
from tests.acceptance.product import Product
from tests.deploy.connections import NamedConnection, connected
from tests.deploy.deployment import Deployment
from tests.deploy.production import PRODUCTION
from tests.deploy.proxy import HOST, Proxy, running_proxy
from tests.deploy.slow_clients import SlowClients
from tests.processes import until
from tools.demo.ports import reserved_port
from tools.test_dependencies import NGINX

pytestmark = [
    pytest.mark.acceptance,
    needs_proc,
    pytest.mark.skipif(NGINX.is_missing, reason=f"enable with: {NGINX.install}"),
]

SLOW = 200
REQUESTS = 60


@dataclass(frozen=True, slots=True)
class Deployed:
    proxy: Proxy
    api_key: str

    def send(self, method: str, path: str, content: Any = None, **headers: str) -> http.client.HTTPResponse:
        """One request on a connection of its own; the answer is read whole, into `text`."""
        connection = NamedConnection(self.proxy.port, self.proxy.trust, HOST)
        body = b"" if content is None else json.dumps(content).encode()
        known = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body, {**known, **headers})
            answer = connection.getresponse()
            answer.text = answer.read()  # type: ignore[attr-defined]
        finally:
            connection.close()
        return answer

    def speak(self, request: bytes) -> bytes:
        """Bytes to the proxy, and all that it answers until it closes."""
        with connected(self.proxy.port, self.proxy.trust, HOST) as line:
            line.sendall(request)
            return b"".join(iter(lambda: line.recv(65_536), b""))


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, deployment: Deployment) -> Iterator[Deployed]:
    """In production, as the API's own role."""
    settings = {
        **PRODUCTION,
        "ALLOWED_HOSTS": HOST,
        "WEBHOOK_ALLOW_HTTP": "false",
        "WEBHOOK_ALLOW_ADDRESSES": "",
    }
    with (
        Product(deployment.owner_url, **settings) as owner,
        Product(deployment.url(API), **settings) as product,
    ):
        api_key = owner.create_api_key()
        api = product.start_api(workers=1, threads=4)
        with running_proxy(tmp_path_factory.mktemp("proxy"), api_port=api.port) as proxy:
            yield Deployed(proxy, api_key)


def test_two_hundred_slow_clients_hold_nobody_up(deployed: Deployed) -> None:
    """The API has four threads: a single one that waited for a slow client would soon be all of them."""
    proxy = deployed.proxy
    with SlowClients(proxy.port, proxy.trust, HOST, deployed.api_key, count=SLOW) as slow:
        until(lambda: slow.trickling == SLOW, what="all slow clients at once")
        with ThreadPoolExecutor(6) as pool:
            made = list(
                pool.map(lambda n: deployed.send("POST", "/customers/", {"name": f"{n}"}), range(REQUESTS))
            )
        assert [answer.status for answer in made] == [201] * REQUESTS
        # And nginx lets none of them stay: neither a head nor an answer may take for ever.
        until(lambda: slow.cut_off[0] and slow.cut_off[2], what="the end of slow heads and of unread answers")
        assert deployed.send("GET", "/customers/").status == 200
    listed = json.loads(deployed.send("GET", "/customers/?limit=100").text)  # type: ignore[attr-defined]
    assert sorted(int(one["name"]) for one in listed["data"]) == list(range(REQUESTS))


def test_behind_the_proxy_browsers_are_told_to_stay_on_https(deployed: Deployed) -> None:
    answer = deployed.send("GET", "/docs/", **{"X-Forwarded-Proto": "http"})
    assert answer.status == 200
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert len(answer.headers.get_all("Cache-Control") or []) == 1
    assert answer.headers["Server"] == "nginx"


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"GET /customers/ HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "request_malformed"),
        (b"GET /customers/ HTTP/1.1\r\nNo colon\r\n\r\n", 400, "request_malformed"),
        (
            b"GET / HTTP/1.1\r\nHost: api.example.com\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
            400,
            "request_malformed",
        ),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: api.example.com\r\n\r\n", 414, "request_malformed"),
        (
            b"POST /customers/ HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: 70000\r\n"
            b"Connection: close\r\n\r\n" + b" " * 70_000,
            413,
            "request_too_large",
        ),
    ],
    ids=["host", "head", "long head", "long URL", "long body"],
)
def test_what_the_proxy_refuses_is_refused_as_the_api_does(
    deployed: Deployed, request_bytes: bytes, status: int, code: str
) -> None:
    assert_error(deployed.speak(request_bytes), status, code)


def test_an_api_that_is_gone_is_told_in_its_own_form(tmp_path: Path) -> None:
    with reserved_port(0) as nobody, running_proxy(tmp_path, api_port=nobody) as proxy:
        answer = Deployed(proxy, "").send("GET", "/customers/")
    assert answer.status == 502
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Cache-Control"] == "no-store"
    error = json.loads(answer.text)["error"]  # type: ignore[attr-defined]
    assert (error["type"], error["code"]) == ("api_error", "service_unavailable")


def test_nothing_is_served_in_the_clear(deployed: Deployed) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", deployed.proxy.clear_port, timeout=60)
    try:
        connection.request("GET", "/customers/", headers={"Host": HOST})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["error"]["code"]) == (403, "https_required")
    finally:
        connection.close()


def assert_error(answer: bytes, status: int, code: str) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] == str(status).encode()
    assert b"Content-Type: application/json" in head
    assert b"X-Content-Type-Options: nosniff" in head
    assert json.loads(body)["error"]["code"] == code
