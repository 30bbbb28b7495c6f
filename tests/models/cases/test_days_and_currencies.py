"""Days in the reporting zone, and customers who pay in several currencies."""

from decimal import Decimal

import pytest

from models.fx import MissingRateError
from tests.models.story import Account, movements


def started(at: str, until: str, currency: str = "usd") -> Account:
    account = Account()
    account.price("team", 1200)
    account.rows["prices"][-1]["currency"] = currency
    account.subscription("sub_1", "cus_1", at, [("si_1", "team", 1)], currency=currency)
    account.invoice("sub_1", [("si_1", "team", 1, at, until)])
    return account


@pytest.mark.parametrize(
    ("at", "zone", "day"),
    [
        ("2026-01-01T04:59", "America/New_York", "2025-12-31"),  # UTC-5
        ("2026-01-01T05:00", "America/New_York", "2026-01-01"),
        ("2026-07-01T03:59", "America/New_York", "2026-06-30"),  # UTC-4 in summer
        ("2026-07-01T04:00", "America/New_York", "2026-07-01"),
        ("2026-03-08T06:59", "America/New_York", "2026-03-08"),  # the hour that is skipped
        ("2025-12-31T15:00", "Asia/Tokyo", "2026-01-01"),  # UTC+9
        ("2026-02-28T23:30", "UTC", "2026-02-28"),
    ],
)
def test_a_change_falls_on_its_day_in_the_reporting_zone(at: str, zone: str, day: str) -> None:
    spine = started(at, "2026-07-20").spine("2026-07-02T12:00", timezone=zone)
    assert movements(spine) == [f"{day} cus_1 new +1200 usd"]
    assert str(spine.marts["mrr_by_month"].collect()["month"][0]) == day[:8] + "01"


@pytest.mark.parametrize(
    ("zone", "last", "first"),
    [
        ("UTC", "2026-10-31T23:59", "2026-11-01T00:00"),
        ("America/New_York", "2026-03-01T04:59", "2026-03-01T05:00"),  # UTC-5, a week before the clocks go forward
        ("America/New_York", "2026-04-01T03:59", "2026-04-01T04:00"),  # UTC-4
        ("America/New_York", "2026-11-01T03:59", "2026-11-01T04:00"),  # UTC-4, two hours before they go back
        ("America/New_York", "2026-12-01T04:59", "2026-12-01T05:00"),  # UTC-5 again
        ("Europe/Berlin", "2026-02-28T22:59", "2026-02-28T23:00"),  # UTC+1
        ("Europe/Berlin", "2026-03-31T21:59", "2026-03-31T22:00"),  # UTC+2 since 29 March
        ("Europe/Berlin", "2026-10-31T22:59", "2026-10-31T23:00"),  # UTC+1 since 25 October
        ("Australia/Sydney", "2026-03-31T12:59", "2026-03-31T13:00"),  # UTC+11
        ("Australia/Sydney", "2026-04-30T13:59", "2026-04-30T14:00"),  # UTC+10 since 5 April
        ("Asia/Kolkata", "2026-06-30T18:29", "2026-06-30T18:30"),  # UTC+5:30
        ("Pacific/Kiritimati", "2026-06-30T09:59", "2026-06-30T10:00"),  # UTC+14
        ("Pacific/Pago_Pago", "2026-07-01T10:59", "2026-07-01T11:00"),  # UTC-11
    ],
)
def test_a_minute_decides_the_month_on_both_sides_of_utc_and_of_each_change_of_the_clocks(
    zone: str, last: str, first: str
) -> None:
    """A new customer in the last minute of a month and one in the first minute of the next."""
    account = Account()
    account.price("team", 1200)
    for name, at in (("last", last), ("first", first)):
        account.subscription(f"sub_{name}", f"cus_{name}", at, [(f"si_{name}", "team", 1)])
        account.invoice(f"sub_{name}", [(f"si_{name}", "team", 1, at, "2026-12-30")])
    months = account.spine("2026-12-15", timezone=zone).marts["mrr_by_month"].collect()
    assert months["new_mrr"].to_list()[:2] == [1200, 1200]
    assert months["new_mrr"].sum() == 2400
    ended = account.spine(first, timezone=zone).marts["mrr_by_month"].collect()
    assert ended["is_partial"].to_list() == [False, True]


