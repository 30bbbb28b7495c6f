"""Lifetime value by every formula, on customers few enough to work out by hand, and why it is left unsaid."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest

from models import ltv
from models.contracts import marts, staging
from models.policy import MetricPolicy, PolicyError, changed, preset
from models.projection import renewal_fits
from models.segments import segments
from models.spells import first_lives, spells
from models.tenure import survival_by_month
from models.terms import Terms
from tests.models.rows import changes, customer_changes, movements, rows

TERMS = Terms(as_of=datetime(2027, 1, 1, 12, tzinfo=UTC), timezone="UTC", currency="usd")
BEGAN = date(2023, 1, 1)
Life = tuple[str, date, date | None]
"""Customer, first paid day, day it left; None: it pays to this day."""


def of_twenty(left_after: int | None = 365, leavers: int = 10, customers: int = 20) -> list[Life]:
    """Customers who all began on 1 January 2023; some left so many days later."""
    gone = None if left_after is None else BEGAN + timedelta(days=left_after)
    return [(f"c{place:02}", BEGAN, gone if place < leavers else None) for place in range(customers)]


class Company:
    """Customers with lives, each paying 100.00 a month unless told, as the models see them."""

    def __init__(
        self,
        lives: Sequence[Life],
        worth: int = 10_000,
        interval: tuple[str, int] = ("month", 1),
        terms: Terms = TERMS,
        cash: Sequence[tuple[str, int]] = (),
    ) -> None:
        steps = [(customer, began.isoformat(), 0, worth) for customer, began, _ in lives]
        steps += [(customer, left.isoformat(), worth, 0) for customer, _, left in lives if left]
        moved = movements(*steps)
        churned = rows(marts.ChurnedCustomers, *(_churned(customer, left) for customer, _, left in lives if left))
        people = rows(
            marts.Customers,
            *(
                {
                    "customer_id": customer,
                    "status": "churned" if left else "active",
                    "mrr_reporting": Decimal(0 if left else worth),
                }
                for customer, _, left in lives
            ),
        )
        self.terms = terms
        seen = first_lives(
            moved,
            customer_changes(moved),
            churned,
            changes(*steps).with_columns(price_id=pl.lit("price"), product_id=pl.lit("prod")),
            rows(staging.Subscriptions),
            rows(
                staging.Prices,
                {"id": "price", "recurring_interval": interval[0], "recurring_interval_count": interval[1]},
            ),
            people,
            terms,
        )
        self.spells = spells(seen, terms)
        self.fits = renewal_fits(self.spells, terms)
        self.segments = segments(
            rows(staging.Accounts, {"id": "acct_1"}),
            rows(staging.Products, {"id": "prod", "name": "Pro"}),
            self.spells,
            people,
            customer_changes(moved),
            churned,
            pl.LazyFrame(
                [("acct_1", customer, BEGAN, amount) for customer, amount in cash],
                schema={"account_id": pl.String, "customer_id": pl.String, "month": pl.Date, "net_reporting": pl.Int64},
                orient="row",
            ),
            self.fits,
            terms,
        )

    def headline(self, segment: str = "all") -> dict[str, Any]:
        return ltv.customer_ltv(self.segments, self.terms).filter(segment=segment).collect().row(0, named=True)

    def by(self, method: str) -> dict[str, Any]:
        found = ltv.ltv_by_method(self.segments, self.terms).filter(segment="all", method=method)
        return found.collect().row(0, named=True)

    def value(self, method: str) -> object:
        return self.by(method)["ltv_reporting"]

    def reason(self, method: str) -> object:
        return self.by(method)["reason"]


def _churned(customer: str, left: date) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "churned_on": left,
        "kind": "voluntary",
        "currency": "usd",
        "mrr_lost_reporting": Decimal(1),
        "left": True,
    }


def ruled(**rules: Any) -> Terms:
    return replace(TERMS, policy=changed(MetricPolicy(), **rules))


def test_the_headline_is_arpa_times_the_months_under_the_curve() -> None:
    """Half of 20 leave after 365 days, the others are followed for 4 years. Within 1,095 days: 365 + 730 / 2 = 730,
    24 months x 100.00 = 2,400.00. Greenwood: (730 / 2)² x 10 / (20 x 10), an error of 365 x √.05 = 81.6165 days, times
    1.959964 x 12 / 365 = 5.259137 months: 18.740863 to 29.259137 months, 1,874.09 to 2,925.91."""
    told = Company(of_twenty()).headline()
    assert (told["lifetime_months"], told["ltv_reporting"]) == (Decimal(24), 240_000)
    assert (told["ltv_low_reporting"], told["ltv_high_reporting"]) == (187_409, 292_591)
    assert (told["method"], told["horizon_months"], told["reason"]) == ("km_rmst_36", 36, None)
    assert (told["customers"], told["paid_customers"], told["churned_customers"]) == (10, 20, 10)
    assert told["arpa_reporting"] == 10_000
    assert told["break_even_cac_reporting"] == 80_000
    assert told["median_months"] == 12.0


def test_it_counts_no_month_beyond_the_horizon() -> None:
    """12 months: nobody had left. 24: 12 + 12 / 2 = 18. 60: nobody can be followed so long since January 2023."""
    company = Company(of_twenty())
    assert company.value("km_rmst_12") == 120_000
    assert company.value("km_rmst_24") == 180_000
    assert company.reason("km_rmst_60") == "fewer than 10 customers were followed for 60 months"


def test_a_young_company_says_how_far_it_can_see() -> None:
    """From 1 January 2026 to 1 January 2027 are 365 days: 12 months. Half leave after 73 days: 73 + 292 / 2 = 219 days,
    7.2 months x 100.00."""
    began = date(2026, 1, 1)
    lives = [(one, began, left and began + timedelta(days=73)) for one, _, left in of_twenty()]
    told = Company(lives).headline()
    assert (told["method"], told["horizon_months"], told["lifetime_months"]) == ("km_rmst_followed", 12, Decimal("7.2"))
    assert told["ltv_reporting"] == 72_000


def test_a_segment_that_was_not_followed_so_long_is_silent_and_says_why() -> None:
    young = [(f"y{place}", date(2026, 1, 1), date(2026, 3, 1) if place < 10 else None) for place in range(20)]
    found = ltv.customer_ltv(Company([*of_twenty(), *young]).segments, TERMS).filter(segment="cohort_year").collect()
    assert found.select("segment_value", "ltv_reporting", "reason").rows() == [
        ("2023", 240_000, None),
        ("2026", None, "fewer than 10 customers were followed for 36 months"),
    ]


def test_the_simple_value_is_arpa_over_churn_with_wilsons_interval() -> None:
    """5 of 25 leave on 15 December 2026, the last of six full months with 25 customers at the start of each: 5 / 150 =
    1/30, so 30 months. Wilson's interval of 5 in 150 is 1.43 % to 7.57 %; its lower end is below the floor of 1/60."""
    lives = [(one, BEGAN, date(2026, 12, 15) if left else None) for one, _, left in of_twenty(1, 5, 25)]
    company = Company(lives)
    told = company.by("simple")
    assert (told["ltv_reporting"], told["lifetime_months"]) == (300_000, Decimal(30))
    assert told["ltv_high_reporting"] == 600_000
    assert told["ltv_low_reporting"] == pytest.approx(10_000 / 0.0757, rel=0.001)
    row = company.headline()
    assert (row["lost_customers"], row["at_risk_customer_months"], row["monthly_churn_rate"]) == (5, 150, 1 / 30)


