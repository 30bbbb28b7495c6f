"""Other rules against the company's own books: what each changes can be told from them in plain Python."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from models.policy import MetricPolicy, changed
from models.spine import Spine, build_spine
from tests.models.grown import SEEDS, Grown, grown

pytestmark = pytest.mark.parametrize("seed", SEEDS[:2])


def by_rules(company: Grown, **rules: object) -> Spine:
    terms = replace(company.terms, policy=changed(MetricPolicy(), **rules))
    return build_spine(company.staging, company.rates.lazy(), terms)


def closings(spine: Spine) -> dict[tuple[date, str], Decimal]:
    rows = spine.marts["mrr_by_month"].select("month", "currency", "closing_mrr").collect().iter_rows()
    return {(month, currency): mrr for month, currency, mrr in rows}


def last_second(month: date, company: Grown) -> int:
    following = (month + timedelta(days=31)).replace(day=1)
    midnight = datetime(following.year, following.month, 1, tzinfo=ZoneInfo(company.terms.timezone))
    return min(int(midnight.timestamp()) - 1, company.business.end)


def test_without_those_who_asked_to_leave_the_books_close_as_by_request(seed: int) -> None:
    """A request counts from when it was made; one made with the subscription itself is a contract's end."""
    company = grown(seed)
    columns = ("id", "created_at", "canceled_at")
    asked = {
        name: canceled_at
        for name, created_at, canceled_at in company.staging["subscriptions"].select(columns).collect().iter_rows()
        if canceled_at is not None and canceled_at > created_at
    }
    about = {one.subscription_item_id: (one.subscription_id, one.currency) for one in company.books.changes}
    found = closings(by_rules(company, churn_moment="requested"))
    assert found != closings(company.spine)
    for (month, currency), mrr in found.items():
        at = last_second(month, company)
        worth = company.books.item_mrr_at(at)
        stays = sum(
            micros
            for item, micros in worth.items()
            if about[item][1] == currency
            and asked.get(about[item][0], datetime.max.replace(tzinfo=UTC)) > datetime.fromtimestamp(at, UTC)
        )
        assert mrr == Decimal(stays).scaleb(-6), (month, currency)


def test_the_books_in_todays_dollars_close_as_at_constant_rates(seed: int) -> None:
    company = grown(seed)
    today = company.terms.as_of_day
    currency = {one.subscription_item_id: one.currency for one in company.books.changes}
    months = by_rules(company, fx_mode="constant").marts["mrr_by_month_reporting"].collect().iter_rows(named=True)
    for row in months:
        worth = company.books.item_mrr_at(last_second(row["month"], company))
        stock = sum(company.reporting(micros, currency[item], today) for item, micros in worth.items())
        assert row["closing_mrr"] == Decimal(stock).scaleb(-6), row["month"]
        assert row["fx_mrr"] == 0 or abs(row["fx_mrr"]) < Decimal("0.0001")


def test_the_books_trials_count_from_their_start_where_trials_do(seed: int) -> None:
    """Each trial is a customer's first MRR then; who did not convert is a churn."""
    company = grown(seed)
    started = {
        (one.customer_id, company.day(one.started_at)) for one in company.books.trials if one.outcome == "canceled"
    }
    spine = by_rules(company, trials_count=True)
    came = {
        (row["customer_id"], row["moved_on"])
        for row in spine.movements.collect().iter_rows(named=True)
        if row["delta_micros"] > 0
    }
    assert started
    assert started <= came
