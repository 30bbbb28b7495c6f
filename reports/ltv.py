"""Lifetime value: what a customer is worth, by which formula, how long customers stay, what they have brought."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from dashboards import figures
from dashboards.figures import Series
from dashboards.page import Chart, Column, Download, Page, Row, Section, Table, TableBlock, Tile, Tiles
from dashboards.values import Cell, Count, Missing, Month, Rate, Ratio, shown
from reports.glossary import SHORT
from reports.marts import Marts
from reports.rows import Rows
from reports.survival import compared_chart, curve_chart, hazard_chart, share
from reports.terms import Terms, counted, rate

NOT_PUBLISHED = "not published yet"
SEGMENTS = (
    ("all", "Everyone"),
    ("billing_interval", "Billing interval"),
    ("product", "Product"),
    ("currency", "Currency"),
    ("country", "Country"),
    ("cohort_year", "Year of the first paid day"),
)
"""Segment and its heading, in the order of the table."""
SHOWN_VALUES = 12
"""Values of a segment that the page has room for; the file has all."""
HORIZONS = (12, 24, 36)
AGES = (0, 1, 2, 3, 6, 9, 12, 18, 24, 36, 48, 60)
"""Months since the cohort's start that the page has room for; the file has all."""
COHORTS = 36
YEARS = ("main", "fourth", "fifth", "third", "second")
"""Roles of the lines of the latest cohort years, newest first."""

Values = dict[tuple[str, str, str], dict[str, Any]]
"""`ltv_by_method` by segment, value and method."""


def page(marts: Marts, terms: Terms) -> Page:
    """Lifetime value."""
    headlines = marts.table("customer_ltv")
    whole = _whole(headlines)
    values = {(row["segment"], row["segment_value"], row["method"]): row for row in _by_method(marts)}
    return Page(
        "ltv",
        "Lifetime value",
        findings(whole, values, terms),
        (
            Section("What a customer is worth", (Tiles(_tiles(whole, values, terms)),), (_rules(whole),)),
            Section(
                "How long customers stay",
                (
                    curve_chart(marts),
                    compared_chart(marts, "billing_interval", "Still there, by billing interval"),
                    compared_chart(marts, "product", "Still there, by product"),
                    hazard_chart(marts),
                ),
            ),
            Section("By segment", (_segments(headlines, values, terms),)),
            Section("What customers have brought", (_realised_chart(marts, terms), _realised_table(marts, terms))),
            Section("The renewal model", (_fits(marts),)),
        ),
    )


def findings(whole: dict[str, Any] | None, values: Values, terms: Terms) -> tuple[str, ...]:
    """What the numbers say, in sentences."""
    if whole is None:
        return ("Lifetime value is not published yet.",)
    received = values.get(("all", "all", "realised"), {})
    if whole["ltv_reporting"] is None:
        said = [f"Lifetime value can't be said yet: {whole['reason']}."]
    else:
        low, high = terms.words(whole["ltv_low_reporting"]), terms.words(whole["ltv_high_reporting"])
        said = [
            f"A customer is worth {terms.words(whole['ltv_reporting'])} within {_months(whole['horizon_months'])} "
            f"(95% interval {low} to {high}): {terms.words(whole['arpa_reporting'])} a month for "
            f"{whole['lifetime_months']:.1f} months.",
            _half_life(whole),
        ]
    if received.get("ltv_reporting") is not None:
        whose = counted(received["customers"], "customer")
        verb, each = ("has", "") if received["customers"] == 1 else ("have", " each")
        worth = terms.words(received["ltv_reporting"])
        said.append(f"So far {whose} {verb} brought {worth}{each}, after refunds, disputes and fees.")
    return tuple(said)


def _half_life(whole: dict[str, Any]) -> str:
    half = whole["median_months"]
    if half is None:
        return "More than half of the customers were still there as long as they could be followed."
    ends = whole["median_low_months"], whole["median_high_months"]
    told = [f"{end:.1f}" for end in ends if end is not None]
    between = f" (95% interval {' to '.join(told)}{'' if len(told) == 2 else ' or more'})" if told else ""
    return f"Half of the customers have left after {half:.1f} months{between}."


def _rules(whole: dict[str, Any] | None) -> str:
    if whole is None:
        return ""
    margin, discount = (share(whole[name]) for name in ("gross_margin", "annual_discount_rate"))
    return (
        f"By the policy's rules: {shown(margin)} of MRR is margin, and a year takes {shown(discount)} off what is "
        "discounted. Intervals are those of survival, at today's ARPA."
    )


