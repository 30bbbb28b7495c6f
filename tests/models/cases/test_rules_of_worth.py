"""What a subscription is worth, by one policy and by another: discounts, usage, lengths of months, exchange rates."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import marts
from models.policy import PRESETS, MetricPolicy, changed
from models.spine import Spine
from models.terms import Terms
from tests.models.story import Account, instant, ledger, movements, rate_frame

OURS = PRESETS["default"]
STRIPE, CHARTMOGUL, BAREMETRICS, PROFITWELL, MAXIO = (
    PRESETS[name] for name in ("stripe", "chartmogul", "baremetrics", "profitwell", "maxio")
)
MONTHS = ("2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01")


def told(account: Account, as_of: str, policy: MetricPolicy) -> list[str]:
    return ledger(account.spine(as_of, policy=policy))


def discounted(*discounts: list[str]) -> Account:
    """1,000 a month from 1 January 2026, each month billed with the discounts said of it.

    Coupons: `gift` 20 % once, `half` 50 % repeating, `tenth` 10 % for ever.
    """
    account = Account()
    account.price("team", 1000)
    account.coupon("gift", "once", percent_off=Decimal(20))
    account.coupon("half", "repeating", percent_off=Decimal(50), duration_in_months=2)
    account.coupon("tenth", "forever", percent_off=Decimal(10))
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)])
    for place, names in enumerate(discounts):
        period = (MONTHS[place], MONTHS[place + 1])
        account.invoice("sub_1", [("si_1", "team", 1, *period)], discounts=names)
    return account


def test_a_coupon_for_one_invoice_never_shows_or_lowers_its_period() -> None:
    """20 % of 1,000 in January: 800."""
    account = discounted(["gift"], [])
    for policy in (OURS, STRIPE):
        assert told(account, "2026-02-10", policy) == ["2026-01-01 si_1 0 -> 1000 start"]
    for policy in (CHARTMOGUL, BAREMETRICS, PROFITWELL, MAXIO):
        assert told(account, "2026-02-10", policy) == [
            "2026-01-01 si_1 0 -> 800 start",
            "2026-02-01 si_1 800 -> 1000 discount_end",
        ]


def test_a_repeating_coupon_lowers_its_periods_or_never_shows() -> None:
    account = discounted(["half"], ["half"], [])
    assert told(account, "2026-03-10", STRIPE) == ["2026-01-01 si_1 0 -> 1000 start"]
    assert told(account, "2026-03-10", OURS) == [
        "2026-01-01 si_1 0 -> 500 start",
        "2026-03-01 si_1 500 -> 1000 discount_end",
    ]


def test_a_coupon_for_ever_always_lowers() -> None:
    for policy in PRESETS.values():
        assert told(discounted(["tenth"]), "2026-01-10", policy) == ["2026-01-01 si_1 0 -> 900 start"]


def test_only_those_that_count_are_taken_off_in_their_order() -> None:
    """Half, then a tenth: 1,000 -> 500 -> 450. Without the half: 900. With the gift too: 800 -> 400 -> 360."""
    account = discounted(["gift", "half", "tenth"])
    worth = {OURS: 450, STRIPE: 900, BAREMETRICS: 360}
    for policy, micros in worth.items():
        assert told(account, "2026-01-10", policy) == [f"2026-01-01 si_1 0 -> {micros} start"]


def test_the_same_coupon_id_in_two_accounts_is_two_coupons() -> None:
    """In acct_1 `gift` holds once, in acct_2 for ever: 20 % of 1,000 are 800 there, always."""
    one, other = discounted(["gift"]), discounted(["gift"])
    other.rows["coupons"][0]["duration"] = "forever"
    for table, rows in other.rows.items():
        one.rows[table].extend({**row, "account_id": "acct_2"} for row in rows)
    worth = one.spine("2026-01-10", policy=OURS).changes.select("account_id", "after_micros").collect()
    assert sorted(worth.rows()) == [("acct_1", 1_000_000_000), ("acct_2", 800_000_000)]


@pytest.mark.parametrize(
    ("rules", "weekly", "thirty_days"),
    [
        ({}, "2166.666667", "1926.388889"),  # 500 x 52/12; 1,900 x 365/12 / 30
        ({"week_factor": "365/84"}, "2172.619048", "1926.388889"),  # 500 x 365/84
        ({"week_factor": 4, "day_factor": 30}, "2000", "1900"),
        ({"treat_28_31_day_as_month": True}, "2166.666667", "1900"),
    ],
)
def test_weeks_and_days_make_a_month_as_the_policy_says(rules: dict[str, Any], weekly: str, thirty_days: str) -> None:
    account = Account()
    account.price("week", 500, "week")
    account.price("days", 1900, "day", 30)
    for name, end in (("week", "2026-01-08"), ("days", "2026-01-31")):
        account.subscription(f"sub_{name}", name, "2026-01-01", [(f"si_{name}", name, 1)])
        account.invoice(f"sub_{name}", [(f"si_{name}", name, 1, "2026-01-01", end)])
    assert told(account, "2026-01-02", changed(OURS, **rules)) == [
        f"2026-01-01 si_days 0 -> {thirty_days} start",
        f"2026-01-01 si_week 0 -> {weekly} start",
    ]


COUNTING = changed(OURS, metered_counts=True)


def metered(*charged: int, count: int = 1, **now: Any) -> Account:
    """Usage billed when each of the months from January on is over, beside 500 a month."""
    account = Account()
    account.price("team", 500)
    account.price("usage", 3, count=count)
    account.rows["prices"][-1]["recurring_usage_type"] = "metered"
    items = [("si_1", "team", 1), ("si_2", "usage", 0)]
    account.subscription("sub_1", "cus_1", "2026-01-01", items, **now)
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-05-01")])
    for place, amount in enumerate(charged):
        account.invoice("sub_1", [("si_2", "usage", 9, MONTHS[place], MONTHS[place + 1])])
        account.rows["invoice_lines"][-1]["amount"] = amount
        account.rows["invoices"][-1]["created_at"] = account.rows["invoice_lines"][-1]["period_end_at"]
    return account


def test_usage_is_no_mrr_or_the_mean_of_the_last_three_invoices() -> None:
    """100, then (100 + 200) / 2, then (100 + 200 + 600) / 3, then (200 + 600 + 0) / 3 = 266.666667."""
    account = metered(100, 200, 600, 0)
    assert told(account, "2026-05-01", OURS) == ["2026-01-01 si_1 0 -> 500 start"]
    assert told(account, "2026-05-01", COUNTING) == [
        "2026-01-01 si_1 0 -> 500 start",
        "2026-02-01 si_2 0 -> 100 add_on",
        "2026-03-01 si_2 100 -> 150 quantity",
        "2026-04-01 si_2 150 -> 300 quantity",
        "2026-05-01 si_2 300 -> 266.666667 quantity",
    ]


def test_usage_of_a_quarter_is_a_third_a_month() -> None:
    account = metered(900, count=3)
    assert told(account, "2026-02-10", COUNTING)[1:] == ["2026-02-01 si_2 0 -> 300 add_on"]


def test_usage_ends_with_its_subscription_whatever_is_billed_then() -> None:
    account = metered(100, 200, status="canceled", ended_at="2026-03-01")
    assert told(account, "2026-03-10", COUNTING)[1:] == [
        "2026-02-01 si_2 0 -> 100 add_on",
        "2026-03-01 si_1 500 -> 0 end",
        "2026-03-01 si_2 100 -> 0 end",
    ]


def test_tiers_of_one_bill_are_one_amount() -> None:
    account = metered(100)
    account.rows["invoice_lines"].append({**account.rows["invoice_lines"][-1], "id": "in_2_1", "amount": 30})
    assert told(account, "2026-02-10", COUNTING)[1:] == ["2026-02-01 si_2 0 -> 130 add_on"]


def test_an_item_that_does_not_count_says_that_it_is_metered() -> None:
    reasons = {
        policy: metered(100).spine("2026-02-10", policy=policy).marts["mrr_exclusions"].collect()["reason"]
        for policy in (OURS, COUNTING)
    }
    assert [list(rows) for rows in reasons.values()] == [["metered"], []]


RATES = (
    ("2026-01-01", "eur", "usd", "1.1"),
    ("2026-02-01", "eur", "usd", "1.2"),
    ("2026-03-01", "eur", "usd", "1.3"),
    ("2026-04-01", "eur", "usd", "1.0"),
    ("2026-05-01", "eur", "usd", "1.4"),
)
COLUMNS = ("new_mrr", "expansion_mrr", "churn_mrr", "reactivation_mrr", "fx_mrr", "closing_mrr")


def euros() -> Account:
    """1,000 euros a month from 10 January, 1,500 from 10 February on, gone on 10 April; back with 1,000 on 10 May."""
    account = Account()
    account.price("euro", 1000)
    account.price("more", 1500)
    for price in account.rows["prices"]:
        price["currency"] = "eur"
    ended = {"status": "canceled", "ended_at": "2026-04-10", "currency": "eur"}
    account.subscription("sub_1", "cus_1", "2026-01-10", [("si_1", "more", 1)], **ended)
    account.invoice("sub_1", [("si_1", "euro", 1, "2026-01-10", "2026-02-10")])
    account.invoice("sub_1", [("si_1", "more", 1, "2026-02-10", "2026-04-10")])
    account.subscription("sub_2", "cus_1", "2026-05-10", [("si_2", "euro", 1)], currency="eur")
    account.invoice("sub_2", [("si_2", "euro", 1, "2026-05-10", "2026-06-10")])
    return account


def in_dollars(mode: str, **rules: Any) -> Spine:
    """The spine of it, a euro being 1.10, 1.20, 1.30, 1.00 and 1.40 dollars from the first of each month on."""
    return euros().spine("2026-05-20", rates=RATES, policy=changed(OURS, fx_mode=mode, **rules))


def months(mode: str) -> list[tuple[Any, ...]]:
    return in_dollars(mode).marts["mrr_by_month_reporting"].select(COLUMNS).collect().rows()


def test_daily_the_stock_is_revalued_and_rates_are_a_movement() -> None:
    """February: 1,500 x 1.20 - 1,000 x 1.10 = 700, of which 500 x 1.20 = 600 expansion. April: 1,500 x 1.00 go."""
    assert months("daily_stock") == [
        (1100, 0, 0, 0, 0, 1100),
        (0, 600, 0, 0, 100, 1800),
        (0, 0, 0, 0, 150, 1950),
        (0, 0, -1500, 0, -450, 0),
        (0, 0, 0, 1400, 0, 1400),
    ]


def test_by_movement_date_a_customer_keeps_the_rate_of_the_day_it_began_and_rates_move_nothing() -> None:
    """1.10 from January on: 500 x 1.10 = 550, 1,500 x 1.10 = 1,650. Back in May at May's 1.40."""
    assert months("movement_date") == [
        (1100, 0, 0, 0, 0, 1100),
        (0, 550, 0, 0, 0, 1650),
        (0, 0, 0, 0, 0, 1650),
        (0, 0, -1650, 0, 0, 0),
        (0, 0, 0, 1400, 0, 1400),
    ]


