"""Any figure followed to its rows: what it is, its inputs, the rows behind each, and whether they add up to it.

A figure is arithmetic on inputs (`models.metrics`), an input is a sum of rows (`models.lineage`). Everything is found
in the published tables alone, so that whoever has the file can check it; nothing here defines a metric.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import polars as pl

from models import published
from models.lineage import SOURCES, lifetimes, policies
from models.lineage.source import CORE, EXACT, IDS, NUMBER, Cell, Source
from models.marts import RECIPES, Recipe
from models.metrics import AMOUNT, COUNT, METRICS, RATE, Metric, of_inputs
from models.periods import is_partial, month_of
from models.plans import collected
from models.policy import GROUPS
from models.terms import Terms

AMOUNTS = ("own_amount", "own_currency", "amount", "currency")
"""The last columns of rows."""

Frames = Mapping[str, pl.LazyFrame]
"""Published tables by name: `marts.<table>`, `staging.<table>`."""


@dataclass(frozen=True)
class Derived:
    """How a figure that is no arithmetic on sums is made anew of the rows of its inputs."""

    words: str
    make: Callable[[Mapping[str, pl.DataFrame], Cell, Terms], Decimal | None]


@dataclass(frozen=True)
class Figure:
    """A figure that can be explained: arithmetic on inputs, and the published column that it must equal."""

    metric: Metric
    table: str = "metrics_by_month"
    column: str | None = None
    """Column that holds it, summed over the month's rows (of each currency, where `in_own_currency`); None: the row of
    `metrics_by_month` that bears its name."""
    where: tuple[str, str] | None = None
    """Column and value that choose rows of the table; None: all."""
    in_own_currency: bool = False
    over: str | None = None
    """Column that holds its denominator, where it has one and a column."""
    keys: tuple[str, ...] = ()
    """Further columns of the table that choose one figure of a month, such as `policy`."""
    usual: Mapping[str, str] = field(default_factory=dict)
    """The keys that are meant where none are named."""
    derived: Derived | None = None

    @property
    def name(self) -> str:
        """As it is asked for."""
        return self.metric.name

    @property
    def unit(self) -> str:
        """minor_units, count, rate or ratio."""
        return self.metric.unit

    @property
    def is_divided(self) -> bool:
        """Whether it is a numerator over a denominator."""
        return self.metric.denominator is not None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs of its numerator and denominator, each once, in order."""
        sides = [self.metric.numerator, *([] if self.metric.denominator is None else [self.metric.denominator])]
        return tuple(dict.fromkeys(name for side in sides for name in side.meta.root_names()))


def _column(
    name: str, unit: str, formula: str, table: str, column: str | None = None, of: Sequence[str] = (), **more: object
) -> Figure:
    """A figure that is a published column: the sum of `of`, or of the input of its own name."""
    numerator = pl.sum_horizontal(pl.col(one).cast(EXACT) for one in (of or (name,)))
    return Figure(Metric(name, unit, formula, numerator), table, column or name, **more)  # type: ignore[arg-type]


def _cell(name: str, unit: str, formula: str, table: str, column: str, of: Sequence[str], **more: object) -> Figure:
    """A figure of a table that has more keys than the month: the sum of `of`; `over` another, where it is divided."""
    over = more.pop("denominator", None)
    numerator = pl.sum_horizontal(pl.col(one).cast(EXACT) for one in of)
    denominator = None if over is None else pl.col(str(over)).cast(EXACT)
    return Figure(Metric(name, unit, formula, numerator, denominator), table, column, **more)  # type: ignore[arg-type]


_MRR, _REVENUE, _CASH = "mrr_by_month_reporting", "revenue_recognition_by_month", "cash_by_day"

