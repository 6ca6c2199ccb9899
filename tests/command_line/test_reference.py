"""Page, parser and tests are held together."""

import re
import shlex
from pathlib import Path

from api.command_line.parser import SUBCOMMANDS, whole_parser
from tools.reference.__main__ import renewed

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "reference" / "command-line.md"


def test_the_page_is_what_the_parser_says():
    text = PAGE.read_text()
    assert renewed(text) == text, "mend it with: make reference"
    assert all(f"\n## {subcommand.name}\n" in text for subcommand in SUBCOMMANDS)


def test_every_subcommand_is_tested_as_a_real_process():
    tests = "".join(path.read_text() for path in HERE.glob("test_*.py"))
    named = set(re.findall(r'\b(?:webhooks|on_a_terminal|started)\(\s*"([a-z-]+)"', tests))
    assert {subcommand.name for subcommand in SUBCOMMANDS} <= named


def test_every_example_parses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "headers.txt").touch()
    for subcommand in SUBCOMMANDS:
        for one in [subcommand, *subcommand.children]:
            for example in one.examples:
                words = re.findall(r"'[^']*'|\S+", example.partition(">")[0].partition("|")[0])
                # What is shown shortened stands for an id of its kind.
                given = [_whole(word.strip("'")) for word in words]
                assert whole_parser().parse_args(["webhooks", *given]).run is one.run


def test_every_command_line_of_the_documentation_parses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "headers.txt").touch()
    shown = [
        (page.name, words)
        for page in PAGE.parents[1].rglob("*.md")
        for words in re.findall(r"(?m)^(?:\$ )?(?:python |\./)manage\.py webhooks (.+)$", page.read_text())
    ]
    assert len(shown) > 20
    for name, words in shown:
        given = [_whole(word) for word in shlex.split(words.partition(">")[0])]
        try:
            whole_parser().parse_args(["webhooks", *given])
        except SystemExit:
            raise AssertionError(f"{name}: {words}") from None


def _whole(word: str) -> str:
    return f"{word[:-1]}0355TFrH8aMHaGq6BF9BOk" if word.endswith("_…") else word
