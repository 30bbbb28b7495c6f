"""The simulation's own books: what every item was worth and when, who left and why, every cent that moved.

Written by the simulation as it acts and never read back from API objects, so that metrics can be tested against them.
Worth is in micros of a minor unit, instants are epoch seconds, money is minor units.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.world.balance import CashEntry, PaidOut
from sandbox.world.periods import DAY

GRACE_DAYS = 7
"""A customer back within so many days never left."""


@dataclass(frozen=True, slots=True)
class MrrChange:
    """One subscription item changed its monthly worth (micros) at an instant."""

    subscription_item_id: str
    subscription_id: str
    customer_id: str
    product_id: str
    price_id: str
    currency: str
    at: int
    before: int
    after: int
    cause: str


@dataclass(frozen=True, slots=True)
class Churn:
    """A customer's last counted subscription in a currency went to nothing, and the customer was not back in a week."""

    customer_id: str
    subscription_id: str
    currency: str
    at: int
    mrr_lost: int
    kind: str
    reason: str | None
    feedback: str | None
    comment: str | None


@dataclass(slots=True)
class Trial:
    """A trial and what came of it: `open`, `converted` (it was paid for), `canceled`; `how` says it more closely."""

    subscription_id: str
    customer_id: str
    started_at: int
    ends_at: int
    outcome: str = "open"
    how: str = "open"
    converted_at: int | None = None
    first_paid_at: int | None = None


@dataclass(slots=True)
class Failure:
    """An invoice whose payment failed at least once; `decline_code` is the first failure's."""

    invoice_id: str
    customer_id: str
    subscription_id: str | None
    amount: int
    currency: str
    first_failed_at: int
    attempts: int
    decline_code: str
    outcome: str = "open"
    recovered_at: int | None = None
    out_of_band: bool = False
    """Whether it was paid in the end by a transfer that Stripe never saw."""


@dataclass(frozen=True, slots=True)
class FraudWarning:
    """A card network's early word that a payment may be fraud."""

    warning_id: str
    charge_id: str
    customer_id: str
    network: str
    created_at: int


@dataclass(slots=True)
class RefundEntry:
    """Money given back, or tried to."""

    refund_id: str
    charge_id: str
    customer_id: str
    amount: int
    currency: str
    status: str
    reason: str | None
    created_at: int


@dataclass(slots=True)
class DisputeEntry:
    """A dispute; `outcome` is won, lost, open, inquiry or prevented."""

    dispute_id: str
    charge_id: str
    customer_id: str
    amount: int
    currency: str
    reason: str
    status: str
    outcome: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Movement:
    """A customer's net change of worth on one local day in one currency."""

    customer_id: str
    day: date
    currency: str
    kind: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Worth:
    """What is said of an item when its worth is noted."""

    subscription_item_id: str
    subscription_id: str
    customer_id: str
    product_id: str
    price_id: str
    currency: str
    micros: int


@dataclass(frozen=True, slots=True)
class Leaving:
    """Why a customer would be leaving, if this change takes them to nothing."""

    kind: str
    reason: str | None = None
    feedback: str | None = None
    comment: str | None = None