def test_where_nobody_left_lately_the_simple_value_takes_sixty_months() -> None:
    assert Company(of_twenty()).value("simple") == 600_000


def test_the_discounted_value_adds_what_a_month_takes_off() -> None:
    """d = 1.1^(1/12) − 1 = .00797414, c = 1/60: 1.00797414 / (.00797414 + .01666667) = 40.906696 months."""
    told = Company(of_twenty()).by("discounted")
    assert float(told["lifetime_months"]) == pytest.approx(1.00797414 / (0.00797414 + 1 / 60), rel=1e-6)
    assert told["ltv_reporting"] == round(10_000 * told["lifetime_months"])


@pytest.mark.parametrize(
    ("arpa", "lost", "of", "simple"),
    [
        (10_000, 5, 100, 200_000),  # ChartMogul's example: 100 a month at 5 % are 2,000
        (50_000, 9, 100, 555_556),  # Stripe's: 500 at 9 % are 5,555 (and 56 cents)
        (10_000, 0, 100, 600_000),  # nobody left: Stripe takes 1.67 %, which is 60 months
    ],
)
def test_the_vendors_examples_of_the_simple_value(arpa: int, lost: int, of: int, simple: int) -> None:
    """ChartMogul help 203359061; Stripe's billing analytics glossary and support pages, read 2026."""
    told = Company(of_twenty()).segments.with_columns(
        customers=pl.lit(1), mrr_reporting=pl.lit(Decimal(arpa)), lost_customers=lost, at_risk_customer_months=of
    )
    found = ltv.ltv_by_method(told, TERMS).filter(segment="all", method="simple").collect()
    assert found["ltv_reporting"].item() == simple


