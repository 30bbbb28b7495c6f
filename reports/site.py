"""The site: every page in the order of its navigation, built from the published database."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import duckdb

from dashboards import site
from dashboards.page import Page
from reports import cash, churn, customers, definitions, mrr, overview, refunds_and_disputes, retention
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
    refunds_and_disputes.page,
    cash.page,
    definitions.page,
)
"""Every page, in the order of the navigation. A new report is a new file and a new entry."""


def build(
    connection: duckdb.DuckDBPyConnection, out: Path, *, now: datetime | None = None, month: date | None = None
) -> list[Path]:
    """Write the site of the published database into `out`; the files, `index.html` first.

    `connection` is a cursor on the published database. `now` is printed as the time of publication where the database
    does not record one. With `month` (its first day) the pages end with that month, as known at the as-of instant.
    """
    marts = read(connection)
    if month is not None:
        marts = through(marts, month)
    publication = marts.publication
    if publication.published_at is None:
        publication = replace(publication, published_at=now)
    return site.write(pages(marts), basis(publication, company(connection), month), out)


def pages(marts: Marts) -> list[Page]:
    """Every page as values."""
    terms = Terms(marts.publication)
    return [report(marts, terms) for report in REPORTS]


def company(connection: duckdb.DuckDBPyConnection) -> str:
    """The account's name in Stripe; a plain word where it has none."""
    try:
        row = connection.execute("select display_name from staging.accounts order by id limit 1").fetchone()
    except duckdb.CatalogException:
        return UNNAMED
    return (row[0] or UNNAMED) if row else UNNAMED