@dataclass
class Books:
    """Everything the simulation did, in the order it did it."""

    changes: list[MrrChange] = field(default_factory=list)
    churns: list[Churn] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    refunds: list[RefundEntry] = field(default_factory=list)
    disputes: list[DisputeEntry] = field(default_factory=list)
    fraud_warnings: list[FraudWarning] = field(default_factory=list)
    cash: list[CashEntry] = field(default_factory=list)
    payouts: list[PaidOut] = field(default_factory=list)
    _items: dict[str, int] = field(default_factory=dict, repr=False)
    _totals: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int), repr=False)
    _left: dict[tuple[str, str], Churn] = field(default_factory=dict, repr=False)

    def note(self, at: int, cause: str, worths: Iterable[Worth], leaving: Leaving | None = None) -> None:
        """Items (of one customer in one currency) are worth so much from `at` on; unchanged ones are passed over."""
        changed = [worth for worth in worths if worth.micros != self._items.get(worth.subscription_item_id, 0)]
        if not changed:
            return
        key = changed[0].customer_id, changed[0].currency
        before = self._totals[key]
        for worth in changed:
            self._change(at, cause, worth)
        after = self._totals[key]
        if before and not after:
            self._leave(key, at, changed[-1].subscription_id, before, leaving or Leaving("voluntary_unknown"))
        elif after and not before:
            self._return(key, at)

    def mrr_at(self, at: int) -> dict[str, int]:
        """Micros by currency at an instant, changes of that very second included."""
        totals: dict[str, int] = defaultdict(int)
        for change in self.changes:
            if change.at <= at:
                totals[change.currency] += change.after - change.before
        return dict(totals)

    def item_mrr_at(self, at: int) -> dict[str, int]:
        """Micros by subscription item at an instant; items worth nothing are left out."""
        totals: dict[str, int] = defaultdict(int)
        for change in self.changes:
            if change.at <= at:
                totals[change.subscription_item_id] += change.after - change.before
        return {item: micros for item, micros in totals.items() if micros}

    def movements(self, zone: str) -> list[Movement]:
        """Every movement by customer, local day of `zone` and currency, in that order."""
        return [
            movement
            for (customer, currency), days in sorted(self._days(ZoneInfo(zone)).items())
            for movement in _movements(customer, currency, days)
        ]

    def balance_at(self, at: int) -> dict[str, int]:
        """The Stripe balance by settlement currency at an instant, pending funds included, payouts taken off."""
        totals: dict[str, int] = defaultdict(int)
        for entry in self.cash:
            if entry.at <= at:
                totals[entry.currency] += entry.net
        return dict(totals)

    def as_json(self) -> dict[str, list[dict[str, Any]]]:
        """The lists as plain data."""
        lists = ("changes", "churns", "trials", "failures", "refunds", "disputes", "fraud_warnings", "cash", "payouts")
        return {name: [asdict(entry) for entry in getattr(self, name)] for name in lists}

    def _change(self, at: int, cause: str, worth: Worth) -> None:
        before = self._items.get(worth.subscription_item_id, 0)
        self._items[worth.subscription_item_id] = worth.micros
        self._totals[worth.customer_id, worth.currency] += worth.micros - before
        self.changes.append(
            MrrChange(
                worth.subscription_item_id,
                worth.subscription_id,
                worth.customer_id,
                worth.product_id,
                worth.price_id,
                worth.currency,
                at,
                before,
                worth.micros,
                cause,
            )
        )

    def _leave(self, key: tuple[str, str], at: int, subscription_id: str, lost: int, why: Leaving) -> None:
        customer, currency = key
        churn = Churn(customer, subscription_id, currency, at, lost, why.kind, why.reason, why.feedback, why.comment)
        self.churns.append(churn)
        self._left[key] = churn

    def _return(self, key: tuple[str, str], at: int) -> None:
        churn = self._left.pop(key, None)
        if churn is not None and at - churn.at <= GRACE_DAYS * DAY:
            self.churns.remove(churn)

    def _days(self, zone: ZoneInfo) -> dict[tuple[str, str], dict[date, int]]:
        """Change of worth by customer and currency, then local day."""
        days: dict[tuple[str, str], dict[date, int]] = defaultdict(lambda: defaultdict(int))
        for change in self.changes:
            day = datetime.fromtimestamp(change.at, zone).date()
            days[change.customer_id, change.currency][day] += change.after - change.before
        return days


def _movements(customer: str, currency: str, days: dict[date, int]) -> Iterator[Movement]:
    steps, worth = [], 0
    for day in sorted(days):
        if days[day]:
            steps.append((day, worth, worth + days[day]))
            worth += days[day]
    for place, (day, before, after) in enumerate(steps):
        nearby = steps[place - 1][0] if after and place else None
        if not after and place + 1 < len(steps):
            nearby = steps[place + 1][0]
        brief = nearby is not None and abs((day - nearby).days) <= GRACE_DAYS
        yield Movement(customer, day, currency, _kind(before, after, place == 0, brief), before, after)


def _kind(before: int, after: int, first: bool, brief: bool) -> str:
    """The class of a movement; `brief` says that the spell at nothing next to it lasted no longer than the grace."""
    if before and after:
        return "expansion" if after > before else "contraction"
    if after:
        return "new" if first else "expansion" if brief else "reactivation"
    return "contraction" if brief else "churn"
