"""How long customers stay: Kaplan-Meier survival with its intervals, median and mean, and which way they leave.

Everything is made from compact counts: at each age, how many came under observation, left, or were last seen. Counts
of parts of the customers add up to those of all, and the curve is made from the sums. Knows stretches of being at risk;
not where they come from, nor what they are worth. An age is a whole number, of days or of renewals.

Kaplan & Meier 1958; Klein & Moeschberger, Survival Analysis (2003): Greenwood's variance and log-log intervals in 4.2
to 4.4, the restricted mean in 4.5, left truncation in 4.6, cumulative incidence (Aalen-Johansen) in 4.7.
"""

from collections.abc import Iterable, Sequence
from statistics import NormalDist

import polars as pl

ENTERED, LAST_SEEN = "entered", "last_seen"
"""Changes that are not ends; every other `change` is a class of ends."""

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
ROUNDING = 1e-12
"""By how much a product of shares may miss a level that it meets."""


def counts(stretches: pl.LazyFrame, by: Sequence[str], start: str, end: str, ended_as: str) -> pl.LazyFrame:
    """How many came and went at each age: the columns of `by`, age, change, customers.

    Args:
        stretches: one row a stretch in which a customer was at risk, both of its ages included. A customer first seen
            at an age above 0 starts there (left truncation); one with a gap has a stretch on either side of it.
        by: the columns that tell curves apart.
        start: column of the first age at which leaving would have been seen; 0 for a customer known from the start.
        end: column of the age at which it left or was last seen.
        ended_as: column of the class of its end; null where it was last seen (right censoring).

    Example:
        >>> seen = pl.LazyFrame({"all": ["x"] * 3, "start": [0, 0, 2], "end": [5, 3, 5], "how": ["left", None, "left"]})
        >>> counts(seen, ["all"], "start", "end", "how").sort("age", "change").collect().rows()
        [('x', 0, 'entered', 2), ('x', 2, 'entered', 1), ('x', 3, 'last_seen', 1), ('x', 5, 'left', 2)]
    """
    came = stretches.select(*by, age=start, change=pl.lit(ENTERED))
    went = stretches.select(*by, age=end, change=pl.col(ended_as).fill_null(LAST_SEEN))
    return _summed(pl.concat([came, went]).with_columns(customers=pl.lit(1, pl.Int64)), by)


def added(parts: Iterable[pl.LazyFrame], by: Sequence[str]) -> pl.LazyFrame:
    """The counts of several parts of the customers as one."""
    return _summed(pl.concat(list(parts)), by)


def at_risk(counts: pl.LazyFrame, by: Sequence[str], classes: Sequence[str] = ()) -> pl.LazyFrame:
    """Each age at which something changed: the columns of `by`, age, entered, last_seen, ended, ended_<class>, at_risk.

    Who leaves or is last seen at an age was at risk at it; so was who came under observation at it.
    """
    customers, change = pl.col("customers"), pl.col("change")
    gone = pl.col("last_seen") + pl.col("ended")
    return (
        counts.group_by(*by, "age")
        .agg(
            customers.filter(change == ENTERED).sum().alias("entered"),
            customers.filter(change == LAST_SEEN).sum().alias("last_seen"),
            customers.filter(~change.is_in([ENTERED, LAST_SEEN])).sum().alias("ended"),
            *(customers.filter(change == one).sum().alias(f"ended_{one}") for one in classes),
        )
        .sort(*by, "age")
        .with_columns(at_risk=(pl.col("entered") - gone).cum_sum().over(by) + gone)
    )


