"""The cells of the matrix: a route × a caller who may not, or × somebody else's object in one of its places."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tests.api.tenants.routes import Route

DIALECTS = ("", "/v1")
# Caller → the answer, the same on every route.
REFUSED_KEYS: dict[str, tuple[int, str | None]] = {
    "without_key": (401, "api_key_missing"),
    "with_malformed_key": (401, None),
    "with_wrong_secret": (401, None),
    "revoked": (401, "api_key_revoked"),
    "expired": (401, "api_key_expired"),
}
READING = frozenset({"GET"})


@dataclass(frozen=True, slots=True)
class Cell:
    """One request.

    Attributes:
        caller: a kind of key of the owner's, or "stranger", who has an account of its own.
        where: what of the stranger's request names the owner's object; None where nothing does.
        name: which place of the path, or which parameter.
    """

    dialect: str
    caller: str
    where: Literal["path", "parameter", "path, expanded"] | None = None
    name: str = ""

    def __str__(self) -> str:
        words = [self.dialect or "plain", self.caller, *([f"{self.where}:{self.name}"] if self.where else [])]
        return " ".join(words)


def cells_of(route: Route) -> Iterator[Cell]:
    for dialect in DIALECTS:
        for caller in REFUSED_KEYS:
            yield Cell(dialect, caller)
        yield Cell(dialect, "without_scope")
        if route.method not in READING:
            yield Cell(dialect, "read_only")
        yield Cell(dialect, "publishable")
        if route.payers:
            yield Cell(dialect, "publishable stranger", "path", route.places[0])
        if not route.places and route.method in READING:
            yield Cell(dialect, "stranger")
        for place in route.places:
            yield Cell(dialect, "stranger", "path", place)
            if route.expands:
                yield Cell(dialect, "stranger", "path, expanded", place)
        for parameter in route.references:
            yield Cell(dialect, "stranger", "parameter", parameter)
