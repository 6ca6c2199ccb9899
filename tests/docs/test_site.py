"""The site: its navigation is the index of docs/, links keep their targets, and nothing comes from another host."""

import html
import re
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.recording import PICTURE, drawn
from tools.site import hooks
from tools.site.__main__ import CONFIGURATION, from_elsewhere
from tools.site.hooks import COLOURS, DOCS, SCRIPT, navigation, on_page_markdown, on_post_page


def test_the_navigation_is_the_list_of_the_index() -> None:
    lists = "- [One](one.md): first · [Two](how-to/two.md)\n- [Part](one.md#part)\n"
    index = f"# Docs\n\n## To learn\n\n{lists}\n## Empty\n"
    assert navigation(index) == [
        {"Documentation": "README.md"},
        {"To learn": [{"One": "one.md"}, {"Two": "how-to/two.md"}]},
    ]


def test_every_page_is_in_the_navigation_once() -> None:
    sections = navigation((DOCS / "README.md").read_text())[1:]
    shown = [
        path for section in sections for pages in section.values() for page in pages for path in page.values()
    ]
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - {"README.md"}
    assert sorted(shown) == sorted(pages)


def moved(markdown: str, *, source: str) -> str:
    return on_page_markdown(markdown, page=SimpleNamespace(file=SimpleNamespace(src_uri=source)))  # type: ignore[arg-type]


def test_a_link_out_of_the_documentation_leads_to_a_copy() -> None:
    assert moved("[a](../../core/roles.py)", source="how-to/deploy.md") == "[a](../repository/core/roles.py)"
    assert moved("[a](deploy.md#roles)", source="how-to/operate.md") == "[a](deploy.md#roles)"


def test_a_link_of_a_copy_leads_back() -> None:
    back = moved("[a](../../docs/performance.md#targets)", source="repository/bench/results/summary.md")
    assert back == "[a](../../../performance.md#targets)"


def test_a_link_in_code_is_left_alone() -> None:
    code = "```\n[a](../core/roles.py)\n```\n"
    assert moved(code, source="architecture.md") == code


def test_a_page_with_a_diagram_loads_what_draws_it_and_then_what_colours_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hooks, "MERMAID", Path(__file__))
    page = SimpleNamespace(url="explanation/outbox.html")
    shown = on_post_page('<head></head><pre class="mermaid">', page=page)  # type: ignore[arg-type]
    assert re.findall(r'src="([^"]+)"', shown) == [f"../{SCRIPT}", f"../{COLOURS}"]
    plain = "<head></head><pre>"
    assert on_post_page(plain, page=page) == plain  # type: ignore[arg-type]


def test_the_colours_of_diagrams_are_those_that_the_theme_has() -> None:
    theme = find_spec("material")
    assert theme is not None
    assert theme.origin is not None
    sheets = Path(theme.origin).parent.glob("templates/assets/stylesheets/*.css")
    defined = set(
        re.findall(r"(--md-[\w-]+):", "".join(sheet.read_text(encoding="utf-8") for sheet in sheets))
    )
    taken = re.findall(r"var\((--[\w-]+)\)", (CONFIGURATION.parent / "theme" / COLOURS).read_text("utf-8"))
    assert taken
    assert set(taken) <= defined


def test_what_another_host_would_serve_is_found(tmp_path: Path) -> None:
    (tmp_path / "good.html").write_text('<a href="https://a.test">a</a><script src="a.js"></script>')
    (tmp_path / "bad.html").write_text(
        '<script src="https://cdn.test/a.js"></script><link rel="stylesheet" href="//cdn.test/a.css"><img src="http://cdn.test/a.png">'
    )
    (tmp_path / "bad.css").write_text("@font-face { src: url(https://cdn.test/a.woff2) }")
    assert list(from_elsewhere(tmp_path)) == [
        "bad.html: https://cdn.test/a.js",
        "bad.html: //cdn.test/a.css",
        "bad.html: http://cdn.test/a.png",
        "bad.css: an address of another host",
    ]


def test_a_recording_shows_what_was_printed_and_fetches_nothing() -> None:
    svg = drawn("[1/1] A step  \033[32mok\033[0m\n  ✓ <1> payment & 1 event\n")
    text = html.unescape(re.sub(r"<[^>]+>", "", svg)).replace("\xa0", " ")
    assert "$ make demo ARGS=--once" in text
    assert "✓ <1> payment & 1 event" in text
    assert set(re.findall(r"https?://[^\"'<)]+", svg)) == {"http://www.w3.org/2000/svg"}


def test_the_recording_of_the_readme_ends_well() -> None:
    text = html.unescape(re.sub(r"<[^>]+>", "", PICTURE.read_text(encoding="utf-8"))).replace("\xa0", " ")
    assert "1 payment, 1 event, 2 attempts, 1 order, 0 lost" in text
