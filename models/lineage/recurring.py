"""Rows behind MRR: changes of subscription items, and what items are worth."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from models.churn import resumed
from models.lineage.source import EXACT, MONEY, Frame, Make, Source, decimal, next_month, source
from models.movements import CUSTOMER, GRAIN, TYPES
from models.periods import month_end, month_of
from models.reporting import in_reporting
from models.retention import looked_back, retained_customers
from models.terms import Terms

ITEM = (*CUSTOMER, "subscription_id", "subscription_item_id")
_MOVES = "spine.changes spine.movements"
_RETURNS = f"{_MOVES} marts.churned_customers"
_STOCK = "steps.stock spine.mrr_rates"
_ITEMS = "subscription items with worth"
_CHANGES = "changes of subscription items"


def moves(changes: Frame, movements: Frame, terms: Terms) -> Frame:
    """Item changes of the days on which their customer moved, with the movement's type."""
    of = movements.select(*GRAIN, "movement_type", changed_on="moved_on")
    return changes.join(of, on=[*GRAIN, "changed_on"]).select(
        *ITEM,
        "price_id",
        "changed_on",
        "movement_type",
        "cause",
        "basis",
        month_of("changed_on").alias("month"),
        pl.coalesce("valued_on", "changed_on").alias("rated_on"),
        own_before=decimal("before_micros"),
        own_after=decimal("after_micros"),
        own_amount=decimal("delta_micros"),
        own_currency="currency",
        amount=decimal("delta_reporting_micros"),
        currency=pl.lit(terms.currency),
    )


def _moved(*kinds: str) -> Make:
    def rows(changes: Frame, movements: Frame, terms: Terms) -> Frame:
        return moves(changes, movements, terms).filter(pl.col("movement_type").is_in(kinds))

    return rows


def _resumed(changes: Frame, movements: Frame, churned_customers: Frame, terms: Terms) -> Frame:
    return moves(changes, resumed(movements, churned_customers), terms)


def _netted(changes: Frame, movements: Frame, churned_customers: Frame, terms: Terms) -> Frame:
    """Reactivations that lower net churn: those that end no pause, where the policy says so."""
    back = movements.filter(pl.col("movement_type") == "reactivation", pl.lit(terms.policy.reactivation_in_net))
    ends_no_pause = back.join(resumed(movements, churned_customers), on=[*GRAIN, "moved_on"], how="anti")
    return moves(changes, ends_no_pause, terms)


def worth(stock: Frame, mrr_rates: Frame, terms: Terms) -> Frame:
    """What each item is worth at the end of each month, at that day's rate or that of the day it is valued on."""
    last_day = pl.min_horizontal(month_end("month"), pl.lit(terms.as_of_day))
    valued = stock.with_columns(rated_on=pl.coalesce("valued_on", last_day))
    return in_reporting(valued, mrr_rates, amount="micros", on="rated_on").select(
        *ITEM,
        "month",
        "rated_on",
        own_amount=decimal("micros"),
        own_currency="currency",
        amount=decimal("micros_reporting"),
        currency=pl.lit(terms.currency),
    )


def worth_before(stock: Frame, mrr_rates: Frame, terms: Terms) -> Frame:
    """What each item was worth at the end of the month before."""
    return next_month(worth(stock, mrr_rates, terms), terms)


def revalued(stock: Frame, changes: Frame, movements: Frame, mrr_rates: Frame, terms: Terms) -> Frame:
    """What exchange rates alone did to each item: its worth at the end less that at the start and what it moved."""
    at_end, at_start = worth(stock, mrr_rates, terms), worth_before(stock, mrr_rates, terms)
    moved = moves(changes, movements, terms)
    by = [*ITEM, "month", "own_currency", "currency"]
    terms_of_it = {"worth_at_end": at_end, "worth_at_start": at_start, "moved": moved}
    parts = [frame.group_by(by).agg(pl.col("amount").sum().alias(name)) for name, frame in terms_of_it.items()]
    return (
        pl.concat(parts, how="diagonal")
        .group_by(by)
        .agg(pl.col(terms_of_it).sum())
        .with_columns(amount=pl.col("worth_at_end") - pl.col("worth_at_start") - pl.col("moved"))
        .filter(pl.col("amount") != 0)
        .with_columns(own_amount=pl.lit(None, EXACT))
    )


