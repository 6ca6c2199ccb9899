"""The kinds of value that parameters have, each strict for JSON and with its reading of form text.

Errors carry Stripe's words and codes; `api/input_tables.py` turns them into the envelope. Fields hold no state
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

_DIGITS = re.compile(r"-?[0-9]{1,19}")
_DECIMAL = re.compile(r"-?[0-9]{1,19}(\.[0-9]{1,19})?")
_INDEX = re.compile(r"[0-9]{1,4}")
_MAX_INTEGER = (1 << 63) - 1


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
            raise refused(f"Invalid string: {shown(data)}", "parameter_invalid_string")
        if len(data) > self.longest:
            raise refused(
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
            raise refused(f"Invalid email address: {shown(text)}", "email_invalid") from None
        return text


class Choice(Text):
    """One of a closed set of words."""

    def __init__(self, choices: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = tuple(choices)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text not in self.words:
            raise refused(
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
            raise refused(f"Invalid integer: {shown(data)}", "parameter_invalid_integer")
        if self.least is not None and data < self.least:
            raise refused(
                f"This value must be greater than or equal to {self.least}.", "parameter_invalid_integer"
            )
        if data > self.most:
            raise refused(
                f"This value must be less than or equal to {self.most}.", "parameter_invalid_integer"
            )
        return data


class Number(Value, serializers.FloatField):
    """A number within bounds, whole or not; in a form its digits."""

    def __init__(self, *, least: float, most: float, **kwargs: Any) -> None:
        super().__init__(min_value=None, max_value=None, **kwargs)
        self.least = least
        self.most = most

    def from_form(self, value: Any) -> Any:
        if isinstance(value, str) and _DECIMAL.fullmatch(value):
            return float(value)
        return super().from_form(value)

    def to_internal_value(self, data: Any) -> float:
        if not isinstance(data, int | float) or isinstance(data, bool):
            raise refused(f"Invalid number: {shown(data)}", "parameter_invalid_number")
        if not self.least <= data <= self.most:
            raise refused(
                f"This value must be between {self.least} and {self.most}.", "parameter_invalid_number"
            )
        return float(data)


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
            raise refused(f"Invalid boolean: {shown(data)}", "parameter_invalid_boolean")
        return data


class TextList(Value, serializers.ListField):
    """A list of strings: `a[0]=`, `a[]=` or a JSON array."""

    def __init__(self, *, longest: int = 100, **kwargs: Any) -> None:
        super().__init__(child=Text(max_length=200), **kwargs)
        self.longest = longest

    def from_form(self, value: Any) -> Any:
        if isinstance(value, Mapping) and all(_INDEX.fullmatch(key) for key in value):
            return [value[key] for key in sorted(value, key=int)]
        return [] if value == "" else value

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list):
            raise refused(f"Invalid array: {shown(data)}", "parameter_invalid_array")
        if len(data) > self.longest:
            raise refused(f"An array has at most {self.longest} members here.", "parameter_too_long")
        values: list[str] = super().to_internal_value(data)
        return values


class AnyObject(Value, serializers.Field[Any, Any, Any, Any]):
    """An object that is kept or passed over as it is; how deep and large it may be, the parsers have judged."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            raise refused(f"Invalid object: {shown(data)}", "parameter_invalid_object")
        return dict(data)

    def to_representation(self, value: Any) -> Any:
        return value


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
                raise within(bound, f"Received unknown parameter: created[{bound}]", "parameter_unknown")
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
        raise refused(f"Invalid timestamp: {shown(data)}", "parameter_invalid_integer")
    return data


def refused(message: str, code: str) -> serializers.ValidationError:
    """A value that is none of its kind."""
    return serializers.ValidationError([message], code=code)


def within(name: str, message: str, code: str) -> serializers.ValidationError:
    """The same, for a member of a value."""
    return serializers.ValidationError({name: [message]}, code=code)
