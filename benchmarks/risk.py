"""`python -m benchmarks.risk`: how well the list of accounts at risk would have done, beside lists that need no score.

Each seed is another simulated company, whose customers leave for causes that Stripe shows, and by chance. It is read
through the API and scored by what was known at each date; of the first 50 of each list at the start of each month it is
counted who left within 90 days. Prints Markdown.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import machine, tables
from benchmarks.company import Size, served
from benchmarks.parts import RISK_STREAMS, Figures, PartFailedError, measured

SEEDS = (7, 11, 23)
LISTS = {
    "list": "the list",
    "score": "by chance alone",
    "past_due_first": "past due first, then the largest MRR",
    "random": "at random",
}
HEADER = ("seed", "list", "months", "listed", "left", "precision@50", "recall", "lift", "MRR found")
ABOUT = (
    "seed",
    "customers x months",
    "left",
    "churns",
    "ROC-AUC",
    "PR-AUC",
    "Brier",
    "Brier, share for all",
    "seconds",
)


def main(
    seed: Annotated[list[int] | None, typer.Option(help="The company's seed; can be repeated.")] = None,
    customers: Annotated[int, typer.Option(min=1, help="Customers of the company.")] = 20_000,
    months: Annotated[int, typer.Option(min=1, help="Months of its history.")] = 12,
) -> None:
    """Grow a company a seed, score it, and print how its lists did as Markdown."""
    about = [f"- {name}: {words}" for name, words in machine.described().items()]
    try:
        measures = {one: _measured(Size(customers, months, one)) for one in seed or SEEDS}
    except PartFailedError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    lists = [HEADER, *(row for one, figures in measures.items() for row in _lists(one, figures))]
    quality = [ABOUT, *(_quality(one, figures) for one, figures in measures.items())]
    parts = [*about, "", *tables.table(lists, right=range(2, 9)), "", *tables.table(quality, right=range(1, 9))]
    typer.echo("\n".join(parts))


def _measured(size: Size) -> Figures:
    from sandbox.world.business import Business

    _say(f"Growing {size.words}, seed {size.seed} …")
    with served(size) as company, tempfile.TemporaryDirectory(prefix="revenue-bench-") as home:
        _say(f"  grown in {company.seconds:.0f} s: {company.objects:,} objects")
        (Path(home) / "rates.csv").write_bytes(company.rates())
        where = {"url": company.url, "key": company.key, "home": home}
        read = measured("some_streams", {**where, "names": list(RISK_STREAMS)})
        _say(f"  read in {read['seconds']:.0f} s")
        figures = measured("risk", {"home": home, "as_of": Business().end})
        _say(f"  scored in {figures['seconds']:.1f} s")
        return figures


def _lists(seed: int, figures: Figures) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for name, words in LISTS.items():
        of = figures["lists"][name]
        shares = [f"{of[share]:.1%}" for share in ("precision", "recall")]
        counts = (str(of["months"]), f"{of['listed']:,}", f"{of['found']:,.1f}")
        rows.append((str(seed), words, *counts, *shares, f"{of['lift']:.2f}", f"{of['mrr_recall']:.1%}"))
    return rows


def _quality(seed: int, figures: Figures) -> Sequence[str]:
    of = figures["quality"][0]
    measures = [f"{of[name]:.4f}" for name in ("roc_auc", "pr_auc", "brier", "brier_of_base_rate")]
    counts = [f"{of[name]:,}" for name in ("customers", "churned", "churns")]
    return (str(seed), *counts, *measures, f"{figures['seconds']:.1f}")


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    typer.run(main)
