"""What is known of the state of a subscription item, and at which instants.

An invoice line for a period tells price, quantity and discounts at the period's start and that the period was billed; a
proration tells what was charged for the rest of a period after a change (debit) or what was given back (credit). Worth
is not its business, nor what happens between two observations, nor the as-of instant: what was said later of an earlier
time is known here, and cut off where stretches are made.
"""

from collections.abc import Mapping

import polars as pl

from models import line_parts
from models.plans import collected
from models.terms import Terms

SUBSCRIPTION = ["account_id", "subscription_id"]
ITEM = [*SUBSCRIPTION, "subscription_item_id"]
NOT_BILLED = "subscription_paused"
"""Why Stripe gives up an invoice that was made while collection was paused."""

REGULAR, DEBIT, CREDIT, UNBILLED, ADDED, LIVE, VERSION, GONE = range(8)
"""Kinds of observation; of two at one instant the smaller one is told."""


def observations(staging: Mapping[str, pl.LazyFrame], lives: pl.LazyFrame) -> pl.LazyFrame:
    """Every observation of every licensed item from invoices, unordered, whatever the rules.

    Columns: account_id, subscription_id, subscription_item_id, at, billed_to (end of the billed period), kind,
    known_at, price_id, quantity, item_coupons, invoice_coupons, kept, taxed, line_amount, position, is_exclusive, and
    left_by: what left the invoice unbilled (`void`, `mark_uncollectible` or `draft`). Null: not told.
    """
    invoices = bills(staging, lives)
    regular = _regular(staging, invoices)
    prorations = _prorations(staging, lives)
    return pl.concat([regular, prorations], how="diagonal")


def version_observations(staging: Mapping[str, pl.LazyFrame], lives: pl.LazyFrame) -> pl.LazyFrame:
    """What versions of subscriptions tell of their items: a state at each change of it, and when an item was gone.

    Of versions of one instant the last that was read tells. `held_at` is when one was read, where the next begins after
    that: so the item was then, whatever else is told.
    """
    next_from = pl.col("valid_from_at").shift(-1).over(SUBSCRIPTION)
    numbered = (
        staging["subscription_versions"]
        .filter(~pl.col("deleted"))
        .join(lives.select("account_id", "subscription_id"), on=["account_id", "subscription_id"], how="semi")
        .sort("account_id", "subscription_id", "valid_from_at", "seq")
        .unique(["account_id", "subscription_id", "valid_from_at"], keep="last", maintain_order=True)
        .select(
            "account_id",
            "subscription_id",
            "items",
            at="valid_from_at",
            number=pl.int_range(pl.len()).over("account_id", "subscription_id"),
            held_at=pl.when((pl.col("seen_at") < next_from).fill_null(next_from.is_null())).then("seen_at"),
        )
    )
    told = numbered.explode("items").filter(pl.col("items").is_not_null()).unnest("items")
    states = told.select(
        "account_id",
        "subscription_id",
        "price_id",
        "quantity",
        "position",
        "at",
        "held_at",
        "number",
        subscription_item_id="id",
    )
    gone = (
        states.group_by(ITEM)
        .agg(pl.col("price_id", "quantity").last(), number=pl.col("number").max() + 1)
        .join(numbered.drop("items"), on=["account_id", "subscription_id", "number"])
    )
    kinds = ((states, VERSION), (gone, GONE))
    rows = [frame.with_columns(kind=pl.lit(kind, pl.Int8)).drop("number") for frame, kind in kinds]
    return licensed(pl.concat(rows, how="diagonal"), staging).drop("says_amount")


