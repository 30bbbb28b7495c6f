"""The account's balance: what each charge, refund, dispute and fee does to it, and what is paid out when.

Settles charges in dollars or euros, keeps its own cash book as it acts, and writes balance transactions and payouts
where it is told to. Knows nothing of customers, invoices or why money moves; the simulation says when.
"""

import datetime as dt
import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, NamedTuple

from sandbox.world import shapes
from sandbox.world.rates import Rates, converted

Put = Callable[[dict[str, Any]], None]
Tell = Callable[[int, str, dict[str, Any], dict[str, Any] | None], None]
"""Says that something happened: when, the event's type, the object, what changed of it."""

SETTLED_AS_CHARGED: Final = frozenset({"usd", "eur"})
"""Currencies with a balance of their own; all others are converted to dollars."""

DISPUTE_FEE: Final = 1500
_FEE_PERMILLE: Final = 29
_FEE_FIXED: Final = 30
_CONVERSION: Final = Decimal("0.98")
_BILLING_PERMILLE: Final = 7
_RADAR_FEE: Final = 5
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class CashEntry:
    """One line of the cash book: minor units of the settlement currency, `net` = `amount` − `fee`.

    `category` is Stripe's reporting category; `source` what caused it (charge, refund, dispute, payout) or None.
    """

    balance_transaction_id: str
    at: int
    currency: str
    amount: int
    fee: int
    net: int
    category: str
    source: str | None


@dataclass(slots=True)
class PaidOut:
    """One payout in the books; `status` as it stands now, `entries` the cash entries it carried."""

    payout_id: str
    at: int
    arrives_at: int
    currency: str
    amount: int
    status: str
    entries: tuple[str, ...]


class _Withdrawn(NamedTuple):
    """What left the balance and may come back."""

    currency: str
    amount: int
    source: str


class _Volume(NamedTuple):
    """What was charged in a month in one settlement currency."""

    amount: int = 0
    charges: int = 0


