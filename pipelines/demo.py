"""`revenue demo`: grows a simulated company, serves its Stripe account on loopback and runs the whole pipeline on it.

The demo always starts afresh. It marks its working folder, so that a later run on a real account moves it aside.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from pipelines import refresh
from pipelines.errors import SettingsError
from pipelines.progress import Progress
from pipelines.settings import Settings
from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World

MARK = "demo.json"
OPERATIONS = ("operations.sqlite", "operations.sqlite-wal", "operations.sqlite-shm", "audit.heads")
MADE = ("warehouse.duckdb", "warehouse.duckdb.wal", "revenue.duckdb", "rates.csv", "site", *OPERATIONS, MARK)


def run(settings: Settings, customers: int, months: int, seed: int, progress: Progress) -> refresh.Outcome:
    """Make the company, run the pipeline on it and say where everything is.

    Raises:
        SettingsError: the working folder holds a real account.
    """
    _clear(settings.home)
    with company(settings, Business(seed=seed, customers=customers, months=months), progress) as there:
        outcome = refresh.run(there, progress, command="demo")
    return refresh.Outcome((*outcome.lines, *_next_steps(settings)), outcome.failed_checks)


@contextmanager
def company(settings: Settings, business: Business, progress: Progress) -> Iterator[Settings]:
    """The settings of a simulated company's account, which is served while the block lasts."""
    with progress.step(f"Simulating {business.customers:,} customers over {business.months} months"):
        world = World.grown(business)
    with serving(world) as sandbox:
        settings.home.mkdir(parents=True, exist_ok=True)
        (settings.home / "rates.csv").write_text(sandbox.fx_rates_csv())
        mark = {"customers": business.customers, "months": business.months, "seed": business.seed}
        (settings.home / MARK).write_text(json.dumps(mark) + "\n")
        yield settings.but(
            stripe_api_key=SecretStr(sandbox.key), stripe_api_base=sandbox.url, fx_file=None, accounts_file=None
        )


def marked(home: Path) -> Business | None:
    """The company whose demo the working folder holds; None where it holds none."""
    mark = home / MARK
    return Business(**json.loads(mark.read_text())) if mark.is_file() else None


def make_way(home: Path) -> tuple[str, ...]:
    """Move a demo's files out of the way of a real account; what was done, in words."""
    if not (home / MARK).is_file():
        return ()
    aside = home / f"demo-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    aside.mkdir()
    for name in MADE:
        if (home / name).exists():
            shutil.move(home / name, aside / name)
    return (f"{home} held the demo; its files are in {aside} now.",)


def _clear(home: Path) -> None:
    """Clear the last demo away.

    Raises:
        SettingsError: the folder holds a warehouse that is no demo.
    """
    home.mkdir(parents=True, exist_ok=True)
    if (home / "warehouse.duckdb").exists() and not (home / MARK).is_file():
        raise SettingsError(
            f"{home} holds a real account's data, which the demo leaves alone. Name another folder for the demo: "
            "REVENUE_HOME=demo revenue demo"
        )
    for name in MADE:
        made = home / name
        if made.is_dir():
            shutil.rmtree(made)
        else:
            made.unlink(missing_ok=True)


def _next_steps(settings: Settings) -> tuple[str, ...]:
    command = sys.argv[0]
    return (
        "",
        f"Dashboards  {(settings.site / 'index.html').resolve()}, or `{command} serve`",
        f'Database    {settings.published.resolve()}, or `{command} query "from mrr_by_month_reporting"`',
        "Dagster     `make ui`",
        f"Your own    put STRIPE_API_KEY=rk_… into .env, then `{command} run` (docs/your-own-account.md)",
    )
