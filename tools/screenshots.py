"""`make screenshots`: a picture of every page of the demo data, into docs/images/."""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tools.demo_data.pages import Page, Samples, all_pages
from tools.demo_data.stage import FULL, Stage, built
from tools.demo_data.story import tell
from tools.failures import Failure
from tools.private_postgres import provided_or_private
from tools.terminal import say
from tools.test_dependencies import CHROMIUM

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDE, NARROW = (1440, 900), (390, 844)
# Longer pages are cut off: a picture shows what a page is like.
HIGHEST = 2_000
# Pages are flat: so many colours show them, in a third of the bytes.
COLOURS = 128
ALSO_DARK = frozenset({"overview", "delivery", "trace"})
ALSO_NARROW = frozenset({"overview", "deliveries", "delivery"})


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture."""

    page: Page
    theme: str = "light"
    size: tuple[int, int] = WIDE

    @property
    def name(self) -> str:
        words = [self.page.key]
        if self.theme == "dark":
            words.append("dark")
        if self.size == NARROW:
            words.append("narrow")
        return "-".join(words) + ".png"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.screenshots", description=__doc__)
    parser.add_argument("pages", nargs="*", help="keys of pages (default: all)")
    parser.add_argument("--into", type=Path, default=IMAGES, help="directory (default: docs/images)")
    options = parser.parse_args()
    if CHROMIUM.path is None:
        print(f"chromium is missing; install it with: {CHROMIUM.install}", file=sys.stderr)
        return 1
    _set_django_up()
    options.into.mkdir(parents=True, exist_ok=True)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="ministripe-screenshots-") as directory,
            provided_or_private(durable=False) as server,
            built(server, Path(directory), FULL, hooks_port=8443) as running,
        ):
            tell(running)
            _take_all(running.stage, options.into, wanted=options.pages)
    except Failure as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    return 0


def shots(wanted: list[str]) -> Iterator[Shot]:
    """The pictures, each page's after the other."""
    for page in all_pages():
        if wanted and page.key not in wanted:
            continue
        yield Shot(page)
        if page.key in ALSO_DARK:
            yield Shot(page, theme="dark")
        if page.key in ALSO_NARROW:
            yield Shot(page, size=NARROW)


def _take_all(stage: Stage, into: Path, *, wanted: list[str]) -> None:
    samples = Samples.of_stage(stage)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM.path, args=arguments)
        admin, stranger = _logged_in(browser, stage), browser.new_context()
        for shot in shots(wanted):
            context = admin if shot.page.logged_in else stranger
            picture = _take(context, stage.base + samples.address(shot.page), shot)
            if picture is not None:
                path = into / shot.name
                path.write_bytes(_smaller(picture))
                say(f"  {path.name:<32} {path.stat().st_size // 1024:>5} KiB")
        browser.close()


def _logged_in(browser: Browser, stage: Stage) -> BrowserContext:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{stage.base}/ops/login/")
    page.get_by_label("Username").fill(stage.people["admin"])
    page.get_by_label("Password").fill(stage.password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Overview", level=1).wait_for()
    page.close()
    return context


def _take(context: BrowserContext, url: str, shot: Shot) -> bytes | None:
    """None for what can only be posted to."""
    width, height = shot.size
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if shot.theme == "dark" else "light", reduced_motion="reduce")
    if page.request.get(url).status == 405:
        page.close()
        return None
    page.goto(url, wait_until="load")
    whole: int = page.evaluate("() => document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": max(height, min(whole, HIGHEST))})
    picture = page.screenshot()
    page.close()
    return picture


def _smaller(png: bytes) -> bytes:
    image = Image.open(io.BytesIO(png)).convert("RGB")
    out = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _set_django_up() -> None:
    """For the URL conf alone; nothing here meets a database."""
    import django

    unused = "unused-and-as-long-as-it-has-to-be"
    names = ("SECRET_KEY", "API_KEY_HASH_KEY")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    given = dict(os.environ)
    os.environ |= {
        "LOCAL_SECRETS": "false",
        "WEBHOOK_SECRET_KEYS": "dW51c2VkLXVudXNlZC11bnVzZWQtdW51c2VkLXVudSE=",
    }
    os.environ |= dict.fromkeys(names, unused)
    os.environ.setdefault("DATABASE_URL", "postgresql:///unused")
    django.setup()
    os.environ.clear()
    os.environ.update(given)


if __name__ == "__main__":
    raise SystemExit(main())
