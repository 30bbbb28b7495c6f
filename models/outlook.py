"""What is known to happen to a subscription: its end, a pause, phases of a schedule, coupons that end, its trial's end.

Gathers that from live objects as plain values, one `Outlook` a subscription of which something is known, and nothing of
the others. What it does to MRR is models/scheduled.py's business.
"""

import calendar
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from models.plans import collected
from models.subscriptions import as_of
from models.terms import Terms

SUBSCRIPTION = ("account_id", "subscription_id")
RUNNING = ("trialing", "active", "past_due", "unpaid", "paused")
Rows = Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
"""Rows by account and what they belong to."""


@dataclass(frozen=True)
class Item:
    """An item as it is held now, with its MRR now, or as a phase will hold it."""

    price_id: str | None
    quantity: int
    mrr_micros: int = 0
    id: str | None = None
    coupons: tuple[str, ...] = ()
    """Coupons of a phase's item."""


@dataclass(frozen=True)
class Applied:
    """A coupon on the subscription, or on one of its items, from when until when; None: since ever, for ever."""

    coupon_id: str
    item_id: str | None = None
    from_at: datetime | None = None
    until_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether what is billed at an instant is billed with it."""
        return (self.from_at is None or self.from_at <= at) and (self.until_at is None or at < self.until_at)


@dataclass(frozen=True)
class Phase:
    """What a schedule makes of the subscription from an instant on; without coupons of its own it keeps the others."""

    at: datetime
    items: tuple[Item, ...]
    coupons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outlook:
    """One subscription and all that is known of its future. Instants that are over are not in it."""

    account_id: str
    scheduled_id: str
    """The subscription, or the schedule that will start one."""
    subscription_id: str | None
    customer_id: str
    currency: str
    items: tuple[Item, ...] = ()
    coupons: tuple[Applied, ...] = ()
    phases: tuple[Phase, ...] = ()
    trial_ends_at: datetime | None = None
    ends_at: datetime | None = None
    pauses_at: datetime | None = None
    """When it stops counting for a pause: at once where it counts no more."""
    resumes_at: datetime | None = None


@dataclass(frozen=True)
class Told:
    """The rows that outlooks are read from, by account and subscription, schedule or discount."""

    items: Rows
    discounts: Mapping[tuple[str, str], Mapping[str, Any]]
    of_customers: Rows
    """Discounts of customers, by customer."""
    phases: Rows
    schedules: Mapping[tuple[str, str], Mapping[str, Any]]
    counted: frozenset[tuple[str, str]]
    """Coupons that the policy counts."""


def outlooks(
    subscriptions: pl.LazyFrame,
    subscription_items: pl.LazyFrame,
    schedules: pl.LazyFrame,
    schedule_items: pl.LazyFrame,
    discounts: pl.LazyFrame,
    coupons: pl.LazyFrame,
    prices: pl.LazyFrame,
    stretches: pl.LazyFrame,
    terms: Terms,
) -> list[Outlook]:
    """Outlooks in the order of account and id: `stretches` is the spine's, the others are staged."""
    counted = coupons.filter(pl.col("duration").fill_null("forever").is_in(terms.policy.counted_discounts))
    applied = discounts.join(counted.select("account_id", coupon_id="id"), on=["account_id", "coupon_id"], how="semi")
    now = stretches.filter(pl.col("ends_at").is_null())
    planned = schedule_items.join(
        schedules.filter(pl.col("status").is_in(["not_started", "active"])),
        left_on=["account_id", "subscription_schedule_id"],
        right_on=["account_id", "id"],
        how="semi",
    )
    live = _with_a_future(as_of(subscriptions, terms), subscription_items, now, terms).pipe(collected)
    theirs = live.lazy().select("account_id", subscription_id="id")
    items = subscription_items.join(theirs, on=SUBSCRIPTION, how="semi")
    told = Told(
        _by(_items(items, prices, now).pipe(collected), "subscription_id"),
        {(row["account_id"], row["id"]): row for row in applied.pipe(collected).iter_rows(named=True)},
        _by(applied.filter(_is_of_customer()).pipe(collected), "customer_id"),
        _by(planned.sort("phase_position", "position").pipe(collected), "subscription_schedule_id"),
        {(row["account_id"], row["id"]): row for row in schedules.pipe(collected).iter_rows(named=True)},
        frozenset(counted.select("account_id", "id").pipe(collected).iter_rows()),
    )
    of_live = (_outlook(row, told, terms) for row in live.sort("account_id", "id").iter_rows(named=True))
    return [*of_live, *_starting(told, terms)]


