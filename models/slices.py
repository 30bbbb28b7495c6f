"""MRR and its movements by price, product, currency, country, interval, collection method and metadata: its slices.

A customer that moves from one value to another leaves the one and enters the other: a transfer, no churn. What a
customer's day came to is divided among the values that it touched, so that every dimension adds up to the whole. What
a movement is, is models/movements.py's business.
"""

from collections.abc import Mapping

import polars as pl

from models.movements import TYPES
from models.mrr import MOVED, month_end_stock, published
from models.periods import day_of, is_partial, month_of, months_until
from models.plans import collected
from models.reporting import in_reporting
from models.spells import interval_words
from models.terms import Terms

ITEM = ("account_id", "subscription_item_id")
DAY = ("account_id", "customer_id", "currency", "changed_on")
SLICE = ("account_id", "value")
VALUE = ("account_id", "dimension", "value")
KEY = ("account_id", "month", "dimension", "value")
UNKNOWN = "unknown"
NOTHING = pl.lit(0, pl.Int64)
DIMENSIONS = ("price", "product", "currency", "country", "billing_interval", "collection_method")
"""Dimensions that every account has; `Terms.slices` adds keys of metadata."""

TRANSFERS = ("transfer_in_mrr", "transfer_out_mrr")
FLOWS = (*MOVED, *TRANSFERS)