def test_constant_is_todays_rate_throughout() -> None:
    """1.40: 1,400, then 2,100."""
    assert months("constant") == [
        (1400, 0, 0, 0, 0, 1400),
        (0, 700, 0, 0, 0, 2100),
        (0, 0, 0, 0, 0, 2100),
        (0, 0, -2100, 0, 0, 0),
        (0, 0, 0, 1400, 0, 1400),
    ]


def test_native_converts_nothing() -> None:
    assert months("native") == [(0, 0, 0, 0, 0, 0)] * 5
    assert movements(in_dollars("native"))[0] == "2026-01-10 cus_1 new +1000 eur"


def test_native_needs_no_rate() -> None:
    account = Account()
    account.price("euro", 1000)
    account.rows["prices"][0]["currency"] = "eur"
    account.subscription("sub_1", "cus_1", "2026-01-10", [("si_1", "euro", 1)], currency="eur")
    account.invoice("sub_1", [("si_1", "euro", 1, "2026-01-10", "2026-02-10")])
    spine = account.spine("2026-01-20", policy=changed(OURS, fx_mode="native"))
    assert movements(spine) == ["2026-01-10 cus_1 new +1000 eur"]
    assert spine.findings.collect().is_empty()


def test_a_customer_back_within_the_days_of_grace_keeps_the_rate() -> None:
    """Away from 10 April to 10 May, 30 days: with 30 days of grace the 1,000 are back at 1.10, not at 1.40."""
    spine = in_dollars("movement_date", grace_days=30)
    assert spine.marts["mrr_by_month_reporting"].collect()["closing_mrr"].to_list()[-1] == 1100


