"""docs/billing.md: typed as it is, it leads from an empty account to the first paid, failed, recovered, refunded and
disputed invoice, and to the figures that it says."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.docs.walk import Walk, commands
from tests.pipelines.houses import ROOT, House, typist

PAGE = (Path(__file__).parents[2] / "docs" / "billing.md").read_text()
PORT = "8321"
NUMBER = re.compile(r"-?\d+(\.\d+)?")

pytestmark = pytest.mark.waits


@contextmanager
def listening(walk: Walk, port: str) -> Iterator[None]:
    """`revenue serve` in a terminal of its own."""
    command = [sys.executable, "-m", "pipelines.cli", "serve"]
    environment = {**os.environ, **walk.house.settings, **walk.told, "REVENUE_PORT": port}
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = iter(process.stdout.readline, "")
            assert any("Dashboards on" in line for line in said)
            assert any("Events from Stripe" in line for line in said)
            yield
        finally:
            process.terminate()


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def all_taken(sandbox: Sandbox) -> bool:
    """Whether every event was delivered; what failed as the server was starting is sent again."""
    sandbox.deliver()
    time.sleep(0.1)
    return all(200 <= each["status"] < 300 for each in sandbox.deliveries)


def test_the_walk_through_leads_from_nothing_to_every_kind_of_invoice(tmp_path: Path) -> None:
    """Three pay 29.00 in each of two months: 87.00 of MRR, and 3 × 29.00 charged a month. Ada's second payment fails
    and is recovered; Cleo's first, 29.00, is refunded in November, and Ben's is taken and given back."""
    port = free_port()
    start, *rest = commands(PAGE.replace(PORT, port))
    assert start == "python -m sandbox --empty"
    with serving(World.grown(Business.empty())) as sandbox, typist() as process:
        walk = Walk(House(process, tmp_path / "shop", sandbox), "shop")
        listens = rest.index("revenue serve")
        for line in rest[:listens]:
            walk.type(line)
        with listening(walk, port):
            for line in rest[listens + 1 :]:
                walk.type(line)
                if "webhooks" in line:
                    assert all_taken(sandbox)
    printed = {line: " ".join(told.split()) for line, told in walk.printed.items()}

    def rows(table: str) -> list[list[str | float]]:
        told = walk.printed[next(line for line in rest if f"from {table}" in line)]
        cells = [re.split(r"\s*┆\s*", row.strip("│ ")) for row in told.splitlines() if row.startswith("│")][1:]
        return [[float(cell) if NUMBER.fullmatch(cell) else cell for cell in row] for row in cells]

    assert printed["revenue actions apply --execute"].count("verified") == 3
    assert rows("mrr_by_month_reporting") == [["2026-11-01", 87, 3], ["2026-12-01", 87, 3]]
    assert rows("payment_failures") == [[29, "recovered"]]
    assert rows("refunds") == [[29, "succeeded"]]
    assert rows("disputes") == [[29, "won"]]
    assert rows("cash_by_day") == [["2026-11-01", 87, -29, 0], ["2026-12-01", 87, 0, 0]]
    assert "as published" in printed["revenue explain mrr"]
    assert "invoice.payment_failed" in printed["revenue webhooks status"]
    assert "whole" in printed["revenue audit verify"]
    assert re.search(r"MRR, 1 month\b", (tmp_path / "shop" / "site" / "index.html").read_text())
    before, after = (printed[line] for line in rest if "--checklist" in line)
    assert ("There is no active product" in before, "There is no active product" in after) == (True, False)
    assert {
        line.strip().split(":")[0] for line in walk.printed[rest[-1]].splitlines() if line.startswith("      ")
    } == LEFT


LEFT = {"business_profile", "mode", "dispute_texts", "receipts", "dunning_mails"}
"""What the page says is left to do, or can't be known."""
