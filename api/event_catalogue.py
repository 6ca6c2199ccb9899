"""Each event that an endpoint can be sent: what it tells, an example of its body, and the JSON Schema of it.

Both are made by the code that makes real ones: examples are rendered by `core.versions`, schemas are those of the
API's answers, in the names of the version. tests/api/test_event_catalogue.py holds them to events that really happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from rest_framework import serializers

from api import money_outputs, outputs
from api.json_schemas import Schema, schema_of
from core.event_examples import MOMENT, example_data, example_id
from core.versions import EVENT_TYPES, canonical_event_type, event_object, event_types, render
from outbox.facts import EventFacts
from outbox.identifiers import encode_id
from outbox.recording import frozen

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class FailingEndpoint(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField()
    url = serializers.CharField()
    status = serializers.ChoiceField(("enabled",))
    percent = serializers.IntegerField(help_text="of the time after which it is disabled: 50, 70 or 90")
    failing_since = serializers.IntegerField(help_text="Unix seconds")
    disables_at = serializers.IntegerField(help_text="Unix seconds")


class DisabledEndpoint(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField()
    url = serializers.CharField()
    status = serializers.ChoiceField(("disabled",))
    reason = serializers.ChoiceField(("failing", "http_410_gone"))
    disabled_at = serializers.IntegerField(help_text="Unix seconds")
    failing_since = serializers.IntegerField(
        allow_null=True, help_text="Unix seconds; null where it had not failed before"
    )


class TestedEndpoint(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField()
    url = serializers.CharField()


_OBJECTS: Mapping[str, outputs.Output] = {
    "charge": money_outputs.Charge,
    "customer": outputs.Customer,
    "payment_intent": outputs.PaymentIntent,
    "payment_method": money_outputs.PaymentMethod,
    "refund": money_outputs.Refund,
    "setup_intent": money_outputs.SetupIntent,
    "endpoint.disabled": DisabledEndpoint,
    "endpoint.failing": FailingEndpoint,
    "endpoint.test": TestedEndpoint,
}
_ENDPOINT = {
    "id": encode_id("we", example_id("endpoint")),
    "object": "webhook_endpoint",
    "url": "https://shop.example/webhooks",
}
_NOON = int(MOMENT.timestamp())
_OF_ENDPOINTS: Mapping[str, Mapping[str, Any]] = {
    "endpoint.disabled": {
        **_ENDPOINT,
        "status": "disabled",
        "reason": "failing",
        "disabled_at": _NOON,
        "failing_since": _NOON - 432_000,
    },
    "endpoint.failing": {
        **_ENDPOINT,
        "status": "enabled",
        "percent": 70,
        "failing_since": _NOON - 302_400,
        "disables_at": _NOON + 129_600,
    },
    "endpoint.test": _ENDPOINT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of the catalogue, as a version has it."""

    type: str  # in the words of the version
    tells: str
    version: str
    example: Mapping[str, Any]  # the body of a delivery
    schema: Schema  # of such a body


def catalogue(version: str) -> list[tuple[str, str]]:
    """The name of every event in this version, and what it tells."""
    return [(shown, EVENT_TYPES[canonical_event_type(shown, version)]) for shown in event_types(version)]


@cache
def entry(type: str, version: str) -> Entry:
    """One event by its name in this version. Raises core's UnknownEventType."""
    canonical = canonical_event_type(type, version)
    return Entry(
        type=type,
        tells=EVENT_TYPES[canonical],
        version=version,
        example=event_object(_example_facts(canonical), version),
        schema=_schema(canonical, type, version),
    )


def _example_facts(canonical: str) -> EventFacts:
    if canonical in _OF_ENDPOINTS:
        data, previous = _OF_ENDPOINTS[canonical], None
    else:
        data, previous = example_data(canonical)
    by_request = canonical.endswith((".created", ".updated", ".canceled", ".deleted"))
    return EventFacts(
        id=example_id(f"event {canonical}"),
        owner=encode_id("acct", example_id("account")),
        type=canonical,
        object_id=data["id"],
        data=frozen(canonical, data),
        request_id=encode_id("req", example_id("request")) if by_request else None,
        idempotency_key=None,
        previous=None if previous is None else frozen(canonical, previous),
    )


def _schema(canonical: str, type: str, version: str) -> Schema:
    event = schema_of(outputs.Event)
    properties = event["properties"]
    properties["object"] = {"const": "event"}
    properties["api_version"] = {"const": version}
    properties["type"] = {"const": type}
    properties["pending_webhooks"] |= {"description": "always 1 in a delivery"}
    data = properties["data"]["properties"]
    data["object"] = _object_schema(canonical, version)
    if canonical == "customer.updated":
        properties["data"]["required"] = [*properties["data"]["required"], "previous_attributes"]
    else:
        del data["previous_attributes"]
    return {
        "$schema": DIALECT,
        "title": type,
        "description": EVENT_TYPES[canonical],
        **event,
    }


def _object_schema(canonical: str, version: str) -> Schema:
    """The canonical object's schema, under the names that the version has for its members."""
    about = canonical.partition(".")[0]
    shape = schema_of(_OBJECTS.get(canonical) or _OBJECTS[about])
    data = _OF_ENDPOINTS.get(canonical) or example_data(canonical)[0]
    # A version renames members and keeps each in its place.
    names = dict(zip(data, render(data, version), strict=True))
    properties = {names.get(name, name): member for name, member in shape["properties"].items()}
    properties["object"] = {"const": data["object"]}
    return {
        **shape,
        "required": [names.get(name, name) for name in shape["required"]],
        "properties": properties,
    }
