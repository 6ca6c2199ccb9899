"""Request bodies for Django REST Framework: strict JSON and Stripe's form encoding."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from api.form_body import parse_form
from api.json_body import parse_json


class FormTree(dict[str, Any]):
    """Parameters that came as text; their fields give them types."""


class StrictJsonParser(BaseParser):
    """`application/json`."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        return parse_json(_body(parser_context))


class StripeFormParser(BaseParser):
    """`application/x-www-form-urlencoded`."""

    media_type = "application/x-www-form-urlencoded"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> FormTree:
        return FormTree(parse_form(_body(parser_context)))


def _body(parser_context: Mapping[str, Any] | None) -> bytes:
    """Through Django's `body`, not the stream: it alone keeps to DATA_UPLOAD_MAX_MEMORY_SIZE."""
    assert parser_context is not None
    request = parser_context["request"]
    body: bytes = request.body
    return body
