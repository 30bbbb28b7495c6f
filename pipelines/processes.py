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
BYTES_A_TASK = 2_500_000_000
"""Memory that a task of so many lines may need."""
ENVIRONMENT = {
    "POLARS_MAX_THREADS": "1",
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1,thp:always",
}
"""What a task's process reads as it imports Polars: one thread; and an allocator that takes memory in large pages and
keeps it until the end, which saves a sixth of the time where frames are made and dropped as quickly as here."""


def engine(folder: Path, batches: Sequence[int], terms: Terms) -> None:
    """Make the batches of the folder, an engine of `parts.made_by`.

    Raises:
        As `models.marts.mapped` does.
    """
    make = partial(parts.make, folder, terms=terms)
    with _set_up(), ProcessPoolExecutor(min(workers(), len(batches)), get_context("spawn")) as pool:
        list(pool.map(make, batches))


def workers() -> int:
    """How many tasks run at once: one a core, as far as three quarters of the memory go."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, memory * 3 // 4 // BYTES_A_TASK))


@contextmanager
def _set_up() -> Iterator[None]:
    """Processes that are started meanwhile have `ENVIRONMENT`; what the user has set of it stays."""
    added = {name: value for name, value in ENVIRONMENT.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
