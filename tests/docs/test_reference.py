"""What the code writes into docs/ is what it says now."""

import pytest

from tools.reference.__main__ import DOCS, renewed


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_a_page_shows_what_the_code_says(path) -> None:
    text = path.read_text(encoding="utf-8")
    assert renewed(text) == text, "mend it with: make reference"


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
