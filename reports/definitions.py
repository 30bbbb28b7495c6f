"""What every figure means and what it rests on: formulas, policy, freshness, row counts, checks."""

from dashboards.page import Column, Definitions, Facts, Page, Row, Section, Table, TableBlock
from dashboards.values import Cell, Count, Missing, Verdict
from models.explain import FIGURES
from reports.explained import sentence, title
from reports.glossary import ENTRIES
from reports.marts import CONTRACTS, Marts
from reports.names import words
from reports.terms import Terms

RUNS_SHOWN = 12


def page(marts: Marts, terms: Terms) -> Page:
    """Definitions and data."""
    return Page(
        "definitions",
        "Definitions & data",
        findings(marts, terms),
        (
            Section("Basis", (Facts(_facts(marts, terms)),)),
            Section("Data checks", (_checks(marts, terms),)),
            Section("Formulas", (Definitions(ENTRIES),), ("Every figure of these pages, in words.",)),
            Section("Rows behind the figures", (_figures(),)),
            Section("Tables", (_tables(marts),)),
            Section("Runs", (_runs(marts, terms),)),
        ),
    )


def findings(marts: Marts, terms: Terms) -> tuple[str, ...]:
    """What the checks say, in sentences."""
    checks = marts.table("data_checks")
    failed = checks.filter(~checks["passed"])
    said = [f"Figures are as of {terms.as_of_words} under policy {terms.publication.policy_name}."]
    if checks.is_empty():
        said.append("No data check is recorded.")
    elif failed.is_empty():
        said.append("The one data check passed." if checks.height == 1 else f"All {checks.height} data checks passed.")
    else:
        said.append(f"{failed.height} of {checks.height} data checks failed.")
    return tuple(said)


def _facts(marts: Marts, terms: Terms) -> tuple[tuple[str, Cell], ...]:
    publication = terms.publication
    return (
        ("As of", terms.moment(publication.as_of)),
        ("Read from Stripe", terms.moment(publication.read_at) or Missing("not recorded")),
        ("Published", terms.moment(publication.published_at) or Missing("not recorded")),
        ("Reporting currency", terms.unit),
        ("Zone of days and months", publication.timezone),
        ("Metric policy", publication.policy_name),
        ("Policy hash", publication.policy_hash),
        ("Customers", Count(marts.table("customers").height)),
        ("Movements", Count(marts.table("mrr_movements").height)),
    )


def _checks(marts: Marts, terms: Terms) -> TableBlock:
    frame = marts.table("data_checks").sort("passed", "table_name", "check_name")
    rows = tuple(
        Row(
            (
                words(row["check_name"]),
                row["table_name"],
                Verdict(row["passed"]),
                Count(row["failing_rows"]),
                row["detail"],
                terms.moment(row["checked_at"]),
            )
        )
        for row in frame.to_dicts()
    )
    columns = ("Check", "Table", "Result", "Rows found", "What was found", "Checked")
    return TableBlock(
        "Checks made on this build",
        Table(
            "data-checks-list",
            "Data checks, failed ones first",
            tuple(map(Column, columns)),
            rows,
            empty="No check is recorded.",
        ),
        "Rows that broke the rule",
        "Each check looks for rows that break a rule; none found is a pass.",
        "",
    )


def _figures() -> TableBlock:
    rows = tuple(Row((title(one), name, sentence(one)), term=name) for name, one in FIGURES.items())
    return TableBlock(
        "Every figure that can be followed to Stripe's ids",
        Table(
            "explained-figures",
            "Figures, each with the page of the rows behind it",
            (Column("Figure"), Column("Asked for as"), Column("What it is")),
            rows,
        ),
        "Last full month",
        "The command revenue explain shows any month, and one customer's part.",
        "",
    )


def _tables(marts: Marts) -> TableBlock:
    rows = tuple(
        Row((name, Count(marts.table(name).height), CONTRACTS[name].grain()))
        for name in CONTRACTS
        if name in marts.tables
    )
    return TableBlock(
        "Published tables",
        Table(
            "published-tables",
            "Tables of schema marts in the published database, with their rows",
            (Column("Table"), Column("Rows"), Column("One row is")),
            rows,
            empty="No table is published.",
        ),
        "Rows",
        "Each table and column carries its meaning and unit as a comment in the database.",
        "",
    )


def _runs(marts: Marts, terms: Terms) -> TableBlock:
    frame = marts.table("pipeline_runs").sort("started_at", descending=True)
    rows = tuple(
        Row(
            (
                terms.moment(row["started_at"]),
                row["command"],
                row["status"],
                Count(row["objects_read"]),
                Count(row["requests_made"]),
                Count(row["rows_written"]),
                row["detail"],
            )
        )
        for row in frame.head(RUNS_SHOWN).to_dicts()
    )
    columns = ("Started", "Command", "Status", "Objects read", "Requests", "Rows written", "Remarks")
    return TableBlock(
        "Latest runs",
        Table(
            "pipeline-runs",
            "Latest runs of the pipeline, newest first",
            tuple(map(Column, columns)),
            rows,
            empty="No run is recorded.",
        ),
        "Counts",
        "What each run read from Stripe and wrote.",
        "",
    )
