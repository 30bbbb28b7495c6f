"""What is known of the state of a subscription item, and at which instants.

An invoice line for a period tells price, quantity and discounts at the period's start and that the period was billed; a
proration tells what was charged for the rest of a period after a change (debit) or what was given back (credit). Worth
is not its business, nor what happens between two observations, nor the as-of instant: what was said later of an earlier
time is known here, and cut off where stretches are made.
"""

from collections.abc import Mapping

import polars as pl

from models.terms import Terms

ITEM = ["account_id", "subscription_id", "subscription_item_id"]
NOT_BILLED = "subscription_paused"
"""Why Stripe gives up an invoice that was made while collection was paused."""

REGULAR, DEBIT, CREDIT, UNBILLED, VERSION, GONE, LIVE = range(7)
"""Kinds of observation; of two at one instant the smaller one is told."""


def observations(staging: Mapping[str, pl.LazyFrame], lives: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Every observation of every licensed item, unordered.

    Columns: account_id, subscription_id, subscription_item_id, at, billed_to (end of the billed period), kind,
    known_at, price_id, quantity, item_coupons, invoice_coupons, kept, taxed, line_amount, position. Null: not told.
    """
    invoices = _invoices(staging, lives, terms)
    regular = _regular(staging, invoices, terms)
    prorations = _prorations(staging, lives)
    return pl.concat([regular, prorations], how="diagonal")


def version_observations(staging: Mapping[str, pl.LazyFrame], lives: pl.LazyFrame) -> pl.LazyFrame:
    """What versions of subscriptions tell of their items: a state at each change of it, and when an item was gone."""
    numbered = (
        staging["subscription_versions"]
        .filter(~pl.col("deleted"))
        .join(lives.select("account_id", "subscription_id"), on=["account_id", "subscription_id"], how="semi")
        .sort("account_id", "subscription_id", "valid_from_at", "seq")
        .select(
            "account_id",
            "subscription_id",
            "items",
            at="valid_from_at",
            number=pl.int_range(pl.len()).over("account_id", "subscription_id"),
        )
    )
    told = numbered.explode("items").filter(pl.col("items").is_not_null()).unnest("items")
    states = told.select(
        "account_id", "subscription_id", "price_id", "quantity", "position", "at", "number", subscription_item_id="id"
    )
    gone = (
        states.group_by(ITEM)
        .agg(pl.col("price_id", "quantity").last(), number=pl.col("number").max() + 1)
        .join(numbered.drop("items"), on=["account_id", "subscription_id", "number"])
    )
    kinds = ((states, VERSION), (gone, GONE))
    rows = [frame.with_columns(kind=pl.lit(kind, pl.Int8)).drop("number") for frame, kind in kinds]
    return licensed(pl.concat(rows, how="diagonal"), staging).drop("says_amount")


def coupon_ids(frame: pl.LazyFrame, staging: Mapping[str, pl.LazyFrame], terms: Terms) -> pl.LazyFrame:
    """The counted coupons of rows that have `discounts`: account_id, id, coupons (ids in order, with commas)."""
    counted = staging["coupons"].filter(pl.col("duration").is_in(terms.policy.counted_discounts))
    discounts = staging["discounts"].join(counted.select("account_id", coupon_id="id"), on=["account_id", "coupon_id"])
    return (
        frame.filter(pl.col("discounts").list.len() > 0)
        .select("account_id", "id", "discounts", place=pl.int_ranges(0, pl.col("discounts").list.len()))
        .explode("discounts", "place")
        .join(
            discounts.select("account_id", "coupon_id", discounts="id"),
            on=["account_id", "discounts"],
        )
        .group_by("account_id", "id")
        .agg(coupons=pl.col("coupon_id").sort_by("place").str.join(","))
    )


def licensed(frame: pl.LazyFrame, staging: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """The rows whose price recurs and is licensed, with `says_amount`; rows of prices we do not hold stay."""
    other = (pl.col("type") == "one_time") | (pl.col("recurring_usage_type") == "metered").fill_null(False)
    amounts = [pl.col("unit_amount_decimal").is_not_null(), pl.col("unit_amount").is_not_null()]
    says_amount = pl.any_horizontal(*amounts, (pl.col("tiers").list.len() > 0).fill_null(False))
    prices = staging["prices"].select("account_id", price_id="id", is_other=other, says_amount=says_amount)
    return (
        frame.join(prices, on=["account_id", "price_id"], how="left")
        .filter(~pl.col("is_other").fill_null(False))
        .drop("is_other")
    )


def _invoices(staging: Mapping[str, pl.LazyFrame], lives: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Invoices of subscriptions, with whether their lines' periods count as billed."""
    invoices = staging["invoices"]
    status = pl.col("status")
    attempted = pl.col("attempt_count").fill_null(0) > 0
    is_billed = (
        pl.when(status == "void")
        .then(attempted)
        .when((status == "uncollectible") & (pl.col("uncollectible_reason") == NOT_BILLED))
        .then(False)
        .when(status != "draft")
        .then(True)
        .when(pl.col("runs_on") | pl.col("drafts_count"))
        .then(True)
    )
    return (
        invoices.filter(pl.col("subscription_id").is_not_null())
        .join(
            lives.select("account_id", "subscription_id", "runs_on", "drafts_count"),
            on=["account_id", "subscription_id"],
        )
        .join(coupon_ids(invoices, staging, terms), on=["account_id", "id"], how="left")
        .select(
            "account_id",
            invoice_id="id",
            known_at="created_at",
            invoice_coupons=pl.col("coupons").fill_null(""),
            is_billed=is_billed,
        )
        .filter(pl.col("is_billed").is_not_null())
    )


def _regular(staging: Mapping[str, pl.LazyFrame], invoices: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    lines = staging["invoice_lines"].filter(
        ~pl.col("proration").fill_null(False),
        pl.col("subscription_item_id").is_not_null(),
        pl.col("period_start_at") < pl.col("period_end_at"),
    )
    return (
        licensed(lines, staging)
        .join(invoices, on=["account_id", "invoice_id"])
        .join(coupon_ids(lines, staging, terms), on=["account_id", "id"], how="left")
        .join(_inclusive_rates(lines, staging), on=["account_id", "id"], how="left")
        .with_columns(_kept_of_taxed())
        .select(
            *ITEM,
            "price_id",
            "quantity",
            "position",
            "invoice_coupons",
            "known_at",
            "kept",
            "taxed",
            at="period_start_at",
            billed_to="period_end_at",
            kind=pl.when("is_billed").then(REGULAR).otherwise(UNBILLED).cast(pl.Int8),
            item_coupons=pl.col("coupons").fill_null(""),
            line_amount=pl.when(~pl.col("says_amount").fill_null(False)).then("amount"),
        )
    )


def _kept_of_taxed() -> list[pl.Expr]:
    """What inclusive tax leaves of a line: `kept` of `taxed`. Of a line of nothing only its tax rates say."""
    discounted = pl.col("discount_amounts").list.eval(pl.element().struct.field("amount")).list.sum().fill_null(0)
    inclusive = pl.col("taxes").list.eval(
        pl.when(pl.element().struct.field("tax_behavior") == "inclusive").then(pl.element().struct.field("amount"))
    )
    net = pl.col("amount") - discounted
    tax = inclusive.list.sum().fill_null(0)
    return [
        pl.when(net <= 0).then(untaxed_rate).when(tax == 0).then(1).otherwise(amount).alias(name)
        for name, untaxed_rate, amount in (
            ("kept", pl.when(pl.col("rate_millionths").is_not_null()).then(WHOLE), net - tax),
            ("taxed", WHOLE + pl.col("rate_millionths"), net),
        )
    ]


WHOLE = 100 * 1_000_000
"""A hundred percent in millionths of a percent."""


def _inclusive_rates(lines: pl.LazyFrame, staging: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Of lines of nothing, the percentage that is inside: account_id, id, rate_millionths."""
    percentage = (pl.col("percentage") * 1_000_000).cast(pl.Int64)
    rates = staging["tax_rates"].select("account_id", tax_rate_id="id", rate_millionths=percentage)
    return (
        lines.filter(pl.col("amount") == 0, pl.col("taxes").list.len() > 0)
        .select("account_id", "id", "taxes")
        .explode("taxes")
        .unnest("taxes")
        .filter(pl.col("tax_behavior") == "inclusive")
        .join(rates, on=["account_id", "tax_rate_id"])
        .group_by("account_id", "id")
        .agg(pl.col("rate_millionths").sum())
    )


def _prorations(staging: Mapping[str, pl.LazyFrame], lives: pl.LazyFrame) -> pl.LazyFrame:
    """Debits and credits, from invoice items (pending ones too) and from lines whose invoice item we do not hold."""
    wanted = [
        *ITEM,
        "invoice_item_id",
        "price_id",
        "quantity",
        "amount",
        "description",
        "period_start_at",
        "period_end_at",
    ]
    lines = staging["invoice_lines"].filter(pl.col("proration"))
    items = staging["invoice_items"].filter("proration")
    of_line = (
        lines.filter(pl.col("invoice_item_id").is_not_null(), pl.col("subscription_item_id").is_not_null())
        .select("account_id", "invoice_item_id", item_of_line="subscription_item_id")
        .unique(["account_id", "invoice_item_id"])
    )
    items = (
        items.rename({"id": "invoice_item_id"})
        .join(of_line, on=["account_id", "invoice_item_id"], how="left")
        .with_columns(subscription_item_id=pl.coalesce("subscription_item_id", "item_of_line"))
    )
    itemless = lines.join(
        items.select("account_id", "invoice_item_id"), on=["account_id", "invoice_item_id"], how="anti"
    )
    # A change to or from something free is settled by amounts of nothing, which their description alone tells apart.
    given_back = (pl.col("amount") < 0) | (
        (pl.col("amount") == 0) & pl.col("description").str.starts_with("Unused").fill_null(False)
    )
    rows = pl.concat([items.select(wanted), itemless.select(wanted)]).filter(
        pl.col("subscription_item_id").is_not_null(),
        pl.col("period_start_at") < pl.col("period_end_at"),
    )
    return (
        licensed(rows, staging)
        .join(lives.select("account_id", "subscription_id"), on=["account_id", "subscription_id"], how="semi")
        .select(
            *ITEM,
            "price_id",
            "quantity",
            at="period_start_at",
            billed_to="period_end_at",
            kind=pl.when(given_back).then(CREDIT).otherwise(DEBIT).cast(pl.Int8),
        )
    )
