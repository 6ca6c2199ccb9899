"""The parameters of every call, out of the OpenAPI description that the API serves at `/schema/`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

METHODS = ("get", "post", "patch", "delete")
# Bodies that hold bodies are shown so deep; what is deeper is told as an object.
DEEPEST = 3
_Schema = Mapping[str, Any]


@cache
def description() -> dict[str, Any]:
    from drf_spectacular.generators import SchemaGenerator

    generator: Any = SchemaGenerator
    described: dict[str, Any] = generator().get_schema(request=None, public=True)
    return described


def api_parameters(_: str) -> str:
    """A heading for each kind of object, below it one for each call of the plain dialect; Stripe's has the same."""
    calls: dict[str, list[str]] = {}
    for path, methods in sorted(description()["paths"].items()):
        if path.startswith("/v1/"):
            continue
        for method in METHODS:
            if method in methods:
                operation = methods[method]
                calls.setdefault(operation["tags"][0], []).append(_call(path, method, operation))
    return "\n\n".join(
        f"## {tag.replace('_', ' ').capitalize()}\n\n" + "\n\n".join(calls[tag]) for tag in sorted(calls)
    )


def _call(path: str, method: str, operation: _Schema) -> str:
    rows = [*_parameters(operation), *_body(operation)]
    lines = [f"### {method.upper()} {path}", "", f"{operation['summary']}."]
    if rows:
        lines += ["", "| parameter | in | |", "| --- | --- | --- |", *rows]
    answers = [answer for status, answer in operation["responses"].items() if str(status).startswith("2")]
    names = {name for answer in answers for name in _names(answer)}
    if names:
        lines += ["", f"Answers {' or '.join(f'`{name}`' for name in sorted(names))}."]
    return "\n".join(lines)


def _parameters(operation: _Schema) -> Iterator[str]:
    for one in operation.get("parameters", []):
        schema = _resolved(one["schema"])
        members = schema.get("properties") if one.get("style") == "deepObject" else None
        for name in [f"{one['name']}[{member}]" for member in members] if members else [one["name"]]:
            told = _told(
                next(iter(members.values())) if members else schema,
                one.get("required", False) or one["in"] == "path",
            )
            yield _row(name, one["in"], told, one.get("description") or schema.get("description", ""))


def _body(operation: _Schema) -> Iterator[str]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = next((part["schema"] for part in content.values()), None)
    if schema is not None:
        yield from _fields(_resolved(schema), "", 1)


def _fields(schema: _Schema, prefix: str, depth: int) -> Iterator[str]:
    for name, given in schema.get("properties", {}).items():
        field = _resolved(given)
        shown = f"{prefix}[{name}]" if prefix else name
        if field.get("properties") and depth < DEEPEST:
            yield from _fields(field, shown, depth + 1)
        else:
            required = not prefix and name in schema.get("required", [])
            yield _row(
                shown,
                "body",
                _told(field, required),
                given.get("description") or field.get("description", ""),
            )


def _row(name: str, place: str, told: str, text: str) -> str:
    return f"| `{name}` | {place} | {'; '.join(part for part in (told, _line(text)) if part)} |"


def _told(schema: _Schema, required: bool) -> str:
    """Its type and its bounds, in words."""
    types = schema.get("type", "")
    kinds = [kind for kind in (types if isinstance(types, list) else [types]) if kind and kind != "null"]
    nullable = (isinstance(types, list) and "null" in types) or schema.get("nullable", False)
    values = [f"`{value}`" for value in schema.get("enum", []) if value not in (None, "")]
    words = [" or ".join(values) if values else " or ".join(kinds) or "any value"]
    if kinds == ["array"] and not values:
        words = [f"list of {_told(_resolved(schema.get('items', {})), False)}"]
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        words.append(f"{'' if low is None else low} to {high}" if high is not None else f"at least {low}")
    if schema.get("maxLength") is not None:
        words.append(f"up to {schema['maxLength']} characters")
    if schema.get("maxItems") is not None:
        words.append(f"up to {schema['maxItems']}")
    if "default" in schema:
        words.append(f"default `{schema['default']}`".replace("True", "true").replace("False", "false"))
    if nullable:
        words.append("or null")
    if required:
        words.append("**required**")
    return ", ".join(words)


def _resolved(schema: _Schema) -> _Schema:
    """The schema that a reference leads to; of alternatives the first that is no empty string or null."""
    while True:
        if "$ref" in schema:
            schema = description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        elif len(schema.get("allOf", [])) == 1:
            schema = {
                **_resolved(schema["allOf"][0]),
                **{name: schema[name] for name in schema if name != "allOf"},
            }
        elif "oneOf" in schema or "anyOf" in schema:
            chosen = [
                one for one in (_resolved(part) for part in schema.get("oneOf") or schema["anyOf"])
                if one.get("enum") not in ([""], [None]) and one.get("type") != "null"
            ]  # fmt: skip
            return {**chosen[0], "nullable": True} if chosen else {}
        else:
            return schema


def _names(answer: _Schema) -> Iterator[str]:
    for part in answer.get("content", {}).values():
        reference = part["schema"].get("$ref")
        if reference:
            yield reference.rpartition("/")[2]


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|").rstrip(".")