@pytest.mark.parametrize(
    ("mode", "worth"),
    [("daily_stock", 1800), ("movement_date", 1650), ("constant", 1800), ("native", 0)],
)
def test_customers_are_worth_what_the_month_closes_with(mode: str, worth: int) -> None:
    """1,500 euros on 20 February: at 1.20 today, at 1.10 when the customer began."""
    terms = Terms(instant("2026-02-20"), "UTC", "usd", changed(OURS, fx_mode=mode))
    built = marts.build(euros().staging(), rate_frame(RATES), terms, only=["customers", "mrr_by_month_reporting"])
    assert built["customers"].collect()["mrr_reporting"].to_list() == [worth]
    assert built["mrr_by_month_reporting"].collect()["closing_mrr"].to_list()[-1] == worth


def test_only_days_that_are_converted_at_can_be_stale() -> None:
    """Rates are of the first of each month: by movement date 10 January is nine days away from one, and 10 May;
    with today's rate throughout only 20 May is looked at."""
    details = {mode: in_dollars(mode).findings.collect()["detail"].to_list() for mode in ("movement_date", "constant")}
    assert [rows[0].split(" use ")[0] for rows in details.values()] == [
        "2 days from 2026-01-10 to 2026-05-10",
        "1 days from 2026-05-20 to 2026-05-20",
    ]


