"""The spine of the metrics: timeline, ledger, movements and their sums, built once and handed to every metric family.

It knows staging frames, exchange rates and terms; it must not know files, databases, clocks or reports. The frames that
it hands over are described, column by column, in models/contracts/spine.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl
import polars.selectors as cs

from models import exclusions, fx, ledger, movements, mrr, presence
from models.by_policy import changed_by_policy, mrr_by_policy
from models.contracts.marts import MrrByPolicy
from models.currency import unknown_currencies
from models.known import Known
from models.lives import incomplete_rows
from models.mrr import published
from models.plans import collected
from models.terms import Terms
from models.timeline import stretches
from models.worth import Catalogue, catalogue

MONEY = ("charges", "refunds", "disputes", "invoices", "balance_transactions", "payouts")
"""Staged tables whose amounts the metric families convert."""

PUBLISHED = {
    "before_micros": "mrr_before",
    "after_micros": "mrr_after",
    "delta_micros": "mrr_delta",
    "delta_reporting_micros": "mrr_delta_reporting",
}
"""What the micros are called where they are published."""


MARTS = (
    "mrr_changes",
    "mrr_movements",
    "customer_changes",
    "mrr_by_day",
    "mrr_by_month",
    "mrr_by_month_reporting",
    "mrr_by_policy",
    "mrr_exclusions",
)
"""Tables that the spine makes, or all of them but a churn's kind."""

CHANGED_BY_POLICY = {
    "account_id": pl.String,
    "month": pl.Date,
    "policy": pl.String,
    "group": pl.String,
    "micros": pl.Int64,
}


@dataclass(frozen=True)
class Spine:
    """What the metric families build on. Every frame is lazy over collected rows: reading one twice costs nothing."""

    stretches: pl.LazyFrame
    """contracts.spine.Stretches: what each item was worth from when to when."""
    changes: pl.LazyFrame
    """contracts.spine.ItemChanges: the ledger."""
    movements: pl.LazyFrame
    """contracts.spine.Movements: customer x currency x day."""
    items: pl.LazyFrame
    """contracts.spine.ItemsNow: each live item now, and why it does not count."""
    rates: pl.LazyFrame
    """contracts.spine.DailyRates: each currency, each day from the first change or money row to the as-of day."""
    mrr_rates: pl.LazyFrame
    """The same, as MRR is converted under the policy's `fx_mode`."""
    findings: pl.LazyFrame
    """contracts.spine.Findings: what was wrong with the data, for data_checks."""
    marts: Mapping[str, pl.LazyFrame]
    """The published frames by table name: mrr_changes, mrr_movements, customer_changes, mrr_by_day, mrr_by_month,
    mrr_by_month_reporting, mrr_exclusions, and mrr_by_policy, which is worked out when it is asked for. A churn's cause
    here is that of its item change; the churn family puts its kind there."""


def build_spine(staging: Mapping[str, pl.LazyFrame], rates: pl.LazyFrame, terms: Terms) -> Spine:
    """The spine from staging frames (by table name), exchange rates and terms.

    Args:
        staging: every table of models.contracts.staging.
        rates: date, from_currency, to_currency, rate (1 major unit `from` = rate major units `to`).
        terms: as-of instant, zone, reporting currency, policy.

    Raises:
        models.fx.MissingRateError: there is MRR, and no currency of it has a rate to the reporting currency.
    """
    part = of_customers(staging, rates, terms)
    whole = of_account(part, rates, terms)
    return Spine(
        part["stretches"],
        part["changes"],
        part["movements"],
        part["items"],
        whole["rates"],
        whole["mrr_rates"],
        whole["findings"],
        {name: frame for name, frame in (part | whole).items() if name in MARTS},
    )


