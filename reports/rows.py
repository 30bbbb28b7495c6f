"""Rows of a file that may be long: made one by one while they are written, never held all at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from dashboards.values import Cell


@dataclass(frozen=True)
class Rows:
    """A frame's rows, each turned into cells by `make`; can be gone through more than once."""

    frame: pl.DataFrame
    make: Callable[[dict[str, Any]], tuple[Cell, ...]]

    def __iter__(self) -> Iterator[tuple[Cell, ...]]:
        return map(self.make, self.frame.iter_rows(named=True))
