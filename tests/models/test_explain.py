"""Every figure followed to its rows: they add up to what was published, to the last digit, whole and by customer."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache

import dataframely as dy
import polars as pl
import pytest

from models import marts
from models.contracts import marts as contracts
from models.explain import FIGURES, NOT_LINEAR, Explanation, arithmetic, explain, needed, timeline
from models.lineage import SOURCES
from models.metrics import METRICS
from models.policy import MetricPolicy, changed, preset
from models.published import terms_of
from models.spine import build_spine
from models.terms import Terms
from tests.docs import example
from tests.models.grown import Grown, grown
from tests.models.story import instant

SEEDS = (8, 11)
POLICIES = {
    "chartmogul": preset("chartmogul"),
    "profitwell": preset("profitwell"),
    "native": changed(MetricPolicy("native"), fx_mode="native", reactivation_in_net=False),
    "constant": changed(MetricPolicy("constant"), fx_mode="constant", reactivation_max_days=30),
}
MADE_OF_OTHERS = {
    ("mrr_by_month_reporting", "fx_mrr"),
    ("mrr_by_month_reporting", "closing_mrr"),
    ("mrr_by_month_reporting", "closing_customers"),
    ("cash_by_day", "closing_balance"),
    *(("mrr_by_month", f"{kind}_customers") for kind in ("new", "churned", "reactivated", "closing")),
}
"""Columns explained as the metrics fx_mrr, mrr and customers and as cash_closing_balance; and customers in one
currency, who are those of the rows behind its MRR."""
TOO_SMALL = {"customer_ltv", "payout"}
"""What there is nothing of in a company as small as the one of docs/metrics.md, which is paid out nothing."""


@cache
def company(seed: int) -> Grown:
    return grown(seed, customers=50, months=15)


@cache
def explained(seed: int) -> list[Explanation]:
    """Every figure of every month; of those with several a month all, or those of all customers."""
    one = company(seed)
    tables = tables_of(one.marts, one.staging, needed(FIGURES.values()))
    cell: dict[str, str] | None = {} if seed == SEEDS[1] else None
    return explain(list(FIGURES.values()), months_of(one.marts), tables, one.terms, cell)


def tables_of(
    built: Mapping[str, pl.LazyFrame], staged: Mapping[str, pl.LazyFrame], names: tuple[str, ...]
) -> dict[str, pl.LazyFrame]:
    """The published tables of those names, and none besides."""
    held = {f"marts.{name}": frame for name, frame in built.items()} | {f"staging.{n}": f for n, f in staged.items()}
    return {name: held[name] for name in names if name != "marts.publication"}


def months_of(built: Mapping[str, pl.LazyFrame]) -> list[date]:
    tables = ("metrics_by_month", "revenue_recognition_by_month", "balance_reconciliation")
    return sorted({row for name in tables for row in built[name].select("month").collect()["month"]})


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rows_behind_every_figure_of_every_month_add_up_to_it(seed: int) -> None:
    found = explained(seed)
    assert {one.figure.name for one in found} == set(FIGURES)
    assert [(one.figure.name, one.month, one.currency) for one in found if not one.agrees] == []


def test_the_company_has_rows_behind_nearly_every_input() -> None:
    """So that the sums above are sums of something."""
    filled = {each.name for seed in SEEDS for one in explained(seed) for each in one.inputs if each.rows.height}
    assert set(SOURCES) - filled <= {"cash_adjustments", "written_off", "bad_debt", "policy_trials", "policy_other"}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_shares_of_all_customers_and_of_none_add_up_to_every_input(seed: int) -> None:
    latest = max(one.month for one in explained(seed) if not one.is_partial)
    for one in (one for one in explained(seed) if one.month == latest):
        whose = {customer for each in one.inputs for customer in each.rows["customer_id"].to_list()}
        shares: dict[str, Decimal] = defaultdict(Decimal)
        for customer in whose:
            for each in one.of(customer):
                shares[each.name] += each.total
        assert {each.name: shares[each.name] for each in one.inputs} == {each.name: each.total for each in one.inputs}


@pytest.mark.parametrize("policy", POLICIES)
def test_under_other_rules_the_rows_still_add_up(policy: str) -> None:
    """Free customers, worth that is never revalued, one rate throughout, none at all."""
    one = company(SEEDS[0])
    terms = replace(one.terms, policy=POLICIES[policy])
    built = marts.build_on(build_spine(one.staging, one.rates.lazy(), terms), one.staging, terms)
    tables = tables_of(built, one.staging, needed(FIGURES.values()))
    found = explain([FIGURES[metric.name] for metric in METRICS], months_of(built), tables, terms)
    assert [(one.figure.name, one.month) for one in found if not one.agrees] == []


def test_every_row_names_an_object_of_stripe() -> None:
    for one in explained(SEEDS[0]):
        for each in one.inputs:
            ids = [column for column in each.rows.columns if column.endswith("_id")]
            assert each.rows.filter(pl.all_horizontal(pl.col(ids).is_null())).is_empty(), each.name


def test_every_metric_has_a_lineage() -> None:
    assert {metric.name for metric in METRICS} <= set(FIGURES)
    without = {(one.name, name) for one in FIGURES.values() for name in one.inputs if name not in SOURCES}
    assert without == set()


def test_every_amount_and_count_of_the_monthly_tables_is_a_figure() -> None:
    """A column that is added to them needs a figure, or a word above on why it has none."""
    columns = {
        (table.table_name, name)
        for table in (
            contracts.MrrByMonthReporting,
            contracts.MrrByMonth,
            contracts.MrrByPolicy,
            contracts.RevenueRecognitionByMonth,
            contracts.CashByDay,
        )
        for name, kind in table.columns().items()
        if isinstance(kind, dy.Int64 | dy.Decimal)
    }
    assert columns - {(one.table, one.column) for one in FIGURES.values()} == MADE_OF_OTHERS


def test_a_figure_that_is_no_quotient_of_sums_says_how_it_is_made() -> None:
    """A sum is seven times as much where every input is; of no other can the arithmetic be read off coefficients."""
    for one in (one for one in FIGURES.values() if one.derived is None):
        sides = [one.metric.numerator, one.metric.denominator]
        linear = all(_at(side, 7) == 7 * (_at(side, 1) or 0) for side in sides if side is not None)
        assert linear != (one.name in NOT_LINEAR), one.name


def _at(side: pl.Expr, value: int) -> Decimal | None:
    inputs = pl.DataFrame({name: [value] for name in side.meta.root_names()})
    found: Decimal | None = inputs.select(side.cast(pl.Decimal(38, 6)).alias("found"))["found"][0]
    return found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("arr", "12 × closing_mrr"),
        ("gross_mrr_churn_rate", "(−contraction_mrr − churn_mrr − paused_mrr) / opening_mrr"),
        ("recovery_rate", "recovered_amount_reporting / failed_amount_reporting"),
        ("recognized", "earned + contra_revenue + bad_debt"),
    ],
)
def test_the_arithmetic_is_said_in_the_names_of_the_inputs(name: str, words: str) -> None:
    assert arithmetic(FIGURES[name]) == words


@cache
def of_the_example(name: str, month: date) -> Explanation:
    """A figure of the company of docs/metrics.md: eight customers, cents, a euro at 1.10, 1.20, 1.15, 1.15 dollars."""
    terms = Terms(instant(example.AS_OF), "UTC", "usd")
    built = {table: frame.lazy() for table, frame in example.built().items()}
    (found,) = explain(
        [FIGURES[name]], [month], tables_of(built, example.company().staging(), needed([FIGURES[name]])), terms
    )
    return found


def rows_of(one: Explanation, *columns: str) -> list[tuple[object, ...]]:
    (each,) = one.inputs
    return each.rows.select(columns).rows()


def test_mrr_is_what_each_item_is_worth_at_the_rate_of_the_last_day() -> None:
    """18,000 + 5,000 x 1.20 + 4,000 + 3,000 x 75 % + 2,000 + 14,400 / 12 = 33,450."""
    mrr = of_the_example("mrr", date(2026, 2, 1))
    assert rows_of(mrr, "customer_id", "subscription_item_id", "own_amount", "own_currency", "rate", "amount") == [
        ("ada", "si_ada", 18000, "usd", None, 18000),
        ("cleo", "si_cleo", 5000, "eur", Decimal("1.2"), 6000),
        ("gil", "si_gil", 4000, "usd", None, 4000),
        ("dan", "si_dan", 2250, "usd", None, 2250),
        ("eve", "si_eve", 2000, "usd", None, 2000),
        ("ben", "si_ben", 1200, "usd", None, 1200),
    ]
    assert mrr.numerator == mrr.inputs[0].total == Decimal(33450)
    assert mrr.agrees


def test_exchange_rates_moved_what_was_there_at_the_start_alone() -> None:
    """5,000 eur: 5,500 at 1.10 in January, 6,000 at 1.20 in February; nothing moved: 500."""
    fx = of_the_example("fx_mrr", date(2026, 2, 1))
    columns = ("customer_id", "worth_at_start", "moved", "worth_at_end", "amount")
    assert rows_of(fx, *columns) == [("cleo", 5500, 0, 6000, 500)]


def test_a_share_of_a_rate_is_told_by_its_numerator_and_denominator() -> None:
    """Gil left on 8 March with 4,000, dan on 20 March with 2,250; eve is back after three days, within the grace: her
    2,000 are a contraction. At the start there were 33,450. Gil's share: 4,000 of 8,250, and of the base 4,000."""
    churn = of_the_example("gross_mrr_churn_rate", date(2026, 3, 1))
    assert (churn.numerator, churn.denominator) == (Decimal(8250), Decimal(33450))
    assert {each.name: each.total for each in churn.of("gil")} == {
        "contraction_mrr": 0,
        "churn_mrr": -4000,
        "paused_mrr": 0,
        "opening_mrr": 4000,
    }


