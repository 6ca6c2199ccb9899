"""A merchant's server that pays over HTTP and sends a request again, under its key, until it is answered."""

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tests.processes import PATIENCE

NO_ANSWER = (OSError, http.client.HTTPException)
ANSWER_SECONDS = 30.0
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5  # seconds between two tries


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    content: dict[str, Any]

    @property
    def replayed(self) -> bool:
        return self.headers.get("idempotent-replayed") == "true"

    @property
    def code(self) -> str | None:
        """Of an error."""
        code: str | None = self.content.get("error", {}).get("code")
        return code

    @property
    def is_final(self) -> bool:
        """Whether the same request, sent again, could not get any further."""
        return self.status < 500 and self.code != "idempotency_key_in_use"


class ApiClient:
    """One keep-alive connection at a time; not for two threads at once.

    Args:
        patience: seconds after which a request that is sent again and again is taken for never answered.

    Attributes:
        unanswered: how many requests ended without an answer.
    """

    def __init__(self, port: int, api_key: str, *, patience: float = PATIENCE) -> None:
        self.unanswered = 0
        self._patience = patience
        self._port = port
        self._api_key = api_key
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def local_port(self) -> int:
        """Of the connection that is open."""
        port: int = self._connection.sock.getsockname()[1]
        return port

    def connect(self) -> None:
        """Ahead of the first request, so that `local_port` is known before it is answered."""
        self._connection.connect()

    def get(self, path: str) -> dict[str, Any]:
        answer = self._until_answered("GET", path, None, key=None)
        assert answer.status == 200, answer
        return answer.content

    def all(self, path: str) -> list[dict[str, Any]]:
        """Every object of a list, page by page."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self.get(f"{path}?limit=100{after}")
            found += page["data"]
            if not page["has_more"]:
                return found
            after = f"&starting_after={found[-1]['id']}"

    def post(self, path: str, content: Mapping[str, Any] | None = None, *, key: str) -> Answer:
        """Sent again after no answer, a 5xx, or a 409 of a key that is in use; any other answer is given back."""
        return self._until_answered("POST", path, content, key=key)

    def send(
        self, method: str, path: str, content: Mapping[str, Any] | None = None, *, key: str | None = None
    ) -> Answer:
        """Once. Raises one of NO_ANSWER."""
        headers = {"Authorization": f"Bearer {self._api_key}", "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        body = b"" if method == "GET" else json.dumps(content or {}).encode()
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            text = response.read()
        except NO_ANSWER:
            self.unanswered += 1
            self._connection.close()
            raise
        return Answer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, _decoded(text)
        )

    def _until_answered(
        self, method: str, path: str, content: Mapping[str, Any] | None, *, key: str | None
    ) -> Answer:
        deadline = time.monotonic() + self._patience
        pause = FIRST_PAUSE
        last: object = None
        while time.monotonic() < deadline:
            try:
                answer = self.send(method, path, content, key=key)
            except NO_ANSWER as error:
                last = error
            else:
                if answer.is_final:
                    return answer
                last = answer
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        raise AssertionError(f"{method} {path} was never answered: {last!r}")


def _decoded(text: bytes) -> dict[str, Any]:
    """A 5xx of the server before the application is no JSON."""
    try:
        content = json.loads(text or b"{}")
    except ValueError:
        return {"text": text.decode(errors="replace")}
    assert isinstance(content, dict)
    return content
