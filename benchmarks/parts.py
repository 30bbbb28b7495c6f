"""The parts that are measured. Each runs alone, in a process of its own, and gives its figures as plain values.

`python -m benchmarks.parts NAME JSON` runs one and prints its figures as one line of JSON. Seconds are of the wall
clock and leave out the start of the process. Imports stand inside the parts, so that the memory of each is its own and
that of the caller, whose peak its children start with, stays small.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.memory import peak_bytes, peak_of_all

if TYPE_CHECKING:
    import duckdb

    from pipelines.extract.account import Limits
    from pipelines.extract.sync import SyncReport
    from pipelines.settings import Settings

Figures = dict[str, Any]

SDK_OBJECTS = 5_000
"""So many of a stream are read with the SDK: enough for a rate."""
COMPARED = ("charges", "/v1/charges")
"""The stream that both the SDK and the engine read; it has no expansions and no nested lists."""


class PartFailedError(Exception):
    """A part's process ended without figures."""


def measured(name: str, given: Mapping[str, Any]) -> Figures:
    """The figures of one part, with `peak_bytes` of its process.

    Raises:
        PartFailedError: it ended without figures; what it said is in the message.
    """
    command = [sys.executable, "-m", "benchmarks.parts", name, json.dumps(given)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PartFailedError(f"{name} failed:\n{done.stderr[-2000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def first_load(url: str, key: str, home: str, paced: bool = False) -> Figures:
    """Every stream of the account into an empty warehouse; `paced` keeps to the rates that Stripe allows a live key."""
    from pipelines.extract.account import Account, Limits
    from pipelines.extract.sync import sync
    from pipelines.warehouse.database import open_warehouse

    account = Account(key, url, limits=Limits() if paced else _unpaced())
    with open_warehouse(_warehouse(home)) as connection:
        with _timed() as timer:
            report = sync(connection, account)
        figures = _of_sync(report) | timer | {"peak_bytes": peak_bytes()}  # before the questions below need more
        figures |= _held(connection) | {"fewest_requests": _fewest(connection, report)}
    return figures | {"warehouse_bytes": _warehouse(home).stat().st_size}


def refresh(url: str, key: str, home: str) -> Figures:
    """What changed since the last time, which may be nothing."""
    from pipelines.extract.account import Account
    from pipelines.extract.sync import sync
    from pipelines.warehouse.database import open_warehouse

    with open_warehouse(_warehouse(home)) as connection, _timed() as timer:
        report = sync(connection, Account(key, url, limits=_unpaced()))
    return _of_sync(report) | timer


def some_streams(url: str, key: str, home: str, names: list[str], paced: bool = False) -> Figures:
    """These streams alone, all that they hold, into an empty warehouse."""
    from pipelines.extract.account import Account, Limits
    from pipelines.extract.sync import resync
    from pipelines.warehouse.database import open_warehouse

    since, until = datetime(2011, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(days=3660)
    account = Account(key, url, limits=Limits() if paced else _unpaced())
    with open_warehouse(_warehouse(home)) as connection, _timed() as timer:
        report = resync(connection, account, since, until, streams=names)
    return _of_sync(report) | timer


def one_stream(url: str, key: str, home: str) -> Figures:
    """The compared stream alone by our engine, stored in an empty warehouse."""
    from pipelines.extract.account import Account
    from pipelines.extract.sync import resync
    from pipelines.warehouse.database import open_warehouse

    since, until = datetime(2011, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(days=3660)
    with open_warehouse(_warehouse(home)) as connection, _timed() as timer:
        report = resync(connection, Account(key, url, limits=_unpaced()), since, until, streams=[COMPARED[0]])
    return {"objects": report.streams[COMPARED[0]].objects} | timer


def sdk(url: str, key: str) -> Figures:
    """The same stream by the Stripe SDK's auto-pagination, a hundred a page, stored nowhere."""
    import stripe

    client = stripe.StripeClient(key, base_addresses={"api": url})
    with _timed() as timer:
        pages = client.v1.charges.list({"limit": 100}).auto_paging_iter()
        objects = sum(1 for _ in islice(pages, SDK_OBJECTS))
    return {"objects": objects} | timer


def stage(home: str) -> Figures:
    """Raw JSON into the typed staging tables."""
    from pipelines import build
    from pipelines.warehouse.database import open_warehouse

    with open_warehouse(_warehouse(home)) as connection, _timed() as timer:
        outcome = build.staged(connection, _settings(home))
    return {"rows": sum(outcome.rows.values()), "invoice_lines": outcome.rows["invoice_lines"]} | timer


def model(home: str) -> Figures:
    """The marts from staging: read, computed, written and checked."""
    from pipelines import build
    from pipelines.warehouse.database import open_warehouse

    with open_warehouse(_warehouse(home)) as connection, _timed() as timer:
        modelled = build.modelled(connection, _settings(home))
    failed = modelled.checks.filter(~modelled.checks["passed"])["check_name"].to_list()
    return {"rows": sum(modelled.rows.values()), "checks": modelled.checks.height, "failed": failed} | timer


def policies(home: str) -> Figures:
    """MRR under every policy and why it differs, on a spine that is there: a part of `model`, which has it too."""
    from models import marts
    from models.contracts import staging
    from models.spine import build_spine
    from pipelines import build, rates
    from pipelines.warehouse import tables
    from pipelines.warehouse.database import open_warehouse

    settings = _settings(home)
    with open_warehouse(_warehouse(home)) as connection:
        terms = build.terms_of(connection, settings)
        frames = {table.table_name: tables.read(connection, table).lazy() for table in staging.TABLES}
    spine = build_spine(marts.complete(frames), rates.load(settings.rate_file), terms)
    with _timed() as timer:
        rows = spine.marts["mrr_by_policy"].collect()
    return {"rows": rows.height, "policies": rows["policy"].n_unique()} | timer


def staged_company(home: str, customers: int) -> Figures:
    """A company of so many customers, as staged tables."""
    from benchmarks import staged
    from pipelines.warehouse.database import open_warehouse

    Path(home).mkdir(parents=True, exist_ok=True)
    with open_warehouse(_warehouse(home), memory_limit="4GB") as connection, _timed() as timer:
        lines = staged.make(connection, customers)
    return {"lines": lines} | timer


def staged_model(home: str) -> Figures:
    """The marts of such a company: read, divided, computed, written and checked; and what its ledger comes to."""
    from benchmarks import staged
    from pipelines import build
    from pipelines.warehouse.database import open_warehouse

    settings = _settings(home).but(as_of=staged.AS_OF)
    with open_warehouse(_warehouse(home)) as connection, peak_of_all() as memory, _timed() as timer:
        modelled = build.modelled(connection, settings)
    failed = modelled.checks.filter(~modelled.checks["passed"])["check_name"].to_list()
    cpu = sum(os.times()[:4])
    return {"rows": sum(modelled.rows.values()), "cpu_seconds": cpu, "failed": failed} | memory | timer


def staged_follow(home: str) -> Figures:
    """The marts of that company once more, after a hundredth of its customers have changed since they were made."""
    from benchmarks import staged
    from pipelines import build
    from pipelines.warehouse import keeping, publish
    from pipelines.warehouse.database import open_warehouse

    settings = _settings(home).but(as_of=staged.AS_OF)
    with open_warehouse(_warehouse(home)) as connection:
        terms, at = build.terms_of(connection, settings), datetime.now(UTC)
        publish.publish(connection, settings.published, terms, published_at=at)
        keeping.published(connection, at)
        connection.execute(staged.query("changed"))
        with peak_of_all() as memory, _timed() as timer:
            before = sum(os.times()[:4])
            modelled = build.modelled(connection, settings)
            cpu = sum(os.times()[:4]) - before
    if modelled.followed is None:
        raise RuntimeError(f"Everything was made anew: {modelled.anew_because}")
    return {"followed": modelled.followed, "cpu_seconds": cpu} | memory | timer


def plain_sql(home: str) -> Figures:
    """The ledger and MRR by month by one query of DuckDB, beside what the models made of the same customers."""
    from benchmarks import staged
    from pipelines.warehouse.database import open_warehouse

    with open_warehouse(_warehouse(home), memory_limit="4GB") as connection:
        with _timed() as timer:
            by_hand = connection.execute(staged.query("plain")).fetchall()
        ours = connection.execute(staged.query("ours")).fetchall()
    return {"months": len(ours), "same": [row for row in by_hand if row[2]] == ours} | timer


RISK_STREAMS = (
    "products",
    "prices",
    "coupons",
    "customers",
    "subscriptions",
    "subscription_schedules",
    "invoices",
    "invoice_items",
    "invoice_payments",
    "charges",
    "refunds",
    "disputes",
    "payment_intents",
    "payment_methods",
)
"""What the scores are made from; nothing else is read for them."""


def risk(home: str, as_of: int) -> Figures:
    """Points, scores, list and backtest of an account of which `RISK_STREAMS` were read, as of an instant."""
    from models import marts
    from models.contracts import staging
    from models.spine import build_spine
    from models.terms import Terms
    from pipelines import rates
    from pipelines.warehouse import stage, tables
    from pipelines.warehouse.database import open_warehouse

    at = datetime.fromtimestamp(as_of, UTC)
    settings = _settings(home)
    with open_warehouse(_warehouse(home), memory_limit="4GB") as connection:
        stage.stage(connection, at)
        frames = {table.table_name: tables.read(connection, table).lazy() for table in staging.TABLES}
    terms = Terms(at, "America/New_York", "usd")
    spine = build_spine(marts.complete(frames), rates.load(settings.rate_file), terms)
    wanted = [f"marts.{name}" for name in ("risk_backtest", "risk_quality", "risk_points", "at_risk_accounts")]
    with _timed() as timer:
        made = marts.frames_on(spine, frames, terms, wanted)
    backtest, quality, points, listed = (made[name].collect() for name in wanted)
    chosen = backtest.filter(score_kind="any", horizon_days=90, population="without_leaving", k=50)
    return {
        "listed": listed.height,
        "lists": {row["ranking"]: row for row in chosen.to_dicts()},
        "quality": quality.filter(score_kind="any", horizon_days=90).to_dicts(),
        "fitted": points["basis"].eq("fitted").any(),
    } | timer


def publish(home: str) -> Figures:
    """Staging and marts into a fresh file, put in its place."""
    from pipelines import build
    from pipelines.warehouse.database import open_warehouse

    with open_warehouse(_warehouse(home)) as connection, _timed() as timer:
        published = build.published(connection, _settings(home))
    sizes = {"published_bytes": published.bytes, "warehouse_bytes": _warehouse(home).stat().st_size}
    return {"rows": published.rows} | sizes | timer


def render(home: str) -> Figures:
    """Pages, downloads and figures from the published file."""
    from pipelines import build

    with _timed() as timer:
        files = build.rendered(_settings(home))
    site = _settings(home).site
    total = sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
    return {"files": len(files), "site_bytes": total} | timer


PARTS: Mapping[str, Callable[..., Figures]] = {
    part.__name__: part
    for part in (
        first_load,
        refresh,
        some_streams,
        one_stream,
        sdk,
        stage,
        model,
        policies,
        staged_company,
        staged_model,
        staged_follow,
        plain_sql,
        risk,
        publish,
        render,
    )
}


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """A mapping that holds the block's `seconds` once it has ended."""
    taken: dict[str, float] = {}
    began = time.perf_counter()
    yield taken
    taken["seconds"] = time.perf_counter() - began


def _of_sync(report: "SyncReport") -> Figures:
    return {
        "objects": report.objects_read,
        "requests": report.requests_made,
        "refused": report.refusals,
        "rows": report.rows_written,
    }


def _held(connection: "duckdb.DuckDBPyConnection") -> Figures:
    """What raw holds: versions, and bytes of their JSON."""
    from pipelines.extract.catalogue import CATALOGUE

    each = " union all ".join(
        f"select count(*) as versions, sum(strlen(payload::varchar)) as bytes from raw.{stream.name}"
        for stream in CATALOGUE
    )
    versions, size = connection.execute(f"select sum(versions), sum(bytes) from ({each})").fetchall()[0]
    return {"versions": int(versions), "json_bytes": int(size)}


def _fewest(connection: "duckdb.DuckDBPyConnection", report: "SyncReport") -> int:
    """The fewest requests that a first load can cost: full pages of every listing, the lists inside objects that a page
    does not show whole, and what no list shows."""
    from pipelines.extract.catalogue import CATALOGUE, Changes

    fewest = 0
    for stream in CATALOGUE:
        if stream.changes in (Changes.SINGLE, Changes.RELIST, Changes.UNDER):
            fewest += report.streams[stream.name].requests
            continue
        for listing in stream.listings:
            shown = " and ".join(
                ["seen_by = 'list'", *(f"payload ->> '$.{k}' = '{v}'" for k, v in listing.items() if v != "all")]
            )
            fewest += max(1, -(-_count(connection, f"raw.{stream.name} where {shown}") // 100))
        fewest += _count(connection, f"raw.{stream.name} where seen_by = 'event'")
        for nested in stream.nested:
            sizes = f"select json_array_length(payload, '$.{nested.field}.data') as size from raw.{stream.name}"
            fewest += _count(
                connection, f"(select unnest(range((size::bigint + 99) // 100)) from ({sizes}) where size > 10)"
            )
    return fewest


def _count(connection: "duckdb.DuckDBPyConnection", source: str) -> int:
    return int(connection.execute(f"select count(*) from {source}").fetchall()[0][0])


def _unpaced() -> "Limits":
    from pipelines.extract.account import Limits

    return Limits(account_rate=0, endpoint_rate=0)


def _warehouse(home: str) -> Path:
    return Path(home) / "warehouse.duckdb"


def _settings(home: str) -> "Settings":
    from pipelines.settings import Settings

    return Settings.model_construct().but(home=Path(home))


if __name__ == "__main__":
    figures = PARTS[sys.argv[1]](**json.loads(sys.argv[2]))
    print(json.dumps({"peak_bytes": peak_bytes()} | figures))
