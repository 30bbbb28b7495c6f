"""The `revenue` command from a user's chair: what it prints, what it leaves behind, how it ends."""

import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines import build, query, refresh
from sandbox.api.keys import Key
from sandbox.api.settings import Settings as SandboxSettings
from sandbox.serving import Sandbox, serving
from sandbox.world import shapes
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.pipelines.conftest import Revenue
from tests.pipelines.served_ui import ROOT
from tests.still_world import StillWorld, empty_store

COMMANDS = (
    "demo",
    "run",
    "sync",
    "import",
    "build",
    "report",
    "query",
    "explain",
    "reconcile",
    "status",
    "doctor",
    "serve",
    "ui",
)

pytestmark = [pytest.mark.long, pytest.mark.spread]


def asked(home: Path, sql: str) -> list[tuple[object, ...]]:
    return query.ask(home / "revenue.duckdb", sql).rows()


def stamp(home: Path) -> tuple[int, int]:
    status = (home / "revenue.duckdb").stat()
    return status.st_ino, status.st_mtime_ns


def test_the_demo_ends_with_the_dashboards_the_database_and_the_books_figures(revenue: Revenue, home: Path) -> None:
    said = revenue("demo", "--customers", "25", "--months", "6", "--seed", "3", "--quiet")
    assert said.code == 0, said.err
    assert str(home / "site" / "index.html") in said.out
    assert str(home / "revenue.duckdb") in said.out
    books = World.grown(Business(customers=25, months=6, seed=3)).books
    now = {currency: micros for currency, micros in books.mrr_at(Business().end).items() if micros}
    closing = asked(home, "select currency, closing_mrr from mrr_by_month where is_partial and closing_mrr <> 0")
    assert {str(currency): int(mrr * 10**6) for currency, mrr in closing} == now  # type: ignore[operator]
    ((customers,),) = asked(home, "select closing_customers from mrr_by_month_reporting where is_partial")
    assert f"{customers:,} customers" in said.out


@pytest.mark.usefixtures("unrendered")
def test_a_second_run_asks_only_what_changed_and_later_ones_follow_the_account(
    revenue: Revenue, ran: Sandbox, home: Path
) -> None:
    first = asked(home, "select * exclude (published_at) from publication")
    ran.forget_requests()
    assert revenue("run").code == 0
    assert ran.requests.total <= 6
    before = asked(home, "select max(month) from mrr_by_month_reporting")
    ran.advance(days=30)
    (home / "rates.csv").write_text(ran.fx_rates_csv())
    said = revenue("run")
    assert said.code == 0, said.err
    assert asked(home, "select * exclude (published_at) from publication") != first
    assert asked(home, "select max(month) from mrr_by_month_reporting") > before
    runs = asked(home, "select command, status, requests_made > 0 from pipeline_runs order by started_at")
    assert runs == [("run", "done", True)] * 3


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["run"], "STRIPE_API_KEY is not set"),
        (["sync", "--from", "2026-13-01"], "YYYY-MM-DD"),
        (["sync", "--from", "2026-02-01", "--to", "2026-01-01"], "before --from"),
        (["sync", "--full", "--from", "2026-02-01"], "leave --from"),
        (["report", "--month", "May"], "YYYY-MM"),
        (["query", "selekt"], "does not exist yet"),
        (["frobnicate"], "No such command"),
        (["demo", "--customers", "many"], "--customers"),
        (["reconcile", "export.csv", "--tolerance", "inf"], "--tolerance"),
        (["reconcile", "export.csv", "--tolerance", "nan"], "--tolerance"),
    ],
)
def test_wrong_usage_says_what_would_be_right_and_makes_nothing(
    revenue: Revenue, home: Path, words: list[str], hint: str
) -> None:
    said = revenue(*words)
    assert said.code == (1 if "does not exist" in hint else 2)
    assert hint in said.err
    assert "Traceback" not in said.err
    assert not (home / "warehouse.duckdb").exists()


