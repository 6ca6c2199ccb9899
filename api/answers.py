"""Answers as bytes: what is sent is what an idempotency key remembers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, ready to be sent any number of times."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> HttpResponse:
        return HttpResponse(
            self.body, status=self.status, content_type="application/json", headers=dict(self.headers)
        )


def encode(value: Mapping[str, Any]) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