FIGURES: Mapping[str, Figure] = {
    **{
        figure.name: figure
        for figure in (
            *(Figure(metric) for metric in METRICS),
            _column("opening_mrr", AMOUNT, "MRR at the end of the month before", _MRR),
            _column("new_mrr", AMOUNT, "MRR of customers who never paid before", _MRR),
            _column("expansion_mrr", AMOUNT, "increases of customers who paid already", _MRR),
            _column("contraction_mrr", AMOUNT, "decreases of customers who go on paying; negative", _MRR),
            _column("churn_mrr", AMOUNT, "MRR of customers who stopped; negative", _MRR),
            _column("reactivation_mrr", AMOUNT, "MRR of customers who came back", _MRR),
            _column("new_customers", COUNT, "customers who paid for the first time", _MRR),
            _column("churned_customers", COUNT, "customers who left in the month, with any kind of churn", _MRR),
            _column("reactivated_customers", COUNT, "customers who came back in the month", _MRR),
            _column(
                "refunds",
                AMOUNT,
                "refunds made in the month, each at its day's rate",
                "refund_rates_by_month",
                "refund_amount_reporting",
                ("refunded_amount",),
                where=("basis", "refund_month"),
            ),
            _column("disputes", COUNT, "disputes of card payments received in the month", "dispute_rates_by_month"),
            _column("failed_invoices", COUNT, "invoices that failed first in the month", "recovery_by_month"),
            _column(
                "failed_amount",
                AMOUNT,
                "amount due of the invoices that failed first in the month",
                "recovery_by_month",
                "failed_amount_reporting",
                ("failed_amount_reporting",),
            ),
            _column("recovered_invoices", COUNT, "of the invoices that failed, those paid since", "recovery_by_month"),
            _column(
                "recovered_amount",
                AMOUNT,
                "amount due of those paid since",
                "recovery_by_month",
                "recovered_amount_reporting",
                ("recovered_amount_reporting",),
            ),
            *(
                _column(f"cash_{column}", AMOUNT, formula, _CASH, column, in_own_currency=True)
                for column, formula in (
                    ("charges", "payments received, gross, by settlement currency"),
                    ("refunds", "refunds, negative, by settlement currency"),
                    ("disputes", "disputed amounts withdrawn less those given back, by settlement currency"),
                    ("fees", "Stripe's fees, negative, by settlement currency"),
                    ("adjustments", "everything else that is no payout, by settlement currency"),
                    ("payouts", "paid out to the bank, negative, by settlement currency"),
                )
            ),
            _column(
                "cash_net",
                AMOUNT,
                "charges + refunds + disputes + fees + adjustments, by settlement currency",
                _CASH,
                "net",
                ("cash_charges", "cash_refunds", "cash_disputes", "cash_fees", "cash_adjustments"),
                in_own_currency=True,
            ),
            _column(
                "billed",
                AMOUNT,
                "invoiced + credited + written off, without tax, by currency",
                _REVENUE,
                of=("invoiced", "credited", "written_off"),
                in_own_currency=True,
            ),
            _column(
                "recognized",
                AMOUNT,
                "earned + contra revenue + bad debt: net revenue of the month, by currency",
                _REVENUE,
                of=("earned", "contra_revenue", "bad_debt"),
                in_own_currency=True,
            ),
            *(
                _column(name, AMOUNT, formula, _REVENUE, in_own_currency=True)
                for name, formula in (
                    ("invoiced", "lines of invoices finalised in the month, after discounts, without tax"),
                    ("credited", "credit notes, refunds, disputes and voids of the month, negative"),
                    ("written_off", "unpaid invoices given up in the month, negative"),
                    ("earned", "what passed of the periods billed"),
                    ("contra_revenue", "of what was credited, what had been earned before"),
                    ("bad_debt", "of what was written off, what had been earned before"),
                    ("deferred_opening", "billed and not yet earned at the start of the month"),
                    ("deferred_closing", "billed and not yet earned at the end of the month"),
                )
            ),
        )
    },
    "cash_closing_balance": _column(
        "cash_closing_balance",
        AMOUNT,
        "what all balance transactions to the end of the month leave, by settlement currency",
        "balance_reconciliation",
        "closing_balance",
        in_own_currency=True,
    ),
    "payout": _cell(
        "payout",
        AMOUNT,
        "what a payout carried: a line of the bank statement, by the month in which it was made",
        "payout_reconciliation",
        "carried",
        ("payout_carried",),
        keys=("payout_id",),
        in_own_currency=True,
    ),
    **{
        f"{name}_mrr_by_currency": _column(
            f"{name}_mrr_by_currency", AMOUNT, formula, "mrr_by_month", f"{name}_mrr", in_own_currency=True
        )
        for name, formula in (
            ("opening", "MRR at the start of the month, by currency"),
            ("new", "MRR of customers who never paid in the currency before, by currency"),
            ("expansion", "increases of customers who paid already, by currency"),
            ("contraction", "decreases of customers who go on paying, negative, by currency"),
            ("churn", "MRR of customers who stopped, negative, by currency"),
            ("reactivation", "MRR of customers who came back, by currency"),
            ("closing", "MRR at the end of the month, by currency"),
        )
    },
    **{
        figure.name: figure
        for figure in (
            _cell(
                "mrr_under_policy",
                AMOUNT,
                "MRR at the end of the month by the rules of a policy",
                "mrr_by_policy",
                "closing_mrr_reporting",
                ("mrr_under_policy",),
                keys=("policy",),
            ),
            _cell(
                "policy_difference",
                AMOUNT,
                "MRR by the rules of a policy less MRR by the default's",
                "mrr_by_policy",
                "difference_reporting",
                ("policy_difference",),
                keys=("policy",),
            ),
            *(
                _cell(
                    f"policy_{group}",
                    AMOUNT,
                    f"of the difference to the default, what the rules of {group.replace('_', ' ')} make",
                    "mrr_by_policy",
                    f"{group}_reporting",
                    (f"policy_{group}",),
                    keys=("policy",),
                )
                for group in GROUPS
            ),
            _cell(
                "cohort_customer_retention",
                RATE,
                "customers of a cohort who pay so many months later / all of the cohort",
                "cohort_retention",
                "customers",
                ("kept_customers",),
                over="cohort_customers",
                denominator="cohort_customers",
                keys=("months_since",),
            ),
            _cell(
                "cohort_mrr_retention",
                RATE,
                "what a cohort pays so many months later / on its first paid days, at the rates of then",
                "cohort_retention",
                "mrr_reporting",
                ("kept_cohort_mrr",),
                over="cohort_mrr_reporting",
                denominator="cohort_mrr",
                keys=("months_since",),
            ),
            _cell(
                "survival_at_risk",
                COUNT,
                "customers who could leave in a month of tenure",
                "survival_by_month",
                "at_risk",
                ("lives_at_risk",),
                keys=("segment", "segment_value", "tenure_month"),
                usual={"segment": "all"},
            ),
            _cell(
                "survival_churned",
                COUNT,
                "customers who left in a month of tenure",
                "survival_by_month",
                "churned",
                ("lives_ended",),
                keys=("segment", "segment_value", "tenure_month"),
                usual={"segment": "all"},
            ),
            _cell(
                "survival",
                RATE,
                "share of customers still there at the end of a month of tenure",
                "survival_by_month",
                "survival",
                ("lives_begun",),
                keys=("segment", "segment_value", "tenure_month"),
                usual={"segment": "all"},
                derived=Derived(
                    "the product over all ages, of 1 − left / at risk, of lives_begun (Kaplan-Meier)",
                    lifetimes.survival,
                ),
            ),
            _cell(
                "customer_ltv",
                AMOUNT,
                "lifetime value of a segment by its headline method",
                "customer_ltv",
                "ltv_reporting",
                ("segment_mrr", "segment_customers", "segment_lives"),
                keys=("segment", "segment_value", "horizon_months"),
                derived=Derived(
                    "segment_mrr / segment_customers × gross margin × months under the survival curve of segment_lives "
                    "up to the horizon",
                    lifetimes.lifetime_value,
                ),
            ),
        )
    },
}
"""Every figure that can be explained, the metrics first."""

