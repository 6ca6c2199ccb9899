"""The documentation is held to the code: catalogues are equal, named tests exist, snippets are on their pages."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.db import connection
from django.urls import URLPattern

from api.urls import resources
from core.payment_methods import PAYMENT_METHODS, Behaviour
from core.versions import EVENT_TYPES, PLAIN, STRIPE, shown_event_type
from dispatcher.config import DispatcherSettings
from dispatcher.failures import EXPLANATIONS
from dispatcher.models import DeliveryState
from dispatcher.reasons import REASONS
from dispatcher.retry import DEFAULT_SCHEDULE, RetryPolicy
from tests.catalogues import DESCRIBED
from tools.reference.facts import read_variables
from tools.reference.facts import shown as shown_default

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
ROOMS = ("outbox", "dispatcher", "core", "api")
CODE = re.compile(r"`([^`]+)`")


def page(name: str) -> str:
    return (DOCS / name).read_text()


def section(text: str, heading: str) -> str:
    """What stands below a heading of level 2, up to the next one."""
    found = re.search(rf"(?ms)^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text)
    assert found is not None, heading
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row but heads and rulers."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heads = {index - 1 for index, line in enumerate(lines) if set(line) <= set("|- ")}
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for index, line in enumerate(lines)
        if index not in heads and not set(line) <= set("|- ")
    ]


def first_code(row: list[str]) -> str:
    found = CODE.match(row[0])
    assert found is not None, row
    return found[1]


# --- Tests that pages name ---

NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_every_test_that_is_named_exists(path: Path) -> None:
    for file, name in NAMED.findall(path.read_text()):
        source = (ROOT / file).read_text()
        assert not name or re.search(rf"(?m)^\s*def {name}\(", source), f"{file}::{name}"


@pytest.mark.parametrize("name", ["promises.md", "architecture.md"])
def test_promises_and_invariants_name_tests(name: str) -> None:
    assert len(NAMED.findall(page(name))) > 20


def test_every_threat_is_stopped_by_something_that_a_test_shows() -> None:
    threats = rows(section(page("threats.md"), "What stops them"))
    assert len(threats) > 20
    for attacker, wants, _, shown in threats:
        assert NAMED.search(shown), f"{attacker}: {wants}"
    attackers = {row[0] for row in rows(section(page("threats.md"), "Attackers"))}
    assert attackers <= {row[0] for row in threats}


# --- Settings ---


def settings_in_example() -> dict[str, str]:
    return dict(re.findall(r"(?m)^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text()))


def settings_on_page() -> dict[str, str]:
    """Each variable with its default, empty where there is none."""
    variables = page("reference/settings.md").partition("## Settings of the two apps")[0]
    return {first_code(row): row[1].strip("`").replace("none", "") for row in rows(variables)}


def test_settings_are_those_of_the_code_and_of_the_example() -> None:
    code, example, shown = read_variables(), settings_in_example(), settings_on_page()
    compose_only = {
        "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "API_PORT", "SHOP_PORT", "CLI_RELAY_PORT", "DEMO_SHOP_WEBHOOK_SECRET",
        "DISPATCHER_EXECUTOR",
    }  # fmt: skip
    assert len(code) > 25
    assert set(shown) == set(code) | compose_only
    # An operator copies the example: it must have all of them, and may not have one that nobody reads.
    assert set(example) == set(shown)
    for name, default in code.items():
        assert shown_default(shown[name]) == shown_default(default), name
        if example[name] != "replace-me" and name != "DATABASE_URL":
            assert shown_default(example[name]) == shown_default(default), name


def test_the_published_retry_schedule_is_the_one_in_force() -> None:
    seconds = [round(wait.total_seconds()) for wait in DEFAULT_SCHEDULE]
    head, rest = seconds[:8], set(seconds[8:])
    shown = page("reference/settings.md")
    assert rest == {43_200}
    assert f"None means {', '.join(map(str, head))}, then 43200" in shown
    assert f"{RetryPolicy().max_attempts} attempts" in shown
    assert f"({RetryPolicy().max_attempts} attempts over three days)" in page("promises.md")


def test_settings_of_the_dispatcher_are_all_there() -> None:
    known = {item.name.upper() for item in fields(DispatcherSettings)}
    table = section(page("reference/settings.md"), "Settings of the two apps").partition("| `OUTBOX`")[0]
    assert {first_code(row) for row in rows(table)} == known


def test_settings_of_the_outbox_are_all_there() -> None:
    read = set(re.findall(r'\.get\("([A-Z_]+)"', (ROOT / "outbox" / "config.py").read_text()))
    table = section(page("reference/settings.md"), "Settings of the two apps").partition("| `OUTBOX`")
    assert {first_code(row) for row in rows("".join(table[1:]))} == read


# --- Catalogues ---


def test_events_are_those_of_the_catalogue() -> None:
    table = page("reference/events.md").partition("## The body")[0]
    shown = [
        (first_code(row), first_code(row) if row[1] == "the same" else row[1].strip("`"), row[2])
        for row in rows(table)
    ]
    assert shown == [(name, shown_event_type(name, PLAIN), tells) for name, tells in EVENT_TYPES.items()]
    assert all(shown_event_type(name, STRIPE) == name for name in EVENT_TYPES)


def test_every_failure_code_has_its_anchor_and_its_explanation() -> None:
    text = page("reference/failure-codes.md")
    shown = re.findall(r"(?m)^## (\w+)$", text)
    entries = {str(code): explanation for code, explanation in (EXPLANATIONS | REASONS).items()}
    assert shown == list(entries)
    for code, explanation in entries.items():
        expected = [
            explanation.summary,
            f"- Likely cause: {explanation.likely_cause}",
            f"- What to do: {explanation.remedy}",
            f"- Whose side: {explanation.side}",
            f"- May have been processed: {'yes' if explanation.maybe_processed else 'no'}",
        ]
        told = [line for line in section(text, code).splitlines() if line and not line.startswith("<!--")]
        assert told == expected


def test_every_state_of_a_delivery_is_in_its_diagram() -> None:
    diagram = section(page("architecture.md"), "The life of a delivery")
    shown = set(re.findall(r"(?m)^  (\w+) -->|--> (\w+)", diagram))
    assert {one or other for one, other in shown} == {state.value for state in DeliveryState}


def test_test_payment_methods_are_those_of_the_bank() -> None:
    table = section(page("reference/api.md"), "Test payment methods")
    answers = {first_code(row): row[1] for row in rows(table)}
    assert list(answers) == list(PAYMENT_METHODS)
    for method in PAYMENT_METHODS.values():
        assert answers[method.id].startswith(answer_of(method)), method.id


def answer_of(method: Behaviour) -> str:
    if method.challenged:
        return "authentication"
    if method.decline is not None:
        codes = (method.decline.code, method.decline.decline_code)
        return ", ".join(f"`{code}`" for code in codes if code is not None)
    if not method.settles:
        return "never"
    return "drawn" if method.drawn else "approved"


# --- The API ---


def test_paths_and_methods_are_those_of_the_api() -> None:
    served = {}
    for route in resources:
        assert isinstance(route, URLPattern)
        template = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", str(route.pattern)).strip("^$").removesuffix("/?")
        view: Any = route.callback.view_class  # type: ignore[attr-defined]
        served[f"/{template}/"] = {
            name.upper() for name in ("get", "post", "patch", "delete") if hasattr(view, name)
        }
    shown = {
        first_code(row): set(row[1].split(", ")) for row in rows(section(page("reference/api.md"), "Paths"))
    }
    assert shown == served


def test_error_codes_are_those_that_the_code_answers() -> None:
    shown = {first_code(row) for row in rows(section(page("reference/api.md"), "Errors"))}
    sources = [*(ROOT / "api").rglob("*.py"), *(ROOT / "core").glob("*errors.py")]
    answered = {code for path in sources for code in codes_in(ast.parse(path.read_text()))}
    assert len(answered) > 30
    assert shown == answered


# Which argument of these calls is an error's code.
CODE_ARGUMENT = {"refused": 1, "within": 2, "_Refused": 0}


def codes_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        found: list[ast.expr] = []
        if isinstance(node, ast.Call):
            found += [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            position = CODE_ARGUMENT.get(ast.unparse(node.func))
            if position is not None and len(node.args) > position:
                found.append(node.args[position])
        elif isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["code"]:
            found.append(node.value)
        yield from (
            one.value for one in found if isinstance(one, ast.Constant) and isinstance(one.value, str)
        )


# --- Commands ---


def own_commands() -> dict[str, BaseCommand]:
    return {name: load_command_class(app, name) for name, app in get_commands().items() if app in ROOMS}


def test_commands_and_their_flags_are_all_there() -> None:
    text = page("reference/commands.md")
    commands = own_commands()
    assert sorted(re.findall(r"(?m)^## (\w+)$", text)) == sorted(commands)
    djangos = flags(BaseCommand())
    for name, command in commands.items():
        shown = {first_code(row) for row in rows(section(text, name))}
        assert shown == flags(command) - djangos, name


def flags(command: BaseCommand) -> set[str]:
    parser = command.create_parser("manage.py", "command")
    return {flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")}


# --- Metrics ---


def test_metrics_are_those_that_a_process_serves() -> None:
    shown = {
        first_code(row): (row[1], tuple(CODE.findall(row[2]))) for row in rows(page("reference/metrics.md"))
    }
    assert shown == {one.name: (one.type, one.labels) for one in DESCRIBED.values()}


# --- Excerpts and statements ---

EXCERPT = re.compile(r"(?s)<!-- from: (\S+) -->\n```\w+\n(.*?)```")


def test_excerpts_are_those_of_their_files() -> None:
    found = [pair for path in DOCS.rglob("*.md") for pair in EXCERPT.findall(path.read_text())]
    assert found
    for file, text in found:
        assert text in (ROOT / file).read_text(), f"{file}:\n{text}"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        statement
        for name in ("how-to/operate.md", "how-to/use-the-stripe-cli.md")
        for statement in re.findall(r"(?s)```sql\n(.*?)```", page(name))
    ],
)
def test_statements_for_operators_run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        assert cursor.description


def test_rooms_have_no_module_that_this_test_would_not_see() -> None:
    """`get_commands` finds what is installed: a command in a package that is not would go unnoticed."""
    files = {path.stem for room in ROOMS for path in (ROOT / room).glob("management/commands/*.py")} - {
        "__init__"
    }
    assert files == set(own_commands())
