"""The page of rows behind each figure: reached from the figure, adding up, leading on to Stripe, and safe to open.

The company is that of docs/metrics.md, whose amounts are worked by hand in tests/models/test_explain.py.
"""

import csv
import re
from collections.abc import Mapping
from datetime import date
from html import unescape
from pathlib import Path

import axe_playwright_python
import duckdb
import pytest

from reports import explanations
from reports.site import build
from tests.browser import chromium
from tests.docs import example

pytestmark = pytest.mark.long

HOSTILE = '<img src=x onerror=alert(1)>"'
AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"


def site_of(file: Path, out: Path, month: date | None = None) -> Path:
    with duckdb.connect(file, read_only=True) as connection:
        build(connection, out, month=month)
    return out


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example.published(tmp_path_factory.mktemp("published") / "revenue.duckdb", reason=HOSTILE)


@pytest.fixture(scope="module")
def site(published: Path) -> Path:
    return site_of(published, published.parent / "site")


@pytest.fixture(scope="module")
def pages(site: Path) -> Mapping[str, str]:
    """Every page by its name."""
    return {file.stem: file.read_text(encoding="utf-8") for file in site.glob("*.html")}


@pytest.fixture
def of_mrr_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all pages of rows that of MRR, which shows what others would."""
    monkeypatch.setattr(explanations, "PAGED", tuple(one for one in explanations.PAGED if one.name == "mrr"))


def words_of(html: str) -> str:
    """What a page says, without its tags."""
    body = html[html.index("<main") : html.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_every_figure_has_a_page_that_foots_and_none_is_in_the_navigation(pages: Mapping[str, str]) -> None:
    for name in (one.name for one in explanations.PAGED):
        page = pages[f"explain-{name.replace('_', '-')}"]
        assert "✗ failed" not in page
        assert f"revenue explain {name}" in page
    assert "explain-" not in pages["index"][: pages["index"].index("<main")]


def test_figures_of_tiles_tables_and_definitions_lead_to_their_rows(pages: Mapping[str, str]) -> None:
    overview, movements = pages["index"], pages["mrr"]
    assert re.search(r'<p class="value"><a class="figures" href="explain-mrr.html">', overview)
    assert re.search(r'<th scope="row"[^>]*><a href="explain-recovery-rate.html">Recovery rate', overview)
    assert re.search(r'<th scope="row"[^>]*><a href="explain-churn-mrr.html">Churn', movements)
    assert 'href="explain-cash-payouts.html"' in pages["cash"]
    assert 'href="explain-recognized.html"' in pages["definitions"]
    for html in pages.values():
        assert set(re.findall(r'href="([a-z-]+)\.html', html)) <= set(pages)


def test_a_page_says_formula_inputs_rows_and_where_to_see_all(pages: Mapping[str, str]) -> None:
    """March opens with 33,450 cents at 1.20, of which cleo's 5,000 eur are 6,000."""
    said = words_of(pages["explain-gross-mrr-churn-rate"])
    assert "gross_mrr_churn_rate = (−contraction_mrr − churn_mrr − paused_mrr) / opening_mrr" in said
    assert "opening_mrr: subscription items with worth at the start 6 rows add up to 334.50 USD." in said
    assert "82.50 USD / 334.50 USD = 24.66%: as published." in said
    assert "Cleo 60.00 50.00 EUR 1.2 cleo sub_cleo si_cleo 28 Feb 2026" in said
    assert "All 6 334.50" in said
    assert "revenue explain gross_mrr_churn_rate --month 2026-03 --limit 0" in said