MADE_TO_EXPLAIN: Mapping[str, Recipe] = {
    "steps.items_by_policy": Recipe(policies.by_item, (*(f"staging.{name}" for name in policies.STAGED), "spine.rates"))
}
"""Frames that nothing but an explanation takes."""


@dataclass(frozen=True)
class Input:
    """An input of a figure: what its rows are, the rows of one month, and their sum."""

    name: str
    source: Source
    rows: pl.DataFrame
    total: Decimal


@dataclass(frozen=True)
class Explanation:
    """One figure of one month, in one currency where it is an amount."""

    figure: Figure
    month: date
    currency: str | None
    cell: Cell
    """The values of the figure's keys."""
    is_partial: bool
    numerator: Decimal | None
    denominator: Decimal | None
    """As published; the numerator of what is not divided is the figure itself."""
    inputs: tuple[Input, ...]
    found_numerator: Decimal | None = field(default=None)
    found_denominator: Decimal | None = field(default=None)
    """What the inputs come to by the metric's own arithmetic."""

    @property
    def agrees(self) -> bool:
        """Whether the rows come to what was published, to the last digit."""
        return (self.numerator, self.denominator) == (self.found_numerator, self.found_denominator)

    def of(self, customer_id: str | None) -> tuple[Input, ...]:
        """The inputs with the rows of one customer alone; None: of no customer."""
        own = pl.col("customer_id").eq_missing(pl.lit(customer_id, pl.String))
        return tuple(_input(each.name, each.rows.filter(own)) for each in self.inputs)