def test_a_figure_that_the_rows_do_not_come_to_is_told() -> None:
    mrr = of_the_example("mrr", date(2026, 2, 1))
    assert not replace(mrr, numerator=Decimal(33451)).agrees


def test_a_customer_s_timeline_is_its_stretches_with_cause_and_evidence() -> None:
    changes = example.built()["mrr_changes"].lazy()
    columns = ("from_at", "to_at", "mrr", "cause", "basis", "ended_by")
    assert timeline(changes, "ada").select(columns).rows() == [
        (instant("2026-01-01"), instant("2026-02-15"), 12000, "start", "invoice", "quantity"),
        (instant("2026-02-15"), None, 18000, "quantity", "invoice", None),
    ]
    assert timeline(changes, "nobody").is_empty()


def test_a_publication_says_its_terms_whole() -> None:
    policy = POLICIES["native"]
    row = {"as_of": datetime(2026, 4, 15, tzinfo=UTC), "timezone": "Asia/Tokyo", "currency": "eur"}
    told = terms_of({**row, "policy": "native", "policy_rules": policy.rules})
    assert told == Terms(datetime(2026, 4, 15, tzinfo=UTC), "Asia/Tokyo", "eur", policy)
    assert told.policy.hash == policy.hash


def test_a_balance_is_all_that_ever_moved_it() -> None:
    """13,777 at the end of February, then 18,000 + 5,740 − 2,250 − 12,000 − 2,248 of fees: 21,019."""
    balance = of_the_example("cash_closing_balance", date(2026, 3, 1))
    months = balance.inputs[0].rows["date"].dt.month().unique().sort().to_list()
    assert months == [1, 2, 3]
    assert balance.inputs[0].total == Decimal(21019)
    assert balance.agrees