def test_every_day_from_the_first_movement_to_the_as_of_day_is_there() -> None:
    spine = started("2026-03-01", "2026-04-01").spine("2026-03-31T23:00", timezone="America/New_York")
    days = spine.marts["mrr_by_day"].collect()
    assert (str(days["date"][0]), str(days["date"][-1]), days.height) == ("2026-02-28", "2026-03-31", 32)
    assert days["closing_mrr"].unique().to_list() == [1200]


def test_a_stronger_euro_is_fx_and_no_expansion() -> None:
    """12.00 EUR: 1.10 on 1 January, 1.20 at the end of January, 1.15 today, 15 February.

    January: 1,200 x 1.10 = 1,320 new, closing 1,200 x 1.20 = 1,440, fx +120. February: closing 1,380, fx -60.
    """
    rates = [
        ("2026-01-01", "eur", "usd", "1.1"),
        ("2026-01-30", "eur", "usd", "1.2"),
        ("2026-02-15", "eur", "usd", "1.15"),
    ]
    spine = started("2026-01-01", "2026-03-01", "eur").spine("2026-02-15T12:00", rates=rates)
    months = spine.marts["mrr_by_month_reporting"].collect()
    columns = ["opening_mrr", "new_mrr", "fx_mrr", "closing_mrr"]
    assert months.select(columns).rows() == [(0, 1320, 120, 1440), (1440, 0, -60, 1380)]


def test_expansion_and_fx_are_told_apart() -> None:
    """100 at 1.10 becomes 120 at 1.05: closing 126 = 110 + 21 expansion at the day's rate - 5 by the rate."""
    account = Account()
    account.price("team", 10)
    account.rows["prices"][-1]["currency"] = "eur"
    account.subscription("sub_1", "cus_1", "2026-01-31", [("si_1", "team", 12)], currency="eur")
    account.invoice("sub_1", [("si_1", "team", 10, "2026-01-31", "2026-02-28")])
    account.proration("sub_1", "si_1", "2026-02-01", "2026-02-28", ("team", 10), ("team", 12))
    rates = [("2026-01-31", "eur", "usd", "1.1"), ("2026-02-01", "eur", "usd", "1.05")]
    row = account.spine("2026-02-01T12:00", rates=rates).marts["mrr_by_month_reporting"].collect().row(1, named=True)
    assert (row["opening_mrr"], row["expansion_mrr"], row["fx_mrr"], row["closing_mrr"]) == (110, 21, -5, 126)


def test_a_customer_in_two_currencies_is_one_customer() -> None:
    """New in January in euros, in March in dollars too; both end in May: one new customer, one churned."""
    account = Account()
    for currency, start in (("eur", "2026-01-01"), ("usd", "2026-03-01")):
        account.price(f"team-{currency}", 1000)
        account.rows["prices"][-1]["currency"] = currency
        told = {"currency": currency, "status": "canceled", "ended_at": "2026-05-01"}
        account.subscription(f"sub_{currency}", "cus_1", start, [(f"si_{currency}", f"team-{currency}", 1)], **told)
        account.invoice(f"sub_{currency}", [(f"si_{currency}", f"team-{currency}", 1, start, "2026-05-01")])
    spine = account.spine("2026-05-15", rates=[("2025-12-31", "eur", "usd", "1.1")])
    months = spine.marts["mrr_by_month_reporting"].collect()
    columns = ["new_customers", "churned_customers", "closing_customers"]
    assert months.select(columns).rows() == [(1, 0, 1), (0, 0, 1), (0, 0, 1), (0, 0, 1), (0, 1, 0)]
    assert spine.marts["mrr_by_month"].collect()["new_customers"].sum() == 2


