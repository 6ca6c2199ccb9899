"""The wheel holds the two apps whole, asks for what they import, and nothing beyond."""

import ast
import re
import sys
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[2]
APPS = ("outbox", "dispatcher")
# Extras of the apps: what they import only where it is asked for.
OPTIONAL = ("dramatiq", "metrics", "tracing")
SHIPPED = {".py", ".sql", ".typed", ".html", ".css", ".js", ".svg"}


@pytest.fixture(scope="module")
def contents(wheel: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(wheel) as archive:
        yield archive


def test_it_holds_every_file_of_both_apps_and_no_other(contents: zipfile.ZipFile) -> None:
    packed = {name for name in contents.namelist() if ".dist-info/" not in name}
    wanted = {
        str(path.relative_to(REPOSITORY))
        for app in APPS
        for path in (REPOSITORY / app).rglob("*")
        if path.suffix in SHIPPED
    }
    assert packed == wanted
    for app in APPS:
        assert f"{app}/py.typed" in packed
        assert f"{app}/migrations/0001_initial.py" in packed
        assert any(re.fullmatch(rf"{app}/sql/\w+\.sql", name) for name in packed)


def test_it_asks_for_exactly_what_the_apps_import(contents: zipfile.ZipFile) -> None:
    imported = {
        module
        for name in contents.namelist()
        if name.endswith(".py")
        for module in imported_modules(contents.read(name).decode())
    } - {*APPS, *sys.stdlib_module_names}
    (metadata,) = (name for name in contents.namelist() if name.endswith(".dist-info/METADATA"))
    fields = Parser().parsestr(contents.read(metadata).decode())
    requirements = [Requirement(text) for text in fields.get_all("Requires-Dist", [])]
    asked_for = {canonicalize_name(one.name) for one in requirements if "extra" not in str(one.marker)}
    optional = {
        canonicalize_name(one.name)
        for one in requirements
        if one.marker is not None and any(one.marker.evaluate({"extra": extra}) for extra in OPTIONAL)
    }
    provided_by = packages_distributions()
    assert {
        canonicalize_name(provided_by[module][0]) for module in imported
    } - optional == asked_for - optional


def imported_modules(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