def _tiles(whole: dict[str, Any] | None, values: Values, terms: Terms) -> tuple[Tile, ...]:
    horizon = _months(whole["horizon_months"]) if whole and whole["horizon_months"] else "36 months"
    method = whole["method"] if whole else "km_rmst_36"
    return (
        _tile(f"Lifetime value, {horizon}", method, "customer_ltv", values, terms),
        _tile("Simple: ARPA ÷ churn", "simple", "ltv", values, terms),
        _tile("Discounted", "discounted", "ltv_discounted", values, terms),
        _tile("Still to come of today's customers", "sbg_residual", "ltv_residual", values, terms),
        _tile("Received so far", "realised", "customer_value", values, terms),
        _break_even(whole, terms),
    )


def _tile(label: str, method: str, term: str, values: Values, terms: Terms) -> Tile:
    row = values.get(("all", "all", method))
    value = _amount(row, "ltv_reporting", terms)
    interval = ""
    if row and row["ltv_low_reporting"] is not None:
        low, high = (terms.words(row[f"ltv_{end}_reporting"]) for end in ("low", "high"))
        interval = f"95% interval {low} to {high}"
    unit = f"{terms.unit} a customer"
    return Tile(label, value, unit, terms.as_of_day_words, SHORT[term], term, now=interval)


def _break_even(whole: dict[str, Any] | None, terms: Terms) -> Tile:
    value = _amount(whole, "break_even_cac_reporting", terms)
    return Tile(
        "Break-even cost of winning one",
        value,
        f"{terms.unit} a customer",
        terms.as_of_day_words,
        SHORT["break_even_cac"],
        "break_even_cac",
    )


def _segments(headlines: pl.DataFrame, values: Values, terms: Terms) -> TableBlock:
    rows: list[Row] = []
    hidden = 0
    columns = (
        Column("Segment"),
        Column("Customers"),
        Column("Paid"),
        Column("ARPA"),
        Column("Churn"),
        Column("Median"),
        *(Column(f"{months}", unit="months") for months in HORIZONS),
        Column("Low"),
        Column("High"),
        Column("To come"),
        Column("Received"),
    )
    for segment, heading in SEGMENTS:
        own = headlines.filter(segment=segment).sort("paid_customers", "segment_value", descending=[True, False])
        hidden += max(0, own.height - SHOWN_VALUES)
        if segment == "all":
            rows += [Row((heading, *_figures(row, values, terms)), "total") for row in own.to_dicts()]
        elif own.height:
            rows.append(Row((heading, *([None] * (len(columns) - 1))), "part"))
            rows += [
                Row((row["segment_name"], *_figures(row, values, terms))) for row in own.head(SHOWN_VALUES).to_dicts()
            ]
    return TableBlock(
        "Lifetime value by segment",
        Table(
            "ltv-segments",
            f"Lifetime value by segment, {terms.unit} a customer",
            columns,
            tuple(rows),
            notes=(
                "paid: everyone who ever did",
                "churn: a month, of the last six",
                "median: months after which half have left",
                "low and high: 95% interval of the 36 months",
            ),
            empty="Nobody has paid yet.",
            sortable=False,
            more=hidden,
            download=_segments_download(headlines, values, terms),
        ),
        f"{terms.unit} a customer",
        "A customer belongs to what it began with, whatever it changed to.",
        "customer_ltv",
    )


def _figures(row: dict[str, Any], values: Values, terms: Terms) -> tuple[Cell, ...]:
    """A segment's row after its name."""
    by = {method: values.get((row["segment"], row["segment_value"], method)) for method in METHODS}
    longest = by[f"km_rmst_{HORIZONS[-1]}"]
    return (
        Count(row["customers"]),
        Count(row["paid_customers"]),
        Missing("nobody pays now") if row["arpa_reporting"] is None else terms.money(row["arpa_reporting"]),
        rate(row["lost_customers"], row["at_risk_customer_months"], "no full month with customers has passed"),
        _number(row["median_months"], "more than half were still there"),
        *(_amount(by[f"km_rmst_{months}"], "ltv_reporting", terms) for months in HORIZONS),
        _amount(longest, "ltv_low_reporting", terms),
        _amount(longest, "ltv_high_reporting", terms),
        _amount(by["sbg_residual"], "ltv_reporting", terms),
        _amount(by["realised"], "ltv_reporting", terms),
    )