def of_customers(
    staging: Mapping[str, pl.LazyFrame], rates: pl.LazyFrame, terms: Terms, sold: Catalogue | None = None
) -> dict[str, pl.LazyFrame]:
    """What the spine says of some customers, all of whose objects are in `staging`: frames by name.

    Those of `Spine` and `MARTS` at the grain of customers or finer; rates as far as these customers need them; and
    comings (of models/presence.py), currencies (used since when, and whether rates of them are needed), told (findings)
    and changed_by_policy, of which `of_account` makes the rest.

    `sold` is the catalogue of prices and coupons, where it is there already: it remembers what states are worth, and
    they repeat from customer to customer.
    """
    known = Known(staging, terms)
    sold = sold or catalogue(staging["prices"], staging["coupons"], terms.policy)
    timeline = stretches(known, sold, terms.policy).lazy()
    told = ledger.changes(timeline, terms).pipe(collected)
    native = ledger.kept(told.lazy(), terms.policy).pipe(collected)
    used = currencies(known)
    daily = rates_of(used, (), rates, terms)
    mrr_rates = _of_mrr(daily, _unrated(native, daily, terms), terms)
    changes = ledger.in_reporting_currency(native.lazy(), mrr_rates).pipe(collected).lazy()
    stays_free = terms.policy.free_customers == "active"
    present = presence.subscribers(timeline, terms).pipe(collected).lazy() if stays_free else None
    moved = movements.movements(changes, terms.policy, present).pipe(collected).lazy()
    comings = presence.payers(moved) if present is None else present
    items = exclusions.items_now(staging, timeline, known.absent(terms.policy), sold, terms)
    return {
        "stretches": timeline,
        "changes": changes,
        "movements": moved,
        "comings": comings,
        "customer_changes": presence.arrivals(comings, movements.CUSTOMER, terms.policy)
        .rename({"came": "customers_delta"})
        .sort(*movements.CUSTOMER, "moved_on"),
        "items": items,
        "rates": daily,
        "mrr_rates": mrr_rates,
        "currencies": used.lazy(),
        "told": _told(known, timeline),
        "changed_by_policy": pl.defer(
            lambda: changed_by_policy(known, sold, told, daily, terms), schema=CHANGED_BY_POLICY
        ),
        "mrr_changes": _amounts(changes.rename(PUBLISHED), ["subscription_item_id", "changed_at"]),
        "mrr_movements": _amounts(moved.rename(PUBLISHED, strict=False), ["customer_id", "currency", "moved_on"]),
        "mrr_exclusions": _amounts(
            items.filter(~pl.col("counts")).select(*exclusions.ITEM, "currency", "reason", list_mrr="list_micros"),
            ["subscription_item_id"],
        ),
    }


def of_account(parts: Mapping[str, pl.LazyFrame], rates: pl.LazyFrame, terms: Terms) -> dict[str, pl.LazyFrame]:
    """What the spine says of all customers together, from the frames of `of_customers`, those of all parts in one.

    Raises:
        models.fx.MissingRateError: there is MRR, and no currency of it has a rate to the reporting currency.
    """
    changes, moved, comings = (parts[name] for name in ("changes", "movements", "comings"))
    used, paid_in = parts["currencies"].pipe(collected), changes.select("currency").pipe(collected)
    daily = rates_of(used, (), rates, terms)
    unrated = _unrated(paid_in, daily, terms)
    if unrated and set(unrated) == set(paid_in["currency"].unique()):
        rates_of(used, unrated, rates, terms)
    mrr_rates = _of_mrr(daily, unrated, terms)
    days = mrr.by_day(moved, comings, terms).pipe(collected).lazy()
    months = mrr.by_month(days, comings, terms)
    reporting = mrr.by_month_reporting(changes, moved, comings, mrr_rates, terms)
    stale = fx.stale_rates(_converted_on(changes, daily, terms), daily)
    return {
        "rates": daily,
        "mrr_rates": mrr_rates,
        "findings": pl.concat([_once(parts["told"]), stale, _without_a_rate(unrated)]),
        "mrr_by_day": _amounts(days, ["currency", "date"]),
        "mrr_by_month": _amounts(months, ["currency", "month"]),
        "mrr_by_month_reporting": _amounts(reporting, ["month"]),
        "mrr_by_policy": pl.defer(
            lambda: mrr_by_policy(parts["changed_by_policy"], terms), schema=MrrByPolicy.create_empty().schema
        ),
    }


