"""Named SQL: one statement a file, named as the function that runs it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_PARAMETER = re.compile(r"%\((\w+)\)s(::\w+(?:\[\])?)?")


@cache
def statements(package: str) -> Mapping[str, str]:
    """Every `*.sql` file of a package, by name; read once."""
    return {
        entry.name.removesuffix(".sql"): entry.read_text()
        for entry in files(package).iterdir()
        if entry.name.endswith(".sql")
    }


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement that a connection parses and plans once; `outbox.database` prepares it where it is not yet.

    For statements that run in every cycle: their planning costs more than running them does.
    """

    text: str  # as a session that prepares nothing runs it
    name: str  # of the prepared statement, unique in a database session
    preparation: str
    call: str  # with the parameters' names, as psycopg2 has them


@cache
def prepared(package: str, name: str) -> Prepared:
    """The statement of the file `name.sql` to be prepared; parameters are cast as they are in the file."""
    text = statements(package)[name]
    found: dict[str, str] = {}
    for parameter, cast in _PARAMETER.findall(text):
        found[parameter] = found.get(parameter) or cast
    places = {parameter: place for place, parameter in enumerate(found, 1)}
    body = _PARAMETER.sub(lambda match: f"${places[match[1]]}{match[2] or ''}", text).replace("%%", "%")
    own_name = f"{package.partition('.')[0]}_{name}"
    arguments = ", ".join(f"%({parameter})s{cast}" for parameter, cast in found.items())
    return Prepared(
        text=text,
        name=own_name,
        preparation=f"PREPARE {own_name} AS {body}",
        call=f"EXECUTE {own_name} ({arguments})" if found else f"EXECUTE {own_name}",
    )
