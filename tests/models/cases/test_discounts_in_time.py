"""Discounts as time goes by: a stretch is discounted as the invoice of its period was."""

from decimal import Decimal

from tests.models.story import Account, ledger, movements


def months(first: int, count: int) -> list[tuple[str, str]]:
    """Periods of a month from the first of 2026's month `first`."""
    return [(f"2026-{month:02}-01", f"2026-{month + 1:02}-01") for month in range(first, first + count)]


def test_half_price_for_four_months_is_an_expansion_in_the_fifth() -> None:
    """docs.stripe.com/billing/subscriptions/coupons: 50 % for 4 months of 100 a month: 50, 50, 50, 50, 100."""
    account = Account()
    account.price("team", 100)
    account.coupon("half", "repeating", percent_off=Decimal(50), duration_in_months=4)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)])
    for place, period in enumerate(months(1, 6)):
        account.invoice("sub_1", [("si_1", "team", 1, *period)], discounts=["half"] if place < 4 else [])
    assert ledger(account.spine("2026-06-15")) == [
        "2026-01-01 si_1 0 -> 50 start",
        "2026-05-01 si_1 50 -> 100 discount_end",
    ]


def test_four_months_on_a_yearly_plan_last_the_year_that_was_invoiced_with_them() -> None:
    account = Account()
    account.price("team", 120_000, "year")
    account.coupon("half", "repeating", percent_off=Decimal(50), duration_in_months=4)
    account.subscription("sub_1", "cus_1", "2025-01-01", [("si_1", "team", 1)])
    account.invoice("sub_1", [("si_1", "team", 1, "2025-01-01", "2026-01-01")], discounts=["half"])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2027-01-01")])
    assert ledger(account.spine("2026-06-15")) == [
        "2025-01-01 si_1 0 -> 5000 start",
        "2026-01-01 si_1 5000 -> 10000 discount_end",
    ]


def test_a_coupon_for_the_first_invoice_alone_never_shows() -> None:
    account = Account()
    account.price("team", 1200)
    account.coupon("welcome", "once", percent_off=Decimal(20))
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)])
    for place, period in enumerate(months(1, 2)):
        account.invoice("sub_1", [("si_1", "team", 1, *period)], discounts=["welcome"] if place == 0 else [])
    assert ledger(account.spine("2026-02-15")) == ["2026-01-01 si_1 0 -> 1200 start"]


def test_a_full_discount_is_a_churn_and_its_end_a_reactivation() -> None:
    """help.baremetrics.com, Monthly Recurring Revenue: a 100 % coupon takes the customer's 50 away."""
    account = Account()
    account.price("team", 50)
    account.coupon("gift", "repeating", percent_off=Decimal(100), duration_in_months=1)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)])
    for place, period in enumerate(months(1, 3)):
        account.invoice("sub_1", [("si_1", "team", 1, *period)], discounts=["gift"] if place == 1 else [])
    assert movements(account.spine("2026-03-15")) == [
        "2026-01-01 cus_1 new +50 usd",
        "2026-02-01 cus_1 churn -50 usd",
        "2026-03-01 cus_1 reactivation +50 usd",
    ]


def test_an_amount_off_is_shared_anew_when_an_item_is_added() -> None:
    """10.00 off 30.00 leaves 20.00; with a second item of 10.00 the shares are 7.50 and 2.50: 22.50 and 7.50."""
    account = Account()
    account.price("team", 3000)
    account.price("storage", 1000)
    account.coupon("tenner", amount_off=1000)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1), ("si_2", "storage", 1)])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")], discounts=["tenner"])
    account.proration("sub_1", "si_2", "2026-01-16", "2026-02-01", None, ("storage", 1))
    spine = account.spine("2026-01-20")
    assert ledger(spine) == [
        "2026-01-01 si_1 0 -> 2000 start",
        "2026-01-16 si_1 2000 -> 2250 add_on",
        "2026-01-16 si_2 0 -> 750 add_on",
    ]
    assert movements(spine)[1:] == ["2026-01-16 cus_1 expansion +1000 usd"]


def test_a_discount_on_one_item_leaves_the_others_alone() -> None:
    account = Account()
    account.price("team", 3000)
    account.coupon("tenth", percent_off=Decimal(10))
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")], line_discounts=["tenth"])
    account.invoice("sub_1", [("si_2", "team", 1, "2026-01-01", "2026-02-01")])
    assert ledger(account.spine("2026-01-20")) == ["2026-01-01 si_1 0 -> 2700 start", "2026-01-01 si_2 0 -> 3000 start"]


def test_tax_inside_the_price_is_no_revenue() -> None:
    """A line of 12.00 of which 2.00 are tax leaves 10.00 of 12.00, also of the 24.00 that two cost from the 16th on."""
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 2)], currency="usd")
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")], taxed=(1200, 200))
    account.proration("sub_1", "si_1", "2026-01-16", "2026-02-01", ("team", 1), ("team", 2))
    assert ledger(account.spine("2026-01-20")) == [
        "2026-01-01 si_1 0 -> 1000 start",
        "2026-01-16 si_1 1000 -> 2000 quantity",
    ]


def test_tax_on_top_of_the_price_changes_nothing() -> None:
    """20 % on top of 12.00, in the lines and in the total of the invoice."""
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")], taxed=(1200, 240), total=1440)
    account.rows["invoice_lines"][0]["taxes"][0]["tax_behavior"] = "exclusive"
    assert ledger(account.spine("2026-01-20")) == ["2026-01-01 si_1 0 -> 1200 start"]
