"""The account's balance, by hand-worked days. 2026-01-05 is a Monday; times are UTC."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from sandbox.world.balance import Balance, CashEntry
from sandbox.world.rates import Rates
from tests.sandbox.conformance import faults

DAY = 86_400
MONDAY = int(dt.datetime(2026, 1, 5, tzinfo=dt.UTC).timestamp())
HOUR = 3_600

Objects = dict[str, dict[str, Any]]
Told = list[tuple[int, str, str]]


class World:
    """A balance with the objects it stored (each copied when put) and what it told."""

    def __init__(self, payouts: str = "daily", one_payout_fails_in: int = 10**9) -> None:
        self.objects: Objects = {}
        self.told: Told = []
        self.rates = Rates(seed=7)
        self.balance = Balance(
            seed=7,
            rates=self.rates,
            put=self._put,
            tell=self._tell,
            payouts=payouts,
            one_payout_fails_in=one_payout_fails_in,
        )

    def until(self, at: int, since: int = MONDAY) -> None:
        """Tick at each midnight after `since`, up to and with `at`."""
        for midnight in range(since + DAY, at + 1, DAY):
            self.balance.tick(midnight)

    def of_type(self, type_: str) -> list[dict[str, Any]]:
        return [obj for obj in self.objects.values() if obj.get("type") == type_]

    def sums(self, state: str) -> dict[str, int]:
        return {part["currency"]: part["amount"] for part in self.balance.now()[state]}

    def _put(self, obj: dict[str, Any]) -> None:
        self.objects[obj["id"]] = dict(obj)

    def _tell(self, at: int, event: str, obj: dict[str, Any], previous: dict[str, Any] | None) -> None:
        self.told.append((at, event, obj["id"]))


@pytest.fixture
def world() -> World:
    return World()


def test_a_charge_is_pending_for_two_weekdays_then_paid_out_less_its_fee(world: World) -> None:
    """
    Mon 10:00  charge 100.00 usd, fee 2.9 % of 10000 = 290 + 30 = 320, net 9680, available Wed 00:00
    Wed 00:00  available and paid out at once: payout 9680, arrives Thu 00:00
    """
    txn = world.balance.charge(at=MONDAY + 10 * HOUR, charge="ch_1", amount=10_000, currency="usd")
    charged = world.objects[txn]
    assert (charged["amount"], charged["fee"], charged["net"], charged["status"]) == (10_000, 320, 9_680, "pending")
    assert charged["fee_details"][0]["amount"] == 320
    assert charged["available_on"] == MONDAY + 2 * DAY
    assert charged["exchange_rate"] is None
    assert world.sums("pending") == {"usd": 9_680}

    world.until(MONDAY + 2 * DAY)
    (payout,) = [obj for obj in world.objects.values() if obj["object"] == "payout"]
    assert (payout["amount"], payout["status"], payout["arrival_date"]) == (9_680, "in_transit", MONDAY + 3 * DAY)
    assert world.objects[txn]["status"] == "available"
    assert world.objects[txn]["_payout"] == payout["id"]
    left = world.objects[payout["balance_transaction"]]
    assert (left["amount"], left["fee"], left["reporting_category"]) == (-9_680, 0, "payout")
    assert world.sums("pending") == world.sums("available") == {"usd": 0}

    world.until(MONDAY + 3 * DAY, since=MONDAY + 2 * DAY)
    assert world.objects[payout["id"]]["status"] == "paid"
    assert [event for _, event, _ in world.told] == ["payout.created", "payout.paid"]


def test_a_friday_charge_waits_over_the_weekend_and_nothing_is_paid_out_on_it(world: World) -> None:
    """Fri 10:00 charge, two weekdays later is Tue 00:00: that is when it is paid out."""
    friday = MONDAY + 4 * DAY
    world.balance.charge(at=friday + 10 * HOUR, charge="ch_1", amount=10_000, currency="usd")
    world.until(friday + 4 * DAY, since=friday)
    (paid_out,) = world.balance.paid_out
    assert paid_out.at == friday + 4 * DAY


def test_euros_stay_euros_and_other_currencies_become_dollars_in_seven_days(world: World) -> None:
    """
    10,000 yen at 98 % of the day's market rate; fees of the settled amount: 2.9 % + 30.
    """
    euro = world.objects[world.balance.charge(at=MONDAY, charge="ch_1", amount=5_000, currency="eur")]
    yen = world.objects[world.balance.charge(at=MONDAY, charge="ch_2", amount=10_000, currency="jpy")]
    assert (euro["currency"], euro["amount"], euro["fee"], euro["exchange_rate"]) == ("eur", 5_000, 175, None)
    rate = (world.rates.rate_on(dt.date(2026, 1, 5), "jpy") * Decimal("0.98")).quantize(Decimal("1e-8"))
    assert yen["exchange_rate"] == float(rate)
    assert (yen["currency"], yen["amount"]) == ("usd", int(10_000 * rate * 100 + Decimal("0.5")))
    assert yen["available_on"] == MONDAY + 7 * DAY
    world.until(MONDAY + 7 * DAY)
    assert {(paid.currency, paid.amount) for paid in world.balance.paid_out} == {
        ("eur", 5_000 - 175),
        ("usd", yen["net"]),
    }


def test_a_refund_leaves_without_fee_and_comes_back_whole_when_it_fails(world: World) -> None:
    """
    Mon  charge 100.00 (net 9680); Tue refund 40.00: available −4000; Wed payout 9680 − 4000 = 5680
    Thu  the refund fails: +4000, paid out Fri
    """
    world.balance.charge(at=MONDAY, charge="ch_1", amount=10_000, currency="usd")
    refund = world.balance.refund(at=MONDAY + DAY, refund="re_1", charge="ch_1", amount=4_000, currency="usd")
    assert (world.objects[refund]["amount"], world.objects[refund]["fee"]) == (-4_000, 0)
    world.balance.tick(MONDAY + DAY + HOUR)
    assert world.sums("available") == {"usd": -4_000}
    assert world.balance.paid_out == []
    world.until(MONDAY + 2 * DAY, since=MONDAY + DAY)
    back = world.objects[world.balance.refund_failed(at=MONDAY + 3 * DAY + HOUR, refund="re_1")]
    assert (back["amount"], back["type"], back["source"]) == (4_000, "refund_failure", "re_1")
    world.until(MONDAY + 4 * DAY, since=MONDAY + 2 * DAY)
    assert [paid.amount for paid in world.balance.paid_out] == [5_680, 4_000]


def test_a_dispute_takes_its_amount_and_fifteen_dollars_and_a_win_returns_the_amount(world: World) -> None:
    """−10000 − 1500 on opening; +10000 on winning; the 15.00 stay with the networks."""
    taken = world.balance.dispute_withdrawn(at=MONDAY, dispute="dp_1", charge="ch_1", amount=10_000, currency="usd")
    assert (taken["amount"], taken["fee"], taken["net"]) == (-10_000, 1_500, -11_500)
    assert (taken["type"], taken["reporting_category"], taken["source"]) == ("adjustment", "dispute", "dp_1")
    returned = world.balance.dispute_reversed(at=MONDAY + 30 * DAY, dispute="dp_1")
    assert (returned["net"], returned["reporting_category"]) == (10_000, "dispute_reversal")
    assert world.sums("available") == {"usd": -1_500}
    with pytest.raises(KeyError):
        world.balance.dispute_reversed(at=MONDAY + 31 * DAY, dispute="dp_1")


def test_the_month_s_fees_fall_due_at_the_first_tick_of_the_next(world: World) -> None:
    """
    January: charges of 100.00 and 50.00 usd → billing 0.7 % of 15000 = 105, radar 2 × 5 = 10
    """
    world.balance.tick(MONDAY)
    world.balance.charge(at=MONDAY, charge="ch_1", amount=10_000, currency="usd")
    world.balance.charge(at=MONDAY, charge="ch_2", amount=5_000, currency="usd")
    february = MONDAY + 27 * DAY
    world.until(february)
    fees = world.of_type("stripe_fee")
    assert [(fee["amount"], fee["description"]) for fee in fees] == [
        (-105, "Billing - Usage Fee (2026-01)"),
        (-10, "Radar for Fraud Teams (2026-01)"),
    ]
    assert {(fee["created"], fee["reporting_category"], fee["source"]) for fee in fees} == {(february, "fee", None)}


def test_a_failed_payout_brings_the_money_back_and_it_leaves_with_the_next() -> None:
    """
    9680 leaves Wed, comes back Thu 00:00 and leaves again in the same round.
    """
    world = World(one_payout_fails_in=1)
    world.balance.charge(at=MONDAY, charge="ch_1", amount=10_000, currency="usd")
    world.until(MONDAY + 3 * DAY)
    first, second = world.balance.paid_out
    assert (first.status, first.amount, second.amount) == ("failed", 9_680, 9_680)
    failed = world.objects[first.payout_id]
    assert (failed["status"], failed["failure_code"]) == ("failed", "could_not_process")
    back = world.objects[failed["failure_balance_transaction"]]
    assert (back["amount"], back["type"], back["reporting_category"]) == (9_680, "payout_failure", "payout_reversal")
    assert back["_payout"] == second.payout_id


def test_weekly_payouts_leave_on_mondays() -> None:
    world = World(payouts="weekly")
    world.balance.charge(at=MONDAY, charge="ch_1", amount=10_000, currency="usd")
    world.until(MONDAY + 7 * DAY)
    assert [paid.at for paid in world.balance.paid_out] == [MONDAY + 7 * DAY]


def test_a_busy_quarter_adds_up_to_the_cent() -> None:
    """Opening 0 + Σ net of all entries = available + pending, per currency; a payout is what it carried."""
    world = World()
    for day in range(90):
        at = MONDAY + day * DAY + 12 * HOUR
        for place, currency in enumerate(["usd", "eur", "gbp", "jpy", "kwd"]):
            charge = f"ch_{day}_{place}"
            world.balance.charge(at=at, charge=charge, amount=3_000 + day * 10, currency=currency)
            if day % 10 == place:
                world.balance.refund(at=at, refund=f"re_{charge}", charge=charge, amount=990, currency=currency)
            if day % 30 == place:
                world.balance.dispute_withdrawn(
                    at=at, dispute=f"dp_{charge}", charge=charge, amount=3_000, currency=currency
                )
        world.balance.tick(at + 12 * HOUR)
    for currency in ("usd", "eur"):
        entries = [entry for entry in world.balance.cash if entry.currency == currency]
        assert (
            sum(entry.net for entry in entries) == world.sums("available")[currency] + world.sums("pending")[currency]
        )
    for paid in world.balance.paid_out:
        carried = [world.objects[entry] for entry in paid.entries]
        assert {entry["_payout"] for entry in carried} == {paid.payout_id}
        assert sum(entry["net"] for entry in carried) == paid.amount
    assert [fault for obj in world.objects.values() for fault in faults(obj)] == []


def test_the_cash_book_tells_each_transaction_once(world: World) -> None:
    txn = world.balance.charge(at=MONDAY, charge="ch_1", amount=10_000, currency="usd")
    assert world.balance.cash == [CashEntry(txn, MONDAY, "usd", 10_000, 320, 9_680, "charge", "ch_1")]
