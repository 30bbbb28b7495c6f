"""`revenue explain`: from a published file alone to rows that add up, in every form; and wrong questions.

The company is that of docs/metrics.md; its amounts are worked by hand in tests/models/test_explain.py.
"""

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import duckdb
import polars as pl
import pytest

from models.explain import FIGURES
from models.policy import MetricPolicy
from pipelines import explain
from pipelines.explain import Asked
from tests.docs import example
from tests.models.test_explain import TOO_SMALL
from tests.pipelines.conftest import Revenue

HOSTILE = '=1+1\x1b[31m</script><b>"'
Change = Callable[[duckdb.DuckDBPyConnection], object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published file, with a hostile reason in its refunds."""
    return example.published(tmp_path_factory.mktemp("published") / "revenue.duckdb", reason=HOSTILE)


@pytest.fixture
def published(whole: Path, home: Path) -> Path:
    """The file in the working folder, and nothing beside it: no warehouse, no raw objects."""
    home.mkdir()
    (home / "revenue.duckdb").write_bytes(whole.read_bytes())
    return home / "revenue.duckdb"


def changed(published: Path, sql: str) -> None:
    with duckdb.connect(published) as connection:
        connection.execute(sql)


def test_a_figure_is_told_with_formula_terms_rows_and_a_checked_sum(revenue: Revenue, published: Path) -> None:
    said = revenue("explain", "mrr", "--month", "2026-02", "--limit", "2")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert "Formula: mrr = closing_mrr" in lines
    assert f"Policy default ({MetricPolicy().hash}), days and months in UTC, currency USD" in said.out
    assert "Feb 2026: 334.50 USD" in lines
    (cleo,) = [line.split() for line in lines if line.startswith("cleo")]
    assert cleo == ["cleo", "sub_cleo", "si_cleo", "2026-02-28", "50.00", "eur", "1.2", "60.00", "usd"]
    assert not [line for line in lines if line.startswith("gil")]
    assert "4 more; --limit 0 shows all, --format csv writes all." in lines
    assert lines[-1] == "6 rows add up to 334.50 USD: as published."


def test_without_a_month_it_is_the_last_that_is_over(revenue: Revenue, published: Path) -> None:
    """The figures are as of 15 April."""
    assert "Mar 2026: " in revenue("explain", "fees").out


def test_a_rate_is_divided_before_the_reader_s_eyes(revenue: Revenue, published: Path) -> None:
    """March: 4,000 and 2,250 left and eve's 2,000 were no churn, 8,250 of 33,450 cents."""
    said = revenue("explain", "gross_mrr_churn_rate", "--month", "2026-03")
    assert "= 82.50 USD / 334.50 USD = 24.66%: as published." in said.out


def test_a_customer_s_share_comes_with_its_timeline(revenue: Revenue, published: Path) -> None:
    said = revenue("explain", "mrr", "--month", "2026-02", "--customer", "ada")
    assert "1 row adds up to 180.00 USD of 334.50 USD (53.81%)." in said.out
    assert "ada's share: 180.00 USD of 334.50 USD." in said.out
    (first, second) = [line.split() for line in said.out.splitlines() if line.startswith("sub_ada")]
    assert first[3:] == ["2026-01-01", "00:00", "2026-02-15", "00:00", "start", "invoice", "quantity", "120.00", "usd"]
    assert second[3:] == ["2026-02-15", "00:00", "quantity", "invoice", "180.00", "usd"]
    assert "cleo" not in said.out


@pytest.mark.parametrize("name", sorted({*FIGURES} - TOO_SMALL))
def test_every_figure_has_rows_that_add_up_and_json_that_parses(published: Path, name: str) -> None:
    told = explain.explain(published, Asked(FIGURES[name], limit=0))
    assert told.agrees
    document = json.loads(explain.as_json(told))
    assert document["metric"] == name
    assert all(one["as_published"] for one in document["explanations"])
    text = "\n".join(explain.lines(told))
    assert "as published." in text
    assert "\x1b" not in text


def test_one_of_several_figures_of_a_month_is_named_by_its_keys(revenue: Revenue, published: Path) -> None:
    """January's customers at the end of March: ada, ben and cleo of five."""
    said = revenue("explain", "cohort_customer_retention", "--month", "2026-01", "--of", "months_since=2")
    assert said.code == 0, said.err
    assert "Jan 2026, months since 2: 60.00%" in said.out
    assert "3 / 5 = 60.00%: as published." in said.out
    assert "months_since = 2 and cohort_month = date '2026-01-01'" in said.out
    wrong = revenue("explain", "mrr_under_policy", "--month", "2026-03", "--of", "policy=nobodys")
    assert (wrong.code, "policy=baremetrics, chartmogul, default" in wrong.err) == (2, True)
    odd = revenue("explain", "mrr", "--of", "policy=stripe")
    assert (odd.code, "there is one a month" in odd.err) == (2, True)
    rows = csv.DictReader(
        StringIO(revenue("explain", "policy_difference", "--month", "2026-03", "--format", "csv").out)
    )
    assert {row["of_policy"] for row in rows} >= {"chartmogul"}


def test_what_outsiders_wrote_is_text_in_every_form(revenue: Revenue, published: Path) -> None:
    asked = ("explain", "refunds", "--month", "2026-03")
    shown, listed, document = (revenue(*asked, "--format", form) for form in ("table", "csv", "json"))
    assert "=1+1\\x1b[31m" in shown.out
    assert "\x1b" not in shown.out
    (row,) = csv.DictReader(StringIO(listed.out))
    assert row["reason"] == f"'{HOSTILE}"
    assert json.loads(document.out)["explanations"][0]["inputs"][0]["rows"][0]["reason"] == HOSTILE


def test_rows_go_to_a_file_with_amounts_in_exact_minor_units(revenue: Revenue, published: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    said = revenue("explain", "mrr", "--month", "2026-02", "--format", "parquet", "--output", str(file))
    assert (said.code, said.out) == (0, "")
    assert pl.read_parquet(file)["amount"].sum() == 33450
    revenue("explain", "--format", "json", "--output", str(tmp_path / "list.json"))
    assert [row["metric"] for row in json.loads((tmp_path / "list.json").read_text())] == list(FIGURES)


def test_without_a_metric_all_are_listed_with_what_they_are(revenue: Revenue, home: Path) -> None:
    said = revenue("explain")
    assert [line.split()[0] for line in said.out.splitlines()] == list(FIGURES)
    assert "MRR at the end of the month" in said.out.splitlines()[0]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["mmr"], "Did you mean mrr"),
        (["\x1b[31mmrr\x07"], "There is no metric '\\x1b[31mmrr\\x07'"),
        (["mrr", "--month", "May"], "YYYY-MM"),
        (["mrr", "--month", "2031-01"], "it is from 2026-01 to 2026-04"),
        (["mrr", "--customer", "cle"], "Did you mean cleo?"),
        (["mrr", "--account", "acct_none"], "there are acct_1"),
        (["mrr", "--format", "parquet"], "--output"),
    ],
)
def test_asked_wrongly_it_says_what_would_be_right(
    revenue: Revenue, published: Path, words: list[str], hint: str
) -> None:
    said = revenue("explain", *words)
    assert said.code == 2
    assert hint in said.err
    assert "\x1b" not in said.err


