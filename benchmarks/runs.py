"""One measured run on one company: which parts, in which order, on which warehouse."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import machine
from benchmarks.company import Company, Size, served
from benchmarks.parts import Figures, measured

Say = Callable[[str], None]

STRIPES_LIMITS = {"account_rate": 100, "endpoint_rate": 25}
"""Requests a second that Stripe allows a live key, in all and an endpoint."""

COMPARISONS = 2
"""How often those that are compared take turns."""


@dataclass
class Run:
    """What was measured: figures by part, and the load of the machine before and after."""

    size: Size
    figures: dict[str, Figures] = field(default_factory=dict)
    load_before: float = 0.0
    load_after: float = 0.0


def run(size: Size, topics: frozenset[str], say: Say) -> Run:
    """Measure a company of that size; `topics` are extract, models or both."""
    done = Run(size, load_before=machine.load())
    say(f"Growing {size.words} …")
    with served(size) as company, tempfile.TemporaryDirectory(prefix="revenue-bench-") as scratch:
        done.figures["company"] = {
            "objects": company.objects,
            "seconds": company.seconds,
            "peak_bytes": company.peak_bytes,
        }
        home = Path(scratch) / "home"
        home.mkdir()
        (home / "rates.csv").write_bytes(company.rates())
        _part(done, say, "first_load", url=company.url, key=company.key, home=str(home))
        if "models" in topics:
            for name in ("stage", "model", "policies", "publish", "render"):
                _part(done, say, name, home=str(home))
        if "extract" in topics:
            _extraction(done, say, company, Path(scratch))
    done.load_after = machine.load()
    return done


def _extraction(done: Run, say: Say, company: Company, scratch: Path) -> None:
    where = {"url": company.url, "key": company.key}
    for turn in range(COMPARISONS):
        _faster(done, say, "sdk", **where)
        _faster(done, say, "one_stream", **where, home=str(scratch / f"one-{turn}"))
    _part(done, say, "refresh", **where, home=str(scratch / "home"), called="refresh_idle")
    company.lever("clock", days=1)
    _part(done, say, "refresh", **where, home=str(scratch / "home"), called="refresh_day")
    company.lever("limits", **STRIPES_LIMITS)
    _part(done, say, "first_load", **where, home=str(scratch / "paced"), paced=True, called="first_load_paced")


def _faster(done: Run, say: Say, name: str, **given: str) -> None:
    """Measure a part again and keep the faster time: what else the machine does only ever slows it down."""
    before = done.figures.get(name)
    _part(done, say, name, **given)
    if before is not None and before["seconds"] < done.figures[name]["seconds"]:
        done.figures[name] = before


def _part(done: Run, say: Say, name: str, *, called: str | None = None, **given: object) -> None:
    figures = measured(name, given)
    done.figures[called or name] = figures
    say(f"  {called or name}: {figures['seconds']:.1f} s")