@pytest.mark.parametrize(
    ("currency", "rate", "worth"),
    [("jpy", "0.0071", "852"), ("kwd", "3.26", "391.2"), ("eur", "1.0875", "1305")],
)
def test_minor_units_of_every_size_are_converted(currency: str, rate: str, worth: str) -> None:
    """1,200 yen are 8.52 dollars; 1.200 dinars 3.912; 12.00 euros 13.05."""
    spine = started("2026-01-01", "2026-02-01", currency).spine(
        "2026-01-02T12:00", rates=[("2026-01-01", currency, "usd", rate)]
    )
    assert spine.marts["mrr_changes"].collect()["mrr_delta_reporting"].to_list() == [Decimal(worth)]


def test_a_rate_is_found_through_a_third_currency_and_backwards() -> None:
    """1 GBP = 1.27 USD, 1 EUR = 1.08 USD: 12.00 GBP = 12 x 1.27 / 1.08 = 14.111111… EUR."""
    rates = [("2026-01-01", "gbp", "usd", "1.27"), ("2026-01-01", "eur", "usd", "1.08")]
    account = started("2026-01-01", "2026-02-01", "gbp")
    spine = account.spine("2026-01-02T12:00", currency="eur", rates=rates)
    assert spine.marts["mrr_changes"].collect()["mrr_delta_reporting"].to_list() == [Decimal("1411.111111")]


def test_a_currency_without_any_rate_stops_the_build_and_says_what_to_do() -> None:
    with pytest.raises(MissingRateError, match=r"no exchange rate from eur to usd.*REVENUE_FX_FILE"):
        started("2026-01-01", "2026-02-01", "eur").spine("2026-01-02")


def test_one_of_several_currencies_without_a_rate_is_in_no_reporting_figure_and_is_told() -> None:
    """10.00 dollars and 12.00 euros, and no rate: 10.00 dollars, and 12.00 in the table of euros."""
    account = started("2026-01-01", "2026-02-01", "eur")
    account.price("dollars", 1000)
    account.subscription("sub_2", "cus_1", "2026-01-01", [("si_2", "dollars", 1)])
    spine = account.spine("2026-01-02")
    (reporting,) = spine.marts["mrr_by_month_reporting"].select("new_mrr", "fx_mrr", "closing_mrr").collect().rows()
    assert reporting == (1000, 0, 1000)
    own = spine.marts["mrr_by_month"].select("currency", "closing_mrr").collect().rows()
    assert dict(own) == {"usd": 1000, "eur": 1200}
    (finding,) = spine.findings.filter(severity="error").select("check_name", "subject").collect().rows()
    assert finding == ("mrr_has_an_exchange_rate", "eur")


def test_a_rate_of_last_month_is_carried_and_told_as_an_error() -> None:
    account = started("2026-02-01", "2026-03-01", "eur")
    spine = account.spine("2026-02-02T12:00", rates=[("2026-01-01", "eur", "usd", "1.1")])
    assert spine.marts["mrr_changes"].collect()["mrr_delta_reporting"].to_list() == [1320]
    found = spine.findings.collect().row(0, named=True)
    assert (found["check_name"], found["subject"], found["severity"]) == ("exchange_rates_are_fresh", "eur", "error")


def test_an_unknown_currency_is_read_with_two_decimals_and_told() -> None:
    account = started("2026-02-01", "2026-03-01", "xts")
    spine = account.spine("2026-02-02T12:00", rates=[("2026-02-01", "xts", "usd", "2")])
    assert spine.marts["mrr_changes"].collect()["mrr_delta_reporting"].to_list() == [2400]
    assert spine.findings.collect()["check_name"].to_list() == ["currency_is_known"]


def test_a_stock_that_is_valued_at_an_old_rate_is_told_though_nothing_changed() -> None:
    """Started on the day of the only rate, still running six weeks later: 31 January and today are too far away."""
    account = started("2026-01-01", "2026-03-01", "eur")
    spine = account.spine("2026-02-14T12:00", rates=[("2026-01-01", "eur", "usd", "1.1")])
    found = spine.findings.collect().row(0, named=True)
    assert found["detail"].startswith("2 days from 2026-01-31 to 2026-02-14 use a rate of eur")
