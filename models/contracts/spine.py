"""Frames that the spine hands to the other metric families: inside the models only, never published.

Amounts are Int64 micros: millionths of a minor unit of the row's currency.
"""

import dataframely as dy

from models.contracts.table import Table, day, flag, instant, number, text


def micros(description: str, *, nullable: bool = False) -> dy.Int64:
    """An amount a month, in millionths of a minor unit."""
    return dy.Int64(nullable=nullable, description=description, metadata={"unit": "millionths of a minor unit"})


class SpineFrame(Table):
    """A frame of the spine."""

    schema_name = "spine"
    account_id = text("Stripe account the row belongs to", key=True)


class Stretches(SpineFrame):
    """One stretch of time in which one subscription item was billed in one state."""

    table_name = "stretches"
    customer_id = text("Stripe customer id")
    subscription_id = text("Subscription the item belongs to")
    subscription_item_id = text("Subscription item", key=True)
    product_id = text("Product of the price", nullable=True)
    price_id = text("Price in the stretch", nullable=True)
    currency = text("Currency of the subscription, lower case")
    quantity = number("Quantity in the stretch")
    recurring_interval = text("Billing interval of the price: day, week, month or year", nullable=True)
    recurring_interval_count = number("Intervals between two bills", nullable=True)
    coupons = text("Ids of the coupons that lowered the worth, in their order, separated by commas; empty where none")
    starts_at = instant("First instant of the stretch", key=True)
    ends_at = instant("First instant after it; null: still running at the as-of instant", nullable=True)
    list_micros = micros("Worth a month before discounts, without inclusive tax")
    mrr_micros = micros("Worth a month that counts in MRR")
    counts = flag("True where the worth is above zero")
    reason = text("Why it does not count: free or unknown_amount; null where it counts", nullable=True)
    cause_of_start = text("start, resume, add_on, quantity, price, plan, discount_start, discount_end, tax")
    cause_of_end = text("The next stretch's cause_of_start, or end, pause or unpaid; null while it runs", nullable=True)
    basis = text("What the start is known from: version or invoice")


class ItemChanges(SpineFrame):
    """One change of one subscription item's MRR; the same rows as marts.mrr_changes."""

    table_name = "changes"
    customer_id = text("Stripe customer id")
    subscription_id = text("Subscription the item belongs to")
    subscription_item_id = text("Subscription item", key=True)
    product_id = text("Product after the change (before it, where the item ended)", nullable=True)
    price_id = text("Price after the change (before it, where the item ended)", nullable=True)
    currency = text("Currency of the amounts")
    changed_at = instant("When", key=True)
    changed_on = day("Reporting-zone day of changed_at")
    valued_on = day(
        "Day whose exchange rate the worth is converted at as long as it lasts; null: the day it is asked for",
        nullable=True,
    )
    before_micros = micros("MRR just before")
    after_micros = micros("MRR just after")
    delta_micros = micros("after - before")
    delta_reporting_micros = micros("The change in the reporting currency, at that day's rate")
    cause = text("start, resume, quantity, price, plan, add_on, discount_start, discount_end, end, pause, unpaid")
    basis = text("version or invoice")


class Movements(SpineFrame):
    """One customer's net movement of one day in one currency; the same rows as marts.mrr_movements."""

    table_name = "movements"
    customer_id = text("Stripe customer id", key=True)
    currency = dy.String(primary_key=True, description="Currency of the amounts")
    moved_on = day("Day", key=True)
    movement_type = text("new, expansion, contraction, churn or reactivation")
    cause = text("Cause of the day's largest item change in the movement's direction")
    before_micros = micros("MRR at the end of the day before")
    after_micros = micros("MRR at the end of the day")
    delta_micros = micros("after - before")
    delta_reporting_micros = micros("Sum of the day's item changes in the reporting currency")


class ItemsNow(SpineFrame):
    """One subscription item that Stripe still holds, as it stands at the as-of instant."""

    table_name = "items"
    customer_id = text("Stripe customer id")
    subscription_id = text("Subscription the item belongs to")
    subscription_item_id = text("Subscription item", key=True)
    product_id = text("Product of the price", nullable=True)
    price_id = text("Price", nullable=True)
    currency = text("Currency of the subscription")
    quantity = number("Quantity")
    list_micros = micros("What it is worth a month before discounts")
    mrr_micros = micros("What it counts in MRR now; 0 where it does not")
    counts = flag("True where it counts in MRR now")
    reason = text(
        "Why not: trialing, metered, free, paused, unpaid, incomplete, ended, one_time, unknown_amount, no_quantity, "
        "cancel_requested, past_due, awaiting_payment",
        nullable=True,
    )


class DailyRates(Table):
    """What a minor unit of a currency was worth in minor units of the reporting currency on a day, as a fraction."""

    schema_name = "spine"
    table_name = "rates"
    currency = dy.String(primary_key=True, description="Currency, lower case")
    date = day("Day", key=True)
    known_on = day("Day of the rate that was used: the latest on or before `date`")
    numerator = dy.Any(description="Numerator, Int128")
    denominator = dy.Any(description="Denominator, Int128")


class Findings(Table):
    """One thing found wrong in the data, with the treatment it got."""

    schema_name = "spine"
    table_name = "findings"
    check_name = text("Name of the check")
    about = text("Table it is about")
    subject = text("Id or value that was found")
    severity = text("error or warning")
    detail = text("What was found and how it was treated, for a person")
