"""`python -m benchmarks`: measures extraction, models, memory and disk on a simulated company, and prints Markdown."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import machine, tables
from benchmarks.company import Size
from benchmarks.parts import PartFailedError
from benchmarks.runs import run

SIZES = (Size(400, 24), Size(3_000, 24))


class Topic(StrEnum):
    """What to measure."""

    ALL = "all"
    EXTRACT = "extract"
    MODELS = "models"


def main(
    topic: Annotated[
        Topic, typer.Argument(help="What to measure; models need a first load, which is shown too.")
    ] = Topic.ALL,
    customers: Annotated[
        int | None, typer.Option(min=1, help="Customers of the company; without it two sizes.")
    ] = None,
    months: Annotated[int, typer.Option(min=1, help="Months of its history.")] = 24,
    output: Annotated[Path | None, typer.Option(help="A file for the Markdown, besides the terminal.")] = None,
) -> None:
    """Measure every part in a process of its own, on a server in another one, and print the figures as Markdown."""
    sizes = SIZES if customers is None else (Size(customers, months),)
    topics = frozenset(("extract", "models") if topic is Topic.ALL else (topic.value,))
    about = [f"- {name}: {words}" for name, words in machine.described().items()]
    try:
        sections = [tables.markdown(run(size, topics, _say)) for size in sizes]
    except PartFailedError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    text = "\n".join(about) + "\n\n" + "\n\n".join(sections)
    typer.echo(text)
    if output is not None:
        output.write_text(text + "\n")


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    typer.run(main)