def test_a_payout_is_followed_to_what_it_carried() -> None:
    """Each of the month, to the cent; its own transaction is not among what it carried."""
    built = company(SEEDS[0])
    month = months_of(built.marts)[-2]
    figure = FIGURES["payout"]
    found = explain([figure], [month], tables_of(built.marts, built.staging, needed([figure])), built.terms)
    carried = {payout.payout_id: set(payout.entries) for payout in built.books.payouts}
    told = {str(one.cell["payout_id"]): set(one.inputs[0].rows["balance_transaction_id"]) for one in found}
    assert len(told) > 10
    assert told == {payout: carried[payout] for payout in told}
    assert all(one.agrees for one in found)


def test_a_policy_s_difference_names_the_items_and_the_rules() -> None:
    """By ChartMogul's rules cleo's 5,000 eur stay at January's 1.10: 5,500, by ours 5,750 at March's 1.15."""
    terms = Terms(instant(example.AS_OF), "UTC", "usd")
    built = {table: frame.lazy() for table, frame in example.built().items()}
    figure = FIGURES["policy_difference"]
    tables = tables_of(built, example.company().staging(), needed([figure]))
    (found,) = explain([figure], [date(2026, 3, 1)], tables, terms, {"policy": "chartmogul"})
    columns = ("subscription_item_id", "because_of", "worth_by_default", "amount")
    assert rows_of(found, *columns) == [("si_cleo", "fx", 5750, -250)]
    assert found.agrees


def test_a_cohort_is_followed_to_its_customers_and_their_first_paid_days() -> None:
    """January: ada 12,000, ben 1,200, cleo 5,000 x 1.10, dan 2,250, gil 4,000 = 24,950; at the end of March ada 18,000,
    ben 1,200 and cleo 5,500 are left."""
    terms = Terms(instant(example.AS_OF), "UTC", "usd")
    built = {table: frame.lazy() for table, frame in example.built().items()}
    figure = FIGURES["cohort_mrr_retention"]
    tables = tables_of(built, example.company().staging(), needed([figure]))
    (found,) = explain([figure], [date(2026, 1, 1)], tables, terms, {"months_since": "2"})
    later, first = found.inputs
    assert first.rows.select("customer_id", "amount").rows() == [
        ("ada", 12000),
        ("cleo", 5500),
        ("gil", 4000),
        ("dan", 2250),
        ("ben", 1200),
    ]
    assert later.rows.select("customer_id", "amount").rows() == [("ada", 18000), ("cleo", 5500), ("ben", 1200)]
    assert found.agrees


def test_a_survival_curve_is_made_anew_of_the_lives_that_are_shown() -> None:
    """Six customers: dan leaves on day 59 (of 6 at risk), gil on day 66 (of 4): 5/6 x 3/4 = 0.625 in month 3."""
    terms = Terms(instant(example.AS_OF), "UTC", "usd")
    built = {table: frame.lazy() for table, frame in example.built().items()}
    figure = FIGURES["survival"]
    tables = tables_of(built, example.company().staging(), needed([figure]))
    of = {"segment": "all", "tenure_month": "3"}
    (found,) = explain([figure], [date(2026, 4, 1)], tables, terms, of)
    ended = {row["customer_id"]: row["to_age"] for row in found.inputs[0].rows.iter_rows(named=True) if row["ended_as"]}
    assert ended == {"dan": 59, "gil": 66}
    assert found.found_numerator == Decimal("0.625")
    assert found.agrees
