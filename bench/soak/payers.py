"""Clients that pay at a steady rate and note every answer."""

import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

_THREADS = 12
# A card, a card, a debit that settlement ends: of three payments.
_METHODS = ("pm_card_visa", "pm_card_visa", "pm_usBankAccount_success")
NO_ANSWER = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """One request."""

    at: float  # time.monotonic() when it was sent
    seconds: float
    status: int  # NO_ANSWER where there was none


@dataclass(slots=True)
class Tally:
    answers: list[Answered] = field(default_factory=list)
    intents: list[str] = field(default_factory=list)  # acknowledged

    def since(self, moment: float) -> list[Answered]:
        return [one for one in self.answers if one.at >= moment]


class Client:
    """One kept-alive connection to the API."""

    def __init__(self, url: str, api_key: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}

    def send(self, method: str, path: str, content: Any = None) -> tuple[int, dict[str, Any]]:
        """Status and content; NO_ANSWER where the connection broke or nothing came in time."""
        body = b"" if content is None else json.dumps(content).encode()
        try:
            self._connection.request(method, path, body, self._headers)
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return NO_ANSWER, {}
        return response.status, json.loads(text)

    def close(self) -> None:
        self._connection.close()


class Payers:
    """Threads that create payment n when n / rate seconds have passed, or later where they cannot keep up."""

    def __init__(self, url: str, api_key: str, *, rate: float) -> None:
        self.tally = Tally()
        self._target = url, api_key
        self._rate = rate
        self._next = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(_THREADS)]

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Begin no other payment, and wait for the answers to those that are begun."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        client = Client(*self._target)
        while not self._stopped.is_set():
            with self._lock:
                number, self._next = self._next, self._next + 1
            if self._stopped.wait(max(0.0, self._began + number / self._rate - time.monotonic())):
                break
            self._pay(client, number)
        client.close()

    def _pay(self, client: Client, number: int) -> None:
        sent = time.monotonic()
        wanted = {"amount": 2000, "currency": "usd", "payment_method": _METHODS[number % 3], "confirm": True}
        status, content = client.send("POST", "/payment_intents/", wanted)
        with self._lock:
            self.tally.answers.append(Answered(sent, time.monotonic() - sent, status))
            if 200 <= status < 300:
                self.tally.intents.append(content["id"])