def test_the_file_beside_a_page_has_every_row_exact(site: Path) -> None:
    with (site / "data" / "explain-mrr-closing-mrr.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    cleo = next(row for row in rows if row["customer_id"] == "cleo")
    assert (cleo["own_amount"], cleo["own_currency"], cleo["rate"], cleo["amount"]) == ("50", "eur", "1.15", "57.5")


def test_the_sql_of_a_page_gives_the_figure(published: Path, pages: Mapping[str, str]) -> None:
    with duckdb.connect(published, read_only=True) as connection:
        connection.execute("use marts")
        for page in (page for name, page in pages.items() if name.startswith("explain-")):
            for sql in re.findall(r'revenue query "(.+)"', unescape(page)):
                assert connection.execute(sql).fetchall()


@pytest.mark.usefixtures("of_mrr_alone")
@pytest.mark.parametrize(("livemode", "place"), [(False, "acct_1/test/"), (True, "acct_1/"), (None, "acct_1/")])
def test_ids_lead_to_stripe_s_own_pages_of_the_mode_they_are_of(
    published: Path, tmp_path: Path, livemode: bool | None, place: str
) -> None:
    file = tmp_path / "revenue.duckdb"
    file.write_bytes(published.read_bytes())
    with duckdb.connect(file) as connection:
        connection.execute("update marts.publication set livemode = ?", [livemode])
    page = (site_of(file, tmp_path / "site") / "explain-mrr.html").read_text(encoding="utf-8")
    assert f'<a href="https://dashboard.stripe.com/{place}subscriptions/sub_ada">sub_ada</a>' in page
    assert f'<a href="https://dashboard.stripe.com/{place}search?query=si_ada">si_ada</a>' in page


@pytest.mark.parametrize(
    "id_", ["javascript:alert(1)", "cus_1/../../login", 'in_"><b>', "sub_ada?x=1", "txn_1 or 1", "", "ada"]
)
def test_what_is_no_id_leads_nowhere_it_should_not(id_: str) -> None:
    cell = explanations._linked(id_, "https://dashboard.stripe.com/")
    address = getattr(cell, "address", "https://dashboard.stripe.com/customers/cus_1")
    assert address == "https://dashboard.stripe.com/customers/cus_1"


def test_what_outsiders_wrote_is_text(pages: Mapping[str, str]) -> None:
    assert "<img" not in pages["explain-refunds"]
    assert HOSTILE in words_of(pages["explain-refunds"].replace("&lt;", "‹").replace("&gt;", "›")).replace(
        "‹", "<"
    ).replace("›", ">")


@pytest.mark.usefixtures("of_mrr_alone")
def test_pages_end_with_the_month_that_is_asked_for(published: Path, tmp_path: Path) -> None:
    page = site_of(published, tmp_path / "site", date(2026, 2, 1)) / "explain-mrr.html"
    assert "Feb 2026: 334.50 USD." in words_of(page.read_text(encoding="utf-8"))


def test_a_file_of_an_older_version_has_no_such_pages_and_no_links_to_them(published: Path, tmp_path: Path) -> None:
    old = tmp_path / "revenue.duckdb"
    old.write_bytes(published.read_bytes())
    with duckdb.connect(old) as connection:
        connection.execute("drop table marts.exchange_rates")
    site = site_of(old, tmp_path / "site")
    assert not list(site.glob("explain-*"))
    assert not any("explain-" in file.read_text(encoding="utf-8") for file in site.glob("*.html"))


@pytest.mark.usefixtures("of_mrr_alone")
def test_of_too_many_rows_the_page_has_the_command_alone(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explanations, "MOST_ROWS", 0)
    page = site_of(published, tmp_path / "site") / "explain-mrr.html"
    said = words_of(page.read_text(encoding="utf-8"))
    assert "the command below has them" in said
    assert "revenue explain mrr --limit 0" in said


@pytest.mark.browser
def test_a_reader_goes_from_a_figure_to_its_rows_with_the_keyboard_alone(site: Path) -> None:
    with chromium() as browser:
        page = browser.new_context(java_script_enabled=False, color_scheme="dark").new_page()
        page.goto((site / "index.html").as_uri())
        page.locator("a.figures").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/explain-mrr.html")
        assert page.locator("h1").inner_text() == "Monthly recurring revenue (MRR)"
        for scheme in ("light", "dark"):
            seen = browser.new_context(color_scheme=scheme, bypass_csp=True).new_page()
            seen.goto((site / "explain-gross-mrr-churn-rate.html").as_uri())
            seen.evaluate(AXE.read_text())
            assert seen.evaluate("axe.run(document).then(found => found.violations.map(one => one.id))") == []
