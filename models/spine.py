"""The spine of the metrics: timeline, ledger, movements and their sums, built once and handed to every metric family.

It knows staging frames, exchange rates and terms; it must not know files, databases, clocks or reports. The frames that
it hands over are described, column by column, in models/contracts/spine.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from models.terms import Terms


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
    findings: pl.LazyFrame
    """contracts.spine.Findings: what was wrong with the data, for data_checks."""
    marts: Mapping[str, pl.LazyFrame]
    """The published frames by table name: mrr_changes, mrr_movements, mrr_by_day, mrr_by_month, mrr_by_month_reporting,
    mrr_exclusions. A churn's cause here is that of its item change; the churn family puts its kind there."""


def build_spine(staging: Mapping[str, pl.LazyFrame], rates: pl.LazyFrame, terms: Terms) -> Spine:
    """The spine from staging frames (by table name), exchange rates and terms.

    Args:
        staging: subscriptions, subscription_items, subscription_versions, invoices, invoice_lines, invoice_items,
            invoice_payments, charges, prices, coupons, discounts, tax_rates.
        rates: date, from_currency, to_currency, rate (1 major unit `from` = rate major units `to`).
        terms: as-of instant, zone, reporting currency, policy.

    Raises:
        models.policy.PolicyError: the policy has a rule that is not followed yet.
        models.fx.MissingRate: a currency in use has no rate at all to the reporting currency.
    """
    raise NotImplementedError
