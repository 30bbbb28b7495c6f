"""The built site in a real browser, opened from disk: quiet, accessible, and readable everywhere."""

from collections.abc import Callable, Iterator
from pathlib import Path

import axe_playwright_python
import duckdb
import pytest
from playwright.sync_api import Browser, Page

from dashboards import site as dashboards
from dashboards.page import Basis, Column, Row, Section, Table, TableBlock
from dashboards.page import Page as Content
from dashboards.values import Money
from reports.marts import Marts
from reports.site import build
from tests.browser import chromium
from tests.reports.company import company, marts, published

pytestmark = [pytest.mark.browser, pytest.mark.long]

PAGES = (
    "index",
    "mrr",
    "customers",
    "retention",
    "churn",
    "ltv",
    "forecast",
    "at-risk",
    "payment-recovery",
    "refunds-and-disputes",
    "cash",
    "revenue",
    "other-rules",
    "definitions",
)
AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
HEAVY = 1_000_000
PAPER = 1032
"""CSS pixels across a landscape A4 sheet inside its margins."""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIOLATIONS = """tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})
    .then(found => found.violations)"""
"""Nothing of what is in order, which is each element of a page many times over."""
DRAWN = """[...document.querySelectorAll(".plot")].map(
    plot => [...plot.children].filter(svg => svg.getBoundingClientRect().width > 0).length)"""
REPEATED = """[...document.querySelectorAll("[id]")].map(one => one.id)
    .filter((id, at, all) => all.indexOf(id) !== at)"""
HOSTILE = "<script>alert(1)</script>" + "W" * 120
Site = Callable[[str], Path]


class Reader:
    """One window that goes from page to page, which is quicker than a window for each; and one without script."""

    def __init__(self, browser: Browser) -> None:
        self.scripted, self.plain = (browser.new_context(java_script_enabled=each) for each in (True, False))
        self.windows = {context: context.new_page() for context in (self.scripted, self.plain)}

    def opened(self, file: Path, *, scheme: str = "light", width: int = 1440, script: bool = True) -> Page:
        """The page in a file, as it is right after it was opened."""
        page = self.windows[self.scripted if script else self.plain]
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", media="screen")
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(file.as_uri(), wait_until="load")
        return page


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with chromium() as browser:
        yield Reader(browser)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site by the account it shows: a company, an account with nothing, one with a single charge, a failed check."""
    folder = tmp_path_factory.mktemp("sites")
    made: dict[str, Path] = {}

    def built(account: str) -> Path:
        if account not in made:
            database = published(ACCOUNTS[account](), folder / f"{account}.duckdb")
            with duckdb.connect(str(database), read_only=True) as connection:
                build(connection, folder / account)
            made[account] = folder / account
        return made[account]

    return built


def hostile() -> Marts:
    """A company whose customers' names and failed check try to break out of the page, in one word too long for it."""
    rows = {name: frame.to_dicts() for name, frame in company(8, 4).tables.items() if name != "publication"}
    rows["customers"] = [row | {"name": HOSTILE} for row in rows["customers"]]
    return marts(rows, banner=HOSTILE)


ACCOUNTS: dict[str, Callable[[], Marts]] = {
    "company": company,
    "nothing": lambda: marts({}),
    "one customer": lambda: company(customers=1, months=1),
    "hostile": hostile,
}


def checked(page: Page) -> list[str]:
    """What axe-core finds; evaluated from outside, so that the page's own policy stays in force."""
    page.evaluate(AXE.read_text())
    found = page.evaluate(VIOLATIONS, TAGS)
    return [f"{one['id']}: {one['nodes'][0]['target']}" for one in found]


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_light_and_leaves_the_machine_alone(reader: Reader, site: Site, name: str) -> None:
    file = site("company") / f"{name}.html"
    page = reader.scripted.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri(), wait_until="load")
    page.emulate_media(media="print")
    assert complaints == []
    assert page.evaluate(REPEATED) == []
    assert asked == [file.as_uri()]
    assert file.stat().st_size < HEAVY
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_in_either_colour_scheme(reader: Reader, site: Site, name: str, scheme: str) -> None:
    page = reader.opened(site("company") / f"{name}.html", scheme=scheme)
    assert checked(page) == []


@pytest.mark.xdist_group("odd accounts in a browser")
@pytest.mark.parametrize("account", ["nothing", "one customer", "hostile"])
def test_odd_accounts_get_every_page_clean_too(reader: Reader, site: Site, account: str) -> None:
    for name in PAGES:
        page = reader.opened(site(account) / f"{name}.html", width=320)
        assert checked(page) == []
        assert overflow(page) <= 0, name
        assert page.evaluate("document.scripts.length") == 1


