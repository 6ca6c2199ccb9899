"""A merchant's program, as tests play it."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from core.models import Account

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
HOOK = "https://93.184.216.34/hook"  # a public address, so no name is resolved


@dataclass
class Caller:
    """Calls with one API key; every answer is JSON."""

    account: Account
    key: str | None
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def get(self, path: str, **query: Any) -> Any:
        return self.send("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.send("POST", path, body, **options)

    def form(self, path: str, text: str, **options: Any) -> Any:
        return self.send("POST", path, text, content_type=FORM, **options)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = JSON,
        idempotency_key: str | None = None,
        **headers: str,
    ) -> Any:
        """`body` is bytes or text as it is, else a value to encode as JSON."""
        if self.key is not None:
            headers.setdefault("Authorization", f"Bearer {self.key}")
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        if body is None:
            payload: str | bytes = b""
        else:
            payload = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.client.generic(method, path, payload, content_type=content_type, headers=headers)

    def customer(self, **fields: Any) -> dict[str, Any]:
        return self._made("/customers/", fields)

    def intent(self, **fields: Any) -> dict[str, Any]:
        return self._made("/payment_intents/", {"amount": 2000, "currency": "usd", **fields})

    def endpoint(self, **fields: Any) -> dict[str, Any]:
        return self._made("/webhook_endpoints/", {"url": HOOK, "enabled_events": ["*"], **fields})

    def delivery(self) -> dict[str, Any]:
        """A manual one, of a test event."""
        return self._made(f"/webhook_endpoints/{self.endpoint()['id']}/test/", {})

    def _made(self, path: str, fields: dict[str, Any]) -> dict[str, Any]:
        response = self.post(path, fields)
        assert response.status_code == 201, response.content
        made: dict[str, Any] = response.json()
        return made


def error_of(response: Any) -> tuple[int, str | None, str | None]:
    """Status, code and param of a refusal, whose envelope is whole."""
    error = response.json()["error"]
    assert {"type", "code", "message", "param", "request_id"} <= error.keys()
    assert error["request_id"] == response["Request-Id"]
    assert error["message"]
    return response.status_code, error["code"], error["param"]