METHODS = ("simple", "discounted", *(f"km_rmst_{months}" for months in (*HORIZONS, 60)), "sbg_residual", "realised")


def _segments_download(headlines: pl.DataFrame, values: Values, terms: Terms) -> Download:
    """A row a segment and formula."""
    header = (
        "segment",
        "segment_value",
        "segment_name",
        "method",
        "horizon_months",
        "customers",
        "lifetime_months",
        "ltv",
        "ltv_low",
        "ltv_high",
        "currency",
        "reason",
    )
    named = {(row["segment"], row["segment_value"]): row["segment_name"] for row in headlines.to_dicts()}

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            row["segment"],
            row["segment_value"],
            named.get((row["segment"], row["segment_value"])),
            row["method"],
            None if row["horizon_months"] is None else Count(row["horizon_months"]),
            Count(row["customers"]),
            None if row["lifetime_months"] is None else Ratio(row["lifetime_months"]),
            *(_amount(row, f"ltv{end}_reporting", terms) for end in ("", "_low", "_high")),
            terms.unit,
            row["reason"],
        )

    return Download("ltv-segments", header, [cells(row) for row in values.values()])


def _realised_chart(marts: Marts, terms: Terms) -> Chart:
    """Cash a customer has brought by age, a line a cohort year."""
    years = _by_year(marts.table("customer_value_by_age"))
    chosen = sorted((year for year, cash in years.items() if len(cash) > 1), reverse=True)[: len(YEARS)]
    months = max((len(years[year]) for year in chosen), default=0)
    lines = [
        Series(
            str(year),
            role,
            [terms.money(years[year][age]) if age < len(years[year]) else None for age in range(months)],
        )
        for year, role in zip(chosen, YEARS, strict=False)
    ]
    rows = tuple(Row((_age(age), *(line.values[age] for line in lines))) for age in range(months))
    return Chart(
        "realised",
        "Cash received from a customer so far, by months since joining",
        figures.lines([str(age) for age in range(months)], lines, from_zero=True),
        _realised_words(years, terms),
        f"{terms.unit} a customer, after refunds, disputes and fees",
        f"{SHORT['customer_value']} A line ends where its youngest cohort does.",
        "customer_value",
        Table(
            "realised",
            f"Cash received from a customer by year of joining, {terms.unit}",
            (Column("Months since"), *(Column(line.name) for line in lines)),
            rows,
            empty=NO_YEAR,
        ),
        empty="" if months else NO_YEAR,
    )


NO_COHORT = "No cohort yet: the first month is not over."
NO_YEAR = "No year's customers have all been there for a month after joining yet."


def _by_year(frame: pl.DataFrame) -> dict[int, list[Decimal]]:
    """Cash of a customer by age for each year of joining, as far as all its cohorts have come."""
    dated = frame.with_columns(year=pl.col("cohort_month").dt.year())
    reach = dated.group_by("year", "cohort_month").agg(pl.col("months_since").max())
    together = reach.group_by("year").agg(until=pl.col("months_since").min())
    sums = (
        dated.join(together, on="year")
        .filter(pl.col("months_since") <= pl.col("until"))
        .group_by("year", "months_since")
        .agg(pl.col("net_cash_reporting", "cohort_customers").sum())
        .sort("year", "months_since")
    )
    found: dict[int, list[Decimal]] = {}
    for row in sums.to_dicts():
        found.setdefault(row["year"], []).append(Decimal(row["net_cash_reporting"]) / row["cohort_customers"])
    return found


def _realised_words(years: dict[int, list[Decimal]], terms: Terms) -> str:
    grown = {year: cash for year, cash in years.items() if len(cash) > 12}
    if not grown:
        return "No year's customers have all been there for twelve months yet."
    said = [f"{year} {terms.words(cash[12])}" for year, cash in sorted(grown.items())[-3:]]
    return f"After 12 months a customer had brought, by year of joining: {', '.join(said)}."