def _paused(churned_customers: Frame, terms: Terms) -> Frame:
    return churned_customers.filter(pl.col("kind") == "paused").select(
        *CUSTOMER,
        "subscription_id",
        "churned_on",
        "returned_on",
        month_of("churned_on").alias("month"),
        own_amount=pl.col("mrr_lost").cast(EXACT),
        own_currency="currency",
        amount=pl.col("mrr_lost_reporting").cast(EXACT),
        currency=pl.lit(terms.currency),
    )


def _looked_back(months: int, *, is_base: bool) -> Make:
    def rows(stock: Frame, mrr_rates: Frame, terms: Terms) -> Frame:
        valued = looked_back(stock, mrr_rates, terms, months)
        members = retained_customers(valued).select(*CUSTOMER, "month")
        return (
            valued.filter(pl.col("is_base") if is_base else ~pl.col("is_base"))
            .join(members, on=[*CUSTOMER, "month"], how="semi")
            .select(
                *ITEM,
                "month",
                rated_on="valued_on",
                own_amount=decimal("micros"),
                own_currency="currency",
                amount=decimal("micros_reporting"),
                currency=pl.lit(terms.currency),
            )
        )

    return rows


def _kept(months: int) -> Make:
    def rows(stock: Frame, mrr_rates: Frame, terms: Terms) -> Frame:
        return retained_customers(looked_back(stock, mrr_rates, terms, months)).select(
            *CUSTOMER,
            "month",
            worth_then=decimal("base_micros"),
            worth_now=decimal("end_micros"),
            own_amount=decimal("kept_micros"),
            own_currency=pl.lit(terms.currency),
            amount=decimal("kept_micros"),
            currency=pl.lit(terms.currency),
        )

    return rows


def _own(make: Make) -> Make:
    """The rows in the currency in which they are, none converted."""

    def rows(*given: Any) -> Frame:
        return make(*given).with_columns(amount="own_amount", currency="own_currency").drop("rated_on")

    return rows


def _mrr(words: str, make: Make, inputs: str) -> Source:
    return source(words, MONEY, make, inputs, "rated_on", "spine.mrr_rates")


SOURCES: Mapping[str, Source] = {
    "opening_mrr": _mrr("subscription items with worth at the start", worth_before, _STOCK),
    "closing_mrr": _mrr("subscription items with worth at the end", worth, _STOCK),
    **{f"{kind}_mrr": _mrr(_CHANGES, _moved(kind), _MOVES) for kind in TYPES},
    "fx_mrr": source(
        "subscription items revalued", MONEY, revalued, "steps.stock spine.changes spine.movements spine.mrr_rates"
    ),
    "paused_mrr": source("customers who paused", MONEY, _paused, "marts.churned_customers"),
    "resumed_mrr": _mrr(_CHANGES, _resumed, _RETURNS),
    "netted_reactivation_mrr": _mrr(_CHANGES, _netted, _RETURNS),
    "base_mrr_12": _mrr(f"{_ITEMS} 12 months ago", _looked_back(12, is_base=True), _STOCK),
    "end_mrr_12": _mrr(f"{_ITEMS} now, of those customers", _looked_back(12, is_base=False), _STOCK),
    "kept_mrr_12": source("customers of 12 months ago", MONEY, _kept(12), _STOCK),
    "base_mrr_1": _mrr(f"{_ITEMS} a month ago", _looked_back(1, is_base=True), _STOCK),
    "end_mrr_1": _mrr(f"{_ITEMS} now, of those customers", _looked_back(1, is_base=False), _STOCK),
    "kept_mrr_1": source("customers of a month ago", MONEY, _kept(1), _STOCK),
    "opening_mrr_by_currency": source(f"{_ITEMS} at the start", MONEY, _own(worth_before), _STOCK),
    "closing_mrr_by_currency": source(f"{_ITEMS} at the end", MONEY, _own(worth), _STOCK),
    **{f"{kind}_mrr_by_currency": source(_CHANGES, MONEY, _own(_moved(kind)), _MOVES) for kind in TYPES},
}
