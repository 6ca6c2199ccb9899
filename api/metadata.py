"""Metadata: a merchant's own names and texts on an object."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from api.errors import InvalidParameter
from api.fields import Text, Value, refused, shown, within

METADATA_KEYS = 50
METADATA_NAME = 40
METADATA_VALUE = 500


class Metadata(Value, serializers.DictField):
    """Names with texts. A null (in a form: empty) text unsets its name, null for the whole clears it.

    Validates to `{}` for a clearing and keeps null texts: `merged` applies them.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=Text(allow_null=True), allow_null=True, required=False, **kwargs)

    def from_form(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: text or None for name, text in value.items()}
        return super().from_form(value)

    def to_internal_value(self, data: Any) -> dict[str, str | None]:
        if not isinstance(data, Mapping):
            raise refused(f"Invalid object: {shown(data)}", "parameter_invalid_object")
        if len(data) > METADATA_KEYS:
            raise refused(
                f"Metadata can have up to {METADATA_KEYS} keys, but you passed in {len(data)}.",
                "metadata_too_large",
            )
        return {name: self._text(name, text) for name, text in data.items()}

    def _text(self, name: str, text: Any) -> str | None:
        if text is None or text == "":
            return None
        if not isinstance(text, str):
            raise within(name, f"Invalid string: {shown(text)}", "parameter_invalid_string")
        if not 0 < len(name) <= METADATA_NAME or "[" in name or "]" in name:
            raise within(
                name[:METADATA_NAME],
                f"Metadata keys have 1 to {METADATA_NAME} characters and no square brackets.",
                "metadata_too_large",
            )
        if len(text) > METADATA_VALUE:
            raise within(
                name,
                f"Metadata values can have up to {METADATA_VALUE} characters, but you passed in a value that is "
                f"{len(text)} characters.",
                "metadata_too_large",
            )
        return text


def merging(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an update, its metadata as a function of what is held, for services that change under a lock."""
    changes = dict(fields)
    if "metadata" in changes:
        given = changes["metadata"]
        changes["metadata"] = lambda held: merged(held, given)
    return changes


def merged(current: Mapping[str, str], changes: Mapping[str, str | None] | None) -> dict[str, str]:
    """`current` with `changes` applied; null for the whole clears it.

    Raises:
        InvalidParameter: more names than an object may have.
    """
    if changes is None:
        return {}
    together = {name: text for name, text in {**current, **changes}.items() if text is not None}
    if len(together) > METADATA_KEYS:
        raise InvalidParameter(
            f"Metadata can have up to {METADATA_KEYS} keys, and would have {len(together)}.",
            code="metadata_too_large",
            param="metadata",
        )
    return together
