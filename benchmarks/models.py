"""`python -m benchmarks.models`: the marts of a company of millions of invoice lines, made from its staged tables.

Each part runs in a process of its own, whose peak memory is its own. Beside it the same ledger is made by plain SQL,
and both must come to the same MRR of every month. Prints Markdown.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import machine, staged, tables
from benchmarks.parts import Figures, PartFailedError, measured

LINES = (1_000_000, 10_000_000)
HEADER = (
    "invoice lines",
    "customers",
    "seconds",
    "of a core",
    "lines/s",
    "peak memory",
    "1 % changed: seconds",
    "of a core",
    "plain SQL",
    "same MRR",
)


def main(
    lines: Annotated[
        list[int] | None, typer.Option(min=1, help="About how many invoice lines; can be repeated.")
    ] = None,
    scratch: Annotated[Path | None, typer.Option(help="A folder for the databases: some 250 bytes a line.")] = None,
) -> None:
    """Make companies of so many invoice lines, measure their marts, and print the figures as Markdown."""
    about = [f"- {name}: {words}" for name, words in machine.described().items()]
    before = machine.load()
    try:
        rows = [_row(size, scratch) for size in lines or LINES]
    except PartFailedError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    load = f"Processes that wanted a core, on average: {before:.1f} before, {machine.load():.1f} after."
    table = tables.table([HEADER, *rows], right=range(len(HEADER) - 1))
    typer.echo("\n".join([*about, "", *table, "", load]))


def _row(lines: int, scratch: Path | None) -> Sequence[str]:
    customers = staged.customers_for(lines)
    with tempfile.TemporaryDirectory(prefix="revenue-bench-", dir=scratch) as home:
        grown = _part("staged_company", home=home, customers=customers)
        made = _part("staged_model", home=home)
        followed = _part("staged_follow", home=home)
        by_hand = _part("plain_sql", home=home)
    return (
        f"{grown['lines']:,}",
        f"{customers:,}",
        f"{made['seconds']:.1f}",
        f"{made['cpu_seconds']:.1f}",
        f"{grown['lines'] / made['seconds']:,.0f}",
        f"{made['peak_bytes'] / 1e6:,.0f} MB",
        f"{followed['seconds']:.1f}",
        f"{followed['cpu_seconds']:.1f}",
        f"{by_hand['seconds']:.1f} s",
        "yes" if by_hand["same"] else "NO",
    )


def _part(name: str, **given: object) -> Figures:
    figures = measured(name, given)
    print(f"  {name}: {figures['seconds']:.1f} s", file=sys.stderr, flush=True)
    return figures


if __name__ == "__main__":
    typer.run(main)
