"""Every page that `revenue serve` shows, in a real browser: its policy refuses nothing, and all of it is accessible."""

import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page

from pipelines import serve
from pipelines.settings import Settings
from tests.billing.planned import entered, planned
from tests.browser import chromium
from tests.pipelines.office.visiting import PASSWORD, peopled

pytestmark = pytest.mark.browser
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
BROKEN_RULES = """tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})
    .then(found => found.violations.map(one => one.id))"""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(frozen=True)
class Shown:
    """A working folder that is served, an action in it that waits, and a browser."""

    folder: Path
    url: str
    action: str
    browser: Browser


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, left_by_a_run: Path) -> Iterator[Shown]:
    """Pages that a run left, with users, served to a browser."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(left_by_a_run / "site", folder / "site")
    store = peopled(folder, mara="approver")
    now = datetime.now(UTC)
    (id_,) = entered(store, planned(planned_at=now, expires_at=now + timedelta(days=14)))
    store.close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with serve.beside(Settings().but(home=folder), "127.0.0.1", port), chromium() as browser:
        yield Shown(folder, f"http://127.0.0.1:{port}", id_, browser)


def sign_in(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_label("Login").fill("mara")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_no_page_does_what_its_policy_refuses_or_needs_more_room_than_a_phone_has(shown: Shown) -> None:
    page = shown.browser.new_page(viewport={"width": 390, "height": 800})
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
    sign_in(page, shown.url)
    site = shown.folder / "site"
    pages = sorted(file.relative_to(site).as_posix() for file in site.rglob("*.html"))
    assert len(pages) > 10
    for path in (*pages, *office(shown), "office/disputes"):
        page.goto(f"{shown.url}/{path}")
        assert page.get_by_text("mara, approver").is_visible(), path
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), path
    page.goto(f"{shown.url}/mrr.html")
    page.locator("table[data-sortable] thead button").first.wait_for(state="attached")  # its script ran
    assert [words for words in said if "office/disputes: Failed to load" not in words] == []  # nothing is published


def test_the_office_is_accessible_in_light_and_dark(shown: Shown) -> None:
    page = shown.browser.new_context(bypass_csp=True).new_page()
    told: list[str] = []

    def look() -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.evaluate(AXE)
            told.extend(f"{page.url} in {scheme}: {broken}" for broken in page.evaluate(BROKEN_RULES, TAGS))

    page.goto(shown.url)
    look()
    sign_in(page, shown.url)
    for path in office(shown):
        page.goto(f"{shown.url}/{path}")
        look()
    assert told == []


def test_an_action_is_approved_without_a_script(shown: Shown) -> None:
    page = shown.browser.new_context(java_script_enabled=False).new_page()
    sign_in(page, shown.url)
    page.goto(f"{shown.url}/office/actions/{shown.action}")
    page.get_by_label("Why").fill("asked support")
    page.get_by_role("button", name="Approve").click()
    assert page.get_by_role("status").inner_text().startswith("Approved.")
    page.get_by_role("button", name="Sign out").click()
    assert page.url == f"{shown.url}/sign-in"


def office(shown: Shown) -> tuple[str, ...]:
    """The pages of the office."""
    return "office/actions", f"office/actions/{shown.action}", "office/trail", "office/account"
