"""Stripe's search language: `email:"a@example.com" AND -metadata["tier"]:"gold"`, read into clauses. Pure.

    query  = clause, { [ "AND" | "OR" ], clause }       one kind of joint in a query; none is AND
    clause = [ "-" ], field, operator, value
    field  = name | "metadata", "[", string, "]"
    value  = string in double or single quotes | whole number | "null"

`:` is equal, `~` contains, `>`, `>=`, `<` and `<=` compare numbers.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from api.errors import InvalidParameter

MAX_CLAUSES = 10

_STRING = r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\''
_CLAUSE = re.compile(
    rf"(?P<negation>-)?(?P<field>[A-Za-z_][A-Za-z0-9_.]*)(?:\[(?P<key>{_STRING})\])?"
    rf"(?P<operator>>=|<=|:|~|>|<)(?:(?P<string>{_STRING})|(?P<word>[^\s\"']+))",
    re.DOTALL,
)
_JOINT = re.compile(r"\s+(?:(?P<word>AND|OR)\s+)?", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,15}")


class Operator(StrEnum):
    EQUALS = ":"
    CONTAINS = "~"
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    LESS = "<"
    LESS_OR_EQUAL = "<="


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One condition. `value` is None for null."""

    field: str
    key: str | None  # of metadata["key"]
    operator: Operator
    value: str | int | None
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """Conditions, all of which must hold, or any one of them."""

    clauses: tuple[Clause, ...]
    any_of: bool


def parse_search(text: str) -> SearchQuery:
    """The query in `text`.

    Raises:
        InvalidParameter: it is none; the message tells the place.
    """
    text = text.strip()
    clauses: list[Clause] = []
    joints: set[str] = set()
    position = 0
    while True:
        match = _CLAUSE.match(text, position)
        if match is None:
            raise refused_query(f'expected a clause like field:"value" at character {position + 1}')
        clauses.append(_clause(match))
        if len(clauses) > MAX_CLAUSES:
            raise refused_query(f"it has more than {MAX_CLAUSES} clauses")
        position = match.end()
        if position == len(text):
            break
        joint = _JOINT.match(text, position)
        if joint is None:
            raise refused_query(f"expected a space, AND or OR at character {position + 1}")
        joints.add((joint["word"] or "AND").upper())
        if len(joints) > 1:
            raise refused_query("AND and OR cannot be combined in one query")
        position = joint.end()
    return SearchQuery(clauses=tuple(clauses), any_of="OR" in joints)


def refused_query(reason: str) -> InvalidParameter:
    """The refusal of a query that cannot be read, or asks for what there is not."""
    return InvalidParameter(
        f"We were unable to parse your search query: {reason}.", code="search_query_invalid", param="query"
    )


def _clause(match: re.Match[str]) -> Clause:
    return Clause(
        field=match["field"],
        key=None if match["key"] is None else _unquoted(match["key"]),
        operator=Operator(match["operator"]),
        value=_word(match["word"]) if match["string"] is None else _unquoted(match["string"]),
        negated=match["negation"] is not None,
    )


def _word(word: str) -> int | None:
    if word.lower() == "null":
        return None
    if not _NUMBER.fullmatch(word):
        raise refused_query(f"a value must be a quoted string, a whole number or null, not {word[:40]}")
    return int(word)


def _unquoted(text: str) -> str:
    return _ESCAPE.sub(r"\1", text[1:-1])