def _realised_table(marts: Marts, terms: Terms) -> TableBlock:
    frame = marts.table("customer_value_by_age")
    cohorts = sorted(frame["cohort_month"].unique().to_list())[-COHORTS:]
    by = {(row["cohort_month"], row["months_since"]): row for row in frame.to_dicts()}
    ages = [age for age in AGES if any((cohort, age) in by for cohort in cohorts)]

    def cell(cohort: date, age: int) -> Cell:
        row = by.get((cohort, age))
        return None if row is None else terms.money(row["net_cash_per_customer_reporting"])

    rows = tuple(
        Row((Month(cohort), Count(by[cohort, 0]["cohort_customers"]), *(cell(cohort, age) for age in ages)))
        for cohort in reversed(cohorts)
    )
    return TableBlock(
        "Cash received from a customer, by cohort",
        Table(
            "realised-cohorts",
            f"Cash received from a customer by cohort and months since, {terms.unit}",
            (Column("Cohort"), Column("Customers"), *(Column(f"+{age}" if age else "joined") for age in ages)),
            rows,
            empty=NO_COHORT,
            sortable=False,
            download=_realised_download(frame, terms),
        ),
        f"{terms.unit} a customer, after refunds, disputes and fees",
        SHORT["customer_value"],
        "customer_value",
        "Months that are not over are blank.",
    )


def _realised_download(frame: pl.DataFrame, terms: Terms) -> Download:
    header = ("cohort_month", "months_since", "cohort_customers", "net_cash", "net_cash_per_customer", "currency")

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            Month(row["cohort_month"]),
            Count(row["months_since"]),
            Count(row["cohort_customers"]),
            terms.money(row["net_cash_reporting"]),
            terms.money(row["net_cash_per_customer_reporting"]),
            terms.unit,
        )

    return Download("realised-cohorts", header, Rows(frame.sort("cohort_month", "months_since"), cells))


def _fits(marts: Marts) -> TableBlock:
    frame = marts.table("renewal_fits").sort("segment", "segment_value", "customers", descending=[False, False, True])
    whole = frame.filter(segment="all").to_dicts()
    fitted = [row for row in whole if row["first_churn_rate"] is not None]
    rows = tuple(
        Row(
            (
                row["billing_interval"],
                Count(row["customers"]),
                Count(row["churned_customers"]),
                Count(row["renewals_seen"]),
                _or_reason(share(row["first_churn_rate"]), row),
                _number(row["alpha"], row["reason"] or ALIKE),
                _number(row["beta"], row["reason"] or ALIKE),
                _number(row["discounted_periods"], row["reason"] or "nothing is discounted"),
            )
        )
        for row in whole
    )
    columns = (
        "Billing interval",
        "Ever paid",
        "Left",
        "Renewals seen",
        "Leave at the first",
        "α",
        "β",
        "Discounted periods",
    )
    return TableBlock(
        "Renewals, by billing interval",
        Table(
            "renewal-fits",
            "The fitted renewal model by billing interval",
            tuple(map(Column, columns)),
            rows,
            empty="Nobody has paid yet.",
            download=_fits_download(frame),
        ),
        "Customers, shares and billing periods",
        SHORT["renewals"],
        "renewals",
        f"{len(fitted)} of {len(whole)} billing intervals have enough customers and churn to be fitted."
        if whole
        else "",
    )


ALIKE = "all customers are alike, so that no spread is found"


def _fits_download(frame: pl.DataFrame) -> Download:
    kept = frame.drop("account_id")

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return tuple(
            Ratio(Decimal(str(value)))
            if isinstance(value, float)
            else Count(value)
            if isinstance(value, int)
            else value
            for value in row.values()
        )

    return Download("renewal-fits", tuple(kept.columns), Rows(kept, cells))


def _whole(headlines: pl.DataFrame) -> dict[str, Any] | None:
    rows = headlines.filter(segment="all").to_dicts()
    return rows[0] if rows else None


def _by_method(marts: Marts) -> Sequence[dict[str, Any]]:
    return marts.table("ltv_by_method").sort("segment", "segment_value", "method").to_dicts()


def _amount(row: dict[str, Any] | None, column: str, terms: Terms) -> Cell:
    """An amount of a row; why there is none where there is none."""
    if row is None:
        return Missing(NOT_PUBLISHED)
    return terms.money(row[column]) if row[column] is not None else Missing(row["reason"] or "this formula has none")


def _number(value: float | None, reason: str) -> Cell:
    return Missing(reason) if value is None else Ratio(Decimal(str(value)))


def _or_reason(found: Rate | None, row: dict[str, Any]) -> Cell:
    return Missing(row["reason"]) if found is None else found


def _age(months: int) -> Cell:
    return Count(months) if months else "0"


def _months(count: int) -> str:
    return f"{count} month{'' if count == 1 else 's'}"
