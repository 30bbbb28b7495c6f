"""The data dictionary: every published table and column in Markdown, from the contracts alone."""

from collections.abc import Iterable

from models.contracts import marts, staging
from models.contracts.table import Table
from pipelines.warehouse import tables

CONTRACTS: tuple[type[Table], ...] = (*marts.TABLES, marts.Publication, *staging.TABLES)

OPENING = """# Data dictionary

Every table and column of `revenue.duckdb`, as its comments in the database say. Money is in minor units of the row's
`currency`, as Stripe counts them; columns named `*_reporting` are in the reporting currency. `*_at` is a moment in UTC,
`*_on` a day in the reporting zone. A column is never null unless it says so.
"""


def markdown(contracts: Iterable[type[Table]] = CONTRACTS) -> str:
    """The data dictionary of the contracts, as one Markdown page."""
    return "\n".join([OPENING, *map(section, contracts)])


def section(contract: type[Table]) -> str:
    """One table: its grain, its key and a row for each column."""
    columns = tables.columns(contract)
    key = ", ".join(f"`{c.name}`" for c in columns if c.key)
    rows = [
        f"| `{c.name}` | {c.type} | {c.unit or ''} | {'yes' if c.nullable else ''} | {_cell(c.description)} |"
        for c in columns
    ]
    return "\n".join(
        [
            f"## `{contract.qualified_name()}`",
            "",
            f"{contract.grain()} Key: {key}.",
            "",
            "| column | type | unit | can be null | meaning |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
