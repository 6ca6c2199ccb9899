"""`make docs`: build docs/ into build/site, and refuse a warning, a dead link or anything that another host serves."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

# The theme's news for whoever chooses a generator; read when it is imported.
os.environ["NO_MKDOCS_2_WARNING"] = "1"

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from tools.test_dependencies import NODE_PACKAGES

CONFIGURATION = Path(__file__).with_name("mkdocs.yml")
# What a browser fetches by itself, by the attribute that says from where. A link of a person's is none of these.
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data", "use": "href"}
FETCHED_LINKS = {"stylesheet", "preload", "modulepreload", "icon", "preconnect", "dns-prefetch", "manifest"}


class Fetches(HTMLParser):
    """The addresses that a page has a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get(FETCHED.get(tag, ""))
        if tag == "link" and set((given.get("rel") or "").split()) & FETCHED_LINKS:
            address = given.get("href")
        if address:
            self.addresses.append(address)


def main() -> int:
    began = time.monotonic()
    NODE_PACKAGES.provide()
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO)
    logging.getLogger("mkdocs").setLevel(logging.WARNING)
    logging.getLogger("mkdocs.hooks.site").setLevel(logging.INFO)
    config = load_config(str(CONFIGURATION))
    counted = Counted(logging.WARNING)
    logging.getLogger("mkdocs").addHandler(counted)
    try:
        build(config)
    except Abort:
        return 1
    site = Path(config.site_dir)
    strange = list(from_elsewhere(site))
    print("\n".join(strange), end="\n" if strange else "")
    pages = sum(1 for _ in site.rglob("*.html"))
    seconds = time.monotonic() - began
    print(
        f"{pages} pages in {site}: {counted.seen} warnings, {len(strange)} from other hosts, {seconds:.1f} s"
    )
    return 1 if strange or counted.seen else 0


class Counted(logging.Handler):
    seen = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.seen += 1


def from_elsewhere(site: Path) -> Iterator[str]:
    """One line for each thing that a page, a style or the theme's script would fetch from another host."""
    for page in sorted(site.rglob("*.html")):
        fetches = Fetches()
        fetches.feed(page.read_text(encoding="utf-8"))
        for address in fetches.addresses:
            if address.startswith(("http:", "https:", "//")):
                yield f"{page.relative_to(site)}: {address}"
    for style in sorted(site.rglob("*.css")):
        text = style.read_text(encoding="utf-8")
        if "url(http" in text or "url(//" in text or "@import" in text:
            yield f"{style.relative_to(site)}: an address of another host"
    for script in sorted(site.glob("assets/javascripts/bundle.*.js")):
        if "unpkg.com" in script.read_text(encoding="utf-8"):
            yield f"{script.relative_to(site)}: it would fetch from unpkg.com"


if __name__ == "__main__":
    sys.exit(main())
