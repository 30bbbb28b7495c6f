"""Two accounts in which every id is the same and the state is not: each has the figures that it has alone."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import polars as pl
import pytest

from models import marts
from models.contracts import staging
from models.terms import Terms
from pipelines.extract.account import Account, Limits
from pipelines.extract.sync import sync_all
from pipelines.warehouse import stage, tables
from pipelines.warehouse.database import open_warehouse
from sandbox.api.keys import Key
from sandbox.api.settings import Settings
from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World

BUSINESS = Business(seed=9, customers=25, months=6)
TERMS = Terms(datetime.fromtimestamp(BUSINESS.end, UTC), BUSINESS.timezone, "usd")
TWIN = "acct_Twin"
FAST = Limits(account_rate=5_000, endpoint_rate=5_000)
Staged = dict[str, pl.LazyFrame]


def lived_until(epoch: int, account_id: str | None = None) -> World:
    """The business as it stood at an instant, under its own account id or another one."""
    world = World(BUSINESS)
    world.advance_to(epoch)
    if account_id:
        (own,) = world.store.ids("account")
        body = world.store.get("account", own)
        assert body is not None
        world.store.shelf("account").delete(own, remember=False)
        world.store.put({**body, "id": account_id})
    return world


@contextmanager
def served(worlds: Sequence[World]) -> Iterator[list[Account]]:
    with ExitStack() as running:
        accounts = []
        for place, world in enumerate(worlds):
            sandbox = running.enter_context(serving(world, Settings(keys=(Key(f"rk_test_{place}"),))))
            accounts.append(Account(sandbox.key, sandbox.url, label=f"account {place}", limits=FAST))
        yield accounts


def staged(folder: Path, *worlds: World) -> Staged:
    """The staged tables of the worlds' accounts, read into one warehouse."""
    with served(worlds) as accounts, open_warehouse(folder / "warehouse.duckdb") as connection:
        sync_all(connection, accounts)
        outcome = stage.stage(connection, TERMS.as_of)
        assert outcome.failed.is_empty(), outcome.failed
        return {table.table_name: tables.read(connection, table).lazy() for table in staging.TABLES}


def rates(world: World) -> pl.LazyFrame:
    text = world.rates.as_csv(date(2020, 1, 1), TERMS.as_of_day)
    read = pl.read_csv(StringIO(text), infer_schema=False)
    return read.with_columns(pl.col("date").str.to_date(), pl.col("rate").cast(pl.Decimal(38, 12))).lazy()


def test_accounts_whose_ids_collide_have_the_figures_that_each_has_alone(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    today, a_while_ago = lived_until(BUSINESS.end), lived_until(BUSINESS.end - 75 * 86_400, TWIN)
    shared = set(today.store.ids("subscription")) & set(a_while_ago.store.ids("subscription"))
    assert len(shared) > 10
    assert any(today.store.get("subscription", id_) != a_while_ago.store.get("subscription", id_) for id_ in shared)

    table = rates(today)
    both = marts.build(staged(tmp_path_factory.mktemp("both"), today, a_while_ago), table, TERMS)
    for world in (today, a_while_ago):
        (own,) = world.store.ids("account")
        alone = marts.build(staged(tmp_path_factory.mktemp("alone"), world), table, TERMS)
        rates_then = set(alone["exchange_rates"].collect().rows())
        assert rates_then <= set(both["exchange_rates"].collect().rows())  # which belong to no account
        for name, frame in both.items():
            if name == "exchange_rates":
                continue
            found = frame.filter(account_id=own).collect()
            expected = alone[name].collect()
            assert sorted(found.rows(), key=repr) == sorted(expected.rows(), key=repr), f"{name} of {own}"
