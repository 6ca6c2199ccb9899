"""What might lead a request elsewhere although its address is public: a kept connection, an answer, the environment."""

import contextlib
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pycurl
import requests

from dispatcher.addresses import AddressPolicy
from tests.ssrf.internet import PUBLIC, Listeners, attempt, names, played_on_an_internet, transport

URL = "http://shop.example/hook"
NAMES = {"shop.example": [[PUBLIC]], "evil.example": [["127.0.0.1"]]}
PROXY_PORT = 3128
CREDENTIALS = "merchant", "of-the-operators-netrc"


class ChangingPolicy(AddressPolicy):
    """A policy whose operator changes his mind."""

    def refuse(self, network: str) -> None:
        super().__init__(deny=[network])

    def refuse_nothing_more(self) -> None:
        super().__init__()


def attempts_while_the_policy_changes() -> dict[str, Any]:
    listeners, policy = Listeners(80), ChangingPolicy()
    with names(NAMES), transport(policy) as adapter:
        codes = [attempt(adapter, URL).failure_code for _ in range(2)]
        before = listeners.reached(), len(listeners.requests)
        policy.refuse("93.184.216.0/24")
        codes += [attempt(adapter, URL).failure_code for _ in range(2)]
        denied = listeners.reached(), len(listeners.requests)
        policy.refuse_nothing_more()
        codes.append(attempt(adapter, URL).failure_code)
    return {"codes": codes, "before": before, "denied": denied, "after": listeners.reached()}


def test_a_kept_connection_to_an_address_that_was_denied_since_is_not_used_again() -> None:
    found = played_on_an_internet(attempts_while_the_policy_changes)

    # Two requests on one connection; then neither it nor a new one, until the address is allowed again.
    assert found["codes"] == [None, None, "blocked_address", "blocked_address", None]
    assert found["before"] == [[PUBLIC], 2]
    assert found["denied"] == found["before"]
    assert found["after"] == [PUBLIC, PUBLIC]


PLACES = [
    "http://127.0.0.1/", "http://169.254.169.254/latest/meta-data/", "//[::1]/", "http://evil.example/",
    f"http://{PUBLIC}/",
]  # fmt: skip
POINTERS = [
    *(f"{status} Elsewhere\r\nLocation: {place}" for status in (301, 302, 303, 307, 308) for place in PLACES),
    "300 Choose\r\nLocation: http://127.0.0.1/\r\nAlternates: {{http://127.0.0.1/ 1}}",
    "305 Use Proxy\r\nLocation: http://127.0.0.1:80",
    "201 Created\r\nLocation: http://127.0.0.1/",
    "200 OK\r\nRefresh: 0;url=http://127.0.0.1/",
    '200 OK\r\nAlt-Svc: h2="127.0.0.1:80"; ma=86400; persist=1, http%2F1.1="127.0.0.1:80"',
    "200 OK\r\nStrict-Transport-Security: max-age=31536000\r\nContent-Location: http://127.0.0.1/",
    "103 Early Hints\r\nLink: <http://127.0.0.1/>; rel=preload\r\n\r\nHTTP/1.1 200 OK",
    "401 Who\r\nWWW-Authenticate: Basic realm=x\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM",
    "407 Who\r\nProxy-Authenticate: Basic realm=x",
    "421 Misdirected\r\nLocation: http://127.0.0.1/",
]


def answered_by(pointers: list[str]) -> dict[str, Any]:
    """Two attempts at each, so that what the first answer said could be remembered; each has a port of its own."""
    elsewhere = Listeners(80)
    answers = []
    with names(NAMES):
        for port, pointer in enumerate(pointers, 8000):
            answer = f"HTTP/1.1 {pointer}\r\nContent-Length: 0\r\n\r\n".encode()
            listeners = Listeners(port, answer=answer)
            with transport() as adapter:
                outcomes = [attempt(adapter, f"http://shop.example:{port}/") for _ in range(2)]
            told = [(outcome.status, outcome.failure_code) for outcome in outcomes]
            answers.append([told, sorted(set(listeners.reached())), len(listeners.requests)])
        sent = elsewhere.reached()
        _follow("http://shop.example:8000/")
    return {"answers": answers, "elsewhere": sent, "control": elsewhere.reached()}


def _follow(url: str) -> None:
    """As a client does that follows redirects."""
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.FOLLOWLOCATION, 1)
    curl.setopt(pycurl.WRITEFUNCTION, lambda _: None)
    curl.perform()
    curl.close()


def test_no_answer_leads_to_another_address() -> None:
    found = played_on_an_internet(answered_by, POINTERS)

    assert found["elsewhere"] == []
    assert found["control"] == ["127.0.0.1"]
    for pointer, (told, reached, requests_there) in zip(POINTERS, found["answers"], strict=True):
        assert (reached, requests_there) == ([PUBLIC], 2), pointer
        status = 200 if pointer.startswith("103") else int(pointer[:3])
        assert {told_status for told_status, _ in told} == {status}
        if 300 <= status < 400:
            assert {code for _, code in told} == {"redirect_refused"}, pointer


def attempt_in_an_environment_that_points_elsewhere() -> dict[str, Any]:
    receiver, proxy = Listeners(80), Listeners(PROXY_PORT)
    with TemporaryDirectory() as home, names(NAMES):
        _point_elsewhere(Path(home))
        with transport() as adapter:
            outcome = attempt(adapter, URL)
        sent = receiver.reached(), proxy.reached(), [one.decode() for one in receiver.requests]
        # As a client that heeds its environment: through the proxy, with the credentials of the file.
        requests.post(URL, data=b"{}", timeout=60)
    return {
        "code": outcome.failure_code,
        "sent": sent,
        "control": [proxy.reached(), [one.decode() for one in proxy.requests]],
    }


def _point_elsewhere(home: Path) -> None:
    proxy = f"http://127.0.0.1:{PROXY_PORT}"
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ[name] = proxy
    for name in ("no_proxy", "NO_PROXY"):
        with contextlib.suppress(KeyError):
            del os.environ[name]
    name, password = CREDENTIALS
    netrc = home / ".netrc"
    netrc.write_text(f"machine shop.example login {name} password {password}\n")
    netrc.chmod(0o600)
    for file in (".curlrc", "curlrc"):
        (home / file).write_text(f'proxy = "{proxy}"\nuser = "{name}:{password}"\nlocation\nnetrc\n')
    for variable in ("HOME", "CURL_HOME", "XDG_CONFIG_HOME"):
        os.environ[variable] = str(home)
    os.environ["NETRC"] = str(netrc)


def test_neither_proxies_nor_credentials_of_the_environment_are_used() -> None:
    found = played_on_an_internet(attempt_in_an_environment_that_points_elsewhere)

    receiver, proxy, (request,) = found["sent"]
    assert found["code"] is None
    assert (receiver, proxy) == ([PUBLIC], [])
    assert request.startswith("POST /hook HTTP/1.1\r\n")
    assert "authorization" not in request.lower()
    assert "proxy" not in request.lower()
    through_proxy, (request,) = found["control"]
    assert through_proxy == ["127.0.0.1"]
    assert "Authorization: Basic" in request
