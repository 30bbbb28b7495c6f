"""`python -m benchmarks.extract`: how fast, how frugal and how lean extraction is, beside the SDK on the same server.

First loads under Stripe's limits and an ocean's latency, first loads without either, and refreshes, each in a process
of its own against a simulated company in another one.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import machine
from benchmarks.company import Company, Size, served
from benchmarks.parts import Figures, PartFailedError, measured
from benchmarks.runs import STRIPES_LIMITS
from benchmarks.tables import table

LATENCY_MS = 150
LONG_STREAMS = ("charges", "balance_transactions", "payment_intents", "invoice_payments")
"""Streams that grow with every payment and hold no lists of their own."""
FREE: dict[str, Any] = {"latency_ms": 0}
OCEAN = STRIPES_LIMITS | {"latency_ms": LATENCY_MS}


@dataclass(frozen=True)
class Scenario:
    """What is measured: a part, on a server with these limits."""

    title: str
    part: str
    limits: dict[str, Any]
    given: dict[str, Any] = field(default_factory=dict)
    home: str = ""
    """Scenarios of one home share its warehouse; without one it is empty."""


SCENARIOS = (
    Scenario("one long stream", "some_streams", OCEAN, {"names": LONG_STREAMS[:1], "paced": True}),
    Scenario("four long streams", "some_streams", OCEAN, {"names": LONG_STREAMS, "paced": True}),
    Scenario("the whole account", "first_load", OCEAN, {"paced": True}),
    Scenario("one stream by the SDK's auto-pagination", "sdk", OCEAN),
    Scenario("four long streams", "some_streams", FREE, {"names": LONG_STREAMS}),
    Scenario("the whole account", "first_load", FREE, home="kept"),
    Scenario("one stream by the SDK's auto-pagination", "sdk", FREE),
    Scenario("a refresh with nothing new", "refresh", FREE, home="kept"),
    Scenario("a refresh a day later", "refresh", FREE, home="kept"),
)
LATER = "a refresh a day later"
HEADER = ("server", "what", "objects", "seconds", "objects/s", "of the limit", "requests", "refused", "peak memory")


def main(
    customers: Annotated[int, typer.Option(min=1, help="Customers of the company; 8,000 make streams long.")] = 3_000,
    months: Annotated[int, typer.Option(min=1, help="Months of its history.")] = 24,
    output: Annotated[Path | None, typer.Option(help="A file for the Markdown, besides the terminal.")] = None,
) -> None:
    """Measure extraction and print the figures as Markdown: throughput, share of the limit, requests, memory."""
    size = Size(customers, months)
    try:
        lines = list(_measured(size))
    except PartFailedError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    about = [f"- {name}: {words}" for name, words in machine.described().items()]
    text = "\n".join([*about, "", f"### Extraction, {size.words}", "", *lines])
    typer.echo(text)
    if output is not None:
        output.write_text(text + "\n")


def _measured(size: Size) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [HEADER]
    fewest = ""
    before = machine.load()
    print(f"Growing {size.words} …", file=sys.stderr, flush=True)
    with served(size) as company, tempfile.TemporaryDirectory(prefix="revenue-bench-") as scratch:
        for place, scenario in enumerate(SCENARIOS):
            figures = _run(scenario, company, Path(scratch) / (scenario.home or str(place)))
            rows.append(_row(scenario, figures))
            print(f"  {scenario.title}: {figures['seconds']:.1f} s", file=sys.stderr, flush=True)
            if "fewest_requests" in figures:
                share = figures["requests"] / figures["fewest_requests"]
                fewest = (
                    f"The first load cost {figures['requests']:,} requests; its lists allow no fewer than "
                    f"{figures['fewest_requests']:,}: {share:.3f} times the fewest."
                )
    yield from table(rows, right=range(2, 9))
    yield ""
    yield fewest
    yield f"Processes that wanted a core, on average: {before:.1f} before, {machine.load():.1f} after."


def _run(scenario: Scenario, company: Company, home: Path) -> Figures:
    company.lever("limits", **scenario.limits)
    if scenario.title == LATER:
        company.lever("clock", days=1)
    given = {"url": company.url, "key": company.key} | scenario.given
    return measured(scenario.part, given if scenario.part == "sdk" else given | {"home": str(home)})


def _row(scenario: Scenario, figures: Figures) -> tuple[str, ...]:
    rate, requests = figures["objects"] / figures["seconds"], figures.get("requests")
    streams = len(scenario.given.get("names", ()))
    allowed = min(streams * STRIPES_LIMITS["endpoint_rate"] or 100, STRIPES_LIMITS["account_rate"])
    share = f"{requests / figures['seconds'] / allowed:.0%}" if requests and scenario.limits is OCEAN else ""
    return (
        f"100/s, 25/s an endpoint, {LATENCY_MS} ms" if scenario.limits is OCEAN else "no limit, no latency",
        scenario.title,
        f"{figures['objects']:,}",
        f"{figures['seconds']:.2f}",
        f"{rate:,.0f}",
        share,
        "" if requests is None else f"{requests:,}",
        "" if requests is None else f"{figures['refused'] / max(requests, 1):.2%}",
        f"{figures['peak_bytes'] / 1e6:,.0f} MB",
    )


if __name__ == "__main__":
    typer.run(main)
