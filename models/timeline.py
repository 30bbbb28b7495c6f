"""The subscription timeline: what each item was worth from when to when, and why it changed.

Observations of an item, in order, are cut into stretches: each lasts to the next observation or to the end of what was
billed, gaps no longer than the policy allows are closed, trials are cut out, and what still runs is left open. Sums are
not its business.
"""

from collections.abc import Mapping
from datetime import timedelta

import polars as pl

from models.lives import lives
from models.observations import CREDIT, ITEM, LIVE, UNBILLED, VERSION, coupon_ids, licensed, observations
from models.terms import Terms
from models.worth import Catalogue, with_shared_worth, with_worth

SUBSCRIPTION = ["account_id", "subscription_id"]
ENTITY = ["account_id", "subscription_item_id"]
STATE = ("price_id", "quantity", "item_coupons", "invoice_coupons")
TAX = ("kept", "taxed")
PLAN = ("product_id", "recurring_interval", "recurring_interval_count")

STRETCH = (
    "account_id",
    "customer_id",
    "subscription_id",
    "subscription_item_id",
    "product_id",
    "price_id",
    "currency",
    "quantity",
    "recurring_interval",
    "recurring_interval_count",
    "coupons",
    "starts_at",
    "ends_at",
    "list_micros",
    "mrr_micros",
    "counts",
    "reason",
    "cause_of_start",
    "cause_of_end",
    "basis",
)


def stretches(staging: Mapping[str, pl.LazyFrame], catalogue: Catalogue, terms: Terms) -> pl.DataFrame:
    """Every stretch, by item and start: contracts.spine.Stretches."""
    running = lives(staging, terms).collect()
    observed = _known_states(staging, running, terms)
    pieces = _as_of(_without_trials(_cut(observed, running, terms)), terms)
    states = _joined(_described(pieces, staging))
    return _explained(_priced(states, catalogue)).select(STRETCH)


