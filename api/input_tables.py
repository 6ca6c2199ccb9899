"""Parameters against a table of fields: a DRF serializer that is built once and serves every request.

A serializer copies its fields when it is made, which costs more than the validation; so a table is one
instance for the life of the process, and only `run_validation` is called on it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from api.errors import InvalidParameter
from api.fields import FormReadable, from_form, shown
from api.json_body import inside
from api.parsers import FormTree

Fields = dict[str, Any]


class InputTable(FormReadable, serializers.Serializer[Any]):
    """The parameters of one operation, or of a member. A parameter that the table does not name is refused."""

    def validated(self, parameters: Mapping[str, Any]) -> Fields:
        """The values given, by name; a parameter that was not given has no entry unless it has a default.

        Raises:
            InvalidParameter: the first parameter at fault, by name.
        """
        if isinstance(parameters, FormTree):
            parameters = self.from_form(parameters)
        try:
            values: Fields = self.run_validation(parameters)
        except serializers.ValidationError as error:
            raise first_fault(error) from None
        return values

    def from_form(self, value: Any) -> Any:
        """Each member by its own field."""
        if not isinstance(value, Mapping):
            return super().from_form(value)
        fields = self.fields
        return {
            name: from_form(fields[name], member) if name in fields else member
            for name, member in value.items()
        }

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError(
                [f"Invalid object: {shown(data)}"], code="parameter_invalid_object"
            )
        for name in data:
            if name not in self.fields:
                raise serializers.ValidationError(
                    {name[:100]: [f"Received unknown parameter: {name[:100]}"]}, code="parameter_unknown"
                )
        return super().to_internal_value(data)


def first_fault(error: serializers.ValidationError) -> InvalidParameter:
    """The first of DRF's errors, with its place in form notation."""
    param: str | None = None
    detail: Any = error.detail
    while not isinstance(detail, ErrorDetail):
        if isinstance(detail, Mapping):
            key, detail = next((key, member) for key, member in detail.items() if member)
            param = inside(param, key)
        elif isinstance(detail, Sequence):
            detail = detail[0]
    match detail.code:
        case "required":
            return InvalidParameter(
                f"Missing required param: {param}.", code="parameter_missing", param=param
            )
        case "null":
            return InvalidParameter(
                f"You passed an empty value for '{param}'. We assume empty values are an attempt to unset a "
                f"parameter; however '{param}' cannot be unset.",
                code="parameter_invalid_empty",
                param=param,
            )
        case code:
            return InvalidParameter(str(detail), code=code or "parameter_invalid", param=param)
