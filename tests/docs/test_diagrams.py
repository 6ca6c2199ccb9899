"""The diagrams of docs/ can be drawn, and name only what exists: rooms, states, tables, columns, statements."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from playwright.sync_api import sync_playwright

from core.states import Status
from core.versions import EVENT_TYPES
from dispatcher.models import DeliveryState
from tests.processes import ROOT
from tools.site.hooks import MERMAID
from tools.test_dependencies import CHROMIUM, NODE_PACKAGES

DOCS = ROOT / "docs"
ROOMS = ("api", "core", "dispatcher", "outbox")
CIRCUIT = {"closed", "open", "half_open"}


def diagrams() -> Iterator[tuple[str, str]]:
    for path in sorted(DOCS.rglob("*.md")):
        for number, text in enumerate(
            re.findall(r"(?s)```mermaid\n(.*?)```", path.read_text(encoding="utf-8"))
        ):
            yield f"{path.relative_to(DOCS)}-{number}", text


def of_kind(kind: str) -> list[object]:
    return [pytest.param(text, id=name) for name, text in diagrams() if text.startswith(kind)]


def known_words() -> set[str]:
    """What the code calls by a name of several words."""
    words = {state.value for state in DeliveryState} | {status.value for status in Status} | CIRCUIT
    for model in apps.get_models(include_auto_created=True):
        words |= {model._meta.db_table, *(str(field.column) for field in model._meta.local_fields)}
    for room in ROOMS:
        words |= {path.stem for path in Path(ROOT / room).rglob("*.sql")}
        words |= {path.stem for path in Path(ROOT / room).rglob("*.py")}
    return words


@pytest.mark.parametrize("text", of_kind("stateDiagram"))
def test_states_are_those_of_the_code(text: str) -> None:
    named = set(re.findall(r"(?m)^  (\w+) -->|--> (\w+)", text))
    described = set(re.findall(r"(?m)^  (\w+): ", text))
    states = {one or other for one, other in named} - described
    kinds = ({state.value for state in DeliveryState}, {status.value for status in Status}, CIRCUIT)
    assert any(states <= kind for kind in kinds), states


@pytest.mark.parametrize("text", of_kind("flowchart"))
def test_boxes_of_a_flowchart_are_rooms(text: str) -> None:
    assert set(re.findall(r"\b[a-z]+\b", text.partition("\n")[2])) == set(ROOMS)


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in diagrams()])
def test_names_of_several_words_are_names_of_the_code(text: str) -> None:
    assert set(re.findall(r"\b[a-z_]+\.[a-z_]+\b", text)) <= set(EVENT_TYPES)
    names = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b(?!\.)", re.sub(r"/\S+|\S+_…", "", text)))
    assert names <= known_words()


@pytest.mark.skipif(CHROMIUM.is_missing, reason=f"enable with: {CHROMIUM.install}")
@pytest.mark.skipif(not MERMAID.exists(), reason=f"enable with: {NODE_PACKAGES.install}")
def test_mermaid_understands_every_diagram() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM.path, args=["--no-sandbox"])
        page = browser.new_page()
        page.add_script_tag(path=MERMAID)
        refused = page.evaluate(
            """async (diagrams) => {
              const refused = {};
              for (const [name, text] of diagrams) {
                await mermaid.parse(text).catch((error) => { refused[name] = String(error.message || error); });
              }
              return refused;
            }""",
            list(diagrams()),
        )
        browser.close()
    assert refused == {}
