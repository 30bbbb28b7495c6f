"""Several accounts in one warehouse: several keys, connected accounts, and figures that keep them apart."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines import accounts, settings
from pipelines.errors import SettingsError
from sandbox.api.keys import Key
from sandbox.api.settings import Settings
from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.pipelines.conftest import Revenue

pytestmark = [pytest.mark.long, pytest.mark.spread]

Rows = list[tuple[object, ...]]


def company(seed: int) -> World:
    return World.grown(Business(customers=15, months=4, seed=seed))


@pytest.fixture
def platform(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A platform of its own business with two connected accounts, and a file that names it."""
    with serving(company(3), Settings(connected=(company(4), company(5)))) as served:
        home.mkdir()
        (home / "rates.csv").write_text(served.fx_rates_csv())
        monkeypatch.setenv("STRIPE_KEY_PLATFORM", served.key)
        monkeypatch.setenv("STRIPE_API_BASE", served.url)
        yield served


def named(monkeypatch: pytest.MonkeyPatch, home: Path, text: str) -> None:
    file = home.parent / "accounts.toml"
    file.write_text(text)
    monkeypatch.setenv("REVENUE_ACCOUNTS", str(file))


def account_id(world: object) -> str:
    assert isinstance(world, World)
    return next(iter(world.store.ids("account")))


def asked(home: Path, query: str, name: str = "revenue.duckdb") -> Rows:
    with duckdb.connect(home / name, read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_platform_key_reads_its_connected_accounts_into_one_warehouse(
    revenue: Revenue, home: Path, platform: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, home, '[platform]\nkey_variable = "STRIPE_KEY_PLATFORM"\nconnected = "all"\n')
    said = revenue("run", "--quiet")
    assert said.code == 0, said.err
    worlds = [company(seed) for seed in (3, 4, 5)]
    ids = {account_id(world) for world in worlds}
    assert len(ids) == 3
    assert all(f"Read account {each}" in said.out for each in ids)
    held = asked(home, "select account_id, count(*) from staging.customers where not deleted group by all")
    assert set(held) == {(account_id(world), world.store.count("customer")) for world in worlds}
    total = asked(home, "select sum(mrr_reporting), count(distinct account_id) from marts.customers")
    by_month = "select sum(closing_mrr), count(*) from marts.mrr_by_month_reporting group by month order by month desc"
    last = asked(home, f"{by_month} limit 1")
    assert total[0][1] == 3
    assert last == [(total[0][0], 3)]
    site = home / "site"
    assert all((site / each / "customers.html").is_file() for each in ids)
    first = (site / "index.html").read_text()
    assert all(f'href="{each}/index.html"' in first for each in ids)
    assert "MRR of 3 accounts" in said.out
    status = revenue("status")
    assert all(status.out.count(f"Requests to Stripe for {each}") == 1 for each in ids)


def test_one_run_says_of_each_account_and_stream_what_it_cost(
    revenue: Revenue, home: Path, platform: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, home, '[platform]\nkey_variable = "STRIPE_KEY_PLATFORM"\nconnected = "all"\nown = false\n')
    platform.forget_requests()
    assert revenue("sync", "--quiet").code == 0
    spent = asked(home, "select account_id, sum(requests_made) from pipeline.spending group by all", "warehouse.duckdb")
    assert {account for account, _ in spent} == {account_id(company(4)), account_id(company(5))}
    listing = 1
    assert sum(int(str(requests)) for _, requests in spent) == platform.requests.total - listing


@pytest.mark.usefixtures("unrendered")
def test_an_account_with_the_same_ids_is_an_account_of_its_own(
    revenue: Revenue, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two copies of a company that differ in nothing but the account's id: every figure comes twice, none is mixed."""
    first, second = company(6), company(6)
    body = second.store.get("account", account_id(second))
    assert body is not None
    second.store.shelf("account").delete(body["id"], remember=False)
    second.store.put({**body, "id": "acct_Twin"})
    with serving(first) as one, serving(second, Settings(keys=(Key("rk_test_twin"),))) as two:
        home.mkdir()
        (home / "rates.csv").write_text(one.fx_rates_csv())
        monkeypatch.setenv("KEY_ONE", one.key)
        monkeypatch.setenv("KEY_TWO", two.key)
        named(
            monkeypatch,
            home,
            f'[one]\nkey_variable = "KEY_ONE"\napi_base = "{one.url}"\n'
            f'[two]\nkey_variable = "KEY_TWO"\napi_base = "{two.url}"\n',
        )
        said = revenue("run", "--quiet")
    assert said.code == 0, said.err
    tables = asked(home, "select table_name from duckdb_tables() where schema_name = 'marts'")
    for (name,) in tables:
        if name in ("data_checks", "pipeline_runs", "publication", "exchange_rates"):
            continue  # they tell accounts apart otherwise; rates belong to none
        own = "account_id, flag_id" if name == "at_risk_accounts" else "account_id"  # a flag is of one account
        of = f"select * exclude ({own}) from marts.{name} where account_id"
        assert asked(home, f"{of} = 'acct_Twin' order by all") == asked(home, f"{of} <> 'acct_Twin' order by all"), name


def test_a_key_that_is_refused_stops_no_other_account(
    revenue: Revenue, home: Path, platform: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_KEY_OLD", "rk_test_revoked0000")
    named(
        monkeypatch,
        home,
        '[platform]\nkey_variable = "STRIPE_KEY_PLATFORM"\n[old]\nkey_variable = "STRIPE_KEY_OLD"\n',
    )
    said = revenue("sync", "--quiet")
    assert said.code == 1
    assert "1 of 2 accounts could not be read. old: Stripe refused the API key" in said.err
    held = asked(home, "select count(distinct account_id), count(*) > 0 from raw.charges", "warehouse.duckdb")
    assert held == [(1, True)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no account to read"),
        ("[a\n", "is no TOML"),
        ('[a]\nkey_variable = "rk_live_0123456789abcdef"\n', "never the key itself"),
        ('[a]\nkey_variable = "NOT_SET"\n', "NOT_SET, which"),
        ('[a]\nkey_variable = "KEY"\nconnected = ["cus_1"]\n', "a.connected"),
        ('[a]\nkey_variable = "KEY"\nlabel = "x"\n', "a.label"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_the_place(
    home: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    named(monkeypatch, home, text)
    monkeypatch.setenv("KEY", "rk_test_1")
    with pytest.raises(SettingsError) as error:
        accounts.of(settings.load())
    assert words in str(error.value)
    assert "0123456789abcdef" not in str(error.value)
