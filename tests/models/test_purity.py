"""Figures depend on frames and terms alone: below `pipelines/` nothing asks for the time, the machine or the net."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("models", "reports", "dashboards")
ASKED = {
    "datetime": {"now", "today", "utcnow"},
    "date": {"today"},
    "time": {"time", "monotonic", "perf_counter", "localtime", "gmtime"},
    "os": {"getenv", "environ"},
    "random": {"random", "randint", "choice", "shuffle", "sample"},
}
"""Attributes by name of what carries them."""
IMPORTED = {"socket", "urllib", "aiohttp", "requests", "httpx", "random", "time", "stripe"}
CLOCK_IN_SQL = re.compile(r"\b(?:current_(?:date|time\w*)|now\s*\(|today\s*\(|get_current_\w+)", re.IGNORECASE)


def asks(tree: ast.AST) -> list[str]:
    found = [
        f"{ast.unparse(node)} in line {node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ASKED.get(ast.unparse(node.value).split(".")[-1], ())
    ]
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [f"import of {name}" for name in names if name.split(".")[0] in IMPORTED]
    return found


@pytest.mark.parametrize(
    "file", sorted(file.relative_to(ROOT) for room in ROOMS for file in (ROOT / room).rglob("*.py")), ids=str
)
def test_no_figure_asks_for_the_time_the_machine_or_the_network(file: Path) -> None:
    assert asks(ast.parse((ROOT / file).read_text())) == []


def test_the_clock_would_be_found() -> None:
    text = "import time\nfrom datetime import datetime, UTC\nx = datetime.now(UTC)\ny = os.environ['A']\n"
    assert len(asks(ast.parse(text))) == 3


@pytest.mark.parametrize("file", sorted((ROOT / "pipelines" / "warehouse").rglob("*.sql")), ids=lambda file: file.stem)
def test_no_query_of_staging_asks_for_the_time(file: Path) -> None:
    assert CLOCK_IN_SQL.findall(file.read_text()) == []
