"""The most memory that was held: by this process, or by it and its children together.

A process of its own for each part makes the first one the part's. A child's own peak says nothing: it starts with that
of its parent.
"""

import os
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EVERY = 0.1
"""Seconds between two looks at the children."""


def peak_bytes() -> int:
    """Peak resident memory of this process in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@contextmanager
def peak_of_all() -> Iterator[dict[str, int]]:
    """A mapping that holds `peak_bytes`, of this process and its children at one time, once the block has ended."""
    found = {"peak_bytes": 0}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(EVERY):
            found["peak_bytes"] = max(found["peak_bytes"], sum(map(_resident, [os.getpid(), *_children(os.getpid())])))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()
        found["peak_bytes"] = max(found["peak_bytes"], peak_bytes())


def _children(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children")
    own = [int(one) for one in found.read_text().split()] if found.is_file() else []
    return [*own, *(each for one in own for each in _children(one))]


def _resident(process: int) -> int:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