@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways_at_any_width(reader: Reader, site: Site, name: str) -> None:
    page = reader.opened(site("company") / f"{name}.html")
    for width in (320, 768, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert overflow(page) <= 0, width
        drawn = page.evaluate(DRAWN)
        assert set(drawn) <= {1}, "exactly one drawing of each chart is shown"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_stands_without_script(reader: Reader, site: Site, name: str) -> None:
    page = reader.opened(site("company") / f"{name}.html", script=False)
    assert page.locator("h1").count() == 1
    assert len(page.inner_text("main").split()) > 100


def test_every_link_leads_to_a_file_or_a_place_that_is_there(reader: Reader, site: Site) -> None:
    folder = site("company")
    for name in PAGES:
        page = reader.opened(folder / f"{name}.html")
        for target in page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))"):
            file, _, anchor = target.partition("#")
            where = folder / (file or f"{name}.html")
            assert where.exists(), target
            assert not anchor or f'id="{anchor}"' in where.read_text(encoding="utf-8"), target


def test_a_click_on_a_heading_sorts_by_value_and_says_so(reader: Reader, site: Site) -> None:
    page = reader.opened(site("company") / "customers.html")
    head = page.locator("#table-customers thead th").nth(3)
    head.get_by_role("button").click()
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    amounts = page.eval_on_selector_all(
        "#table-customers tbody tr", "rows => rows.map(row => Number(row.cells[3].dataset.sort))"
    )
    assert amounts == sorted(amounts)


def test_sorted_rows_keep_currencies_together_and_the_total_last(reader: Reader, tmp_path: Path) -> None:
    """Ascending: yen before dollars, each by its number; what is not sorted with them is the sum of all."""
    amounts = {"a": Money(7, "usd"), "b": Money(900, "jpy", 0), "c": Money(5, "usd"), "d": Money(100, "jpy", 0)}
    rows = (*(Row((name, amount)) for name, amount in amounts.items()), Row(("All", Money(9_999, "usd")), "total"))
    table = Table("amounts", "Amounts", (Column("Name"), Column("Amount")), rows, more=3)
    block = TableBlock("Amounts", table, "Own currency", "None.", "mrr")
    basis = Basis("Acme", "now", "UTC", "USD", "default", "0" * 12, "", "")
    one, *_ = dashboards.write([Content("index", "Index", (), (Section("All", (block,)),))], basis, tmp_path / "site")
    page = reader.opened(one)
    head = page.locator("#table-amounts thead th").nth(1)
    for order, expected in (("descending", "bdacAll"), ("ascending", "dbcaAll"), ("none", "abcdAll")):
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == order
        names = page.eval_on_selector_all("#table-amounts tbody th", "all => all.map(one => one.textContent).join('')")
        assert names == expected
    assert "5 of 8 rows, all of them in the file; sorting arranges the rows shown." in page.inner_text("main")


def test_the_arrow_keys_read_a_chart_month_by_month(reader: Reader, site: Site) -> None:
    page = reader.opened(site("company") / "index.html")
    page.locator("#chart-mrr-line .plot").focus()
    page.keyboard.press("End")
    assert page.locator("#chart-mrr-line .reading").inner_text().startswith("Nov 2026 (so far): MRR ")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#chart-mrr-line .reading").inner_text().startswith("Oct 2026: MRR ")


@pytest.mark.parametrize("name", PAGES)
def test_on_paper_no_table_is_wider_than_the_sheet(reader: Reader, site: Site, name: str) -> None:
    page = reader.opened(site("company") / f"{name}.html", width=PAPER)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert overflow(page) <= 0


def test_on_paper_every_table_is_open_and_the_ground_is_white(reader: Reader, site: Site) -> None:
    page = reader.opened(site("company") / "mrr.html", scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('.scroll')).overflow") == "visible"


def test_on_paper_a_heading_that_sorts_is_plain_text_so_that_it_is_repeated_on_every_sheet(
    reader: Reader, site: Site
) -> None:
    """The browser leaves buttons out of the headings that it repeats."""
    page = reader.opened(site("company") / "customers.html")
    page.emulate_media(media="print")
    shown = page.eval_on_selector_all(
        "#table-customers thead button", "all => all.map(one => getComputedStyle(one).display)"
    )
    assert set(shown) == {"contents"}
