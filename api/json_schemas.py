"""JSON Schema (2020-12) of the tables of answers (api/outputs.py, api/money_outputs.py)."""

from typing import Any

from rest_framework import serializers

from api.outputs import Output

Schema = dict[str, Any]


def schema_of(output: Output) -> Schema:
    """The schema of an answer's object. Members may be added in time, so others than these are allowed."""
    fields = output().fields
    return {
        "type": "object",
        "required": [name for name, field in fields.items() if field.required],
        "properties": {name: _of_field(field) for name, field in fields.items()},
    }


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    return {**schema, "type": [schema["type"], "null"]}


def _of_field(field: Any) -> Schema:
    shape = _shape(field)
    if field.allow_null:
        shape = nullable(shape)
        if "enum" in shape:
            shape["enum"] = [*shape["enum"], None]
    if field.help_text:
        shape["description"] = str(field.help_text)
    return shape


def _shape(field: Any) -> Schema:
    match field:
        case serializers.ChoiceField():
            return {"type": "string", "enum": list(field.choices)}
        case serializers.CharField():
            return {"type": "string"}
        case serializers.BooleanField():
            return {"type": "boolean"}
        case serializers.IntegerField():
            return {"type": "integer"}
        case serializers.FloatField():
            return {"type": "number"}
        case serializers.ListField():
            return {"type": "array", "items": _shape(field.child)}
        case serializers.DictField() if isinstance(field.child, serializers.CharField):
            return {"type": "object", "additionalProperties": {"type": "string"}}
        case serializers.DictField():
            return {"type": "object"}
        case serializers.Serializer():
            return schema_of(type(field))
    raise TypeError(type(field).__name__)
