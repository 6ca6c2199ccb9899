"""A JSON client that says what it asked when an answer is not the expected one."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tools.failures import Failure, tail

ANSWER_SECONDS = 30.0
PAUSE_SECONDS = 0.05

T = TypeVar("T")
# Proxies of the environment are for the outside, not for this machine's own servers.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Client:
    base: str
    key: str = ""

    def get(self, path: str) -> dict[str, Any]:
        return self.ask("GET", path, expect=200).content

    def post(
        self,
        path: str,
        content: Mapping[str, object] | None = None,
        *,
        expect: int,
        idempotency_key: str = "",
    ) -> Answer:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self.ask("POST", path, body=json.dumps(content or {}).encode(), headers=headers, expect=expect)

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        expect: int | None = None,
    ) -> Answer:
        """One request. Raises Failure for no answer, an answer that is no JSON, or another status than expected."""
        request = urllib.request.Request(self.base + path, data=body, method=method)
        request.add_header("Content-Type", "application/json")
        if self.key:
            request.add_header("Authorization", f"Bearer {self.key}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with _opener.open(request, timeout=ANSWER_SECONDS) as response:
                status, received, text = response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            with error:
                status, received, text = error.code, error.headers, error.read()
        except OSError as error:
            raise self._failure(method, path, f"got no answer: {error}", "") from error
        if expect is not None and status != expect:
            raise self._failure(
                method, path, f"answered {status} instead of {expect}", text.decode(errors="replace")
            )
        try:
            content = json.loads(text or b"{}")
        except ValueError:
            raise self._failure(method, path, "answered no JSON", text.decode(errors="replace")) from None
        return Answer(status=status, headers={k.lower(): v for k, v in received.items()}, content=content)

    def _failure(self, method: str, path: str, what: str, output: str) -> Failure:
        return Failure(
            f"{method} {path} {what}.",
            command=f"curl -X {method} {self.base}{path}",
            output=output,
            suggestion="read the logs in .demo/logs",
        )


def wait_for(
    what: str, find: Callable[[], T | None], *, seconds: float, check: Callable[[], None], log: Path
) -> T:
    """Ask until there is something; `check` raises when there is no point in waiting any longer.

    Raises Failure after `seconds`, with the last lines of `log`: the one that tells why.
    """
    deadline = time.monotonic() + seconds
    while (found := find()) is None:
        check()
        if time.monotonic() > deadline:
            raise Failure(
                f"Waited {seconds:g} s in vain for {what}.",
                output=tail(log),
                suggestion=f"read {log} and the other logs beside it",
            )
        time.sleep(PAUSE_SECONDS)
    return found