def test_a_wrong_key_leaves_the_last_published_file_as_it_was(
    revenue: Revenue, ran: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stamp(home)
    monkeypatch.setenv("STRIPE_API_KEY", "rk_test_thisIsNotTheOne123")
    said = revenue("run")
    assert said.code == 1
    assert "key" in said.err
    assert "thisIsNotTheOne123" not in said.err + said.out
    assert stamp(home) == before
    ((status,),) = (
        duckdb.connect(home / "warehouse.duckdb", read_only=True)
        .execute("select arg_max(status, started_at) from pipeline.runs")
        .fetchall()
    )
    assert status == "failed"


@pytest.mark.usefixtures("unrendered")
def test_a_missing_permission_skips_its_stream_by_name_and_the_rest_is_published(
    revenue: Revenue, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = Key("rk_test_narrow", lacks=frozenset({"dispute_read"}))
    world = World.grown(Business(customers=25, months=6))
    with serving(world, SandboxSettings(keys=(narrow,))) as served:
        home.mkdir()
        (home / "rates.csv").write_text(served.fx_rates_csv())
        monkeypatch.setenv("STRIPE_API_KEY", served.key)
        monkeypatch.setenv("STRIPE_API_BASE", served.url)
        said = revenue("run")
        assert said.code == 0, said.err
        assert "Skipped disputes" in said.out
        examined = revenue("doctor")
    assert "disputes is skipped: the key lacks dispute_read" in examined.out
    assert asked(home, "select count(*) from disputes") == [(0,)]
    assert asked(home, "select count(*) > 0 from customers") == [(True,)]


@pytest.mark.parametrize("charges", [0, 1])
def test_an_account_with_next_to_nothing_is_published_and_shown(
    revenue: Revenue, home: Path, monkeypatch: pytest.MonkeyPatch, charges: int
) -> None:
    store = empty_store()
    for number in range(charges):
        store.put(shapes.charge(id=f"ch_{number}", created=1_794_000_000, amount=1200, currency="usd"))
    with serving(StillWorld(store)) as served:
        monkeypatch.setenv("STRIPE_API_KEY", served.key)
        monkeypatch.setenv("STRIPE_API_BASE", served.url)
        said = revenue("run")
    assert said.code in {0, 3}, said.err
    assert "no headline figures" in said.out
    assert (home / "site" / "index.html").is_file()
    assert asked(home, "select count(*) from staging.charges") == [(charges,)]


def test_a_run_while_another_one_runs_says_who_runs(revenue: Revenue, sandbox: Sandbox, home: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, pathlib; from pipelines.warehouse.database import open_warehouse\n"
            f"with open_warehouse(pathlib.Path({str(home / 'warehouse.duckdb')!r})):\n"
            "    print('held', flush=True); input()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    said = revenue("run")
    holder.communicate("\n", timeout=30)
    assert said.code == 1
    assert f"process {holder.pid}" in said.err
    assert revenue("sync").code == 0


def test_failing_checks_end_with_three_and_a_banner_or_with_nothing_published(
    revenue: Revenue, ran: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with duckdb.connect(home / "warehouse.duckdb") as connection:
        connection.execute(
            "delete from raw.balance_transactions where id = (select min(id) from raw.balance_transactions "
            "where payload ->> '$.type' = 'charge')"
        )
    before = stamp(home)
    monkeypatch.setenv("REVENUE_PUBLISH", "refuse")
    refused = revenue("build")
    assert (refused.code, stamp(home)) == (3, before)
    assert "REVENUE_PUBLISH=banner" in refused.err
    monkeypatch.setenv("REVENUE_PUBLISH", "banner")
    published = revenue("build")
    assert published.code == 3
    assert "balance" in published.err
    ((banner,),) = asked(home, "select banner from publication")
    assert "data checks failed" in str(banner)
    assert revenue("report").code == 0
    assert "data checks failed" in (home / "site" / "index.html").read_text()
    status = revenue("status")
    assert status.code == 3
    assert "Failing data checks" in status.out


def test_an_unexpected_error_is_a_message_and_its_traceback_goes_to_the_log_without_keys(
    revenue: Revenue, sandbox: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the pipe burst while holding sk_live_abcdefgh12345678")

    monkeypatch.setattr(refresh, "run", broken)
    said = revenue("run")
    assert said.code == 1
    assert "Traceback" not in said.err
    (log,) = (home / "logs").iterdir()
    assert str(log) in said.err
    assert "the pipe burst" in log.read_text()
    assert "abcdefgh12345678" not in log.read_text() + said.err


@pytest.mark.usefixtures("unrendered")
def test_the_demo_leaves_a_real_account_alone_and_a_run_moves_the_demo_aside(
    revenue: Revenue, sandbox: Sandbox, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.csv").write_text(sandbox.fx_rates_csv())
    monkeypatch.setenv("REVENUE_FX_FILE", str(tmp_path / "mine.csv"))
    assert revenue("demo", "--customers", "5", "--months", "2", "-q").code == 0
    moved = revenue("run")
    assert moved.code == 0, moved.err
    assert "held the demo" in moved.out
    (aside,) = home.glob("demo-*")
    assert (aside / "revenue.duckdb").is_file()
    refused = revenue("demo")
    assert refused.code == 2
    assert "REVENUE_HOME" in refused.err


def test_a_currency_without_rates_is_named_with_the_file_that_would_hold_them(
    revenue: Revenue, ran: Sandbox, home: Path
) -> None:
    """Its MRR is left out of what is converted; the file is published with a banner, and the command says what failed:
    a check, which says what to do."""
    (home / "rates.csv").unlink()
    said = revenue("build")
    assert said.code == 3
    assert "mrr_has_an_exchange_rate of mrr_by_month_reporting" in said.err
    failed = "select detail from data_checks where check_name = 'mrr_has_an_exchange_rate' and not passed"
    told = revenue("query", failed, "--format", "csv")
    assert "kwd" in told.out
    assert "REVENUE_FX_FILE" in told.out


def test_mrr_that_does_not_fit_into_its_column_is_refused_by_its_price(
    revenue: Revenue, ran: Sandbox, home: Path
) -> None:
    before = (home / "revenue.duckdb").read_bytes()
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        amounts = r"""'"unit_amount(_decimal)?": ?"?[0-9.]+"?', '"unit_amount\1":"99999999999999"', 'g'"""
        connection.execute(f"update raw.prices set payload = regexp_replace(payload, {amounts})")
    said = revenue("build")
    assert said.code == 1
    assert "MRR ends at 999,999,999,999 smallest units of a currency, such as cents: price price_" in said.err
    assert (home / "revenue.duckdb").read_bytes() == before


@pytest.mark.usefixtures("unrendered")
def test_rates_that_end_long_before_the_figures_fail_a_check(revenue: Revenue, ran: Sandbox) -> None:
    ran.advance(days=10)
    said = revenue("run")
    assert said.code == 3
    assert "exchange_rates_are_fresh" in said.err


def test_a_window_is_read_again_and_figures_stay(revenue: Revenue, ran: Sandbox, home: Path) -> None:
    before = asked(home, "from mrr_by_day order by all")
    said = revenue("sync", "--from", "2026-09-01", "--to", "2026-09-30")
    assert said.code == 0, said.err
    assert revenue("build").code == 0
    assert asked(home, "from mrr_by_day order by all") == before


@pytest.mark.usefixtures("unrendered")
def test_figures_as_of_an_earlier_instant_stay_the_same_as_the_account_lives_on(
    revenue: Revenue, sandbox: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVENUE_AS_OF", "2026-09-30T12:00:00Z")
    said = revenue("run")
    assert said.code == 0, said.err
    before = asked(home, "from mrr_by_month order by all")
    assert asked(home, "select max(month)::varchar from mrr_by_month") == [("2026-09-01",)]
    sandbox.advance(days=25)
    assert revenue("run").code == 0
    assert asked(home, "from mrr_by_month order by all") == before


def test_every_command_teaches_itself(revenue: Revenue) -> None:
    top = revenue("--help")
    assert top.code == 0
    for command in COMMANDS:
        assert command in top.out
        own = revenue(command, "--help")
        assert own.code == 0
        assert "Usage" in own.out
    assert "REVENUE_TIMEZONE" in top.out


def test_a_command_starts_without_what_only_some_commands_need() -> None:
    """Frames, charts and Dagster take seconds to load."""
    code = "import sys, pipelines.cli; print({'dagster', 'duckdb', 'plotly', 'polars', 'stripe'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_rows_come_as_a_table_or_in_a_file(revenue: Revenue, ran: Sandbox, home: Path, tmp_path: Path) -> None:
    table = revenue("query", "select month, closing_customers from mrr_by_month_reporting order by month limit 2")
    assert "closing_customers" in table.out
    assert "2 rows" in table.out
    file = tmp_path / "months.parquet"
    assert revenue("query", "from mrr_by_month", "--format", "parquet", "--output", str(file)).code == 0
    assert pl.read_parquet(file).height == asked(home, "select count(*) from mrr_by_month")[0][0]


def test_a_report_of_a_month_puts_that_month_first(revenue: Revenue, ran: Sandbox, home: Path) -> None:
    said = revenue("report", "--month", "2026-08")
    assert said.code == 0, said.err
    assert "MRR closed Aug 2026" in (home / "site" / "index.html").read_text()


def test_a_report_of_a_month_that_was_never_published_is_refused_and_leaves_the_pages(
    revenue: Revenue, ran: Sandbox, home: Path
) -> None:
    before = (home / "site" / "index.html").read_bytes()
    said = revenue("report", "--month", "2030-01")
    assert said.code == 2
    assert "Nothing is published of 2030-01; there are " in said.err
    assert (home / "site" / "index.html").read_bytes() == before


@pytest.mark.usefixtures("unrendered")
def test_a_damaged_published_file_is_named_with_what_makes_it_anew(revenue: Revenue, ran: Sandbox, home: Path) -> None:
    (home / "revenue.duckdb").write_bytes(b"no database" * 1000)
    for words in (["query", "select 1"], ["explain", "mrr"], ["report"], ["status"]):
        said = revenue(*words)
        assert said.code == 1
        assert f"{home / 'revenue.duckdb'} can't be read as a database: " in said.err
        assert "`revenue build`" in said.err
    assert "subscriptions" in said.out, "the warehouse is told of all the same"
    assert revenue("build").code == 0
    assert revenue("status").code == 0


def test_another_programs_database_makes_no_pages(revenue: Revenue, ran: Sandbox, home: Path) -> None:
    before = (home / "site" / "index.html").read_bytes()
    (home / "revenue.duckdb").unlink()
    with duckdb.connect(home / "revenue.duckdb") as connection:
        connection.execute("create table mine as select 1")
    said = revenue("report")
    assert said.code == 1
    assert "holds no published tables" in said.err
    with duckdb.connect(home / "revenue.duckdb") as connection:
        connection.execute("create schema marts")
    said = revenue("report")
    assert said.code == 1
    assert "lacks what every publication holds" in said.err
    assert (home / "site" / "index.html").read_bytes() == before


def test_a_damaged_database_of_plans_is_told_by_status_and_by_what_needs_it(
    revenue: Revenue, ran: Sandbox, home: Path
) -> None:
    (home / "operations.sqlite").write_bytes(b"no database" * 1000)
    for words in (["status"], ["actions", "list"]):
        said = revenue(*words)
        assert said.code == 1
        assert "The operations database can't be used: file is not a database." in said.err
        assert "Restore operations.sqlite" in said.err


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_an_interrupted_run_says_what_became_of_it_and_is_on_record_as_such(
    revenue: Revenue, ran: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch, interrupt: BaseException
) -> None:
    """DuckDB tells of Ctrl-C by a RuntimeError of its own."""

    def broken_off(*_: object, **__: object) -> None:
        raise interrupt

    monkeypatch.setattr(build, "staged", broken_off)
    said = revenue("build", "--quiet")
    assert said.code == 130
    assert said.err.endswith("Interrupted. What was committed is kept; the next run goes on from there.\n")
    assert not (home / "logs").exists()
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as connection:
        last = connection.execute("select status, detail from pipeline.runs order by started_at desc limit 1")
        assert last.fetchall() == [("failed", "interrupted")]


def test_help_prints_square_brackets_as_they_are(revenue: Revenue) -> None:
    assert "local[cores]" in revenue("--help").out


def test_an_exported_account_is_loaded_built_and_published_without_a_key(
    revenue: Revenue, ran: Sandbox, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one warehouse holds in raw, written to files and loaded into another, gives the same closing MRR."""
    closing = asked(home, "select currency, closing_mrr from mrr_by_month where is_partial order by currency")
    export, copy = tmp_path / "export", tmp_path / "copy"
    export.mkdir()
    with duckdb.connect(home / "warehouse.duckdb") as held:
        as_of = held.execute("select as_of from pipeline.accounts").fetchall()[0][0]
        for (table,) in held.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall():
            rows = held.execute(f"select arg_max(payload, seq) from raw.{table} group by id").fetchall()
            (export / f"{table.rstrip('s')}.ndjson").write_text("\n".join(payload for (payload,) in rows))
    copy.mkdir()
    (copy / "rates.csv").write_bytes((home / "rates.csv").read_bytes())
    monkeypatch.setenv("REVENUE_HOME", str(copy))
    monkeypatch.delenv("STRIPE_API_KEY")
    loaded = revenue("import", str(export), "--exported", as_of.isoformat(), "--quiet")
    assert loaded.code == 0, loaded.err
    assert "Loaded" in loaded.out
    built = revenue("build", "--quiet")
    assert built.code in (0, 3), built.err
    assert asked(copy, "select currency, closing_mrr from mrr_by_month where is_partial order by currency") == closing


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("import", "nowhere"), "does not exist"),
        (("import", ".", "--account", "cus_1"), "takes the id of a Stripe account"),
        (("import", ".", "--account", "acct_/../.."), "takes the id of a Stripe account"),
        (("import", ".", "--api-version", "2019-05-16"), "from 2023-10-16 to"),
        (("import", ".", "--api-version", "basil"), "from 2023-10-16 to"),
        (("import", ".", "--exported", "yesterday"), "takes an instant"),
    ],
)
def test_an_import_that_makes_no_sense_is_wrong_usage(
    revenue: Revenue, arguments: tuple[str, ...], problem: str
) -> None:
    said = revenue(*arguments)
    assert said.code == 2
    assert problem in said.err
