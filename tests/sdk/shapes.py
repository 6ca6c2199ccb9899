"""The fields that the SDKs' types hold to be always present, taken from the installed packages.

From npm: the members without `?` of the interfaces in cjs/resources/*.d.ts. From PyPI: the attributes of the typed
classes that are not `Optional`.
"""

import inspect
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import stripe

TYPES = Path(__file__).resolve().parents[1] / "node" / "node_modules" / "stripe" / "cjs"


@dataclass(frozen=True, slots=True)
class Field:
    """One field that is always present."""

    nullable: bool
    nested: "Callable[[], Shape] | None" = None  # of the object it holds, or of each member of its list


Shape = Mapping[str, Field]


def missing(answer: Mapping[str, Any], shape: Shape, path: str = "") -> Iterator[str]:
    """The fields of `shape` that an answer lacks, or has as null where null is no value; nested ones by their path."""
    for name, field in shape.items():
        if name not in answer:
            yield path + name
        elif answer[name] is None:
            if not field.nullable:
                yield f"{path}{name} (null)"
        elif field.nested is not None:
            value = answer[name]
            for member in value if isinstance(value, Sequence) else [value]:
                # An id stands where an object may be expanded.
                if isinstance(member, Mapping):
                    yield from missing(member, field.nested(), f"{path}{name}.")


# --- PyPI ---


def python_shape(of: type[stripe.StripeObject]) -> Shape:
    """Of a typed class."""
    return {
        name: Field(nullable=False, nested=_python_nested(annotation))
        for name, annotation in inspect.get_annotations(of).items()
        if "ClassVar" not in str(annotation) and not name.startswith("_") and not _is_optional(annotation)
    }


def _is_optional(annotation: Any) -> bool:
    return type(None) in typing.get_args(annotation)


def _python_nested(annotation: Any) -> Callable[[], Shape] | None:
    if typing.get_origin(annotation) is list:
        [annotation] = typing.get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, stripe.StripeObject):
        return lambda: python_shape(annotation)
    return None


# --- npm ---

_COMMENT = re.compile(r"(?s)/\*.*?\*/|//[^\n]*")
_BLOCK = re.compile(r"\b(namespace|interface)\s+(\w+)[^{;]*\{")
_MEMBER = re.compile(r"(?s)^\s*(?:readonly\s+)?(\w+)(\??)\s*:\s*(.+)$")
# There `Event` is the union of the events of all types, which share this.
_NPM_NAMES = {"Event": "EventBase"}
_LIST = re.compile(r"(?s)^Array<(.+)>$|^(.+)\[\]$")


@cache
def npm_shape(name: str) -> Shape:
    """Of an interface of /v1 that some file of the package exports, such as `PaymentIntent`."""
    interface = _NPM_NAMES.get(name, name)
    for path in sorted((TYPES / "resources").glob("*.d.ts")):
        if re.search(rf"\bexport interface {interface}\b", path.read_text(encoding="utf-8")):
            return _shape_in(_interfaces(path), (interface,))
    raise LookupError(name)


def _shape_in(interfaces: Mapping[tuple[str, ...], str], scope: tuple[str, ...]) -> Shape:
    shape = {}
    for member in _members(interfaces[scope]):
        found = _MEMBER.match(member)
        if found is not None and not found[2]:
            alternatives = [text.strip() for text in _split(found[3], "|")]
            shape[found[1]] = Field(
                nullable="null" in alternatives, nested=_npm_nested(interfaces, scope, alternatives)
            )
    return shape


def _npm_nested(
    interfaces: Mapping[tuple[str, ...], str], scope: tuple[str, ...], alternatives: Sequence[str]
) -> Callable[[], Shape] | None:
    kinds = [kind for kind in alternatives if kind != "null"]
    if len(kinds) != 1:
        return None
    listed = _LIST.match(kinds[0])
    name = tuple((listed[1] or listed[2] if listed else kinds[0]).strip().split("."))
    for length in range(len(scope), -1, -1):
        target = scope[:length] + name
        if target in interfaces:
            return lambda: _shape_in(interfaces, target)
    return None


@cache
def _interfaces(path: Path) -> dict[tuple[str, ...], str]:
    """The text within each interface, by its name with the namespaces around it; those that all files share too."""
    found: dict[tuple[str, ...], str] = {}
    for file in (TYPES / "shared.d.ts", path):
        if file.exists():
            _collect(_COMMENT.sub("", file.read_text(encoding="utf-8")), (), found)
    return found


def _collect(text: str, scope: tuple[str, ...], found: dict[tuple[str, ...], str]) -> None:
    position = 0
    while (block := _BLOCK.search(text, position)) is not None:
        end = _closing(text, block.end())
        body = text[block.end() : end]
        name = (*scope, block[2])
        if block[1] == "namespace":
            _collect(body, name, found)
        else:
            found[name] = body
        position = end


def _closing(text: str, position: int) -> int:
    """Where the brace closes that was opened right before `position`."""
    depth = 1
    while depth:
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        position += 1
    return position - 1


def _members(body: str) -> list[str]:
    return [member for member in _split(body, ";") if member.strip()]


def _split(text: str, separator: str) -> list[str]:
    """At a separator outside all brackets."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += {"{": 1, "(": 1, "<": 1, "[": 1, "}": -1, ")": -1, ">": -1, "]": -1}.get(character, 0)
        if character == separator and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


OBJECTS: dict[str, tuple[type[stripe.StripeObject], str]] = {
    "account": (stripe.Account, "accounts.retrieve_current"),
    "balance": (stripe.Balance, "balance.retrieve"),
    "balance_transaction": (stripe.BalanceTransaction, "balance_transactions.retrieve"),
    "charge": (stripe.Charge, "charges.retrieve"),
    "customer": (stripe.Customer, "customers.retrieve"),
    "event": (stripe.Event, "events.retrieve"),
    "payment_intent": (stripe.PaymentIntent, "payment_intents.retrieve"),
    "payment_method": (stripe.PaymentMethod, "payment_methods.retrieve"),
    "refund": (stripe.Refund, "refunds.retrieve"),
    "setup_intent": (stripe.SetupIntent, "setup_intents.retrieve"),
    "webhook_endpoint": (stripe.WebhookEndpoint, "webhook_endpoints.retrieve"),
}
"""By the `object` of an answer: its class in stripe-python, named alike in stripe-node, and a call that gives it."""
