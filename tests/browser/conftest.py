"""The stage of the demo data, once for all workers that need it, and a browser for each of them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, StorageState, sync_playwright

from tests.browser.visit import AXE, Visitor
from tools.demo_data.pages import Samples
from tools.demo_data.stage import SMALL, Stage, built
from tools.demo_data.story import tell
from tools.test_dependencies import CHROMIUM, NODE_PACKAGES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = []
    if CHROMIUM.is_missing:
        missing.append(f"{CHROMIUM.reason}; enable with: {CHROMIUM.install}")
    if not AXE.exists():
        missing.append(f"axe-core is missing; enable with: {NODE_PACKAGES.install}")
    for item in items:
        if missing and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="; ".join(missing)))


@pytest.fixture(scope="package")
def stage(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Stage]:
    """Built by the worker that comes first; it takes it down when the others need it no more."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent  # the run's; each worker has its own below it
    directory = place / "demo-data"
    directory.mkdir(exist_ok=True)
    with ExitStack() as ours:
        with _locked(directory / "building"):
            found = Stage.read(directory)
            if found is None:
                running = ours.enter_context(built(database_url, directory, SMALL))
                tell(running)
                found = running.stage
                found.write(directory)
                # Left first: before it is taken down, nobody else may use it.
                ours.callback(_end_of_use, directory)
            use = ExitStack()
            use.enter_context(_locked(directory / "users", shared=True))
        with use:
            yield found


def _end_of_use(directory: Path) -> None:
    """Nobody finds it any more, and whoever uses it has ended."""
    (directory / "stage.json").unlink()
    with _locked(directory / "users"):
        pass


@contextmanager
def _locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="package")
def samples(stage: Stage) -> Samples:
    return Samples.of_stage(stage)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. As root it cannot have its sandbox."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = playwright.chromium.launch(executable_path=CHROMIUM.path, args=arguments)
        try:
            yield chromium
        finally:
            chromium.close()


@pytest.fixture(scope="package")
def admin_session(browser: Browser, stage: Stage) -> StorageState:
    return _logged_in(browser, stage, "admin")


def _logged_in(browser: Browser, stage: Stage, role: str) -> StorageState:
    """The cookies of somebody of a role who logged in by the form."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{stage.base}/ops/")
    page.get_by_label("Username").fill(stage.people[role])
    page.get_by_label("Password").fill(stage.password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Overview", level=1).wait_for()
    cookies = context.storage_state()
    context.close()
    return cookies


@pytest.fixture(scope="package")
def contexts(browser: Browser) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="package")
def admin(browser: Browser, admin_session: StorageState) -> Iterator[Visitor]:
    """A tab of the admin's."""
    with _context(browser, admin_session) as context:
        yield Visitor.of(context)


@pytest.fixture
def viewer(browser: Browser, stage: Stage) -> Iterator[Visitor]:
    """A tab of somebody who only reads."""
    with _context(browser, _logged_in(browser, stage, "viewer")) as context:
        yield Visitor.of(context)


@pytest.fixture(scope="package")
def admin_without_scripts(browser: Browser, admin_session: StorageState) -> Iterator[Visitor]:
    """A tab in which no page runs a script."""
    with _context(browser, admin_session, scripts=False) as context:
        yield Visitor.of(context, scripts=False)


@pytest.fixture(scope="package")
def stranger(browser: Browser) -> Iterator[Visitor]:
    with _context(browser) as context:
        yield Visitor.of(context)


@pytest.fixture(scope="package")
def stranger_without_scripts(browser: Browser) -> Iterator[Visitor]:
    with _context(browser, scripts=False) as context:
        yield Visitor.of(context, scripts=False)


@contextmanager
def _context(
    browser: Browser, session: StorageState | None = None, *, scripts: bool = True
) -> Iterator[BrowserContext]:
    context = browser.new_context(storage_state=session, java_script_enabled=scripts, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    try:
        yield context
    finally:
        context.close()
