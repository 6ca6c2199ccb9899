"""`make reference`: write into docs/ what the code knows. `--check`, part of `make docs`: name what is stale.

A page says where: `<!-- file: docs/examples/… -->` before a fence is that file, whole; what stands between
`<!-- generated: name -->` and `<!-- end -->` is that part's answer, which sees what stood there before. In the tables
of settings and metrics the code writes the cells that it knows (facts.py), on the page of commands how each is called.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FILE = re.compile(r"(?s)(<!-- file: (\S+) -->\n```\w+\n)(.*?)(```)")
PART = re.compile(r"(?s)(<!-- generated: ([\w-]+) -->\n)(.*?)(<!-- end -->)")

Part = Callable[[str], str]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where a page is stale")
    checking = parser.parse_args().check
    prepare()
    stale = [page for page in sorted(DOCS.rglob("*.md")) if _renewed(page, write=not checking)]
    for page in stale:
        print(f"{page.relative_to(ROOT)}: {'stale; mend it with: make reference' if checking else 'written'}")
    return 1 if checking and stale else 0


def prepare() -> None:
    """Django with settings that open no database."""
    os.environ.setdefault("DATABASE_URL", "postgresql:///unused")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    import django

    django.setup()


def _renewed(page: Path, *, write: bool) -> bool:
    """Whether the page is another with what the code says now."""
    text = page.read_text(encoding="utf-8")
    made = renewed(text, page.relative_to(DOCS).as_posix())
    if made != text and write:
        page.write_text(made, encoding="utf-8")
    return made != text


def renewed(text: str, page: str = "") -> str:
    """A page with its files, parts and facts as they are now.

    Raises:
        SystemExit: it names a file or a part that does not exist, or has no row for a name of the code.
    """
    from tools.reference.commands import with_usage
    from tools.reference.facts import with_facts

    text = with_usage(page, with_facts(page, text))
    text = FILE.sub(lambda found: f"{found[1]}{_file(found[2])}{found[4]}", text)
    return PART.sub(lambda found: f"{found[1]}\n{_part(found[2])(found[3]).strip()}\n\n{found[4]}", text)


def _file(name: str) -> str:
    path = ROOT / name
    if not path.is_file():
        raise SystemExit(f"a page shows {name}, which is no file")
    return path.read_text(encoding="utf-8")


def _part(name: str) -> Part:
    from tools.reference.parts import PARTS

    if name not in PARTS:
        raise SystemExit(f"a page asks for the part {name!r}; there are {', '.join(PARTS)}")
    return PARTS[name]


if __name__ == "__main__":
    sys.exit(main())
