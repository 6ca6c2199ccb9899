"""Named SQL: one statement a file, named as the function that runs it."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def statements(package: str) -> Mapping[str, str]:
    """Every `*.sql` file of a package, by name; read once."""
    return {
        entry.name.removesuffix(".sql"): entry.read_text()
        for entry in files(package).iterdir()
        if entry.name.endswith(".sql")
    }