def test_the_discounted_value_at_a_monthly_rate_of_one_percent() -> None:
    """1.01^12 − 1 = 12.6825 % a year is 1 % a month; at 5 % churn 1.01 / .06 = 16.8333 months, at 80 % margin 100.00 a
    month are 1,346.67."""
    terms = ruled(annual_discount_rate=Fraction(101, 100) ** 12 - 1, gross_margin=Fraction(4, 5))
    told = Company(of_twenty()).segments.with_columns(lost_customers=5, at_risk_customer_months=100)
    found = ltv.ltv_by_method(told, terms).filter(segment="all", method="discounted").collect()
    assert found["ltv_reporting"].item() == 134_667


def test_the_margin_lowers_what_a_model_says_and_not_what_was_received() -> None:
    company = Company(of_twenty(), terms=ruled(gross_margin=Fraction(4, 5)), cash=[("c00", 3000), ("c19", -1000)])
    assert company.headline()["ltv_reporting"] == 192_000
    assert company.value("simple") == 480_000
    assert company.value("realised") == 100


def test_what_is_left_is_what_those_who_renewed_as_often_will_still_pay() -> None:
    """20 customers a year: 10 leave at the first renewal, nobody at the second and third: churn is so uneven that who
    stayed once stays: each 12 x 100.00 a year, discounted at 10 %, for ever: 1 + 1/1.1 + ... = 11 payments."""
    company = Company(of_twenty(), interval=("year", 1))
    fit = company.fits.filter(segment="all").collect().row(0, named=True)
    assert fit["first_churn_rate"] == pytest.approx(0.5, abs=1e-4)
    assert company.by("sbg_residual")["customers"] == 10
    assert company.value("sbg_residual") == pytest.approx(11 * 120_000, rel=1e-4)


def test_monthly_and_yearly_customers_are_not_pooled() -> None:
    company = Company(of_twenty(), interval=("month", 12))
    assert company.fits.filter(segment="all").select("billing_interval").collect().rows() == [("year",)]


def test_without_discount_nothing_is_said_of_all_time_to_come() -> None:
    company = Company(of_twenty(), terms=ruled(annual_discount_rate=Fraction(0)))
    assert company.reason("sbg_residual") == "the policy discounts nothing, so what is still to come has no end"


def test_what_was_received_is_a_mean_of_everyone_who_ever_paid() -> None:
    """1,000.10 + 0.01 over 20 customers is 50.0055: 50.01."""
    company = Company(of_twenty(), cash=[("c00", 100_010), ("c01", 1)])
    assert (company.value("realised"), company.by("realised")["customers"]) == (5001, 20)