def test_rows_that_do_not_add_up_are_told_and_fail(revenue: Revenue, published: Path) -> None:
    changed(published, "update marts.metrics_by_month set numerator = numerator + 1 where metric = 'mrr'")
    said = revenue("explain", "mrr", "--month", "2026-02")
    assert said.code == 3
    assert "6 rows add up to 334.50 USD: NOT as published, which is 334.51 USD." in said.out


def test_of_several_accounts_one_must_be_named(revenue: Revenue, published: Path) -> None:
    changed(
        published,
        "insert into marts.publication select * replace ('acct_2' as account_id) from marts.publication;"
        "insert into marts.metrics_by_month select * replace ('acct_2' as account_id) from marts.metrics_by_month",
    )
    said = revenue("explain", "mrr")
    assert (said.code, "--account (acct_1, acct_2)" in said.err) == (2, True)
    assert revenue("explain", "mrr", "--account", "acct_1").code == 0
    assert revenue("explain", "mrr", "--customer", "ada").code == 0


@pytest.mark.parametrize("sql", ["alter table marts.publication drop policy_rules", "drop table marts.exchange_rates"])
def test_a_file_of_an_older_version_says_what_makes_it_anew(revenue: Revenue, published: Path, sql: str) -> None:
    changed(published, sql)
    said = revenue("explain", "mrr")
    assert said.code == 1
    assert "`revenue build`" in said.err


def test_before_anything_is_published_it_says_what_to_run(revenue: Revenue, home: Path) -> None:
    said = revenue("explain", "mrr")
    assert (said.code, "`revenue run`" in said.err) == (1, True)