def slices(
    stretches: pl.LazyFrame,
    changes: pl.LazyFrame,
    movements: pl.LazyFrame,
    mrr_rates: pl.LazyFrame,
    customers: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    prices: pl.LazyFrame,
    products: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """What each month closed with and what moved in it, in micros: account_id, month, dimension, value, closing_mrr,
    the flows and `came` (customers more). Sums of customers: parts of them add up.

    The first four frames are the spine's, the others are staged. Price, product and interval are those of the time;
    country, collection method and metadata those of now.
    """
    staged = {"customer": customers, "subscription": subscriptions, "price": prices, "product": products}
    steps = pl.concat([changes, _switches(stretches, changes, terms)], how="diagonal")
    legs = _described(_in_reporting(_legs(steps), mrr_rates), staged, terms)
    legs = _numbered(_named_days(legs, movements)).pipe(collected).lazy()
    months = months_until(legs.select("account_id", month=month_of("changed_on")), terms, ["account_id"])
    dimensions = (*DIMENSIONS, *terms.slices)
    return pl.concat([_sliced(legs, one, months.pipe(collected).lazy(), mrr_rates, terms) for one in dimensions])


def mrr_by_month_slice(
    slices: pl.LazyFrame, prices: pl.LazyFrame, products: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """`marts.mrr_by_month_slice`: `slices` is of the function of that name, the others are staged."""
    counted = ("closing_mrr", "came", *FLOWS)
    summed = slices.group_by(KEY).agg(pl.col(counted).sum()).pipe(collected).lazy()
    dense = months_until(summed.select(KEY), terms, VALUE)
    return (
        dense.join(summed, on=KEY, how="left")
        .with_columns(pl.col(counted).fill_null(0))
        .with_columns(
            opening_mrr=pl.col("closing_mrr").shift(1, fill_value=0).over(VALUE, order_by="month"),
            closing_customers=pl.col("came").cum_sum().over(VALUE, order_by="month"),
        )
        .with_columns(fx_mrr=pl.col("closing_mrr") - pl.col("opening_mrr") - pl.sum_horizontal(FLOWS))
        .filter(pl.any_horizontal(pl.col("opening_mrr", "closing_mrr", "closing_customers", *FLOWS) != 0))
        .join(_names(prices, products), on=VALUE, how="left")
        .select(
            *KEY,
            pl.coalesce("value_name", "value"),
            published(pl.col("opening_mrr", *FLOWS, "fx_mrr", "closing_mrr")),
            "closing_customers",
            currency=pl.lit(terms.currency),
            is_partial=is_partial("month", terms),
        )
        .sort(KEY)
    )


def _switches(stretches: pl.LazyFrame, changes: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Changes of an item's price that left its worth as it was, of which the ledger has no row; where it counts."""
    ordered = stretches.sort(*ITEM, "starts_at").with_columns(
        pl.col("ends_at", "mrr_micros", "price_id").shift(1).over(ITEM).name.prefix("last_")
    )
    counted = changes.select(*ITEM, "changed_at", "valued_on", counted="after_micros").sort("changed_at")
    return (
        ordered.filter(
            pl.col("last_ends_at") == pl.col("starts_at"),
            pl.col("last_mrr_micros") == pl.col("mrr_micros"),
            pl.col("last_price_id").ne_missing(pl.col("price_id")),
            pl.col("mrr_micros") != 0,
        )
        .select(
            *("account_id", "customer_id", "subscription_id", "subscription_item_id", "product_id", "price_id"),
            "currency",
            changed_at="starts_at",
            changed_on=day_of("starts_at", terms),
            before_micros="mrr_micros",
            after_micros="mrr_micros",
        )
        .sort("changed_at")
        .join_asof(counted, on="changed_at", by=ITEM, check_sortedness=False)
        .filter(pl.col("counted") == pl.col("after_micros"))
        .drop("counted")
    )


def _legs(changes: pl.LazyFrame) -> pl.LazyFrame:
    """Each change as what left the state before and what entered the state after, each with its own price."""
    before = [
        pl.coalesce(pl.col(name).shift(1).over(ITEM, order_by="changed_at"), name).alias(f"{name}_before")
        for name in ("price_id", "product_id")
    ]
    about = ("account_id", "customer_id", "subscription_id", "currency", "changed_on", "valued_on")
    known = changes.with_columns(before)
    left = known.filter(pl.col("before_micros") != 0).select(
        *about,
        "before_micros",
        price_id="price_id_before",
        product_id="product_id_before",
        after_micros=NOTHING,
    )
    entered = known.filter(pl.col("after_micros") != 0).select(
        *about, "price_id", "product_id", "after_micros", before_micros=NOTHING
    )
    return pl.concat([left, entered], how="diagonal")


def _in_reporting(legs: pl.LazyFrame, rates: pl.LazyFrame) -> pl.LazyFrame:
    """The legs with `moved`: what each is in the reporting currency, as the ledger converts it."""
    dated = legs.with_columns(rated_on=pl.coalesce("valued_on", "changed_on"))
    for side in ("before", "after"):
        dated = in_reporting(dated, rates, amount=f"{side}_micros", on="rated_on", into=f"{side}_reporting")
    return dated.with_columns(moved=pl.col("after_reporting") - pl.col("before_reporting")).drop(
        "rated_on", "before_reporting", "after_reporting"
    )


def _described(legs: pl.LazyFrame, staged: Mapping[str, pl.LazyFrame], terms: Terms) -> pl.LazyFrame:
    """The legs with a column of text for every dimension; `unknown` where there is none."""
    price = staged["price"].select(
        "account_id",
        price_id="id",
        billing_interval=interval_words().fill_null(UNKNOWN),
        **_metadata("price", terms),
    )
    owners = {
        "customer": {"country": pl.col("address_country"), **_metadata("customer", terms)},
        "subscription": {"collection_method": pl.col("collection_method"), **_metadata("subscription", terms)},
        "product": _metadata("product", terms),
    }
    described = legs.join(price, on=["account_id", "price_id"], how="left")
    for owner, columns in owners.items():
        own = staged[owner].select("account_id", pl.col("id").alias(f"{owner}_id"), **columns)
        described = described.join(own, on=["account_id", f"{owner}_id"], how="left")
    return described.with_columns(price="price_id", product="product_id").with_columns(
        pl.col("price", "product", "country", "billing_interval", "collection_method", *terms.slices).fill_null(UNKNOWN)
    )


def _metadata(carrier: str, terms: Terms) -> dict[str, pl.Expr]:
    """What the carrier's metadata says, by the names of the slices of it."""
    keys = {name: name.partition(".")[2] for name in terms.slices if name.partition(".")[0] == carrier}
    return {name: pl.col("metadata").str.json_path_match(f'$["{key}"]') for name, key in keys.items()}


def _named_days(legs: pl.LazyFrame, movements: pl.LazyFrame) -> pl.LazyFrame:
    """The legs with `movement_type`: what their customer's day was called."""
    return legs.join(movements.select(*DAY[:3], "movement_type", changed_on="moved_on"), on=DAY, how="left")


def _numbered(legs: pl.LazyFrame) -> pl.LazyFrame:
    """The legs in order, with numbers that tell customers (`who`), their ledgers (`paid`, one a currency) and days
    (`day`) apart: every dimension goes by them, and numbers are compared sooner than names."""
    is_other = [pl.col(name).ne_missing(pl.col(name).shift(1)).fill_null(True) for name in DAY]
    numbers = {"who": 2, "paid": 3, "day": 4}
    return legs.sort(DAY).with_columns(
        pl.any_horizontal(is_other[:count]).cum_sum().alias(name) for name, count in numbers.items()
    )


def _sliced(
    legs: pl.LazyFrame,
    dimension: str,
    months: pl.LazyFrame,
    rates: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """A dimension of `slices`."""
    own = legs.with_columns(value=pl.col(dimension))
    key = ["account_id", "month", "value"]
    told = [month_end_stock(own, months, rates, terms, SLICE), _flows(own), _comings(own)]
    return (
        pl.concat(told, how="diagonal")
        .group_by(key)
        .agg(pl.col("closing_mrr", "came", *FLOWS).sum())
        .select("account_id", "month", pl.lit(dimension).alias("dimension"), pl.exclude("account_id", "month"))
    )


def _flows(legs: pl.LazyFrame) -> pl.LazyFrame:
    """What moved in each value and month: transfers first, the rest as the customer's day was called.

    Of a day's rises and falls as much is a transfer as both have; where several rose or fell, of the largest first. On
    a day that came to nothing all is.
    """
    days = legs.group_by("day", "value").agg(
        pl.col("moved").sum(), pl.col("account_id", "changed_on", "movement_type").first()
    )
    told = days.with_columns(is_shared=pl.col("day").is_duplicated()).pipe(collected).lazy()
    alone = told.filter(~pl.col("is_shared")).with_columns(transfer_in_mrr=NOTHING, transfer_out_mrr=NOTHING)
    divided = pl.concat([alone, _transferred(told.filter("is_shared"))]).with_columns(
        rest=pl.col("moved") - pl.col("transfer_in_mrr") - pl.col("transfer_out_mrr")
    )
    named = [
        pl.col("rest").filter(pl.col("movement_type") == kind).sum().alias(column)
        for kind, column in zip(TYPES, MOVED, strict=True)
    ]
    return divided.group_by("account_id", month_of("changed_on").alias("month"), "value").agg(
        *named, pl.col(TRANSFERS).sum()
    )


def _transferred(days: pl.LazyFrame) -> pl.LazyFrame:
    """What of each value's day is a transfer, of days that touched several."""
    rise, fall = pl.max_horizontal(pl.col("moved"), NOTHING), pl.max_horizontal(-pl.col("moved"), NOTHING)
    both = pl.min_horizontal(pl.col("rise").sum().over("day"), pl.col("fall").sum().over("day"))
    return (
        days.with_columns(rise=rise, fall=fall)
        .with_columns(both=both, order=-pl.col("moved").abs())
        .with_columns(transfer_in_mrr=_of_the_largest("rise"), transfer_out_mrr=-_of_the_largest("fall"))
        .drop("rise", "fall", "both", "order")
    )


def _of_the_largest(side: str) -> pl.Expr:
    """What of `both` falls to each row of its day, the largest rows first."""
    before = pl.col(side).cum_sum().over("day", order_by=["order", "value"]) - pl.col(side)
    return pl.min_horizontal(pl.max_horizontal(pl.col("both") - before, NOTHING), pl.col(side))


def _comings(legs: pl.LazyFrame) -> pl.LazyFrame:
    """How many customers more have MRR in a value at the end of each month."""
    return (
        legs.with_columns(moved=pl.col("after_micros") - pl.col("before_micros"))
        .sort("changed_on")
        .pipe(_steps, ["paid", "value"])
        .pipe(_steps, ["who", "value"])
        .group_by("account_id", month_of("changed_on").alias("month"), "value")
        .agg(came=pl.col("moved").sum())
    )


def _steps(moved: pl.LazyFrame, by: list[str]) -> pl.LazyFrame:
    """The days on which a running sum of `moved` rose above zero (1) or came back to it (-1): in order, as it is."""
    after = pl.col("moved").cum_sum().over(by)
    return (
        moved.group_by(*by, "changed_on", maintain_order=True)
        .agg(pl.col("moved").sum(), pl.col({"account_id", "who"} - set(by)).first())
        .with_columns(after=after)
        .with_columns(moved=(pl.col("after") > 0).cast(pl.Int64) - (pl.col("after") > pl.col("moved")).cast(pl.Int64))
        .filter(pl.col("moved") != 0)
        .drop("after")
    )


def _names(prices: pl.LazyFrame, products: pl.LazyFrame) -> pl.LazyFrame:
    """What the account calls its products and prices, the latter else by their product and interval."""
    named = products.select("account_id", "name", product_id="id")
    of_price = pl.coalesce("nickname", "lookup_key", pl.format("{}, {}", "name", interval_words()))
    priced = prices.join(named, on=["account_id", "product_id"], how="left")
    return pl.concat(
        [
            frame.select("account_id", pl.lit(dimension).alias("dimension"), value="id", value_name=name)
            for dimension, frame, name in (("price", priced, of_price), ("product", products, pl.col("name")))
        ]
    )
