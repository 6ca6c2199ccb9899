"""Every page, at three widths, light and dark, with and without scripts; judged by axe-core and by its own policy."""

import pytest

from tests.browser.visit import NO_PAGE, WIDTHS, Visitor
from tools.demo_data.pages import Page, Samples, operations_pages
from tools.demo_data.stage import Stage

PAGES = [pytest.param(page, id=page.key) for page in operations_pages()]
NARROW, MIDDLE, WIDE = WIDTHS


@pytest.mark.parametrize("page", PAGES)
def test_page_holds_at_every_width_in_both_themes(
    page: Page, stage: Stage, samples: Samples, admin: Visitor, stranger: Visitor
) -> None:
    visitor = admin if page.logged_in else stranger
    url = stage.base + samples.address(page)
    status = visitor.open(url, width=NARROW)
    if status == NO_PAGE:
        return  # it only changes something, by POST
    assert status == page.status
    found = [f"light, 320 px: {what}" for what in visitor.axe()]
    found += _layout(visitor, "light", NARROW, MIDDLE, WIDE)
    found += [f"light, 1440 px: {what}" for what in visitor.axe()]
    visitor.open(url, width=WIDE, theme="dark")
    found += [f"dark, 1440 px: {what}" for what in visitor.axe(only_colours=True)]
    found += _layout(visitor, "dark", WIDE, MIDDLE, NARROW)
    assert found + visitor.told() == []


@pytest.mark.parametrize("page", PAGES)
def test_page_holds_without_scripts(
    page: Page,
    stage: Stage,
    samples: Samples,
    admin_without_scripts: Visitor,
    stranger_without_scripts: Visitor,
) -> None:
    visitor = admin_without_scripts if page.logged_in else stranger_without_scripts
    url = stage.base + samples.address(page)
    status = visitor.open(url, width=NARROW)
    if status == NO_PAGE:
        return  # it only changes something, by POST
    assert status == page.status
    found = _layout(visitor, "light", NARROW, MIDDLE, WIDE)
    visitor.open(url, width=WIDE, theme="dark")
    found += _layout(visitor, "dark", WIDE, MIDDLE, NARROW)
    assert found + visitor.told() == []


def _layout(visitor: Visitor, theme: str, *widths: int) -> list[str]:
    """What is wrong with the page as it is open, at each of these widths."""
    found = []
    for width in widths:
        visitor.resize(width)
        if beyond := visitor.sideways():
            found.append(f"{theme}, {width} px: the page scrolls {beyond} px sideways")
    headings = visitor.page.get_by_role("heading", level=1).count()
    if headings != 1:
        found.append(f"{theme}: {headings} headings of the first level")
    site = " · Mini Stripe"
    if not visitor.page.title().endswith(site) or len(visitor.page.title()) <= len(site):
        found.append(f"{theme}: the title is {visitor.page.title()!r}")
    return found
