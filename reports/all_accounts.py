"""The first page where a warehouse holds several accounts: each with its size and growth, and what they make together.

Each account has its own pages; no figure but the sums here is of more than one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.page import Column, Page, Row, Section, Table, TableBlock, Tile, Tiles
from dashboards.values import Cell, Count, Link, Rate
from reports.marts import Marts
from reports.months import MrrMonth, reporting_months
from reports.terms import Terms, counted

TITLE = "Accounts by monthly recurring revenue"
MRR = "Run rate of all counted subscriptions at the as-of instant, in the reporting currency."
CUSTOMERS = "Customers with MRR above zero; one that buys from two accounts counts twice."


@dataclass(frozen=True)
class AccountPages:
    """An account: its id, its name in Stripe, the folder of its pages, and its tables."""

    account_id: str
    name: str
    folder: str
    marts: Marts

    @property
    def last(self) -> MrrMonth | None:
        """Its newest month; None before its first MRR."""
        months = reporting_months(self.marts)
        return months[-1] if months else None


def page(accounts: Sequence[AccountPages], terms: Terms) -> Page:
    """The accounts, the largest first."""
    months = [(each, each.last) for each in accounts]
    largest = sorted(months, key=lambda pair: (-(pair[1].closing if pair[1] else 0), pair[0].account_id))
    mrr = sum(last.closing for _, last in months if last)
    customers = sum(last.customers for _, last in months if last)
    whose = counted(customers, "customer")
    finding = f"{len(accounts)} accounts have {terms.words(mrr)} of monthly recurring revenue from {whose}."
    tiles = (
        Tile("Monthly recurring revenue", terms.money(mrr), terms.unit, terms.as_of_day_words, MRR, "mrr"),
        Tile("Customers", Count(customers), "customers", terms.as_of_day_words, CUSTOMERS, "customers"),
    )
    sections = (Section("Together", (Tiles(tiles),)), Section("By account", (_table(largest, mrr, customers, terms),)))
    return Page("index", "Accounts", (finding,), sections)


def _table(
    accounts: Sequence[tuple[AccountPages, MrrMonth | None]], mrr: int, customers: int, terms: Terms
) -> TableBlock:
    rows = [Row(_cells(each, last, mrr, terms)) for each, last in accounts]
    change = terms.money(sum(_change(last) for _, last in accounts), signed=True)
    rows.append(Row(("All accounts", "", terms.money(mrr), None, change, Count(customers)), weight="total"))
    month = next((last.name for _, last in accounts if last), "the month")
    columns = ("Account", "Id", "MRR", "Share", f"Change in {month} so far", "Customers")
    table = Table("accounts", TITLE, tuple(map(Column, columns)), tuple(rows))
    return TableBlock(TITLE, table, terms.unit, MRR, "mrr")


def _cells(account: AccountPages, last: MrrMonth | None, mrr: int, terms: Terms) -> tuple[Cell, ...]:
    closing = last.closing if last else 0
    return (
        Link(account.name, f"{account.folder}/index.html"),
        account.account_id,
        terms.money(closing),
        Rate(closing, mrr) if mrr else None,
        terms.money(_change(last), signed=True),
        Count(last.customers if last else 0),
    )


def _change(last: MrrMonth | None) -> int:
    return last.closing - last.opening if last else 0
