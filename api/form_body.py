"""Stripe's form encoding: `a[b]=`, `expand[0]=` (SDKs), `expand[]=` (CLI, curl), brackets encoded or not.

The tree keeps what the text says: every value a string, every bracket a mapping. Which of these are
numbers, lists or null is decided by the field they belong to (api/fields.py): `metadata[0]` is a name.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

from api.errors import ApiError, InvalidParameter
from api.json_body import MAX_DEPTH, check_text

# More than any request of ours could use; Django's own limit for forms.
_MAX_PAIRS = 1_000
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NAME = re.compile(r"[^\[\]]+")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")


def parse_form(text: bytes | str) -> dict[str, Any]:
    """The tree of a form body or a query string.

    Raises:
        ApiError: not a form (`form_malformed`).
        InvalidParameter: a name twice (`parameter_duplicated`), brackets that do not match
            (`form_malformed`), a NUL (`invalid_characters`).
    """
    try:
        source = text.decode() if isinstance(text, bytes) else text
        if _BAD_ESCAPE.search(source):
            raise ApiError("A percent sign begins no escape of two hex digits.", code="form_malformed")
        pairs = parse_qsl(source, keep_blank_values=True, errors="strict", max_num_fields=_MAX_PAIRS)
    except UnicodeDecodeError:
        raise ApiError("The parameters are not valid UTF-8.", code="form_malformed") from None
    except ValueError:
        raise ApiError(f"More than {_MAX_PAIRS} parameters were given.", code="form_malformed") from None
    tree: dict[str, Any] = {}
    for name, value in pairs:
        check_text(name, param=None)
        check_text(value, param=name)
        _place(tree, name, _segments(name), value)
    return tree


def _segments(name: str) -> list[str]:
    """`a[b][]` → `["a", "b", ""]`."""
    head = _NAME.match(name)
    if head is None:
        raise _misnamed(name)
    segments, position = [head.group()], head.end()
    while position < len(name):
        bracket = _BRACKET.match(name, position)
        if bracket is None or len(segments) >= MAX_DEPTH:
            raise _misnamed(name)
        segments.append(bracket.group(1))
        position = bracket.end()
    return segments


def _place(tree: dict[str, Any], name: str, segments: list[str], value: str) -> None:
    for segment in segments[:-1]:
        member = tree.setdefault(_key(tree, segment), {})
        if not isinstance(member, dict):
            raise _duplicated(name)
        tree = member
    key = _key(tree, segments[-1])
    if key in tree:
        raise _duplicated(name)
    tree[key] = value


def _key(tree: dict[str, Any], segment: str) -> str:
    """An empty bracket appends: it takes the next number."""
    return segment or str(len(tree))


def _misnamed(name: str) -> InvalidParameter:
    return InvalidParameter(
        "The brackets of a parameter's name do not match.", code="form_malformed", param=name
    )


def _duplicated(name: str) -> InvalidParameter:
    return InvalidParameter("A parameter was given more than once.", code="parameter_duplicated", param=name)
