"""`make docs-check`: every relative link of every Markdown file leads to a file, and its anchor to a heading.

Web addresses are not visited: the gate must not fail because somebody else's server does.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

REPOSITORY = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+[\"'][^)]*)?\)")
DEFINITION = re.compile(r"^\s{0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)")
TAG = re.compile(r"<(?:a|img)\s[^>]*?(?:href|src)=[\"']([^\"']+)[\"']")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$")
NAMED = re.compile(r"<a\s[^>]*?(?:id|name)=[\"']([^\"']+)[\"']")
FENCE = re.compile(r"^\s*(```+|~~~+)")
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def main() -> int:
    files = markdown_files()
    broken = [complaint for file in files for complaint in broken_links(file)]
    print("\n".join([*broken, f"{len(files)} Markdown files, {len(broken)} broken links"]))
    return 1 if broken else 0


def markdown_files() -> list[Path]:
    """Those that git tracks or would: no environment, no build output."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := REPOSITORY / name).exists()]


def broken_links(file: Path) -> Iterator[str]:
    """One line for each link of the file that leads nowhere."""
    for number, line in _prose(file):
        for target in [*LINK.findall(line), *DEFINITION.findall(line), *TAG.findall(line)]:
            if reason := _reason(file, target):
                yield f"{_shown(file)}:{number}: {target}: {reason}"


def _reason(file: Path, target: str) -> str | None:
    if ELSEWHERE.match(target) or target.startswith("//"):
        return None
    path, _, anchor = unquote(target).partition("#")
    found = file if not path else (REPOSITORY / path[1:] if path.startswith("/") else file.parent / path)
    if not found.exists():
        return "no such file"
    if not found.resolve().is_relative_to(REPOSITORY):
        return "outside of the repository"
    if anchor and found.suffix == ".md" and anchor not in anchors(found.resolve()):
        return "no such heading"
    return None


@cache
def anchors(file: Path) -> frozenset[str]:
    """The anchors that GitHub gives a file's headings, and those it names itself."""
    found: set[str] = set()
    seen: Counter[str] = Counter()
    for _, line in _prose(file, code_spans=True):
        found.update(NAMED.findall(line))
        if heading := HEADING.match(line):
            slug = github_slug(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]))
            found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
    return frozenset(found)


def github_slug(words: str) -> str:
    """A heading's text, without markup, as GitHub's anchor."""
    return re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")


def _prose(file: Path, *, code_spans: bool = False) -> Iterator[tuple[int, str]]:
    """Numbered lines outside of code; a link inside code is an example."""
    fence = ""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if mark := FENCE.match(line):
            if not fence:
                fence = mark[1]
            elif mark[1].startswith(fence):
                fence = ""
            continue
        if not fence:
            yield number, line if code_spans else re.sub(r"`[^`]*`", "", line)


def _shown(file: Path) -> str:
    return str(file.relative_to(REPOSITORY)) if file.is_relative_to(REPOSITORY) else str(file)


if __name__ == "__main__":
    sys.exit(main())