class Balance:
    """The balance of one account, in time order: call the methods as things happen and `tick` once a day.

    `put` stores an object, `tell` hears of payouts' events. `payouts` is daily (weekdays) or weekly (Mondays).
    Amounts handed in are minor units of the presentment currency; a charge's card fee is 2.9 % + 30.
    """

    def __init__(
        self,
        *,
        seed: int,
        rates: Rates,
        put: Put,
        tell: Tell | None = None,
        payouts: str = "daily",
        one_payout_fails_in: int = 150,
        destination: str = "ba_1SandboxBankAccount",
    ) -> None:
        self.cash: list[CashEntry] = []
        self.paid_out: list[PaidOut] = []
        self._rates = rates
        self._put = put
        self._tell = tell or _nobody_listens
        self._weekly = payouts == "weekly"
        self._one_payout_fails_in = one_payout_fails_in
        self._destination = destination
        self._chance = random.Random(f"{seed}:balance")  # noqa: S311 - a simulation
        self._mark = f"1S{self._chance.getrandbits(40):010X}"
        self._count = 0
        self._pending: list[tuple[int, int, dict[str, Any]]] = []
        self._unpaid: dict[str, list[dict[str, Any]]] = {}
        self._sums: dict[str, dict[str, int]] = {"available": {"usd": 0}, "pending": {"usd": 0}}
        self._changed: dict[str, dict[str, Any]] = {}
        self._withdrawn: dict[str, _Withdrawn] = {}
        self._volumes: dict[str, _Volume] = {}
        self._month: tuple[int, int] | None = None
        self._on_the_way: list[tuple[int, int, dict[str, Any], PaidOut, bool]] = []

    def charge(self, *, at: int, charge: str, amount: int, currency: str, description: str | None = None) -> str:
        """A charge succeeded: what it brings less the card fee is available in 2 weekdays (7 days if converted)."""
        settled, into, rate = self._settled(amount, currency, at)
        fee = _card_fee(settled)
        volume = self._volumes.get(into, _Volume())
        self._volumes[into] = _Volume(volume.amount + settled, volume.charges + 1)
        entry = self._enter(
            at=at,
            available_on=_weekdays_after(at, 2) if rate is None else _midnight(at) + 7 * _DAY,
            amount=settled,
            fee=fee,
            fee_details=[shapes.fee_detail(amount=fee, currency=into)] if fee else (),
            currency=into,
            exchange_rate=None if rate is None else float(rate),
            type="charge",
            category="charge",
            source=charge,
            description=description,
        )
        return str(entry["id"])

    def refund(self, *, at: int, refund: str, charge: str, amount: int, currency: str) -> str:
        """A refund leaves, converted at its own day's rate; the charge's fee is not returned."""
        settled, into, rate = self._settled(amount, currency, at)
        self._withdrawn[refund] = _Withdrawn(into, settled, refund)
        entry = self._enter(
            at=at,
            amount=-settled,
            currency=into,
            exchange_rate=None if rate is None else float(rate),
            type="refund",
            category="refund",
            source=refund,
            description=f"REFUND FOR CHARGE ({charge})",
        )
        return str(entry["id"])

    def refund_failed(self, *, at: int, refund: str) -> str:
        """A refund could not be delivered: exactly what left comes back. Errors: KeyError for a refund never made."""
        withdrawn = self._withdrawn.pop(refund)
        entry = self._enter(
            at=at,
            amount=withdrawn.amount,
            currency=withdrawn.currency,
            type="refund_failure",
            category="refund_failure",
            source=refund,
            description=f"REFUND FAILURE ({refund})",
        )
        return str(entry["id"])

    def dispute_withdrawn(self, *, at: int, dispute: str, charge: str, amount: int, currency: str) -> dict[str, Any]:
        """A dispute takes its amount and a fee of 15.00; gives the transaction, to be shown inside the dispute."""
        settled, into, rate = self._settled(amount, currency, at)
        self._withdrawn[dispute] = _Withdrawn(into, settled, charge)
        return self._enter(
            at=at,
            amount=-settled,
            fee=DISPUTE_FEE,
            fee_details=[shapes.fee_detail(amount=DISPUTE_FEE, currency=into, description="Dispute fee")],
            currency=into,
            exchange_rate=None if rate is None else float(rate),
            type="adjustment",
            category="dispute",
            source=dispute,
            description=f"Chargeback withdrawal for {charge}",
        )

    def dispute_reversed(self, *, at: int, dispute: str) -> dict[str, Any]:
        """A won dispute returns its amount, never its fee. Errors: KeyError for a dispute that withdrew nothing."""
        withdrawn = self._withdrawn.pop(dispute)
        return self._enter(
            at=at,
            amount=withdrawn.amount,
            currency=withdrawn.currency,
            type="adjustment",
            category="dispute_reversal",
            source=dispute,
            description=f"Chargeback reversal for {withdrawn.source}",
        )

    def tick(self, at: int) -> None:
        """The day's round: money comes available, payouts arrive or fail, a month's fees fall due, payouts leave."""
        self._make_available(at)
        self._settle_payouts(at)
        self._charge_fees(at)
        weekday = _day(at).weekday()
        if weekday == 0 or (weekday < 5 and not self._weekly):
            for currency in sorted(self._unpaid):
                self._pay_out(at, currency)
        for entry in self._changed.values():
            self._put(entry)
        self._changed.clear()

    def now(self) -> dict[str, Any]:
        """The balance object as of the last entry or tick."""
        return shapes.balance(available=self._sums["available"], pending=self._sums["pending"])

    def _settled(self, amount: int, currency: str, at: int) -> tuple[int, str, Decimal | None]:
        if currency in SETTLED_AS_CHARGED:
            return amount, currency, None
        market = self._rates.rate_on(_day(at), currency)
        rate = (market * _CONVERSION).quantize(Decimal("0.00000001"))
        return converted(amount, currency, "usd", rate), "usd", rate

    def _enter(
        self,
        *,
        at: int,
        amount: int,
        currency: str,
        type: str,  # noqa: A002 - Stripe's word
        category: str,
        source: str | None,
        available_on: int | None = None,
        fee: int = 0,
        **details: Any,
    ) -> dict[str, Any]:
        pending = available_on is not None and available_on > at
        entry = shapes.balance_transaction(
            id=self._id("txn_"),
            created=at,
            available_on=at if available_on is None else available_on,
            amount=amount,
            fee=fee,
            currency=currency,
            type=type,
            reporting_category=category,
            source=source,
            status="pending" if pending else "available",
            **details,
        )
        self.cash.append(CashEntry(entry["id"], at, currency, amount, fee, amount - fee, category, source))
        self._add("pending" if pending else "available", currency, amount - fee)
        if pending:
            heapq.heappush(self._pending, (entry["available_on"], self._count, entry))
        elif type != "payout":
            self._unpaid.setdefault(currency, []).append(entry)
        self._put(entry)
        return dict(entry)

    def _make_available(self, at: int) -> None:
        while self._pending and self._pending[0][0] <= at:
            entry = heapq.heappop(self._pending)[2]
            entry["status"] = "available"
            self._add("pending", entry["currency"], -entry["net"])
            self._add("available", entry["currency"], entry["net"])
            self._unpaid.setdefault(entry["currency"], []).append(entry)
            self._changed[entry["id"]] = entry

    def _pay_out(self, at: int, currency: str) -> None:
        entries = self._unpaid[currency]
        amount = sum(entry["net"] for entry in entries)
        if amount <= 0:
            return
        self._unpaid[currency] = []
        payout_id = self._id("po_")
        left = self._enter(
            at=at,
            amount=-amount,
            currency=currency,
            type="payout",
            category="payout",
            source=payout_id,
            description="STRIPE PAYOUT",
        )
        payout = shapes.payout(
            id=payout_id,
            created=at,
            arrival_date=_weekdays_after(at, 1),
            amount=amount,
            currency=currency,
            balance_transaction=left["id"],
            destination=self._destination,
            status="in_transit",
        )
        for entry in (*entries, left):
            entry["_payout"] = payout_id
            self._changed[entry["id"]] = entry
        self._put(payout)
        carried = tuple(entry["id"] for entry in entries)
        record = PaidOut(payout_id, at, payout["arrival_date"], currency, amount, "in_transit", carried)
        self.paid_out.append(record)
        fails = self._chance.randrange(self._one_payout_fails_in) == 0
        heapq.heappush(self._on_the_way, (payout["arrival_date"], self._count, payout, record, fails))
        self._tell(at, "payout.created", dict(payout), None)

    def _settle_payouts(self, at: int) -> None:
        while self._on_the_way and self._on_the_way[0][0] <= at:
            _, _, payout, record, fails = heapq.heappop(self._on_the_way)
            if fails:
                self._fail(at, payout, record)
            else:
                self._arrive(at, payout, record, "paid", "payout.paid")

    def _fail(self, at: int, payout: dict[str, Any], record: PaidOut) -> None:
        back = self._enter(
            at=at,
            amount=payout["amount"],
            currency=payout["currency"],
            type="payout_failure",
            category="payout_reversal",
            source=payout["id"],
            description="PAYOUT FAILURE",
        )
        payout["failure_balance_transaction"] = back["id"]
        payout["failure_code"] = "could_not_process"
        payout["failure_message"] = "The bank could not process this payout."
        self._arrive(at, payout, record, "failed", "payout.failed")

    def _arrive(self, at: int, payout: dict[str, Any], record: PaidOut, status: str, event: str) -> None:
        payout["status"] = record.status = status
        self._put(payout)
        self._tell(at, event, dict(payout), None)

    def _charge_fees(self, at: int) -> None:
        day = _day(at)
        month = (day.year, day.month)
        if self._month is not None and month != self._month:
            of = "{:04}-{:02}".format(*self._month)
            for currency, volume in sorted(self._volumes.items()):
                self._fee(at, currency, _permille(volume.amount, _BILLING_PERMILLE), f"Billing - Usage Fee ({of})")
                self._fee(at, currency, volume.charges * _RADAR_FEE, f"Radar for Fraud Teams ({of})")
            self._volumes = {}
        self._month = month

    def _fee(self, at: int, currency: str, amount: int, description: str) -> None:
        if amount:
            self._enter(
                at=at,
                amount=-amount,
                currency=currency,
                type="stripe_fee",
                category="fee",
                source=None,
                description=description,
            )

    def _add(self, state: str, currency: str, amount: int) -> None:
        sums = self._sums[state]
        sums[currency] = sums.get(currency, 0) + amount

    def _id(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._mark}{self._count:012}"


def _nobody_listens(at: int, event: str, obj: dict[str, Any], previous: dict[str, Any] | None) -> None:
    """For a balance on its own."""


def _card_fee(settled: int) -> int:
    return _permille(settled, _FEE_PERMILLE) + _FEE_FIXED if settled else 0


def _permille(amount: int, permille: int) -> int:
    return int((Decimal(amount) * permille / 1000).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _day(at: int) -> dt.date:
    return dt.datetime.fromtimestamp(at, tz=dt.UTC).date()


def _midnight(at: int) -> int:
    return at - at % _DAY


def _weekdays_after(at: int, count: int) -> int:
    """Midnight (UTC) of the day that is `count` weekdays later."""
    moment = _midnight(at)
    while count:
        moment += _DAY
        count -= (moment // _DAY + 3) % 7 < 5
    return moment
