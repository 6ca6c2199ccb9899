"""What the code writes into docs/ is what it says now."""

import pytest

from tools.reference.__main__ import DOCS, renewed


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_a_page_shows_what_the_code_says(path) -> None:
    text = path.read_text(encoding="utf-8")
    assert renewed(text, path.relative_to(DOCS).as_posix()) == text, "mend it with: make reference"


def test_a_file_is_shown_whole() -> None:
    page = "<!-- file: docs/examples/verify/stripe.sh -->\n```bash\nold\n```\nmore\n"
    source = (DOCS / "examples" / "verify" / "stripe.sh").read_text(encoding="utf-8")
    assert renewed(page) == page.replace("old\n", source)


@pytest.mark.parametrize(
    "page", ["<!-- file: docs/nothing.py -->\n```py\n```\n", "<!-- generated: nothing -->\n<!-- end -->"]
)
def test_what_does_not_exist_is_named(page: str) -> None:
    with pytest.raises(SystemExit, match="nothing"):
        renewed(page)


def test_the_code_writes_its_cells_and_leaves_those_of_people() -> None:
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    line = next(line for line in page.splitlines() if line.startswith("| `BANK_SUCCESS_RATE` |"))
    assert " `0.8` | 0 to 1" in line
    assert renewed(page.replace(line, line.replace("0.8", "0.9")), "reference/settings.md") == page


def test_a_setting_of_which_nobody_says_what_it_is_for_is_named() -> None:
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    without = "\n".join(line for line in page.splitlines() if not line.startswith("| `BANK_SEED` |"))
    with pytest.raises(SystemExit, match="no row for BANK_SEED"):
        renewed(without, "reference/settings.md")
