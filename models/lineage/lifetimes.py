"""Rows behind cohorts, survival and lifetime value: customers, and the stretches in which they could have left.

A survival curve and a lifetime value are no sums: they are made anew of the very rows that are shown, by the functions
that made the published ones.
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import polars as pl

from models.lineage.source import EXACT, MONEY, NUMBER, Cell, Frame, Make, Source, counted, decimal, source
from models.movements import CUSTOMER
from models.retention import kept_customers
from models.segments import YEAR_DAYS
from models.spells import SEGMENT, segmented
from models.survival import counts, curve, restricted_mean
from models.tenure import tenure_month
from models.terms import Terms

_COHORTS = "spine.movements spine.mrr_rates"
_LIVES = "steps.spells"
_PAYING = "steps.spells marts.customers"


def _cohort(*, at_start: bool, as_count: bool) -> Make:
    def rows(movements: Frame, mrr_rates: Frame, terms: Terms) -> Frame:
        kept = kept_customers(movements, mrr_rates, terms).rename({"cohort_month": "month"})
        if at_start:
            kept = kept.filter(pl.col("months_since") == 0).drop("months_since")
        if as_count:
            return counted(kept.drop("micros", "micros_reporting", "currency").unique())
        return kept.select(
            pl.exclude("micros", "micros_reporting", "currency"),
            own_amount=decimal("micros"),
            own_currency="currency",
            amount=decimal("micros_reporting"),
            currency=pl.lit(terms.currency),
        )

    return rows


def _lives(spells: Frame, terms: Terms) -> Frame:
    """Stretches in which customers were seen at risk of leaving, once for each segment, with their months of tenure."""
    return counted(
        segmented(spells).select(
            *CUSTOMER,
            *SEGMENT[1:],
            "first_paid_on",
            "from_age",
            "to_age",
            "ended_as",
            from_month=tenure_month("from_age"),
            to_month=tenure_month("to_age"),
            month=pl.lit(None, pl.Date),
        )
    )


def _paying(*, as_count: bool) -> Make:
    def rows(spells: Frame, customers: Frame, terms: Terms) -> Frame:
        members = segmented(spells.unique(CUSTOMER)).select(*CUSTOMER, *SEGMENT[1:], "first_paid_on")
        paying = customers.filter(pl.col("status").is_in(["active", "past_due"]))
        facts = members.join(paying.select(*CUSTOMER, "mrr", "currency", "mrr_reporting"), on=CUSTOMER).select(
            *CUSTOMER,
            *SEGMENT[1:],
            "first_paid_on",
            month=pl.lit(None, pl.Date),
            own_amount=pl.col("mrr").cast(EXACT),
            own_currency="currency",
            amount=pl.col("mrr_reporting").cast(EXACT),
            currency=pl.lit(terms.currency),
        )
        return counted(facts) if as_count else facts

    return rows


def _of_segment(cell: Cell) -> pl.Expr:
    return (pl.col("segment") == pl.lit(cell["segment"])) & (pl.col("segment_value") == pl.lit(cell["segment_value"]))


def _at_risk(cell: Cell) -> pl.Expr:
    """The stretches that were there in a month of tenure."""
    return (
        _of_segment(cell)
        & (pl.col("from_month") <= pl.lit(cell["tenure_month"]))
        & (pl.col("to_month") >= pl.lit(cell["tenure_month"]))
    )


def _left(cell: Cell) -> pl.Expr:
    return _of_segment(cell) & pl.col("ended_as").is_not_null() & (pl.col("to_month") == pl.lit(cell["tenure_month"]))


def _begun(cell: Cell) -> pl.Expr:
    """The stretches that had begun by the end of a month of tenure: all that the curve up to there is made of."""
    return _of_segment(cell) & (pl.col("from_month") <= pl.lit(cell["tenure_month"]))


def survival(rows: Mapping[str, pl.DataFrame], cell: Cell, terms: Terms) -> Decimal | None:
    """The share still there at the end of a month of tenure, by Kaplan and Meier, of the rows of `lives_begun`."""
    seen = _curve(rows["lives_begun"])
    by_then = seen.filter(tenure_month("age") <= pl.lit(cell["tenure_month"])).sort("age")
    return None if by_then.is_empty() else _decimal(by_then["survival"][-1])


def lifetime_value(rows: Mapping[str, pl.DataFrame], cell: Cell, terms: Terms) -> Decimal | None:
    """ARPA x margin x months of paying within the horizon: MRR and number of those who pay now, and the area under the
    curve of the rows of `segment_lives`."""
    horizon = cell["horizon_months"] * YEAR_DAYS // 12
    seen = _curve(rows["segment_lives"]).lazy().with_columns(of=pl.lit(""))
    wanted = pl.LazyFrame({"of": [""], "horizon": [horizon]}, schema_overrides={"horizon": pl.Int64})
    mean = restricted_mean(seen, wanted, ["of"]).collect()["mean"]
    payers = rows["segment_customers"].height
    if mean.is_empty() or not payers:
        return None
    months = Fraction(round(Fraction(mean[0] * 12 / YEAR_DAYS) * 1_000_000), 1_000_000)
    arpa = Fraction(Decimal(rows["segment_mrr"]["amount"].sum())) / payers
    return Decimal(round(arpa * terms.policy.gross_margin * months))


def _curve(lives: pl.DataFrame) -> pl.DataFrame:
    stretches = lives.lazy().with_columns(of=pl.lit(""))
    return curve(counts(stretches, ["of"], "from_age", "to_age", "ended_as"), ["of"]).drop("of").collect()


def _decimal(share: float) -> Decimal:
    return Decimal(round(Fraction(share) * 1_000_000)).scaleb(-6)


SOURCES: Mapping[str, Source] = {
    "cohort_customers": source("customers of the cohort", NUMBER, _cohort(at_start=True, as_count=True), _COHORTS),
    "kept_customers": source("of these, those who pay", NUMBER, _cohort(at_start=False, as_count=True), _COHORTS),
    "cohort_mrr": source(
        "customers of the cohort by currency, on their first paid day",
        MONEY,
        _cohort(at_start=True, as_count=False),
        _COHORTS,
        "first_paid_on",
        "spine.mrr_rates",
    ),
    "kept_cohort_mrr": source(
        "of these, those who pay, at the rate of then",
        MONEY,
        _cohort(at_start=False, as_count=False),
        _COHORTS,
        "first_paid_on",
        "spine.mrr_rates",
    ),
    "lives_at_risk": source("stretches of customers who could leave in it", NUMBER, _lives, _LIVES, within=_at_risk),
    "lives_ended": source("of these, those who left", NUMBER, _lives, _LIVES, within=_left),
    "lives_begun": source("stretches of customers seen up to then", NUMBER, _lives, _LIVES, within=_begun),
    "segment_lives": source("stretches of customers who could leave", NUMBER, _lives, _LIVES, within=_of_segment),
    "segment_mrr": source("customers who pay now", MONEY, _paying(as_count=False), _PAYING, within=_of_segment),
    "segment_customers": source("customers who pay now", NUMBER, _paying(as_count=True), _PAYING, within=_of_segment),
}