def live_items(staging: Mapping[str, pl.LazyFrame], lives: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Items that Stripe holds now, as their subscription itself tells of them: from its start, or from being added."""
    subscriptions, items = staging["subscriptions"], staging["subscription_items"]
    added = pl.when(pl.col("created_at") > pl.col("start_at")).then("created_at")
    started = pl.max_horizontal("start_at", added)
    starts = lives.select(*SUBSCRIPTION, "start_at")
    of_invoice = coupon_ids(subscriptions, staging).rename({"id": "subscription_id", "coupons": "invoice_coupons"})
    return (
        licensed(items, staging)
        .join(starts, on=SUBSCRIPTION)
        .join(coupon_ids(items, staging), on=["account_id", "id"], how="left")
        .join(of_invoice, on=SUBSCRIPTION, how="left")
        .select(
            *SUBSCRIPTION,
            "price_id",
            "quantity",
            "position",
            "is_exclusive",
            subscription_item_id="id",
            at=started,
            billed_to=pl.max_horizontal(started, pl.lit(terms.as_of)),
            kind=pl.lit(LIVE, pl.Int8),
            known_at=started,
            item_coupons=pl.col("coupons").fill_null(""),
            invoice_coupons=pl.col("invoice_coupons").fill_null(""),
        )
    )


def unbilled(told: pl.DataFrame, versions: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """The items that no invoice told of when they began: those never billed, and those added without proration within a
    period that was billed, which is then told of them as well.

    An item began in the state of the first that tells of it: a version, or what gave it back.

    Args:
        told: of `observations`.
        versions: of `version_observations`.
        items: of `live_items`.
    """
    firsts = told.group_by(ITEM).agg(first_at=pl.col("at").min())
    early = items.join(firsts, on=ITEM, how="left", maintain_order="left").filter(
        pl.col("first_at").is_null() | (pl.col("at") < pl.col("first_at"))
    )
    if early.is_empty():
        return items.clear()
    about = told.join(early.select(SUBSCRIPTION), on=SUBSCRIPTION, how="semi")
    began = _first_states(pl.concat([about, versions], how="diagonal").join(early.select(ITEM), on=ITEM, how="semi"))
    is_within = pl.col("to_at").is_not_null()
    return (
        early.join(_billed_when_added(early, about), on=ITEM, how="left", maintain_order="left")
        .filter(is_within | pl.col("first_at").is_null())
        .join(began, on=ITEM, how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("price_id_then", "price_id").alias("price_id"),
            pl.when(pl.col("price_id_then").is_null()).then("quantity").otherwise("quantity_then").alias("quantity"),
            kind=pl.when(is_within).then(pl.lit(ADDED, pl.Int8)).otherwise("kind"),
            billed_to=pl.coalesce("to_at", "billed_to"),
            invoice_coupons=pl.when(~is_within).then("invoice_coupons"),
        )
        .drop("first_at", "to_at", "price_id_then", "quantity_then")
    )


def _billed_when_added(items: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Of items that were added within a period billed to their subscription, its end: the item and to_at."""
    billed = told.filter(pl.col("kind") == REGULAR, pl.col("left_by").is_null())
    return (
        items.select(*ITEM, "at")
        .join(billed.select(*SUBSCRIPTION, from_at="at", to_at="billed_to"), on=SUBSCRIPTION)
        .filter(pl.col("from_at") < pl.col("at"), pl.col("at") < pl.col("to_at"))
        .group_by(ITEM)
        .agg(pl.col("to_at").max())
    )


def _first_states(told: pl.DataFrame) -> pl.DataFrame:
    """What items were when first told of: the item, price_id_then and quantity_then."""
    return (
        told.filter(pl.col("kind") != GONE)
        .sort("at", pl.col("kind") != CREDIT, maintain_order=True)
        .group_by(ITEM, maintain_order=True)
        .agg(price_id_then=pl.col("price_id").first(), quantity_then=pl.col("quantity").first())
    )


def coupon_ids(frame: pl.LazyFrame, staging: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """The coupons of rows that have `discounts`: account_id, id, coupons (ids in order, with commas)."""
    held = staging["coupons"].select("account_id", coupon_id="id")
    discounts = staging["discounts"].join(held, on=["account_id", "coupon_id"])
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
    """The rows whose price recurs and is licensed, with `says_amount` and `is_exclusive` (of tax); rows of prices we do
    not hold stay."""
    other = (pl.col("type") == "one_time") | (pl.col("recurring_usage_type") == "metered").fill_null(False)
    amounts = [pl.col("unit_amount_decimal").is_not_null(), pl.col("unit_amount").is_not_null()]
    says_amount = pl.any_horizontal(*amounts, (pl.col("tiers").list.len() > 0).fill_null(False))
    prices = staging["prices"].select(
        "account_id",
        price_id="id",
        is_other=other,
        says_amount=says_amount,
        is_exclusive=pl.col("tax_behavior").eq_missing("exclusive"),
    )
    return (
        frame.join(prices, on=["account_id", "price_id"], how="left")
        .filter(~pl.col("is_other").fill_null(False))
        .drop("is_other")
    )


def bills(staging: Mapping[str, pl.LazyFrame], lives: pl.LazyFrame) -> pl.LazyFrame:
    """Invoices of subscriptions: account_id, invoice_id, known_at, invoice_coupons, left_by (what left it unbilled)."""
    invoices = staging["invoices"]
    status = pl.col("status")
    untried = pl.col("attempt_count").fill_null(0) == 0
    left_by = {
        "void": (status == "void") & untried,
        "mark_uncollectible": (status == "uncollectible")
        & ((pl.col("uncollectible_reason") == NOT_BILLED) | pl.col("is_waived")),
        "draft": status == "draft",
    }
    return (
        invoices.filter(pl.col("subscription_id").is_not_null())
        .join(lives.select(SUBSCRIPTION), on=SUBSCRIPTION, how="semi")
        .join(coupon_ids(invoices, staging), on=["account_id", "id"], how="left")
        .join(_waived(invoices, lives), on=["account_id", "id"], how="left")
        .select(
            "account_id",
            invoice_id="id",
            known_at="created_at",
            invoice_coupons=pl.col("coupons").fill_null(""),
            left_by=pl.coalesce(*(pl.when(holds).then(pl.lit(what)) for what, holds in left_by.items())),
        )
    )


def _waived(invoices: pl.LazyFrame, lives: pl.LazyFrame) -> pl.LazyFrame:
    """Invoices given up untried since the last that was not, of subscriptions whose collection is waived now:
    account_id, id, is_waived. Invoices of API versions before 2026-09-30 do not say why they were given up."""
    paused = lives.filter(pl.col("pause_collection_behavior") == "mark_uncollectible").select(SUBSCRIPTION)
    untried = pl.col("attempt_count").fill_null(0) == 0
    untold = (pl.col("status") == "uncollectible") & untried & pl.col("uncollectible_reason").is_null()
    is_billed = ~pl.col("is_untold") & ~pl.col("status").is_in(["draft", "void"])
    last_billed_at = pl.col("created_at").filter(is_billed).max().over(SUBSCRIPTION)
    return (
        invoices.join(paused, on=SUBSCRIPTION, how="semi")
        .with_columns(is_untold=untold.fill_null(False))
        .filter(pl.col("is_untold") & (pl.col("created_at") > last_billed_at).fill_null(True))
        .select("account_id", "id", is_waived=True)
    )


def _regular(staging: Mapping[str, pl.LazyFrame], invoices: pl.LazyFrame) -> pl.LazyFrame:
    lines = _tiers_together(regular_lines(staging), staging)
    return (
        with_discounts_and_taxes(licensed(lines, staging), lines, staging)
        .join(invoices, on=["account_id", "invoice_id"])
        .select(
            *ITEM,
            "price_id",
            "quantity",
            "position",
            "invoice_coupons",
            "known_at",
            "kept",
            "taxed",
            "left_by",
            "is_exclusive",
            at="period_start_at",
            billed_to="period_end_at",
            kind=pl.lit(REGULAR, pl.Int8),
            item_coupons=pl.col("coupons").fill_null(""),
            line_amount=pl.when(~pl.col("says_amount").fill_null(False)).then("amount"),
        )
    )


def with_discounts_and_taxes(
    rows: pl.LazyFrame, lines: pl.LazyFrame, staging: Mapping[str, pl.LazyFrame]
) -> pl.LazyFrame:
    """The rows, of some of the lines, with `coupons` of their own, and `kept` of `taxed`. Few lines have either."""
    coupons, rates = coupon_ids(lines, staging), inclusive_rates(lines, staging)
    own = coupons.join(rates, on=["account_id", "id"], how="full", coalesce=True).pipe(collected)
    if own.is_empty():
        nothing = {"coupons": pl.lit(None, pl.String), "rate_millionths": pl.lit(None, pl.Int64)}
        told = rows.with_columns(**nothing)
    else:
        told = rows.join(own.lazy(), on=["account_id", "id"], how="left")
    return told.with_columns(kept_of_taxed()).drop("discounts", "discount_amounts", "taxes", "rate_millionths")


def regular_lines(staging: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Invoice lines that bill a period of a subscription item."""
    return staging["invoice_lines"].filter(
        ~pl.col("proration").fill_null(False),
        pl.col("subscription_item_id").is_not_null(),
        pl.col("period_start_at") < pl.col("period_end_at"),
    )


def _tiers_together(lines: pl.LazyFrame, staging: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """The lines, those of the tiers of one item, period and invoice as one of all its units.

    Stripe bills an item of a tiered price by a line a tier, of the units in it, and one of no units a flat fee.
    """
    has_tiers = pl.col("billing_scheme").eq_missing("tiered") | (pl.col("tiers").list.len() > 0).fill_null(False)
    tiered = staging["prices"].filter(has_tiers).select("account_id", price_id="id").pipe(collected)
    if tiered.is_empty():
        return lines
    price = ["account_id", "price_id"]
    whole = (
        lines.join(tiered.lazy(), on=price, how="semi")
        .sort("position")
        .group_by(*ITEM, "price_id", "invoice_id", "period_start_at", "period_end_at", maintain_order=True)
        .agg(
            pl.col("id", "position", "discounts").first(),
            pl.when(pl.col("quantity").count() > 0).then(pl.col("quantity").sum()).alias("quantity"),
            pl.col("amount").sum(),
            *(pl.col(name).explode().drop_nulls() for name in ("discount_amounts", "taxes")),
        )
    )
    return pl.concat([lines.join(tiered.lazy(), on=price, how="anti"), whole], how="diagonal")


def kept_of_taxed() -> list[pl.Expr]:
    """What inclusive tax leaves of a line: `kept` of `taxed`. Of a line of nothing only its `inclusive_rates` say."""
    net, tax = pl.col("amount") - line_parts.discounts(), line_parts.taxes("inclusive")
    return [
        pl.when(net <= 0).then(untaxed_rate).when(tax == 0).then(1).otherwise(amount).alias(name)
        for name, untaxed_rate, amount in (
            ("kept", pl.when(pl.col("rate_millionths").is_not_null()).then(WHOLE), net - tax),
            ("taxed", WHOLE + pl.col("rate_millionths"), net),
        )
    ]


WHOLE = 100 * 1_000_000
"""A hundred percent in millionths of a percent."""


def inclusive_rates(lines: pl.LazyFrame, staging: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
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
    """Debits and credits, from invoice items (pending ones too) and from lines whose invoice item we do not hold.

    A void invoice settles nothing, and what it was made for may never have come to be: an update that waited for its
    payment. What a renewal settles was changed before, whatever becomes of the renewal.
    """
    wanted = [
        *ITEM,
        "invoice_id",
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
        items.rename({"id": "invoice_item_id", "created_at": "known_at"})
        .join(of_line, on=["account_id", "invoice_item_id"], how="left")
        .with_columns(subscription_item_id=pl.coalesce("subscription_item_id", "item_of_line"))
    )
    itemless = lines.join(
        items.select("account_id", "invoice_item_id"), on=["account_id", "invoice_item_id"], how="anti"
    )
    # What costs less than nothing is given back by an amount above it. A change to or from something free is settled by
    # amounts of nothing, which their description alone tells apart.
    below_nothing = pl.coalesce("unit_amount_decimal", "unit_amount") < 0
    rebates = staging["prices"].filter(below_nothing).select("account_id", price_id="id", is_rebate=True)
    given_back = pl.when("is_rebate").then(pl.col("amount") > 0).otherwise(pl.col("amount") < 0) | (
        (pl.col("amount") == 0) & pl.col("description").str.starts_with("Unused").fill_null(False)
    )
    rows = pl.concat([items.select(*wanted, "known_at"), itemless.select(wanted)], how="diagonal").filter(
        pl.col("subscription_item_id").is_not_null(),
        pl.col("period_start_at") < pl.col("period_end_at"),
    )
    forgone = staging["invoices"].filter(
        pl.col("status") == "void", pl.col("billing_reason").ne_missing("subscription_cycle")
    )
    settled = rows.join(forgone.select("account_id", invoice_id="id"), on=["account_id", "invoice_id"], how="anti")
    told = (
        licensed(settled, staging)
        .join(lives.select("account_id", "subscription_id"), on=["account_id", "subscription_id"], how="semi")
        .join(rebates, on=["account_id", "price_id"], how="left")
        .select(
            *ITEM,
            "price_id",
            "quantity",
            "is_exclusive",
            "known_at",
            at="period_start_at",
            billed_to="period_end_at",
            kind=pl.when(given_back).then(CREDIT).otherwise(DEBIT).cast(pl.Int8),
        )
    )
    return _without_undone(told)


def _without_undone(prorations: pl.LazyFrame) -> pl.LazyFrame:
    """The prorations less the debits that a change after them, prorated from the same instant, gave back at once.

    One such change after another leaves the debit of the last. Where none is left though as much was charged as was
    given back, the item is again as it once was, and the newest debit says how.
    """
    settlement = [*ITEM, "at", "billed_to"]
    is_debit = pl.col("kind") == DEBIT
    is_undone = is_debit & (pl.col("kind") == CREDIT).any().over(*settlement, "price_id", "quantity")
    is_left = (is_debit & ~pl.col("is_undone")).any().over(settlement)
    is_gone = is_debit.sum().over(settlement) < pl.len().over(settlement) - is_debit.sum().over(settlement)
    return (
        prorations.with_columns(is_undone=is_undone)
        .filter(~pl.col("is_undone") | ~(is_left | is_gone))
        .drop("is_undone")
    )
