"""Rows behind MRR by other rules: what each item is worth by a policy, and which groups of rules make it differ."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from models.by_policy import PARTS, items_by_policy
from models.known import Known
from models.lineage.source import EXACT, MONEY, Frame, Make, Source, decimal, source
from models.policy import GROUPS
from models.terms import Terms
from models.worth import catalogue

STAGED = (
    "subscriptions",
    "subscription_items",
    "subscription_versions",
    "invoices",
    "invoice_lines",
    "invoice_items",
    "invoice_payments",
    "charges",
    "prices",
    "coupons",
    "discounts",
    "tax_rates",
)
"""What timelines by any rules are made from."""

_ITEMS = "steps.items_by_policy"


def by_item(*given: Any) -> Frame:
    """`by_policy.items_by_policy` from the staged tables of `STAGED`, the daily rates and the terms."""
    *frames, rates, terms = given
    staging = dict(zip(STAGED, frames, strict=True))
    sold = catalogue(staging["prices"], staging["coupons"], terms.policy)
    return items_by_policy(Known(staging, terms), sold, rates, terms).lazy()


def _worth(by_item: Frame, terms: Terms) -> Frame:
    """What each item is worth by each policy at the end of each month."""
    worth = by_item.with_columns(worth=pl.sum_horizontal("base", *PARTS)).filter(pl.col("worth") != 0)
    return _in_form(worth, "worth", terms)


def _differences(by_item: Frame, terms: Terms) -> Frame:
    """What each item is worth more by a policy than by the default, and the groups of rules that make it so."""
    named = [pl.when(pl.col(part) != 0).then(pl.lit(group)) for group, part in zip(GROUPS, PARTS, strict=True)]
    differing = by_item.filter(pl.any_horizontal(pl.col(PARTS) != 0)).with_columns(
        more=pl.sum_horizontal(PARTS),
        because_of=pl.concat_str(named, separator=", ", ignore_nulls=True),
        worth_by_default=decimal("base"),
    )
    return _in_form(differing, "more", terms)


def _part(part: str) -> Make:
    def rows(by_item: Frame, terms: Terms) -> Frame:
        return _in_form(by_item.filter(pl.col(part) != 0).with_columns(part=pl.col(part)), "part", terms)

    return rows


def _in_form(rows: Frame, micros: str, terms: Terms) -> Frame:
    return rows.with_columns(
        own_amount=pl.lit(None, EXACT),
        own_currency=pl.lit(terms.currency),
        amount=decimal(micros),
        currency=pl.lit(terms.currency),
    ).drop(micros, "base", *PARTS)


SOURCES: Mapping[str, Source] = {
    "mrr_under_policy": source("subscription items with worth by these rules", MONEY, _worth, _ITEMS),
    "policy_difference": source("subscription items that these rules count otherwise", MONEY, _differences, _ITEMS),
    **{
        f"policy_{group}": source("subscription items that these rules count otherwise", MONEY, _part(part), _ITEMS)
        for group, part in zip(GROUPS, PARTS, strict=True)
    },
}
