"""What the page of other rules says, on tables whose figures are worked out beside them."""

from datetime import date
from decimal import Decimal
from typing import Any

from dashboards.page import Chart, Page, Table, charts_of, tables_of
from dashboards.values import Money, shown
from models.policy import GROUPS, PRESETS
from reports import other_rules
from reports.marts import Marts
from reports.terms import Terms
from tests.reports.company import marts

OCT, NOV = date(2026, 10, 1), date(2026, 11, 1)


def row(month: date, policy: str, base: str, partial: bool = False, **parts: str) -> dict[str, Any]:
    difference = sum((Decimal(part) for part in parts.values()), Decimal(0))
    return {
        "month": month,
        "policy": policy,
        "policy_hash": "0123456789",
        "closing_mrr_reporting": Decimal(base) + difference,
        "difference_reporting": difference,
        "is_partial": partial,
        **{f"{group}_reporting": Decimal(parts.get(group, "0")) for group in GROUPS},
    }


def two_months(**publication: Any) -> Marts:
    """1,000.00 in October and 2,000.00 so far in November by the default; thirds of a cent in Stripe's parts."""
    stripe = {"discounts": "10000.333333", "cancel_timing": "-5000.333333"}
    rows = [row(OCT, name, "100000") for name in PRESETS if name != "stripe"]
    rows += [row(OCT, "stripe", "100000", discounts="700")]
    rows += [row(NOV, name, "200000", True) for name in ("default", "baremetrics", "profitwell")]
    rows += [
        row(NOV, "stripe", "200000", True, **stripe),
        row(NOV, "chartmogul", "200000", True, fx="-40000", pauses="1000"),
        row(NOV, "maxio", "200000", True, dunning="0.4", pauses="0.4", other="0.4"),
    ]
    return marts({"mrr_by_policy": rows}, **publication)


def built(tables: Marts) -> Page:
    return other_rules.page(tables, Terms(tables.publication))


def table(page: Page, name: str) -> Table:
    return next(one for one in tables_of(page) if one.name == name)


def chart(page: Page, name: str) -> Chart:
    return next(one for one in charts_of(page) if one.name == name)


def cells(page: Page, policy: str) -> list[str]:
    return next(
        [shown(cell) for cell in one.cells[1:]] for one in table(page, "other-rules").rows if one.cells[0] == policy
    )


def test_the_page_says_what_mrr_is_by_the_rules_in_use_and_by_stripes() -> None:
    """Stripe: 2,000.00 + 100.00 - 50.00 = 2,050.00."""
    assert built(two_months()).findings == (
        "MRR is 2,000.00 USD by the rules in use (Default).",
        "By Stripe's published rules, as its dashboard counts, it is 2,050.00 USD: 50.00 USD more.",
        "Stripe differs from the default by discounts (+100.00 USD) and cancellations (\u221250.00 USD).",
        "The same subscriptions come to 1,610.00 USD (ChartMogul) at least and 2,050.00 USD (Stripe) at most.",
    )


def test_every_printed_row_adds_up() -> None:
    """Maxio's three times 0.4 cents are 1.2 cents: printed as 0, 0 and 1, together 1."""
    for one in other_rules.read(two_months()):
        base = {OCT: 100000, NOV: 200000}[one.first]
        assert one.closing == base + one.difference
    page = built(two_months())
    assert cells(page, "Maxio") == ["2,000.01", "+0.01", "–", "–", "–", "+0.01", "–", "–", "–"]
    assert cells(page, "Stripe") == ["2,050.00", "+50.00", "–", "\u221250.00", "+100.00", "–", "–", "–", "–"]


def test_the_rules_in_use_stand_out_also_where_they_are_ones_own() -> None:
    tables = two_months(policy="board")
    rows = tables.tables["mrr_by_policy"].to_dicts() + [
        {**row(month, "board", base, month == NOV, trials="5000"), "account_id": "acct_1Example"}
        for month, base in ((OCT, "100000"), (NOV, "200000"))
    ]
    page = built(marts({"mrr_by_policy": rows}, policy="board"))
    first = table(page, "other-rules").rows[0]
    assert (first.cells[0], first.weight, shown(first.cells[1])) == ("board, in use", "total", "2,050.00")
    assert page.findings[0] == "MRR is 2,050.00 USD by the rules in use (board)."
    assert page.findings[1].endswith("it is 2,050.00 USD: the same.")
    assert page.findings[2] == "board differs from the default by trials (+50.00 USD)."


def test_the_chart_stacks_the_groups_that_differ_and_no_others() -> None:
    drawn = chart(built(two_months()), "other-rules-difference")
    groups = [column.label for column in drawn.table.columns]
    assert groups == ["Rules", "Cancellations", "Discounts", "Pauses", "Exchange rates", "Difference"]
    assert drawn.finding.startswith("ChartMogul differs most, by \u2212390.00 USD: exchange rates (\u2212400.00 USD)")


def test_the_history_compares_full_months_and_its_file_has_exact_amounts() -> None:
    history = chart(built(two_months()), "other-rules-history")
    assert history.finding == "By Stripe's rules MRR was 7.00 USD more than by the default's at the end of Oct 2026."
    download = history.table.download
    assert download is not None
    rows = [one for one in download.rows if one[1] == "stripe" and one[0].first == NOV]  # type: ignore[union-attr]
    assert rows[0][3] == Money(Decimal("205000.000000"), "usd", 2)
    assert rows[0][6] == Money(Decimal("-5000.333333"), "usd", 2)


def test_the_rules_of_every_preset_are_told_in_words() -> None:
    rules = table(built(two_months()), "rules-of-presets")
    told = {one.cells[0]: one.cells[1:] for one in rules.rows}
    assert [column.label for column in rules.columns[1:]] == list(other_rules.VENDORS.values())
    assert told["A cancellation counts"][:2] == ("at the end", "when asked for")
    assert told["Past due"] == (
        "counts",
        "counts",
        "counts",
        "counts for 30 days",
        "counts",
        "does not count",
    )
    assert told["Back after a gap"][0] == "reactivation after more than 7 days"
    assert told["Back after a gap"][5] == "reactivation after any gap, new after 90 days"


def test_without_any_mrr_the_page_says_so(nothing: Marts) -> None:
    page = built(nothing)
    assert page.findings == ("No subscription has counted in MRR yet, by any rules.",)
    assert all(one.empty for one in charts_of(page))


def test_presets_that_make_no_difference_are_told_as_that() -> None:
    page = built(marts({"mrr_by_policy": [row(OCT, name, "100000") for name in PRESETS]}))
    assert chart(page, "other-rules-difference").empty == "Every preset comes to the same MRR."
    assert len(page.findings) == 2