def daily_rates(known: Known, needed: Iterable[str], rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """contracts.spine.DailyRates of every currency in use, from the first day that anything tells of on.

    Raises:
        models.fx.MissingRateError: a currency of `needed` has no rate at all to the reporting currency.
    """
    return rates_of(currencies(known), needed, rates, terms)


def _unrated(changes: pl.DataFrame, daily: pl.LazyFrame, terms: Terms) -> list[str]:
    """The currencies of changes of MRR that should have rates and have none."""
    if terms.policy.fx_mode == "native":
        return []
    rated = daily.select("currency").unique().pipe(collected)["currency"]
    return sorted(set(changes["currency"].unique()) - set(rated))


def _of_mrr(daily: pl.LazyFrame, unrated: Sequence[str], terms: Terms) -> pl.LazyFrame:
    """The rates that MRR is converted at; where there is none it is worth nothing in the reporting currency."""
    rated = fx.rates_by(terms.policy.fx_mode, daily, terms)
    return pl.concat([rated, fx.worth_nothing(unrated, daily)]).pipe(collected).lazy()


def _without_a_rate(unrated: Sequence[str]) -> pl.LazyFrame:
    """Findings, one a currency of MRR without any rate."""
    return pl.LazyFrame({"subject": unrated}, schema={"subject": pl.String}).select(
        check_name=pl.lit("mrr_has_an_exchange_rate"),
        about=pl.lit("mrr_by_month_reporting"),
        subject="subject",
        severity=pl.lit("error"),
        detail=pl.format(
            "its MRR is in no reporting figure; add rates of {} to the file named by REVENUE_FX_FILE", "subject"
        ),
    )


def currencies(known: Known) -> pl.DataFrame:
    """Each currency that anything is in: currency, at (since when)."""
    money = pl.concat(
        [
            known.lives.lazy().select("currency", at=pl.lit(known.since)),
            *(
                known.staging[table].select(pl.col("currency").str.to_lowercase(), at="created_at").drop_nulls()
                for table in MONEY
            ),
        ]
    )
    return money.group_by("currency").agg(pl.col("at").min()).pipe(collected)


def rates_of(used: pl.DataFrame, needed: Iterable[str], rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`daily_rates` of the currencies of `currencies`."""
    first = min((one.date() - timedelta(days=1) for one in used["at"]), default=terms.as_of_day)
    return fx.daily_rates(rates, needed, used["currency"].unique().to_list(), first, terms)


def _once(told: pl.LazyFrame) -> pl.LazyFrame:
    """The findings, those of values that several customers may have but once."""
    of_rows = pl.col("check_name") == "subscriptions_are_whole"
    of_values = told.filter(~of_rows).unique(["check_name", "subject"], keep="first", maintain_order=True)
    return pl.concat([of_values, told.filter(of_rows)])


def _told(known: Known, timeline: pl.LazyFrame) -> pl.LazyFrame:
    staging = known.staging
    unknown = timeline.filter(pl.col("reason") == "unknown_amount").select(
        check_name=pl.lit("prices_say_their_amount"),
        about=pl.lit("prices"),
        subject="subscription_item_id",
        severity=pl.lit("error"),
        detail=pl.format("{}; it counts as 0", _why_unknown()),
    )
    overlaps = known.overlapping.lazy().select(
        check_name=pl.lit("billed_periods_do_not_overlap"),
        about=pl.lit("invoice_lines"),
        subject="subscription_item_id",
        severity=pl.lit("warning"),
        detail=pl.format(
            "billed again from {} on; the later bill counts", pl.col("at").dt.strftime("%Y-%m-%d %H:%M:%S")
        ),
    )
    return pl.concat(
        [
            unknown_currencies(staging["subscriptions"].drop_nulls("currency"), "subscriptions"),
            incomplete_rows(staging["subscriptions"]).sort("subject"),
            unknown.unique(["subject"]).sort("subject"),
            overlaps,
        ]
    )


def _why_unknown() -> pl.Expr:
    """Why it is not known what an item costs."""
    price = pl.col("price_id")
    return (
        pl.when(price.is_null())
        .then(pl.lit("no price is named"))
        .when(pl.col("recurring_interval").is_null())
        .then(pl.format("price {} is not held", price))
        .otherwise(pl.format("price {} says no amount in {} and no invoice line does", price, "currency"))
    )


def _converted_on(changes: pl.LazyFrame, daily: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The days whose rates MRR is converted at: by mode those of changes, and each month's last, when the stock is."""
    changed = changes.select("currency", date=pl.coalesce("valued_on", "changed_on"))
    since = changed.group_by("currency").agg(since=pl.col("date").min())
    is_now = pl.col("date") == pl.col("date").max()
    valued = {
        "daily_stock": (pl.col("date") == pl.col("date").dt.month_end()) | is_now,
        "constant": is_now,
    }.get(terms.policy.fx_mode, pl.lit(False))
    closings = daily.filter(valued).join(since, on="currency").filter(pl.col("date") >= pl.col("since"))
    at_changes = changed.filter(pl.lit(terms.policy.fx_mode in ("daily_stock", "movement_date")))
    return pl.concat([at_changes, closings.select("currency", "date")])


def _amounts(frame: pl.LazyFrame, key: list[str]) -> pl.LazyFrame:
    """The frame with its micros as decimals, in the order of its key."""
    return frame.with_columns(published(cs.contains("mrr"))).sort("account_id", *key)