def _known_states(staging: Mapping[str, pl.LazyFrame], running: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Observations in order, one an instant, each with the discounts and tax that the last billed period told of."""
    told = observations(staging, running.lazy(), terms).collect()
    every = pl.concat([told, _unbilled_items(staging, told, running, terms)], how="diagonal")
    ordered = every.sort(*ENTITY, "at", "kind", "known_at", descending=[False] * 4 + [True], nulls_last=True).unique(
        [*ENTITY, "at"], keep="first", maintain_order=True
    )
    carried = ("item_coupons", "invoice_coupons", "kept", "taxed", "line_amount")
    filled = ordered.with_columns(pl.col(carried).forward_fill().over(ENTITY))
    return _as_others_then(filled, staging).with_columns(
        pl.col("item_coupons").fill_null(""),
        pl.col("kept", "taxed").backward_fill().over(ENTITY).fill_null(1),
        pl.col("quantity").fill_null(1),
    )


def _unbilled_items(
    staging: Mapping[str, pl.LazyFrame], told: pl.DataFrame, running: pl.DataFrame, terms: Terms
) -> pl.DataFrame:
    """Items that run now though no invoice ever told of them: known from the subscription itself."""
    subscriptions = staging["subscriptions"]
    items = staging["subscription_items"]
    added = pl.when(pl.col("created_at") > pl.col("start_at")).then("created_at")
    started = pl.max_horizontal("start_at", added, "trial_end_at")
    return (
        licensed(items, staging)
        .join(running.lazy().filter("runs_on"), on=SUBSCRIPTION)
        .join(told.lazy().select(ENTITY).unique(), left_on=["account_id", "id"], right_on=ENTITY, how="anti")
        .join(coupon_ids(items, staging, terms), on=["account_id", "id"], how="left")
        .join(
            coupon_ids(subscriptions, staging, terms).rename({"id": "subscription_id", "coupons": "invoice_coupons"}),
            on=SUBSCRIPTION,
            how="left",
        )
        .select(
            *SUBSCRIPTION,
            "price_id",
            "quantity",
            "position",
            subscription_item_id="id",
            at=started,
            billed_to=pl.max_horizontal(started, pl.lit(terms.as_of)),
            kind=pl.lit(LIVE, pl.Int8),
            known_at=started,
            item_coupons=pl.col("coupons").fill_null(""),
            invoice_coupons=pl.col("invoice_coupons").fill_null(""),
        )
        .collect()
    )


def _as_others_then(observed: pl.DataFrame, staging: Mapping[str, pl.LazyFrame]) -> pl.DataFrame:
    """An item added within a period is discounted and taxed as the subscription's latest invoice before was."""
    untold = observed.filter(pl.col("invoice_coupons").is_null()).select(*ITEM, "at", "price_id").sort("at")
    if untold.is_empty():
        return observed
    told = observed.sort("at")
    coupons = told.filter(pl.col("invoice_coupons").is_not_null()).select(
        *SUBSCRIPTION, "at", coupons_then="invoice_coupons"
    )
    taxes = told.filter(pl.col("taxed").is_not_null()).select(*SUBSCRIPTION, "at", kept_then="kept", taxed_then="taxed")
    exclusive = staging["prices"].filter(pl.col("tax_behavior") == "exclusive").select("account_id", price_id="id")
    then = (
        untold.join_asof(coupons, on="at", by=SUBSCRIPTION, check_sortedness=False)
        .join_asof(taxes, on="at", by=SUBSCRIPTION, check_sortedness=False)
        .join(exclusive.with_columns(untaxed=1).collect(), on=["account_id", "price_id"], how="left")
        .drop("price_id")
    )
    return observed.join(then, on=[*ITEM, "at"], how="left", maintain_order="left").with_columns(
        invoice_coupons=pl.coalesce("invoice_coupons", "coupons_then").fill_null(""),
        kept=pl.coalesce("kept", "untaxed", "kept_then"),
        taxed=pl.coalesce("taxed", "untaxed", "taxed_then"),
    )


def _cut(observed: pl.DataFrame, running: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Stretches in which an item was billed, whatever for."""
    gap = timedelta(days=terms.policy.invoice_gap_days)
    billed = ~pl.col("kind").is_in([CREDIT, UNBILLED])
    cut = observed.join(running, on=SUBSCRIPTION, maintain_order="left").with_columns(
        next_at=pl.col("at").shift(-1).over(ENTITY),
        next_kind=pl.col("kind").shift(-1).over(ENTITY),
        next_billed_at=pl.when(billed).then("at").shift(-1).backward_fill().over(ENTITY),
    )
    is_cut_short = (pl.col("next_at") < pl.col("billed_to")).fill_null(False)
    is_last = pl.col("next_billed_at").is_null()
    stops = pl.col("stops_at")
    stops_soon = stops <= pl.col("billed_to") + gap
    paid_end = (
        pl.when(is_cut_short)
        .then("next_at")
        .when(pl.col("next_billed_at") <= pl.col("billed_to") + gap)
        .then("next_billed_at")
        .when(is_last & stops_soon)
        .then(stops)
        .when(is_last & stops.is_null() & pl.col("runs_on") & pl.col("next_at").is_null())
        .then(None)
        .otherwise("billed_to")
    )
    return (
        cut.filter(billed)
        .with_columns(ends_at=paid_end)
        .with_columns(ends_at=pl.min_horizontal("ends_at", "stops_at"))
        .with_columns(
            cause_of_end=pl.when(pl.col("ends_at").is_null())
            .then(None)
            .when(is_last & (pl.col("ends_at") == stops))
            .then("stop_cause")
            .when(is_cut_short & (pl.col("next_kind") == CREDIT))
            .then(pl.lit("add_on"))
            .when(~is_last | (pl.col("next_kind") == UNBILLED) | stops.is_null())
            .then(pl.lit("pause"))
            .otherwise(pl.lit("end")),
        )
        .rename({"at": "starts_at"})
    )


def _without_trials(pieces: pl.DataFrame) -> pl.DataFrame:
    """The pieces less what lies within their subscription's trial."""
    start, end = pl.col("starts_at"), pl.col("ends_at")
    trial_start, trial_end = pl.col("trial_start_at"), pl.col("trial_end_at")
    in_trial = ((start >= trial_start) & (start < trial_end)).fill_null(False)
    meets_trial = ((start < trial_start) & (end.is_null() | (end > trial_start))).fill_null(False)
    return pieces.with_columns(
        starts_at=pl.when(in_trial).then(trial_end).otherwise(start),
        ends_at=pl.when(meets_trial).then(trial_start).otherwise(end),
    )


def _as_of(pieces: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """The pieces as they stood at the as-of instant."""
    over = pl.col("ends_at") <= terms.as_of
    return pieces.filter(
        pl.col("starts_at") <= terms.as_of, pl.col("ends_at").is_null() | (pl.col("starts_at") < pl.col("ends_at"))
    ).with_columns(
        ends_at=pl.when(over).then("ends_at"),
        cause_of_end=pl.when(over).then("cause_of_end"),
    )


def _described(pieces: pl.DataFrame, staging: Mapping[str, pl.LazyFrame]) -> pl.DataFrame:
    """The pieces with what their price and item say."""
    says_amount = (
        pl.col("unit_amount_decimal").is_not_null()
        | pl.col("unit_amount").is_not_null()
        | (pl.col("tiers").list.len() > 0)
    ).fill_null(False)
    prices = staging["prices"].select(
        "account_id",
        "product_id",
        "recurring_interval",
        "recurring_interval_count",
        price_id="id",
        says_amount=says_amount,
    )
    places = staging["subscription_items"].select("account_id", subscription_item_id="id", place="position")
    return (
        pieces.join(prices.collect(), on=["account_id", "price_id"], how="left", maintain_order="left")
        .join(places.collect(), on=ENTITY, how="left", maintain_order="left")
        .with_columns(
            line_amount=pl.when(~pl.col("says_amount").fill_null(False)).then("line_amount"),
            place=pl.coalesce("place", "position").fill_null(0),
        )
    )


def _joined(pieces: pl.DataFrame) -> pl.DataFrame:
    """The pieces, those that follow each other in the same state made one."""
    ordered = _with_before(pieces)
    line_amount = pl.col("line_amount")
    same_amount = line_amount.eq_missing(line_amount.shift(1))
    same = pl.col("goes_on") & ~pl.any_horizontal(_differs(name) for name in STATE) & ~_tax_differs() & same_amount
    return (
        ordered.with_columns(state=(~same).fill_null(True).cum_sum())
        .group_by("state", maintain_order=True)
        .agg(pl.exclude("ends_at", "cause_of_end").first(), pl.col("ends_at", "cause_of_end").last())
        .select(pieces.columns)
    )


def _priced(pieces: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """The pieces with their worth, cut where an amount off is shared anew among a subscription's items."""
    coupons = pieces.select("account_id", "invoice_coupons").unique()
    is_shared = [
        any((account, one) in catalogue.shared for one in ids.split(",")) for account, ids in coupons.iter_rows()
    ]
    sharing = coupons.filter(pl.Series(is_shared, dtype=pl.Boolean))
    alone = pieces.join(sharing, on=["account_id", "invoice_coupons"], how="anti", maintain_order="left")
    together = pieces.join(sharing, on=["account_id", "invoice_coupons"], how="semi", maintain_order="left")
    return pl.concat([with_worth(alone, catalogue), _shared(together, catalogue)])


def _shared(pieces: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Pieces of subscriptions with an amount off, cut at every instant at which an item billed with them changed."""
    billed_together = [*SUBSCRIPTION, "invoice_coupons"]
    cuts = (
        pl.concat([pieces.select(*billed_together, cut_at=at) for at in ("starts_at", "ends_at")])
        .drop_nulls("cut_at")
        .unique()
        .sort(*billed_together, "cut_at")
        .with_columns(next_cut_at=pl.col("cut_at").shift(-1).over(billed_together))
    )
    cut = (
        pieces.join(cuts, on=billed_together)
        .filter(
            pl.col("cut_at") >= pl.col("starts_at"),
            pl.col("ends_at").is_null() | (pl.col("cut_at") < pl.col("ends_at")),
        )
        .sort(*billed_together, "cut_at", "place", "subscription_item_id")
        .with_columns(basket=pl.struct(*billed_together, "cut_at").rle_id())
    )
    priced = with_shared_worth(cut, catalogue).sort(*ENTITY, "cut_at")
    same = pl.struct(*ENTITY, "starts_at", "list_micros", "mrr_micros")
    kept = priced.filter((same != same.shift(1)).fill_null(True))
    following = pl.col("cut_at").shift(-1).over([*ENTITY, "starts_at"])
    return (
        kept.with_columns(cut_to=following)
        .with_columns(
            starts_at="cut_at",
            ends_at=pl.coalesce("cut_to", "ends_at"),
            cause_of_end=pl.when(pl.col("cut_to").is_null()).then("cause_of_end"),
        )
        .select(*pieces.columns, "list_micros", "mrr_micros", "is_known")
    )


def _explained(priced: pl.DataFrame) -> pl.DataFrame:
    """Stretches in order with why they start and end."""
    known = pl.col("is_known")
    coupons = [pl.col(name).replace("", None) for name in ("item_coupons", "invoice_coupons")]
    caused = _with_before(priced).with_columns(cause_of_start=_own_cause())
    return _caused_by_others(caused).with_columns(
        cause_of_end=pl.when((pl.col("ends_at") == pl.col("starts_at").shift(-1).over(ENTITY)).fill_null(False))
        .then(pl.col("cause_of_start").shift(-1).over(ENTITY))
        .otherwise("cause_of_end"),
        coupons=pl.concat_str(coupons, separator=",", ignore_nulls=True),
        counts=pl.col("mrr_micros") > 0,
        reason=pl.when(pl.col("mrr_micros") == 0).then(
            pl.when(known).then(pl.lit("free")).otherwise(pl.lit("unknown_amount"))
        ),
        basis=pl.when(pl.col("kind") >= VERSION).then(pl.lit("version")).otherwise(pl.lit("invoice")),
    )


def _with_before(pieces: pl.DataFrame) -> pl.DataFrame:
    """The pieces in order, each with what the item was before (`…_before`) and whether it goes on from there."""
    ordered = pieces.sort(*ENTITY, "starts_at")
    names = [name for name in (*STATE, *TAX, *PLAN, "mrr_micros", "ends_at") if name in ordered.columns]
    before = ordered.with_columns(**{f"{name}_before": pl.col(name).shift(1).over(ENTITY) for name in names})
    return before.with_columns(goes_on=(pl.col("ends_at_before") == pl.col("starts_at")).fill_null(False))


def _own_cause() -> pl.Expr:
    """Why a stretch starts, as far as the item itself tells; null where only its worth differs."""
    first = pl.col("starts_at") == pl.col("starts_at").min().over(SUBSCRIPTION)
    return (
        pl.when(~pl.col("goes_on") & pl.col("ends_at_before").is_not_null())
        .then(pl.lit("resume"))
        .when(~pl.col("goes_on"))
        .then(pl.when(first).then(pl.lit("start")).otherwise(pl.lit("add_on")))
        .when(_differs("price_id") & pl.any_horizontal(_differs(name) for name in PLAN))
        .then(pl.lit("plan"))
        .when(_differs("price_id"))
        .then(pl.lit("price"))
        .when(_differs("quantity"))
        .then(pl.lit("quantity"))
        .when(
            (_differs("item_coupons") | _differs("invoice_coupons"))
            & (pl.col("mrr_micros") < pl.col("mrr_micros_before"))
        )
        .then(pl.lit("discount_start"))
        .when(_differs("item_coupons") | _differs("invoice_coupons"))
        .then(pl.lit("discount_end"))
        .when(_tax_differs())
        .then(pl.lit("price"))
    )


def _caused_by_others(caused: pl.DataFrame) -> pl.DataFrame:
    """Where an item's worth changed by no doing of its own, the cause is the subscription's other change then."""
    starts = caused.select(*SUBSCRIPTION, "starts_at", of_others="cause_of_start")
    ends = caused.select(*SUBSCRIPTION, starts_at="ends_at", of_others="cause_of_end")
    others = (
        pl.concat([starts, ends]).drop_nulls().unique([*SUBSCRIPTION, "starts_at"], keep="first", maintain_order=True)
    )
    return caused.join(others, on=[*SUBSCRIPTION, "starts_at"], how="left", maintain_order="left").with_columns(
        cause_of_start=pl.coalesce("cause_of_start", "of_others", pl.lit("discount_end"))
    )


def _differs(name: str) -> pl.Expr:
    return pl.col(name).ne_missing(pl.col(f"{name}_before"))


def _tax_differs() -> pl.Expr:
    kept, taxed = pl.col("kept").cast(pl.Int128), pl.col("taxed").cast(pl.Int128)
    return kept * pl.col("taxed_before") != taxed * pl.col("kept_before")
