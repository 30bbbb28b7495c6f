"""What an amount is worth in the reporting currency on a day: exact fractions, rounded once, half to even.

The latest known rate on or before a day is carried to it. A rate carried for more than seven days is an error finding,
and so is one carried back to days before the first; no amount is ever taken at 1 for want of a rate.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from math import gcd, prod

import polars as pl

from models.currency import minor_exponent
from models.plans import collected
from models.shares import divided
from models.terms import Terms

STALE_AFTER_DAYS = 7
SCALE = 10**12
"""Rates have twelve decimals."""

MOST = 2**62
"""What the numerator and denominator of a rate are at most, so that any amount times it fits into 128 bits."""

RATES = ("currency", "date", "known_on", "numerator", "denominator")


class MissingRateError(ValueError):
    """A currency in use has no exchange rate to the reporting currency, not even through another one."""


def daily_rates(
    rates: pl.LazyFrame, needed: Iterable[str], wanted: Iterable[str], first: date, terms: Terms
) -> pl.LazyFrame:
    """Rates of each currency for each day from `first` to the as-of day: contracts.spine.DailyRates.

    Args:
        rates: date, from_currency, to_currency, rate Decimal(38,12): 1 major unit `from` = rate major units `to`.
        needed: currencies that must have rates.
        wanted: currencies that are left out where they have none.

    Raises:
        MissingRateError: no path of rates from a needed currency to the reporting currency.
    """
    necessary = {currency.lower() for currency in needed} | {terms.currency}
    others = {currency.lower() for currency in wanted} - necessary
    known = _known(rates, necessary | others, terms)
    wanted = sorted(necessary | {one for one in others if _paths(one, terms.currency, known)})
    days = pl.DataFrame({"date": pl.date_range(min(first, terms.as_of_day), terms.as_of_day, eager=True)})
    frames = [_of_currency(currency, days, known, terms).select(RATES) for currency in wanted]
    return pl.concat(frames).sort("currency", "date").lazy()


def table_of(mode: str) -> str:
    """The mode of the rate table that an `fx_mode` reads: where it looks up the day of, all days are as they were."""
    return mode if mode in ("constant", "native") else "daily_stock"


def rates_by(mode: str, daily: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The rates that MRR is converted at under an `fx_mode`, from `daily_rates`, in the same form.

    `constant`: the as-of day's on every day. `native`: none; other currencies are worth 0 in the reporting one.
    """
    if mode == "constant":
        now = daily.filter(pl.col("date") == terms.as_of_day).drop("date")
        return daily.select("currency", "date").join(now, on="currency").select(RATES)
    if mode == "native":
        is_own = pl.col("currency") == terms.currency
        return daily.with_columns(pl.when(is_own).then("numerator").otherwise(pl.lit(0, pl.Int128)).alias("numerator"))
    return daily


def worth_nothing(currencies: Sequence[str], daily: pl.LazyFrame) -> pl.LazyFrame:
    """Rates of 0 of currencies, for every day of `daily_rates`."""
    nothing, whole = pl.lit(0, pl.Int128), pl.lit(1, pl.Int128)
    return (
        daily.select("date")
        .unique()
        .join(pl.LazyFrame({"currency": currencies}, schema={"currency": pl.String}), how="cross")
        .select("currency", "date", known_on="date", numerator=nothing, denominator=whole)
        .sort("currency", "date")
    )


def stale_rates(used: pl.LazyFrame, rates: pl.LazyFrame) -> pl.LazyFrame:
    """Findings, one a currency, where a rate was carried too far; `used`: currency and date of what was converted."""
    age = (pl.col("date") - pl.col("known_on")).dt.total_days()
    return (
        rates.join(used.select("currency", "date").unique(), on=["currency", "date"], how="semi")
        .with_columns(age=age)
        .filter((pl.col("age") > STALE_AFTER_DAYS) | (pl.col("age") < 0))
        .group_by("currency")
        .agg(days=pl.len(), first=pl.col("date").min(), last=pl.col("date").max())
        .sort("currency")
        .select(
            check_name=pl.lit("exchange_rates_are_fresh"),
            about=pl.lit("exchange_rates"),
            subject="currency",
            severity=pl.lit("error"),
            detail=pl.format(
                "{} days from {} to {} use a rate of {} that is more than 7 days away; add the missing ones to the "
                "file named by REVENUE_FX_FILE",
                "days",
                "first",
                "last",
                "currency",
            ),
        )
    )


def converted(amount: str) -> pl.Expr:
    """The column `amount` (integer) at the row's numerator and denominator, half to even, as Int64."""
    return divided(pl.col(amount).cast(pl.Int128) * pl.col("numerator"), pl.col("denominator"))


Pair = tuple[str, str]
PAIR = {"pair_from": pl.String, "pair_to": pl.String}


