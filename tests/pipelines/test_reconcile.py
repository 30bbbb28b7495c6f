"""`revenue reconcile` from a user's chair: an export that agrees, one that doesn't, one that is none."""

import csv
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from models.currency import minor_exponent
from pipelines import build, query
from pipelines.extract.account import Account, Limits
from pipelines.extract.sync import sync
from pipelines.settings import Settings
from pipelines.warehouse.database import open_warehouse
from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.pipelines.conftest import Revenue

WORTH = """
with months as (select distinct month from mrr_by_month where not is_partial)
select customer_id, currency, strftime(month, '%Y-%m') as month,
       arg_max(mrr_after, moved_on) as mrr
from mrr_movements join months on moved_on <= last_day(month)
group by all having mrr <> 0 order by all
"""
Export = Callable[..., Path]


@dataclass(frozen=True)
class Published:
    """A home with a published database by the default's rules, and what customers are worth by others'."""

    home: Path
    worth: dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A small company, read once, built by the rules of two presets."""
    settings = Settings.model_construct().but(home=tmp_path_factory.mktemp("reconcile"))
    world = World.grown(Business(customers=40, months=6, seed=7))
    worth = {}
    with serving(world) as sandbox, open_warehouse(settings.warehouse) as connection:
        (settings.home / "rates.csv").write_text(sandbox.fx_rates_csv())
        sync(connection, Account(sandbox.key, sandbox.url, limits=Limits(account_rate=0, endpoint_rate=0)))
        build.staged(connection, settings)
        for policy in ("stripe", "default"):
            by_it = settings.but(policy=policy)
            build.modelled(connection, by_it)
            build.published(connection, by_it)
            worth[policy] = query.ask(settings.published, WORTH)
    return Published(settings.home, worth)


@pytest.fixture
def export(published: Published, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Export:
    """What Stripe would export by a policy's rules, rounded to whole minor units, of that company."""
    monkeypatch.setenv("REVENUE_HOME", str(published.home))

    def made(policy: str = "stripe", name: str = "Ann") -> Path:
        rows = published.worth[policy]
        months = sorted(rows["month"].unique())
        file = tmp_path / "MRR_per_Subscriber__monthly.csv"
        with file.open("w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["Customer ID", "Customer", "Customer Email", "Currency", *months])
            for (customer, currency), own in rows.group_by("customer_id", "currency", maintain_order=True):
                worth = dict(own.select("month", "mrr").iter_rows())
                cells = [_major(worth.get(month, Decimal(0)), str(currency)) for month in months]
                writer.writerow([customer, name, "ann@example.com", currency, *cells])
        return file

    return made


def _major(minor: Decimal, currency: str) -> str:
    places = minor_exponent(currency)
    return f"{round(minor.scaleb(-places), places):f}"


def test_an_export_by_stripes_rules_agrees_whatever_policy_is_in_use(
    revenue: Revenue, export: Export, published: Published
) -> None:
    file = export()
    assert query.ask(published.home / "revenue.duckdb", "select policy from publication").item() == "default"
    said = revenue("reconcile", str(file))
    assert said.code == 0, said.out + said.err
    assert "100.0% match" in said.out
    assert "Probable causes" not in said.out
    rows = pl.read_csv(published.home / "reconciliation.csv")
    assert rows["matches"].all()
    assert rows["customer_id"].n_unique() > 5


def test_an_export_by_other_rules_differs_by_them_and_ends_with_3(
    revenue: Revenue, export: Export, published: Published
) -> None:
    said = revenue("reconcile", str(export("default")))
    assert said.code == 3
    assert "Probable causes, by how many customer months differ:" in said.out
    rows = pl.read_csv(published.home / "reconciliation.csv")
    assert set(rows.filter(~pl.col("matches"))["cause"]) <= {"discounts", "cancel_timing", "several", "timing"}
    assert rows.filter(~pl.col("matches")).height == int(
        said.out.split(" match: ")[1].split(" of ")[1].split(" ")[0].replace(",", "")
    ) - int(said.out.split(" match: ")[1].split(" of ")[0].replace(",", ""))


def test_a_tolerance_in_major_units_lets_small_differences_pass(revenue: Revenue, export: Export) -> None:
    file = export()
    header, first, *rest = file.read_text().splitlines()
    cells = first.split(",")
    cells[-1] = str(Decimal(cells[-1]) + Decimal(3))
    file.write_text("\n".join([header, ",".join(cells), *rest]))
    assert revenue("reconcile", str(file)).code == 3
    assert revenue("reconcile", str(file), "--tolerance", "3").code == 0


def test_text_of_the_export_is_no_formula_in_the_file_and_no_command_in_the_terminal(
    revenue: Revenue, export: Export, published: Published
) -> None:
    file = export("default", name="=HYPERLINK(1)\x1b[2J\u202eevil")
    said = revenue("reconcile", str(file))
    assert "\x1b" not in said.out
    assert "\u202e" not in said.out
    assert "=HYPERLINK(1)?[2J?evil" in said.out
    with (published.home / "reconciliation.csv").open(newline="") as written:
        names = {row["customer"] for row in csv.DictReader(written)}
    assert {name for name in names if name} == {"'=HYPERLINK(1)\x1b[2J\u202eevil"}


def test_months_that_are_not_over_and_rows_that_name_nobody_are_told_and_left_out(
    revenue: Revenue, export: Export
) -> None:
    file = export()
    header, *rows = file.read_text().splitlines()
    wider = [f"{header},2026-11", *(f"{row},999999" for row in rows), "Total" + "," * (header.count(",") + 1)]
    file.write_text("\n".join(wider))
    said = revenue("reconcile", str(file))
    assert said.code == 0, said.out + said.err
    assert "Nov 2026 left out: not over at the as-of instant." in said.out
    assert "1 rows of the export name no customer and are left out." in said.out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "has no rows"),
        ("Customer ID,Currency,2026-01\ncus_A1,usd,twelve\n", "line 2: 'twelve' is no plain amount"),
        ("Customer ID,Currency,2031-01\ncus_A1,usd,12\n", "No month of the export was over at the as-of instant"),
    ],
)
def test_a_file_that_cannot_be_understood_ends_with_2(
    revenue: Revenue, export: Export, tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "export.csv"
    file.write_text(text)
    said = revenue("reconcile", str(file))
    assert (said.code, words in said.err) == (2, True), said.err


def test_before_anything_is_published_it_says_what_to_do(revenue: Revenue, tmp_path: Path) -> None:
    said = revenue("reconcile", str(tmp_path / "export.csv"))
    assert said.code == 1
    assert "`revenue demo` or `revenue run` makes it" in said.err


def test_an_account_that_is_not_published_is_named(revenue: Revenue, export: Export) -> None:
    said = revenue("reconcile", str(export()), "--account", "acct_other")
    assert said.code == 2
    assert "acct_other is not published; there are acct_" in said.err


def test_of_several_accounts_it_is_the_one_whose_customers_the_export_names(
    revenue: Revenue, export: Export, published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, home = export(), tmp_path / "several"
    home.mkdir()
    shutil.copy(published.home / "revenue.duckdb", home)
    with duckdb.connect(str(home / "revenue.duckdb")) as connection:
        for table, column in (("marts.publication", "account_id"), ("staging.accounts", "id")):
            connection.execute(f"insert into {table} select * replace ('acct_other' as {column}) from {table}")
    monkeypatch.setenv("REVENUE_HOME", str(home))
    assert revenue("reconcile", str(file)).code == 0
    file.write_text("Customer ID,Currency,2026-10\ncus_Nobody,usd,1\n")
    said = revenue("reconcile", str(file))
    assert (said.code, "are of 0 accounts here: name one with --account" in said.err) == (2, True), said.err


def test_the_published_database_is_only_read(revenue: Revenue, export: Export, published: Published) -> None:
    file = export()
    before = (published.home / "revenue.duckdb").read_bytes()
    revenue("reconcile", str(file))
    assert (published.home / "revenue.duckdb").read_bytes() == before
    with duckdb.connect(str(published.home / "revenue.duckdb"), read_only=True):
        pass
