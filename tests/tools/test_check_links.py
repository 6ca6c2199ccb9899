"""The links of the documentation: what the check calls broken."""

from pathlib import Path

import pytest

from tools.check_links import anchors, broken_links


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[gone](absent.md)", "no such file"),
        ("[gone](other.md#absent)", "no such heading"),
        ("[gone](#absent)", "no such heading"),
        ("![gone](absent.png)", "no such file"),
        ("[gone]: absent.md", "no such file"),
        ('<img src="absent.png">', "no such file"),
        ("[ok](other.md)", None),
        ("[ok](other.md#two-words-and-code)", None),
        ("[ok](other.md#twice-1)", None),
        ("[ok](other.md#named)", None),
        ("[ok](https://example.com/absent)", None),
        ("`[example](absent.md)`", None),
        ("```\n[example](absent.md)\n```", None),
    ],
)
def test_broken_links_are_found(
    line: str, reason: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.check_links.REPOSITORY", tmp_path)
    anchors.cache_clear()
    other = '# Two words, and `code`\n## Twice\n## Twice\n<a id="named"></a>\n```\n# not a heading\n```\n'
    (tmp_path / "other.md").write_text(other)
    page = tmp_path / "page.md"
    page.write_text(f"{line}\n")
    found = list(broken_links(page))
    assert [complaint.rpartition(": ")[2] for complaint in found] == ([reason] if reason else [])