def curve(counts: pl.LazyFrame, by: Sequence[str], classes: Sequence[str] = ()) -> pl.LazyFrame:
    """The survival curve: the rows of `at_risk` with what is known from that age on.

    Further columns: survival, S(t) = Π (1 − d/n); greenwood, Σ d / (n (n − d)), the variance of ln S; low and high, the
    log-log interval S^exp(±z √greenwood / ln S), null where S is 1 or 0; incidence_<class>, the share that has left
    that way, Σ S(t−) d_class/n (Aalen-Johansen): 1 − S is their sum.

    Example:
        >>> seen = pl.LazyFrame({"of": ["x"] * 6, "start": [0] * 6, "end": [1, 2, 2, 3, 3, 3]})
        >>> left = seen.with_columns(how=pl.Series(["left", None, "left", "left", None, "left"]))
        >>> curve(counts(left, ["of"], "start", "end", "how"), ["of"]).select("age", "survival").collect().rows()[1:3]
        [(1, 0.8333333333333334), (2, 0.6666666666666667)]
    """
    n, d, survival = pl.col("at_risk"), pl.col("ended"), pl.col("survival")
    log = survival.log()
    spread = (Z * pl.col("greenwood").sqrt() / log.abs()).exp()
    before = survival.shift(1, fill_value=1.0).over(by)
    told = (survival > 0) & (survival < 1)
    return (
        at_risk(counts, by, classes)
        .with_columns(
            survival=pl.when(n > 0).then(1 - d / n).otherwise(1.0).cum_prod().over(by),
            greenwood=pl.when(n > d).then(d / (n * (n - d))).otherwise(0.0).cum_sum().over(by),
        )
        .with_columns(
            pl.when(told).then(survival.pow(spread)).alias("low"),
            pl.when(told).then(survival.pow(1 / spread)).alias("high"),
            *(
                pl.when(n > 0)
                .then(before * pl.col(f"ended_{one}") / n)
                .otherwise(0.0)
                .cum_sum()
                .over(by)
                .alias(f"incidence_{one}")
                for one in classes
            ),
        )
    )


def median(curve: pl.LazyFrame, by: Sequence[str]) -> pl.LazyFrame:
    """The age by which half have left, with its interval: the columns of `by`, median, median_low, median_high.

    The first age at which S, its low or its high bound is at most a half; null where it is not reached (Brookmeyer &
    Crowley 1982).
    """

    def reached(bound: str) -> pl.Expr:
        return pl.col("age").filter(pl.col(bound) <= 0.5 + ROUNDING).min()

    return curve.group_by(by).agg(median=reached("survival"), median_low=reached("low"), median_high=reached("high"))


def restricted_mean(curve: pl.LazyFrame, horizons: pl.LazyFrame, by: Sequence[str]) -> pl.LazyFrame:
    """The mean age at leaving, nobody's counted beyond a horizon: the area under S up to it.

    Args:
        curve: of `curve`.
        horizons: the columns of `by`, horizon: one row a curve and horizon that is wanted.
        by: the columns that tell curves apart.

    Gives the columns of `by`, horizon, mean, standard_error, mean_low, mean_high. The variance is Σ A² d / (n (n − d)),
    with A the area from the age of each end to the horizon; the interval is the mean ± z standard errors within 0 and
    the horizon. It says nothing of whether anyone was followed to the horizon: see `followed`.
    """
    key = [*by, "horizon"]
    n, d = pl.col("at_risk"), pl.col("ended")
    until = pl.col("age").shift(-1).over(key).fill_null(pl.col("horizon"))
    mean, error = pl.col("mean"), pl.col("standard_error")
    return (
        horizons.join(curve, on=list(by))
        .filter(pl.col("age") <= pl.col("horizon"))
        .sort(*key, "age")
        .with_columns(area=pl.col("survival") * (until - pl.col("age")))
        .with_columns(beyond=pl.col("area").cum_sum(reverse=True).over(key))
        .group_by(key)
        .agg(
            mean=pl.col("age").min() + pl.col("area").sum(),
            standard_error=pl.when(n > d).then(pl.col("beyond").pow(2) * d / (n * (n - d))).otherwise(0.0).sum().sqrt(),
        )
        .with_columns(
            mean_low=pl.max_horizontal(mean - Z * error, pl.lit(0.0)),
            mean_high=pl.min_horizontal(mean + Z * error, pl.col("horizon").cast(pl.Float64)),
        )
    )


def followed(curve: pl.LazyFrame, by: Sequence[str], at_least: int) -> pl.LazyFrame:
    """How far a curve can be trusted: the columns of `by`, from_start, followed.

    from_start: how many were at risk at age 0; followed: the last age at which at least so many were at risk, 0 where
    at none.
    """
    age = pl.col("age")
    return curve.group_by(by).agg(
        from_start=pl.col("at_risk").filter(age == 0).sum(),
        followed=age.filter(pl.col("at_risk") >= at_least).max().fill_null(0),
    )


def _summed(counts: pl.LazyFrame, by: Sequence[str]) -> pl.LazyFrame:
    return counts.group_by(*by, "age", "change").agg(pl.col("customers").sum())
