"""The site: every page in the order of its navigation, built from the published database."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import duckdb

from dashboards import site
from dashboards.page import Page
from reports import (
    actions,
    all_accounts,
    at_risk,
    cash,
    churn,
    customers,
    definitions,
    explanations,
    forecast,
    ltv,
    mrr,
    other_rules,
    overview,
    payment_recovery,
    refunds_and_disputes,
    retention,
    revenue,
)
from reports.all_accounts import AccountPages
from reports.marts import Marts, read, through
from reports.terms import Terms, basis

UNNAMED = "Revenue"


class Report(Protocol):
    """A page's maker: `page` of a report module."""

    def __call__(self, marts: Marts, terms: Terms) -> Page: ...


REPORTS: tuple[Report, ...] = (
    overview.page,
    mrr.page,
    customers.page,
    retention.page,
    churn.page,
    ltv.page,
    forecast.page,
    at_risk.page,
    payment_recovery.page,
    actions.page,
    refunds_and_disputes.page,
    cash.page,
    revenue.page,
    other_rules.page,
    definitions.page,
)
"""Every page, in the order of the navigation. A new report is a new file and a new entry."""


def build(
    connection: duckdb.DuckDBPyConnection, out: Path, *, now: datetime | None = None, month: date | None = None
) -> list[Path]:
    """Write the site of the published database into `out`; the files, `index.html` first.

    Where it holds several accounts, each has its pages in a folder named by its id, and the first page lists them.

    `connection` is a cursor on the published database. `now` is printed as the time of publication where the database
    does not record one. With `month` (its first day) the pages end with that month, as known at the as-of instant.
    """
    marts = read(connection)
    if month is not None:
        marts = through(marts, month)
    publication = marts.publication
    if publication.published_at is None:
        publication = replace(publication, published_at=now)
    names = companies(connection)
    found = marts.accounts()
    _remove_others(out, found if len(found) > 1 else ())
    if len(found) < 2:
        company = next(iter(names.values()), UNNAMED)
        own = [*pages(marts), *(page for each in found for page in explanations.pages(connection, each, month))]
        return site.write(own, basis(publication, company, month), out)
    whole = basis(publication, "All accounts", month)
    several = [AccountPages(each, names.get(each, UNNAMED), each, marts.of(each)) for each in found]
    files = [
        file
        for each in several
        for file in site.write(
            [*pages(each.marts), *explanations.pages(connection, each.account_id, month)],
            replace(whole, company=each.name, above="../index.html"),
            out / each.folder,
        )
    ]
    terms = Terms(publication)
    return [*site.write([all_accounts.page(several, terms), definitions.page(marts, terms)], whole, out), *files]


def _remove_others(out: Path, kept: Collection[str]) -> None:
    """Pages of accounts that an earlier build had and this one has not."""
    for folder in out.glob("acct_*"):
        if folder.name not in kept:
            site.remove(folder)


def pages(marts: Marts) -> list[Page]:
    """Every page as values."""
    terms = Terms(marts.publication)
    return [report(marts, terms) for report in REPORTS]


def companies(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The accounts' names in Stripe by id; a plain word for one that has none."""
    try:
        rows = connection.execute("select id, display_name from staging.accounts order by id").fetchall()
    except duckdb.CatalogException:
        return {}
    return {account_id: name or UNNAMED for account_id, name in rows}