def _items(items: pl.LazyFrame, prices: pl.LazyFrame, now: pl.LazyFrame) -> pl.LazyFrame:
    intervals = ("recurring_interval", "recurring_interval_count")
    return (
        items.join(prices.select("account_id", *intervals, price_id="id"), on=["account_id", "price_id"], how="left")
        .join(
            now.select("account_id", "mrr_micros", billed_with="coupons", id="subscription_item_id"),
            on=["account_id", "id"],
            how="left",
        )
        .with_columns(pl.col("mrr_micros").fill_null(0), pl.col("billed_with").fill_null(""))
        .sort("account_id", "subscription_id", "position", "id")
    )


def _is_of_customer() -> pl.Expr:
    others = ("subscription_id", "subscription_item_id", "invoice_id", "invoice_item_id")
    return pl.col("customer_id").is_not_null() & pl.all_horizontal(pl.col(name).is_null() for name in others)


def _with_a_future(subscriptions: pl.LazyFrame, items: pl.LazyFrame, now: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Subscriptions of which anything may be known: all others would be gone through for nothing."""
    has_discounts = pl.col("discounts").list.len() > 0
    discounted = pl.concat(
        [
            frame.filter(is_discounted).select("account_id", id="subscription_id", is_discounted=pl.lit(True))
            for frame, is_discounted in ((items, has_discounts), (now, pl.col("coupons") != ""))
        ]
    )
    known = pl.any_horizontal(
        pl.col("cancel_at") > terms.as_of,
        "cancel_at_period_end",
        pl.col("schedule_id").is_not_null(),
        pl.col("pause_collection_behavior").is_not_null(),
        pl.col("trial_end_at") > terms.as_of,
        has_discounts,
        "is_discounted",
    )
    return (
        subscriptions.drop_nulls(["customer_id", "currency", "status"])
        .filter(pl.col("status").is_in(RUNNING))
        .join(discounted.drop_nulls("id").unique(), on=["account_id", "id"], how="left")
        .filter(known.fill_null(False))
    )


def _outlook(row: Mapping[str, Any], told: Told, terms: Terms) -> Outlook:
    account, name = row["account_id"], row["id"]
    items = told.items.get((account, name), ())
    renewal = _renewals(row, items, terms)
    schedule = told.schedules.get((account, row["schedule_id"] or ""))
    phases = _phases(account, row["schedule_id"] or "", told, terms)
    in_trial = row["trial_end_at"] is not None and row["trial_end_at"] > terms.as_of and row["status"] == "trialing"
    pauses = row["pause_collection_behavior"] in terms.policy.zero_pause_behaviors
    counts = any(one["mrr_micros"] for one in items)
    return Outlook(
        account,
        name,
        name,
        row["customer_id"],
        row["currency"].lower(),
        tuple(Item(one["price_id"], one["quantity"] or 0, one["mrr_micros"], one["id"]) for one in items),
        _applied(row, items, told, renewal),
        phases,
        row["trial_end_at"] if in_trial and not terms.policy.trials_count else None,
        _end(row, items, schedule, told, terms),
        None if not pauses else renewal(terms.as_of) if counts else terms.as_of,
        renewal(row["pause_resumes_at"]) if pauses and row["pause_resumes_at"] else None,
    )


Renewal = Callable[[datetime], datetime]
"""The first renewal, after the as-of instant, that is not before an instant."""


def _renewals(row: Mapping[str, Any], items: Sequence[Mapping[str, Any]], terms: Terms) -> Renewal:
    """By the item that is billed most often; where no period is known, the instant itself."""
    billed = [one for one in items if one["current_period_end_at"] is not None]
    if not billed:
        return lambda at: max(at, terms.as_of + timedelta(microseconds=1))
    often = min(billed, key=lambda one: (_days(one), one["current_period_end_at"], one["id"]))
    end: datetime = often["current_period_end_at"]
    anchor: datetime = row["billing_cycle_anchor_at"] or end

    def renewal(at: datetime) -> datetime:
        cycle, next_at = 0, end
        while next_at < at or next_at <= terms.as_of:
            cycle += 1
            next_at = _later(end, often, cycle, anchor.day)
        return next_at

    return renewal


def _days(item: Mapping[str, Any]) -> int:
    days = {"day": 1, "week": 7, "month": 30, "year": 365}
    return days.get(item["recurring_interval"] or "month", 30) * (item["recurring_interval_count"] or 1)


def _later(end: datetime, item: Mapping[str, Any], cycles: int, day: int) -> datetime:
    """The end of a period, so many periods later, on the day of the month that bills fall on."""
    count = (item["recurring_interval_count"] or 1) * cycles
    interval = item["recurring_interval"] or "month"
    if interval in ("day", "week"):
        return end + timedelta(days=count * (7 if interval == "week" else 1))
    months = end.year * 12 + end.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    return end.replace(year=year, month=month + 1, day=min(day, calendar.monthrange(year, month + 1)[1]))


def _applied(
    row: Mapping[str, Any], items: Sequence[Mapping[str, Any]], told: Told, renewal: Renewal
) -> tuple[Applied, ...]:
    """Coupons that the items are billed with now, until the renewal that is billed without them, and those that come.

    What is not on the subscription any more goes at the next renewal, what was put on it since comes then.
    """
    account = row["account_id"]
    levels = [(None, row["discounts"] or ()), *((one["id"], one["discounts"] or ()) for one in items)]
    held = [
        (item, told.discounts[account, name])
        for item, names in levels
        for name in names
        if (account, name) in told.discounts
    ]
    of_customer = [(None, one) for one in told.of_customers.get((account, row["customer_id"]), ())]
    lasting = held if any(item is None for item, _ in held) else [*held, *of_customer]
    next_at = renewal(_FIRST)
    found = []
    for item, coupon in _billed_with(items, lasting):
        own = [one for level, one in lasting if (level, one["coupon_id"]) == (item, coupon)]
        until = next_at if not own else None if own[0]["end_at"] is None else renewal(own[0]["end_at"])
        found.append(Applied(coupon, item, None, until))
    known = {(one.item_id, one.coupon_id) for one in found}
    for item, one in held:
        until = None if one["end_at"] is None else renewal(one["end_at"])
        if (item, one["coupon_id"]) not in known and (until is None or until > next_at):
            found.append(Applied(one["coupon_id"], item, next_at, until))
    return tuple(found)


_FIRST = datetime.fromisoformat("0001-01-01T00:00:00+00:00")


def _billed_with(
    items: Sequence[Mapping[str, Any]], held: Sequence[tuple[str | None, Mapping[str, Any]]]
) -> Iterable[tuple[str | None, str]]:
    """Coupons of the period now billed, each once, as (item, coupon): an item's own where it has such a discount."""
    own = {(item, one["coupon_id"]) for item, one in held if item is not None}
    found: dict[tuple[str | None, str], None] = {}
    for item in items:
        for coupon in filter(None, item["billed_with"].split(",")):
            found[(item["id"], coupon) if (item["id"], coupon) in own else (None, coupon)] = None
    return found


def _phases(account: str, schedule: str, told: Told, terms: Terms) -> tuple[Phase, ...]:
    """The phases that have not begun, in order."""
    by_place: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in told.phases.get((account, schedule), ()):
        if row["start_at"] is not None and row["start_at"] > terms.as_of:
            by_place[row["phase_position"]].append(row)

    def coupons(ids: Sequence[str | None] | None) -> tuple[str, ...]:
        return tuple(one for one in ids or () if one is not None and (account, one) in told.counted)

    def item(row: Mapping[str, Any]) -> Item:
        quantity = 1 if row["quantity"] is None else row["quantity"]
        return Item(row["price_id"], quantity, coupons=coupons(row["item_coupon_ids"]))

    return tuple(
        Phase(own[0]["start_at"], tuple(map(item, own)), coupons(own[0]["phase_coupon_ids"]))
        for _, own in sorted(by_place.items())
    )


def _end(
    row: Mapping[str, Any],
    items: Sequence[Mapping[str, Any]],
    schedule: Mapping[str, Any] | None,
    told: Told,
    terms: Terms,
) -> datetime | None:
    """When it is known to end: the date that was set, the end of its period, or of a schedule that then cancels."""
    ends = [row["cancel_at"]]
    if row["cancel_at_period_end"] and row["cancel_at"] is None:
        ends.append(max((one["current_period_end_at"] for one in items if one["current_period_end_at"]), default=None))
    if schedule is not None and schedule["end_behavior"] == "cancel":
        phases = told.phases.get((row["account_id"], schedule["id"]), ())
        ends.append(max((one["end_at"] for one in phases if one["end_at"]), default=None))
    return min((one for one in ends if one is not None and one > terms.as_of), default=None)


def _starting(told: Told, terms: Terms) -> list[Outlook]:
    """Schedules that will start a subscription."""
    found = []
    for (account, name), schedule in sorted(told.schedules.items()):
        phases = _phases(account, name, told, terms)
        if schedule["status"] != "not_started" or not phases or schedule["customer_id"] is None:
            continue
        rows = told.phases[account, name]
        end = max((one["end_at"] for one in rows if one["end_at"]), default=None)
        ends_at = end if schedule["end_behavior"] == "cancel" else None
        currency = (rows[0]["currency"] or terms.currency).lower()
        trial_ends_at = rows[0]["trial_end_at"]
        found.append(
            Outlook(account, name, None, schedule["customer_id"], currency, (), (), phases, trial_ends_at, ends_at)
        )
    return found


def _by(frame: pl.DataFrame, key: str) -> Rows:
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in frame.drop_nulls(key).iter_rows(named=True):
        found[row["account_id"], row[key]].append(row)
    return found
