"""The kinds of value that parameters have, each strict for JSON and with its reading of form text.

Errors carry Stripe's words and codes; `api/inputs.py` turns them into the envelope. Fields hold no state
of a request, since one instance serves all threads.
"""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from rest_framework import serializers

from api.errors import ResourceMissing
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id

_DIGITS = re.compile(r"-?\d{1,19}")
_MAX_INTEGER = (1 << 63) - 1

METADATA_KEYS = 50
METADATA_NAME = 40
METADATA_VALUE = 500


class FormReadable:
    """Reads the text of a form as a value of this kind; text that is none stays, and is refused as such."""

    def from_form(self, value: Any) -> Any:
        """An empty string unsets: forms have no null."""
        return None if value == "" else value


class Value(FormReadable):
    """A kind of value, as against a table of them (api/input_tables.py)."""


def from_form(field: object, value: Any) -> Any:
    """`value` of a form's tree as the JSON value that `field` expects."""
    return field.from_form(value) if isinstance(field, FormReadable) else value


def shown(value: Any) -> str:
    """A refused value, short enough for a message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


class Text(Value, serializers.CharField):
    """A string; never a number that looks like one."""

    def __init__(self, *, max_length: int = 5_000, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)
        self.longest = max_length
        # The parsers have refused NULs and half pairs already.
        self.validators = []

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """An empty string unsets in JSON as it does in a form."""
        return serializers.Field.run_validation(self, None if data == "" else data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise _refused(f"Invalid string: {shown(data)}", "parameter_invalid_string")
        if len(data) > self.longest:
            raise _refused(
                f"Invalid string: it has {len(data)} characters, the limit is {self.longest}.",
                "parameter_too_long",
            )
        return data


class Email(Text):
    """An e-mail address."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            validate_email(text)
        except DjangoValidationError:
            raise _refused(f"Invalid email address: {shown(text)}", "email_invalid") from None
        return text


class Choice(Text):
    """One of a closed set of words."""

    def __init__(self, choices: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = tuple(choices)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text not in self.words:
            raise _refused(
                f"Invalid {self.field_name}: must be one of {', '.join(self.words)}",
                "parameter_invalid_choice",
            )
        return text


class Integer(Value, serializers.IntegerField):
    """A whole number. `"20"`, `20.0` and `true` are none in JSON; in a form digits are."""

    def __init__(self, *, least: int | None = None, most: int = _MAX_INTEGER, **kwargs: Any) -> None:
        super().__init__(min_value=None, max_value=None, **kwargs)
        self.least = least
        self.most = most

    def from_form(self, value: Any) -> Any:
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            return int(value)
        return super().from_form(value)

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            raise _refused(f"Invalid integer: {shown(data)}", "parameter_invalid_integer")
        if self.least is not None and data < self.least:
            raise _refused(
                f"This value must be greater than or equal to {self.least}.", "parameter_invalid_integer"
            )
        if data > self.most:
            raise _refused(
                f"This value must be less than or equal to {self.most}.", "parameter_invalid_integer"
            )
        return data


class Boolean(Value, serializers.BooleanField):
    """true or false, and nothing that stands for them."""

    def from_form(self, value: Any) -> Any:
        match value:
            case "true":
                return True
            case "false":
                return False
            case _:
                return super().from_form(value)

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise _refused(f"Invalid boolean: {shown(data)}", "parameter_invalid_boolean")
        return data


class TextList(Value, serializers.ListField):
    """A list of strings: `a[0]=`, `a[]=` or a JSON array."""

    def __init__(self, *, longest: int = 100, **kwargs: Any) -> None:
        super().__init__(child=Text(max_length=200), **kwargs)
        self.longest = longest

    def from_form(self, value: Any) -> Any:
        if isinstance(value, Mapping) and all(key.isdecimal() for key in value):
            return [value[key] for key in sorted(value, key=int)]
        return [] if value == "" else value

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list):
            raise _refused(f"Invalid array: {shown(data)}", "parameter_invalid_array")
        if len(data) > self.longest:
            raise _refused(f"An array has at most {self.longest} members here.", "parameter_too_long")
        values: list[str] = super().to_internal_value(data)
        return values


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
            raise _refused(f"Invalid object: {shown(data)}", "parameter_invalid_object")
        if len(data) > METADATA_KEYS:
            raise _refused(
                f"Metadata can have up to {METADATA_KEYS} keys, but you passed in {len(data)}.",
                "metadata_too_large",
            )
        return {name: self._text(name, text) for name, text in data.items()}

    def _text(self, name: str, text: Any) -> str | None:
        if text is None or text == "":
            return None
        if not isinstance(text, str):
            raise _within(name, f"Invalid string: {shown(text)}", "parameter_invalid_string")
        if not 0 < len(name) <= METADATA_NAME or "[" in name or "]" in name:
            raise _within(
                name[:METADATA_NAME],
                f"Metadata keys have 1 to {METADATA_NAME} characters and no square brackets.",
                "metadata_too_large",
            )
        if len(text) > METADATA_VALUE:
            raise _within(
                name,
                f"Metadata values can have up to {METADATA_VALUE} characters, but you passed in a value that is "
                f"{len(text)} characters.",
                "metadata_too_large",
            )
        return text


