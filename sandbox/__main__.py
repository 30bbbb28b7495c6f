"""`python -m sandbox`: grows a company that bills through Stripe and serves its account until interrupted."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer
import uvloop

from sandbox.api.keys import DEFAULT_KEY, DEFAULT_WRITE_KEY, Key
from sandbox.api.limits import Limits
from sandbox.api.server import start
from sandbox.api.settings import Settings
from sandbox.clock import instant, iso
from sandbox.world.business import Business
from sandbox.world.world import World

LOOPBACK = "127.0.0.1"


def main(
    customers: Annotated[int, typer.Option(min=1, help="How many customers have signed up by the end.")] = 400,
    months: Annotated[int, typer.Option(min=1, help="How long the company has been in business.")] = 24,
    seed: Annotated[int, typer.Option(help="The same seed grows the same company, to the last id.")] = 7,
    empty: Annotated[
        bool, typer.Option("--empty", help="Instead of a company, an account with nothing in it.")
    ] = False,
    end: Annotated[
        str, typer.Option(help="Where its clock stands: an ISO 8601 instant, UTC when it names no zone.")
    ] = "2026-11-15T12:00:00Z",
    port: Annotated[int, typer.Option(help="Port on the loopback interface; 0 takes a free one.")] = 12111,
    key: Annotated[str, typer.Option(help="The API key it accepts; it reads.")] = DEFAULT_KEY,
    write_key: Annotated[str, typer.Option(help="The API key that may also write.")] = DEFAULT_WRITE_KEY,
    latency_ms: Annotated[float, typer.Option(help="Milliseconds added to every answer; Stripe takes 100 to 400.")] = 0,
    account_rate: Annotated[
        float | None, typer.Option(help="Requests a second for the account before 429s; Stripe: 100 live, 25 in test.")
    ] = None,
    endpoint_rate: Annotated[
        float | None, typer.Option(help="Requests a second for each endpoint before 429s; Stripe: 25.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(help="Requests at once for the account before 429s.")] = None,
) -> None:
    """A Stripe account in a box: a simulated company behind Stripe's API, on your own machine.

    Point any Stripe client at the URL it prints. Time stands still until you move it.

    Its own levers are under URL/_sandbox/:

    GET clock, POST clock {"days": 3} or {"to": "2026-12-01"}: the company lives on

    GET, POST, DELETE faults, as {"kind": "rate_limit", "path": "/v1/charges", "nth": 2, "times": 3}

    GET, DELETE requests: what was asked, by endpoint

    GET fx_rates.csv: its exchange rates; GET books.json: the truth that your figures should meet
    """
    began = time.perf_counter()
    business = (
        Business.empty(seed, _epoch(end))
        if empty
        else Business(seed=seed, customers=customers, months=months, end=_epoch(end))
    )
    typer.echo("Opening an account…" if empty else f"Growing {customers} customers over {months} months…")
    world = World.grown(business)
    count = sum(world.store.count(kind) for kind in world.store.kinds())
    typer.echo(f"{count:,} objects in {time.perf_counter() - began:.1f} s. The clock stands at {iso(world.now)}.")
    settings = Settings(
        keys=(Key(key), Key(write_key, writes=True)),
        limits=Limits(account_rate, endpoint_rate, account_concurrency=concurrency),
        latency_ms=latency_ms,
    )
    try:
        uvloop.run(_serve(world, settings, port))
    except KeyboardInterrupt:
        typer.echo("Stopped.")
    except OSError as error:
        typer.echo(f"Port {port} cannot be had: {error.strerror}. Say another with --port, or --port 0.", err=True)
        raise typer.Exit(1) from None


def _epoch(end: str) -> int:
    try:
        return instant(end)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--end") from None


async def _serve(world: World, settings: Settings, port: int) -> None:
    runner, taken = await start(world, settings, LOOPBACK, port)
    reads, writes = settings.keys
    typer.echo(f"URL  http://{LOOPBACK}:{taken}\nKey  {reads.value}\nKey that writes  {writes.value}")
    typer.echo("Interrupt to stop.")
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    typer.run(main)
