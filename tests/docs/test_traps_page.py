"""The page of traps: every trap has its row, every row what holds it, and everything that a row names is there."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "traps.md"
TRAPS = 64
ROW = re.compile(r"^\| (\d+) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
FILE = re.compile(r"`([\w/]+\.(?:py|sql))`")
BY_DESIGN, NOT_YET = "**By design**", "**not yet**"
ROOMS = ("", "pipelines/extract/", "pipelines/warehouse/", "pipelines/warehouse/stage/")
"""Where a file stands that a row names without its folder, after one that it names in full."""


@dataclass(frozen=True)
class Trap:
    """A row: what goes wrong elsewhere, why not here, what holds it."""

    number: int
    elsewhere: str
    here: str
    held_by: str

    @property
    def tests(self) -> list[tuple[str, str]]:
        return TEST.findall(self.held_by)

    @property
    def files(self) -> list[str]:
        return FILE.findall(self.here)


ROWS = [Trap(int(number), *parts) for number, *parts in ROW.findall(PAGE.read_text())]


@cache
def named_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_trap_has_one_row_in_order() -> None:
    assert [row.number for row in ROWS] == list(range(1, TRAPS + 1))
    assert len(re.findall(r"^\| *\d+ ", PAGE.read_text(), re.MULTILINE)) == TRAPS, "a row is not of the page's form"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.number))
def test_a_row_is_held_by_tests_that_exist_or_by_design(row: Trap) -> None:
    missing = [f"{file}::{name}" for file, name in row.tests if name not in named_in(file)]
    assert missing == []
    assert row.held_by.count("`") == 2 * len(row.tests), "something there is no test"
    assert row.tests or (BY_DESIGN in row.here and row.files) or NOT_YET in row.held_by


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.number))
def test_the_files_that_a_row_names_are_there(row: Trap) -> None:
    lost = [file for file in row.files if not any((ROOT / room / file).is_file() for room in ROOMS)]
    assert lost == []