def needed(figures: Iterable[Figure]) -> tuple[str, ...]:
    """The published tables, as `marts.<table>` or `staging.<table>`, that explaining the figures takes."""
    tables: set[str] = {"marts.publication"}
    open_ones = [f"marts.{figure.table}" for figure in figures]
    open_ones += _taken(figures)
    while open_ones:
        name = open_ones.pop()
        if name in FROM_PUBLISHED:
            open_ones.append(FROM_PUBLISHED[name])
        elif name.startswith("steps."):
            open_ones += _recipe(name).inputs
        else:
            tables.add(name)
    return tuple(sorted(tables))


def explain(
    figures: Sequence[Figure],
    months: Collection[date],
    tables: Frames,
    terms: Terms,
    cell: Mapping[str, str] | None = None,
) -> list[Explanation]:
    """The figures of the months, in order of the figures; the months in order.

    Args:
        figures: of `FIGURES`.
        months: first days; one of which nothing is published is left out.
        tables: those of `needed`, of one account.
        terms: those of the publication.
        cell: values of the figures' keys, as text; of a key that is not there all values. None: what each figure
            usually means.
    """
    frames = working_frames(figures, tables, terms)
    names = dict.fromkeys(name for figure in figures for name in figure.inputs)
    wanted = pl.col("month").is_in(sorted(months))
    of_months = [pl.lit(True) if SOURCES[name].within else wanted for name in names]
    made = pl.collect_all(
        [_rows(SOURCES[name], frames, terms).filter(rows) for name, rows in zip(names, of_months, strict=True)]
    )
    behind = {name: _with_rate(rows, SOURCES[name], frames, terms) for name, rows in zip(names, made, strict=True)}
    return [
        one
        for figure in figures
        for one in _explained(figure, months, behind, tables, terms, figure.usual if cell is None else cell)
    ]


def months(figure: Figure, tables: Frames, terms: Terms) -> dict[date, bool]:
    """The months of which the figure is published, and whether each is still going on."""
    return dict(
        _published(figure, tables, terms).select("month", "is_partial").unique().sort("month").pipe(collected).rows()
    )


def working_frames(figures: Sequence[Figure], tables: Frames, terms: Terms) -> dict[str, pl.LazyFrame]:
    """The frames that the sources of the figures take, each collected once."""
    frames = dict(tables)
    for name in _taken(figures):
        _add(name, frames, terms)
    return frames


def _taken(figures: Iterable[Figure]) -> list[str]:
    """The frames that the sources of the figures take."""
    sources = [SOURCES[name] for figure in figures for name in figure.inputs]
    rates = [source.rates for source in sources if source.rated_on]
    return list(dict.fromkeys([*(name for source in sources for name in source.inputs), *rates]))


FROM_PUBLISHED: Mapping[str, str] = {
    "spine.changes": "marts.mrr_changes",
    "spine.movements": "marts.mrr_movements",
    "spine.rates": "marts.exchange_rates",
    "spine.mrr_rates": "marts.exchange_rates",
    "steps.customers": "marts.customers",
}
"""Frames of the spine and of steps, and the published tables that they are read back from."""


def _add(name: str, frames: dict[str, pl.LazyFrame], terms: Terms) -> None:
    """Make a frame that is not published, after what it is made from."""
    if name in frames:
        return
    if name in FROM_PUBLISHED:
        frames[name] = _spine_frame(name, frames[FROM_PUBLISHED[name]], terms).pipe(collected).lazy()
        return
    recipe = _recipe(name)
    for given in recipe.inputs:
        _add(given, frames, terms)
    frames[name] = recipe.make(*(frames[given] for given in recipe.inputs), terms).pipe(collected).lazy()


def _recipe(name: str) -> Recipe:
    return MADE_TO_EXPLAIN[name] if name in MADE_TO_EXPLAIN else RECIPES[name]


