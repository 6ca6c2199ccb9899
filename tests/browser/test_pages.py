"""Every page, at three widths, light and dark, with and without scripts; judged by axe-core and by its own policy."""

import pytest

from tests.browser.visit import NO_PAGE, WIDTHS, Visitor
from tools.demo_data.pages import Page, Samples, all_pages
from tools.demo_data.stage import Stage

PAGES = [pytest.param(page, id=page.key) for page in all_pages()]
NARROW, MIDDLE, WIDE = WIDTHS


@pytest.mark.parametrize("page", PAGES)
def test_page_holds_at_every_width_in_both_themes(
    page: Page, stage: Stage, samples: Samples, admin: Visitor, stranger: Visitor
) -> None:
    visitor = admin if page.logged_in else stranger
    status = visitor.open(stage.base + samples.address(page), width=NARROW)
    if status == NO_PAGE:
        return  # it only changes something, by POST
    assert status == page.status
    found = _head(visitor)
    found += [f"320 px, light: {what}" for what in visitor.axe()]
    found += _layout(visitor)
    visitor.dress("dark")
    found += [f"1440 px, dark: {what}" for what in visitor.axe()]
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
    status = visitor.open(stage.base + samples.address(page), width=NARROW)
    if status == NO_PAGE:
        return  # it only changes something, by POST
    assert status == page.status
    found = _head(visitor) + _layout(visitor)
    assert found + visitor.told() == []


def _layout(visitor: Visitor) -> list[str]:
    """Where the page scrolls sideways; it is left wide. The theme changes colours only."""
    found = []
    for width in (NARROW, MIDDLE, WIDE):
        visitor.resize(width)
        if beyond := visitor.sideways():
            found.append(f"{width} px: the page scrolls {beyond} px sideways")
    return found


def _head(visitor: Visitor) -> list[str]:
    """What is wrong with the page's title and heading."""
    found = []
    headings = visitor.page.get_by_role("heading", level=1).count()
    if headings != 1:
        found.append(f"{headings} headings of the first level")
    own, between, site = visitor.page.title().partition(" · ")
    if not (own and between and site):
        found.append(f"the title is {visitor.page.title()!r}")
    return found