def test_an_account_without_customers_says_that_nobody_has_paid() -> None:
    company = Company([])
    assert company.headline()["reason"] == "nobody has paid yet"
    found = ltv.ltv_by_method(company.segments, TERMS).collect()
    assert set(found["reason"]) == {"nobody has paid yet"}
    assert found["ltv_reporting"].null_count() == found.height == 9


def test_few_customers_tell_nothing() -> None:
    company = Company(of_twenty(customers=19))
    assert company.headline()["reason"] == "fewer than 20 customers have paid"
    assert company.headline()["ltv_reporting"] is None
    assert company.reason("simple") == "fewer than 20 customers have paid"


def test_where_nobody_has_left_there_is_no_lifetime() -> None:
    company = Company(of_twenty(left_after=None))
    assert company.reason("km_rmst_36") == company.headline()["reason"] == "nobody has left yet"
    assert company.fits.filter(segment="all").collect()["reason"].item() == "nobody has left yet"


def test_where_nobody_pays_there_is_no_arpa() -> None:
    told = Company(of_twenty(leavers=20)).headline()
    assert told["reason"] == "nobody pays now, so there is no average revenue"
    assert (told["customers"], told["arpa_reporting"]) == (0, None)


def test_a_customer_who_is_first_seen_late_tells_nothing_of_the_first_months() -> None:
    company = Company(of_twenty())
    late = company.segments.with_columns(from_start=pl.lit(0, pl.Int64))
    row = ltv.customer_ltv(late, TERMS).filter(segment="all").collect().row(0, named=True)
    assert row["reason"] == "nobody was seen from the first paid day on"


def test_products_go_by_their_names() -> None:
    assert Company(of_twenty()).headline("product")["segment_name"] == "Pro"


def test_the_months_of_a_segment_are_told_one_by_one() -> None:
    """10 of 20 leave after 365 days, in month 12, which ends after 365.25 + 3 days; the other 10 are seen to day 1,461,
    month 48. Nothing is seen beyond, but the model goes on to month 60."""
    company = Company(of_twenty())
    found = survival_by_month(company.spells, company.fits, TERMS).filter(segment="all").collect()
    assert found["tenure_month"].to_list() == list(range(61))
    told = {row["tenure_month"]: row for row in found.iter_rows(named=True)}
    assert (told[0]["at_risk"], told[0]["entered"], told[0]["survival"]) == (20, 20, 1.0)
    assert (told[11]["churned"], told[11]["survival"], told[11]["hazard"]) == (0, 1.0, 0.0)
    assert (told[12]["at_risk"], told[12]["churned"], told[12]["survival"]) == (20, 10, 0.5)
    assert (told[12]["hazard"], told[12]["hazard_voluntary"], told[12]["incidence_voluntary"]) == (0.5, 0.5, 0.5)
    assert (told[48]["at_risk"], told[48]["last_seen"]) == (10, 10)
    assert (told[49]["at_risk"], told[49]["survival"], told[49]["hazard"]) == (0, None, None)
    assert 0 < told[60]["survival_projected"] < told[48]["survival_projected"]


def test_a_month_of_tenure_ends_after_the_longest_month() -> None:
    """Whoever leaves after one month leaves in month 1, be it of 28 or 31 days; 59 days are two months at the least."""
    lives = [(f"c{days}", BEGAN, BEGAN + timedelta(days=days)) for days in (28, 31, 33, 34, 59, 62)]
    company = Company(lives)
    found = survival_by_month(company.spells, company.fits, TERMS).filter(segment="all")
    assert dict(found.filter(pl.col("churned") > 0).select("tenure_month", "churned").collect().rows()) == {1: 3, 2: 3}


def test_margin_and_discount_are_rules_and_change_the_hash() -> None:
    assert (MetricPolicy().gross_margin, MetricPolicy().annual_discount_rate) == (Fraction(1), Fraction(1, 10))
    hashes = {MetricPolicy().hash, ruled(gross_margin=Fraction(1, 2)).policy.hash, preset("stripe").hash}
    assert len(hashes) == 3
    with pytest.raises(PolicyError, match="'margin'"):
        ruled(margin=1)
