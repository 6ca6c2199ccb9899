"""Parameters against a table of fields: a DRF serializer that is built once and serves every request.

A serializer copies its fields when it is made, which costs more than the validation; so a table is one
instance for the life of the process, and only `run_validation` is called on it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from api.errors import InvalidParameter
from api.fields import from_form
from api.json_body import inside
from api.parsers import FormTree

Fields = dict[str, Any]


class InputTable(serializers.Serializer[Any]):
    """The parameters of one operation. A parameter that the table does not name is refused."""

    def validated(self, parameters: Mapping[str, Any]) -> Fields:
        """The values given, by name; a parameter that was not given has no entry unless it has a default.

        Raises:
            InvalidParameter: the first parameter at fault, by name.
        """
        fields = self.fields
        for name in parameters:
            if name not in fields:
                raise InvalidParameter(
                    f"Received unknown parameter: {name[:100]}", code="parameter_unknown", param=name[:100]
                )
        if isinstance(parameters, FormTree):
            parameters = {name: from_form(fields[name], value) for name, value in parameters.items()}
        try:
            values: Fields = self.run_validation(parameters)
        except serializers.ValidationError as error:
            raise first_fault(error) from None
        return values


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