def merged(current: Mapping[str, str], changes: Mapping[str, str | None] | None) -> dict[str, str]:
    """`current` with `changes` applied; null for the whole clears it.

    Raises:
        serializers.ValidationError: more names than an object may have.
    """
    if changes is None:
        return {}
    together = {name: text for name, text in {**current, **changes}.items() if text is not None}
    if len(together) > METADATA_KEYS:
        raise serializers.ValidationError(
            {"metadata": [f"Metadata can have up to {METADATA_KEYS} keys."]}, code="metadata_too_large"
        )
    return together


class Moment(Value, serializers.Field[Any, Any, Any, Any]):
    """A filter on time: Unix seconds, or bounds (`created[gte]=`). Validates to a mapping of bounds."""

    BOUNDS = ("gt", "gte", "lt", "lte")

    def __init__(self) -> None:
        super().__init__(required=False)

    def from_form(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {bound: self.from_form(moment) for bound, moment in value.items()}
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            return int(value)
        return value

    def to_internal_value(self, data: Any) -> dict[str, int]:
        if not isinstance(data, Mapping):
            return {"gte": _seconds(data), "lte": data}
        bounds = {}
        for bound, moment in data.items():
            if bound not in self.BOUNDS:
                raise _within(bound, f"Received unknown parameter: created[{bound}]", "parameter_unknown")
            try:
                bounds[bound] = _seconds(moment)
            except serializers.ValidationError as error:
                raise serializers.ValidationError({bound: error.detail}) from None
        return bounds

    def to_representation(self, value: Any) -> Any:
        return value


class Reference(Text):
    """Another object's id; validates to its UUID. An id of another kind is an object that is not there."""

    def __init__(self, prefix: str, noun: str, **kwargs: Any) -> None:
        super().__init__(max_length=200, **kwargs)
        self.prefix = prefix
        self.noun = noun

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        return identified(text, prefix=self.prefix, noun=self.noun, param=self.field_name or "id")


def identified(text: str, *, prefix: str, noun: str, param: str) -> uuid.UUID:
    """The UUID of a public id.

    Raises:
        ResourceMissing: it is no id of that kind.
    """
    try:
        return decode_id(prefix, text)
    except InvalidIdentifier:
        raise ResourceMissing(noun, text, param=param) from None


def _seconds(data: Any) -> int:
    # Up to the year 9999, where Python's calendar ends.
    if not isinstance(data, int) or isinstance(data, bool) or not 0 <= data <= 253_402_300_799:
        raise _refused(f"Invalid timestamp: {shown(data)}", "parameter_invalid_integer")
    return data


def _refused(message: str, code: str) -> serializers.ValidationError:
    return serializers.ValidationError([message], code=code)


def _within(name: str, message: str, code: str) -> serializers.ValidationError:
    return serializers.ValidationError({name: [message]}, code=code)
