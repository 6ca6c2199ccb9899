"""Strict JSON: what PostgreSQL, Python and the next reader would each take differently is refused."""

import json
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from api.errors import ApiError, InvalidParameter

MAX_DEPTH = 20
# The most digits that a 64-bit integer can have; more are no amount, count or time of ours.
_MAX_DIGITS = 19


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands in the decoded tree where a value cannot be taken, so that the walk can say where."""

    code: str
    reason: str


class _Place(NamedTuple):
    """Where a value stands; written out only where it is refused.

    To write it for every member would take the square of the body's size: a long name is part of each place in it.
    """

    around: "_Place | None"
    name: str | int


def parse_json(body: bytes) -> dict[str, Any]:
    """The object in `body`; an empty body is an empty object.

    Raises:
        ApiError: malformed (`json_malformed`).
        InvalidParameter: nested too deep (`json_too_deep`), a key twice (`parameter_duplicated`), NUL or half a
            surrogate pair (`invalid_characters`), a number out of range (`parameter_invalid_number`).
    """
    if not body:
        return {}
    try:
        tree = _DECODER.decode(body.decode())
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise _malformed(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _too_deep(None) from None
    if not isinstance(tree, dict):
        raise _malformed("the body must be an object")
    _inspect(tree, place=None, depth=1)
    return tree


def inside(path: str | None, key: str | int) -> str:
    """The name of a member in form notation: `metadata[color]`, `enabled_events[0]`."""
    return str(key) if path is None else f"{path}[{key}]"


def check_text(text: str, *, param: str | None) -> None:
    """Refuse what a `text` or `jsonb` column cannot hold.

    Raises:
        InvalidParameter: NUL, or half a surrogate pair.
    """
    if "\0" in text:
        raise InvalidParameter("A string contains a NUL character.", code="invalid_characters", param=param)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidParameter(
            "A string contains half a surrogate pair, which is no character.",
            code="invalid_characters",
            param=param,
        ) from None


def _inspect(value: Any, *, place: _Place | None, depth: int) -> None:
    match value:
        case str():
            _inspect_text(value, place)
        case dict():
            if depth > MAX_DEPTH:
                raise _too_deep(place)
            for key, member in value.items():
                _inspect_text(key, place)
                _inspect(member, place=_Place(place, key), depth=depth + 1)
        case list():
            if depth > MAX_DEPTH:
                raise _too_deep(place)
            for index, member in enumerate(value):
                _inspect(member, place=_Place(place, index), depth=depth + 1)
        case _Refused():
            raise InvalidParameter(value.reason, code=value.code, param=_written(place))


def _inspect_text(text: str, place: _Place | None) -> None:
    try:
        check_text(text, param=None)
    except InvalidParameter:
        check_text(text, param=_written(place))


def _written(place: _Place | None) -> str | None:
    return None if place is None else inside(_written(place.around), place.name)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                members[key] = _Refused("parameter_duplicated", "A parameter was given more than once.")
            seen.add(key)
    return members


def _integer(digits: str) -> int | _Refused:
    if len(digits.lstrip("-")) > _MAX_DIGITS:
        return _Refused("parameter_invalid_number", f"A number has more than {_MAX_DIGITS} digits.")
    return int(digits)


def _real(digits: str) -> float | _Refused:
    value = float(digits)
    if not math.isfinite(value):
        return _Refused("parameter_invalid_number", "A number is too large.")
    return value


def _constant(name: str) -> _Refused:
    return _Refused("parameter_invalid_number", f"{name} is not a JSON number.")


def _malformed(reason: str) -> ApiError:
    return ApiError(f"The request body is not valid JSON: {reason}.", code="json_malformed")


def _too_deep(place: _Place | None) -> InvalidParameter:
    while place is not None and place.around is not None:
        place = place.around
    return InvalidParameter(
        f"The request body is nested more than {MAX_DEPTH} levels deep.",
        code="json_too_deep",
        # A path of a thousand brackets helps nobody.
        param=_written(place),
    )


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_real, parse_constant=_constant
)
