"""What MkDocs is not told by its settings: where the navigation is, what lies outside docs/, and whose Mermaid it is.

One source for each: the navigation is the list of docs/README.md, which GitHub shows too; a link of a page to a file
of the repository leads to a copy of that file; Mermaid comes from the Node packages that tests pin, never from
another host.
"""

from __future__ import annotations

import logging
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

from tools.check_links import github_slug
from tools.test_dependencies import NODE_PACKAGES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MERMAID = NODE_PACKAGES.path("@mermaid-js", "tiny", "dist", "mermaid.tiny.js")
SCRIPT = "assets/javascripts/mermaid.js"
COLOURS = "assets/diagrams.js"  # of the theme's directory
# The theme's script would fetch Mermaid from there, and what old browsers lack.
ELSEWHERE = re.compile(r"https://unpkg\.com/[^\"'`]+")
# Where copies of the repository's own files are, for pages that point to them.
COPIES = "repository"
LINK = re.compile(r"(\]\(\s*)([^)\s#]+)((?:#[^)\s]*)?\s*\))")
FENCED = re.compile(r"(?ms)(^\s*```.*?^\s*```\s*?$)")

log = logging.getLogger("mkdocs.hooks.site")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    config.nav = navigation((DOCS / "README.md").read_text())
    config.mdx_configs.setdefault("toc", {})["slugify"] = lambda words, _: github_slug(words)
    return config


def navigation(index: str) -> list[Any]:
    """Its headings of level 2 are the sections, the links of their lists the pages, in their order."""
    sections: list[Any] = [{"Documentation": "README.md"}]
    for heading, body in re.findall(r"(?ms)^## (.*?)$(.*?)(?=^## |\Z)", index):
        pages = [
            {title.replace("`", ""): path}
            for title, path in re.findall(r"\[([^\]]+)\]\(([^)#]+\.md)\)", body)
            if not path.startswith("..")
        ]
        if pages:
            sections.append({heading: pages})
    return sections


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add what pages refer to beyond docs/, and what those refer to in turn."""
    waiting = [DOCS / file.src_uri for file in files.documentation_pages()]
    seen: set[Path] = set()
    while waiting:
        for target in _outside(waiting.pop()):
            if target in seen:
                continue
            seen.add(target)
            uri = f"{COPIES}/{target.relative_to(ROOT).as_posix()}"
            files.append(
                File.generated(config, uri, abs_src_path=str(target), inclusion=InclusionLevel.NOT_IN_NAV)
            )
            if target.suffix == ".md":
                waiting.append(target)
    if MERMAID.exists():
        files.append(File.generated(config, SCRIPT, abs_src_path=str(MERMAID)))
    else:
        log.info("Diagrams are shown as text. Mermaid is missing; enable with: %s", NODE_PACKAGES.install)
    return files


def _outside(page: Path) -> Iterator[Path]:
    """The files beyond docs/ that a page links to."""
    for part in FENCED.split(page.read_text(encoding="utf-8"))[::2]:
        for _, target, _ in LINK.findall(part):
            found = (page.parent / target).resolve()
            if found.is_file() and found.is_relative_to(ROOT) and not found.is_relative_to(DOCS):
                yield found


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Links that cross the border of docs/, either way, with the place that the site gives their target."""
    source = page.file.src_uri
    copied = source.startswith(f"{COPIES}/")
    origin = ROOT / source.removeprefix(f"{COPIES}/") if copied else DOCS / source

    def moved(found: re.Match[str]) -> str:
        target = (origin.parent / found[2]).resolve()
        if not target.is_relative_to(ROOT) or not target.is_file():
            return found[0]
        inside = target.is_relative_to(DOCS)
        if inside and not copied:
            return found[0]
        place = target.relative_to(DOCS) if inside else Path(COPIES) / target.relative_to(ROOT)
        return f"{found[1]}{posixpath.relpath(place.as_posix(), posixpath.dirname(source) or '.')}{found[3]}"

    parts = FENCED.split(markdown)
    parts[::2] = [LINK.sub(moved, part) for part in parts[::2]]
    return "".join(parts)


def on_post_page(output: str, *, page: Page, **_: Any) -> str:
    """Mermaid on the pages that have a diagram, and on no other: it is large."""
    if '<pre class="mermaid">' not in output or not MERMAID.exists():
        return output
    places = (posixpath.relpath(script, posixpath.dirname(page.url) or ".") for script in (SCRIPT, COLOURS))
    scripts = "".join(f'<script src="{place}"></script>' for place in places)
    return output.replace("</head>", f"{scripts}</head>", 1)


def on_post_build(*, config: MkDocsConfig) -> None:
    for script in Path(config.site_dir, "assets", "javascripts").glob("bundle.*.js"):
        text, count = ELSEWHERE.subn("about:blank", script.read_text(encoding="utf-8"))
        if count:
            script.write_text(text, encoding="utf-8")