def _known(rates: pl.LazyFrame, used: Collection[str], terms: Terms) -> Mapping[Pair, pl.DataFrame]:
    """The rates up to the as-of day by pair of currencies: date, known_on, rate as an integer; of those pairs by which
    a currency in use may be converted into another."""
    if not set(used) - {terms.currency}:
        return {}
    told = rates.select("from_currency", "to_currency").unique().pipe(collected)
    named = told.with_columns(
        pair_from=pl.col("from_currency").str.to_lowercase(), pair_to=pl.col("to_currency").str.to_lowercase()
    )
    pairs = _useful(named.select("pair_from", "pair_to").unique().rows(), used)
    useful = named.join(pl.DataFrame(pairs, schema=PAIR, orient="row"), on=["pair_from", "pair_to"], how="semi")
    ordered = (
        rates.filter(pl.col("date") <= terms.as_of_day, pl.col("rate") > 0)
        .join(useful.lazy(), on=["from_currency", "to_currency"], maintain_order="left")
        .select(
            "date",
            "pair_from",
            "pair_to",
            known_on="date",
            rate=(pl.col("rate").cast(pl.Decimal(38, 12)) * SCALE).cast(pl.Int128),
        )
        .unique(["pair_from", "pair_to", "date"], keep="last", maintain_order=True)
        .sort("pair_from", "pair_to", "date")
        .pipe(collected)
    )
    return {
        (str(pair[0]), str(pair[1])): rows.drop("pair_from", "pair_to")
        for pair, rows in ordered.partition_by("pair_from", "pair_to", as_dict=True, maintain_order=True).items()
    }


def _useful(pairs: Collection[Pair], used: Collection[str]) -> list[Pair]:
    """The pairs of two currencies in use, and those that lead from two of these to the same other one."""
    reached: dict[str, set[str]] = {}
    for one, other in (*pairs, *(pair[::-1] for pair in pairs)):
        if one in used:
            reached.setdefault(other, set()).add(one)
    between = {one for one, by in reached.items() if len(by) > 1} | set(used)
    return sorted(pair for pair in pairs if between.issuperset(pair) and not set(used).isdisjoint(pair))


def _of_currency(currency: str, days: pl.DataFrame, known: Mapping[Pair, pl.DataFrame], terms: Terms) -> pl.DataFrame:
    one = pl.lit(1, pl.Int128)
    if currency == terms.currency:
        return days.with_columns(currency=pl.lit(currency), known_on="date", numerator=one, denominator=one)
    legs = [_leg(pair, days, known) for pair in _path(currency, terms.currency, known)]
    minor = Fraction(10) ** (minor_exponent(terms.currency) - minor_exponent(currency))
    rates = [
        _fitting(
            minor.numerator * prod(top for top, _ in of_day),
            minor.denominator * prod(bottom for _, bottom in of_day),
        )
        for of_day in zip(*(leg.select("numerator", "denominator").iter_rows() for leg in legs), strict=True)
    ]
    return days.with_columns(
        pl.min_horizontal(leg["known_on"] for leg in legs).alias("known_on"),
        pl.lit(currency).alias("currency"),
        pl.Series("numerator", [top for top, _ in rates], pl.Int128),
        pl.Series("denominator", [bottom for _, bottom in rates], pl.Int128),
    )


def _fitting(numerator: int, denominator: int) -> tuple[int, int]:
    """A rate in lowest terms, of at most `MOST` over at most `MOST`: exactly, or where two rates of many digits are
    multiplied the nearest such fraction, which differs by less than one part in 10^17."""
    shared = gcd(numerator, denominator)
    top, bottom = numerator // shared, denominator // shared
    if top <= MOST and bottom <= MOST:
        return top, bottom
    if top > bottom:
        return _fitting(bottom, top)[::-1]
    nearest = Fraction(top, bottom).limit_denominator(MOST)
    return nearest.numerator, nearest.denominator


def _path(source: str, target: str, known: Mapping[Pair, pl.DataFrame]) -> list[Pair]:
    """The pair to convert by, or two pairs through the common currency with the most rates."""
    paths = _paths(source, target, known)
    if not paths:
        raise MissingRateError(
            f"no exchange rate from {source} to {target}, nor through another currency; add rates of {source} to the "
            "file named by REVENUE_FX_FILE (date,from_currency,to_currency,rate)"
        )
    if target in paths:
        return [(source, target)]
    best = max(paths, key=lambda one: (paths[one], one))
    return [(source, best), (best, target)]


def _paths(source: str, target: str, known: Mapping[Pair, pl.DataFrame]) -> Mapping[str, int]:
    """The currencies that lead from one to another, with how many rates there are; `target` itself where direct."""
    if _count((source, target), known):
        return {target: _count((source, target), known)}
    through = {one for pair in known for one in pair} - {source, target}
    return {
        one: _count((source, one), known) + _count((one, target), known)
        for one in through
        if _count((source, one), known) and _count((one, target), known)
    }


def _count(pair: Pair, known: Mapping[Pair, pl.DataFrame]) -> int:
    return sum(known[way].height for way in (pair, pair[::-1]) if way in known)


def _leg(pair: Pair, days: pl.DataFrame, known: Mapping[Pair, pl.DataFrame]) -> pl.DataFrame:
    """Each day's rate of a pair, or of its inverse where only that is known."""
    rows = known.get(pair)
    inverse = rows is None
    found = days.join_asof(known[pair[::-1]] if rows is None else rows, on="date", strategy="backward")
    carried = found.with_columns(pl.col("rate", "known_on").fill_null(strategy="backward"))
    first = (known[pair[::-1]] if rows is None else rows).row(0, named=True)
    whole = carried.with_columns(
        rate=pl.col("rate").fill_null(first["rate"]), known_on=pl.col("known_on").fill_null(first["known_on"])
    )
    scale = pl.lit(SCALE, pl.Int128)
    if inverse:
        return whole.select("date", "known_on", numerator=scale, denominator="rate")
    return whole.select("date", "known_on", numerator="rate", denominator=scale)
