"""What docs/sandbox.md shows of writes works as it stands there, and names all that there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World
from sandbox.writes import WRITES

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
WORDS = {
    "billing_portal": "customer portal",
    "create_preview": "create_preview",
    "preview": "preview",
    "lines": "preview's lines",
    "balance_transactions": "balance transactions",
    "test_clocks": "test clocks",
    "test_helpers": "test_helpers",
}


def test_the_way_into_dunning_and_out_of_it_works_as_it_is_written() -> None:
    example = next(block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "recover-1" in block)
    with serving(World.grown(Business(customers=40, months=6))) as sandbox:
        done: dict[str, Any] = {}
        exec(example.replace("http://127.0.0.1:12111", sandbox.url), done)
    assert (done["overdue"].status, done["invoice"].status) == ("past_due", "paid")


@pytest.mark.parametrize("path", sorted({write.path for write in WRITES}))
def test_every_write_is_in_the_table(path: str) -> None:
    section = PAGE[PAGE.index("## Writes") : PAGE.index("## Its clock")]
    resource, *rest = path.removeprefix("/v1/").replace("/{id}", "").split("/")
    assert WORDS.get(resource, resource.replace("_", " ")) in section
    for step in rest:
        assert WORDS.get(step, step) in section