SEATS = [(5, 700, 1000), (10, 500, 2000), (None, 300, 0)]
"""Up to 5, 10 and without end: what a seat costs, and the flat fee."""


def seats_billed(mode: str, tiers: list[tuple[int | None, int, int]], lines: list[tuple[int, int]]) -> Account:
    """January billed by lines of (units, amount), half price and 20 % of tax in it; Stripe holds all their units."""
    account = Account()
    steps = [
        {"up_to": up_to, "unit_amount_decimal": Decimal(unit), "flat_amount_decimal": Decimal(flat)}
        for up_to, unit, flat in tiers
    ]
    account.price("seat", None, tiers=steps, tiers_mode=mode, tax_behavior="inclusive")
    account.rows["prices"][-1]["billing_scheme"] = "tiered"
    account.coupon("half", percent_off=Decimal(50))
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "seat", sum(units for units, _ in lines))])
    told = [("si_1", "seat", units, *MONTHS[:2]) for units, _ in lines]
    account.invoice("sub_1", told, discounts=["half"])
    for row, (_, amount) in zip(account.rows["invoice_lines"], lines, strict=True):
        row["amount"] = amount
        row["discount_amounts"] = [{"amount": amount // 2, "discount_id": "half"}]
        row["taxes"] = [{"amount": amount // 12, "tax_behavior": "inclusive", "tax_rate_id": None}]
    return account


def closing_of(account: Account) -> float:
    return float(account.spine("2026-01-20").marts["mrr_by_month"].collect()["closing_mrr"].item())


def test_tiers_billed_by_a_line_each_are_worth_all_of_them() -> None:
    """12 seats, each at the price of its tier: 5 × 700 + 1,000 + 5 × 500 + 2,000 + 2 × 300 = 9,600; half of it 4,800,
    800 of that tax: 4,000."""
    lines = [(5, 3500), (0, 1000), (5, 2500), (0, 2000), (2, 600), (0, 0)]
    account = seats_billed("graduated", SEATS, lines)
    assert closing_of(account) == pytest.approx(4000, abs=3)  # each line's tax is rounded by itself


def test_a_volume_price_with_a_flat_fee_is_billed_by_two_lines() -> None:
    """12 seats at 300 = 3,600; half of it 1,800, 300 of that tax: 1,500. 7 seats: 5,500 ÷ 2 ÷ 1.2 = 2,291.67."""
    of_twelve = seats_billed("volume", SEATS, [(12, 3600), (0, 0)])
    assert closing_of(of_twelve) == 1500
    of_seven = seats_billed("volume", SEATS, [(7, 3500), (0, 2000)])
    assert closing_of(of_seven) == pytest.approx(2291.67, abs=3)


@given(seats=st.integers(1, 40))
def test_tiers_are_worth_the_same_by_one_line_and_by_many(seats: int) -> None:
    bounds = ((0, 5, 700), (5, 10, 500), (10, seats, 300))
    units = [(min(seats, up_to) - below, unit) for below, up_to, unit in bounds]
    lines = [(count, count * unit) for count, unit in units if count > 0]
    tiers = [(up_to, unit, 0) for up_to, unit, _ in SEATS]
    many = seats_billed("graduated", tiers, lines)
    one = seats_billed("graduated", tiers, [(seats, sum(amount for _, amount in lines))])
    assert closing_of(many) == pytest.approx(closing_of(one), abs=5)


def test_an_amount_off_is_shared_by_twelve_months_and_a_year() -> None:
    """One invoice a year bills both: (1,000 + 10,000 − 5,000) ÷ 12 = 500."""
    account = Account()
    account.price("support", 1000, "month", 12)
    account.price("team", 10_000, "year")
    account.coupon("off", amount_off=5000)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "support", 1), ("si_2", "team", 1)])
    year = ("2026-01-01", "2027-01-01")
    account.invoice("sub_1", [("si_1", "support", 1, *year), ("si_2", "team", 1, *year)], discounts=["off"])
    assert closing_of(account) == pytest.approx(500, abs=0.000_001)  # two roundings to a millionth