def _spine_frame(name: str, table: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    if name == "spine.rates":
        return published.daily_rates(table)
    if name == "spine.mrr_rates":
        return published.mrr_rates(table, terms)
    if name == "steps.customers":
        return table
    return published.in_micros(table)


def _rows(source: Source, frames: Frames, terms: Terms) -> pl.LazyFrame:
    made = source.make(*(frames[name] for name in source.inputs), terms).with_columns(pl.col("amount").fill_null(0))
    there = made.collect_schema().names()
    ids = [column for column in IDS if column in there]
    facts = [column for column in there if column not in CORE and column not in ids]
    return made.select("month", *ids, *facts, *AMOUNTS)


def _with_rate(rows: pl.DataFrame, source: Source, frames: Frames, terms: Terms) -> pl.DataFrame:
    """The rows with the rate that own_amount was converted at, in major units; null where it is in the currency."""
    if not source.rated_on:
        return rows
    key = ["own_currency", source.rated_on]
    wanted = rows.filter(pl.col("own_currency") != terms.currency).select(key).unique()
    used = frames[source.rates].rename({"currency": "own_currency", "date": source.rated_on})
    rates = published.in_major_units(used.join(wanted.lazy(), on=key).pipe(collected), "own_currency", terms)
    facts = rows.columns[: -len(AMOUNTS)]
    return rows.join(rates.select(*key, "rate"), on=key, how="left").select(
        "month", *facts[1:], "own_amount", "own_currency", "rate", "amount", "currency"
    )


def _explained(
    figure: Figure,
    months: Collection[date],
    behind: Mapping[str, pl.DataFrame],
    tables: Frames,
    terms: Terms,
    cell: Mapping[str, str],
) -> list[Explanation]:
    told = _published(figure, tables, terms).filter(
        pl.col("month").is_in(sorted(months)), *(pl.col(key).cast(pl.String) == value for key, value in cell.items())
    )
    return [
        _explanation(figure, row, behind, terms)
        for row in told.sort("month", "currency", *figure.keys).pipe(collected).iter_rows(named=True)
    ]


def _explanation(
    figure: Figure, row: Mapping[str, object], behind: Mapping[str, pl.DataFrame], terms: Terms
) -> Explanation:
    own = [pl.col("currency").eq(row["currency"])] if figure.in_own_currency else []
    cell = {"month": row["month"]} | {key: row[key] for key in figure.keys}
    inputs = tuple(_input(name, _behind(SOURCES[name], behind[name], own, cell)) for name in figure.inputs)
    cell.pop("month")
    found = made_of(figure, inputs, cell, terms)
    money = str(row["currency"]) if figure.in_own_currency else terms.currency
    is_number = figure.unit == COUNT or all(SOURCES[name].unit == NUMBER for name in figure.inputs)
    currency = None if is_number else money
    return Explanation(
        figure,
        row["month"],  # type: ignore[arg-type]
        currency,
        cell,
        bool(row["is_partial"]),
        row["numerator"],  # type: ignore[arg-type]
        row["denominator"],  # type: ignore[arg-type]
        inputs,
        *found,
    )


def _behind(source: Source, rows: pl.DataFrame, own: Sequence[pl.Expr], cell: Cell) -> pl.DataFrame:
    """The rows of a source that are behind a cell, and `own`, without what is the same in all of them."""
    if source.within is not None:
        chosen = rows.filter(*own, source.within(cell))
    else:
        chosen = rows.filter(*own, *(pl.col(key) == value for key, value in cell.items() if key in rows.columns))
    return chosen.drop("month", *cell, strict=False)


def made_of(figure: Figure, inputs: Sequence[Input], cell: Cell, terms: Terms) -> tuple[Decimal | None, Decimal | None]:
    """The numerator and the denominator that the figure's own arithmetic makes of its inputs."""
    if figure.derived is not None:
        return figure.derived.make({each.name: each.rows for each in inputs}, cell, terms), None
    totals = pl.LazyFrame(
        {"account_id": [""], "month": [None], **{each.name: [each.total] for each in inputs}},
        schema_overrides={each.name: EXACT for each in inputs},
    )
    found = of_inputs(figure.metric, totals).pipe(collected).row(0, named=True)
    return found["numerator"], found["denominator"]


def _input(name: str, rows: pl.DataFrame) -> Input:
    """The rows, the largest first and of equals always in the same order, and their sum."""
    ids = [column for column in IDS if column in rows.columns]
    order = [*ids, *(column for column in rows.columns if column not in ids)]
    largest_first = rows.sort(pl.col("amount").abs(), *order, descending=[True, *(False for _ in order)])
    return Input(name, SOURCES[name], largest_first, Decimal(rows["amount"].sum() or 0))


def _published(figure: Figure, tables: Frames, terms: Terms) -> pl.LazyFrame:
    """month, currency, is_partial, numerator, denominator."""
    table = tables[f"marts.{figure.table}"]
    nothing, no_currency = pl.lit(None, EXACT), pl.lit(None, pl.String)
    if figure.column is None:
        chosen = table.filter(pl.col("metric") == figure.name)
        return chosen.select("month", "is_partial", "numerator", "denominator", currency=no_currency)
    if figure.where is not None:
        table = table.filter(pl.col(figure.where[0]) == figure.where[1])
    table = _dated(table, terms).drop_nulls(figure.column)
    by = ["month", *figure.keys, *(["currency"] if figure.in_own_currency else [])]
    over = nothing if figure.over is None else pl.col(figure.over).sum().cast(EXACT)
    numerator, denominator = pl.col(figure.column).sum().cast(EXACT).alias("numerator"), over.alias("denominator")
    summed = table.group_by(by).agg(numerator, denominator, pl.col("is_partial").any())
    return summed if figure.in_own_currency else summed.with_columns(currency=no_currency)


def _dated(table: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The table with the month that its rows are of: of those that say how things are now, the as-of month."""
    there = table.collect_schema().names()
    if "month" in there:
        return table
    if "cohort_month" in there:
        return table.with_columns(month="cohort_month", is_partial=pl.lit(False))
    on = next((column for column in ("date", "created_on") if column in there), None)
    if on is not None:
        return table.with_columns(month=month_of(on), is_partial=is_partial(month_of(on), terms))
    return table.with_columns(month=pl.lit(terms.as_of_day.replace(day=1)), is_partial=pl.lit(True))


# Coefficients are found by asking, so that no formula stands twice.


def arithmetic(figure: Figure) -> str:
    """How the figure is made of its inputs: `recovered_amount_reporting / failed_amount_reporting`."""
    if figure.derived is not None:
        return figure.derived.words
    if figure.name in NOT_LINEAR:
        return NOT_LINEAR[figure.name]
    over = figure.metric.denominator
    top, base = _sum_words(figure.metric.numerator), "" if over is None else _sum_words(over)
    return f"{_bracketed(top)} / {_bracketed(base)}" if base else top


NOT_LINEAR: Mapping[str, str] = {
    "arpa": "closing_mrr / closing_customers",
    "ltv": "(closing_mrr / closing_customers) / (trailing_lost_customers / trailing_base_customers, at least 1/60)",
}
"""The figures that are no sum of inputs and no quotient of sums, and how they are made."""


def coefficients(side: pl.Expr) -> dict[str, int]:
    """What each input of a sum is taken times."""
    names = list(dict.fromkeys(side.meta.root_names()))
    units = pl.DataFrame({name: [int(name == other) for other in names] for name in names})
    worth = units.select(side.cast(EXACT).alias("worth"))["worth"].to_list()
    return {name: int(value) for name, value in zip(names, worth, strict=True)}


def _sum_words(side: pl.Expr) -> str:
    words = ""
    for name, times in coefficients(side).items():
        sign = "\u2212" if times < 0 else "+"
        term = name if abs(times) == 1 else f"{abs(times)} \u00d7 {name}"
        words += f" {sign} {term}" if words else term if times > 0 else f"{sign}{term}"
    return words


def _bracketed(words: str) -> str:
    return f"({words})" if " " in words or words.startswith("\u2212") else words


def is_sum(figure: Figure) -> bool:
    """Whether it is a sum of inputs, or a quotient of two: then parts of it add up."""
    return figure.derived is None and figure.name not in NOT_LINEAR


def timeline(mrr_changes: pl.LazyFrame, customer_id: str) -> pl.DataFrame:
    """What each subscription item of a customer was worth from when to when, and why it changed: a row a stretch.

    `mrr_changes` is the mart. subscription_id, subscription_item_id, price_id, from_at, to_at (null: to this day), mrr
    (minor units of currency), currency, cause (of the start), basis (what it is known from), ended_by.
    """
    following = pl.col("changed_at", "cause").shift(-1).over("subscription_item_id", order_by="changed_at")
    return (
        mrr_changes.filter(pl.col("customer_id") == customer_id)
        .with_columns(following.name.prefix("next_"))
        .filter(pl.col("mrr_after") != 0)
        .sort("changed_at", "subscription_item_id")
        .select(
            "subscription_id",
            "subscription_item_id",
            "price_id",
            from_at="changed_at",
            to_at="next_changed_at",
            mrr="mrr_after",
            currency="currency",
            cause="cause",
            basis="basis",
            ended_by="next_cause",
        )
        .pipe(collected)
    )
