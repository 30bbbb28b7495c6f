"""Processes of this machine as the engine of a build: each batch of customers is a task, on one core.

As many at once as there are cores, and as memory allows. Polars gains little from several cores on the small frames
that batches are made of, so a process a core is quicker than one with all of them.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from models.terms import Terms
from pipelines.warehouse import parts

LINES_A_TASK = 500_000
"""Invoice lines whose customers are one task."""
BYTES_A_TASK = 2_000_000_000
"""Memory that a task of so many lines may need."""


def engine(folder: Path, batches: Sequence[int], terms: Terms) -> None:
    """Make the batches of the folder, an engine of `parts.made_by`.

    Raises:
        As `models.marts.mapped` does.
    """
    make = partial(parts.make, folder, terms=terms)
    with _one_thread_each(), ProcessPoolExecutor(min(workers(), len(batches)), get_context("spawn")) as pool:
        list(pool.map(make, batches))


def workers() -> int:
    """How many tasks run at once: one a core, as far as three quarters of the memory go."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, memory * 3 // 4 // BYTES_A_TASK))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that are started meanwhile read the variable as they import Polars."""
    before = os.environ.get("POLARS_MAX_THREADS")
    os.environ["POLARS_MAX_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["POLARS_MAX_THREADS"]
        else:
            os.environ["POLARS_MAX_THREADS"] = before
