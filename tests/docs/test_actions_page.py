"""docs/actions.md: the walk-through, typed as it is, leads from a flag to a recovered invoice; its tables are full."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from billing.actions.catalogue import ACTIONS
from billing.book import STEPS
from pipelines import settings
from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.pipelines.houses import House, typist

PAGE = (Path(__file__).parents[2] / "docs" / "actions.md").read_text()
PLACE = "http://127.0.0.1:12111"
UNSAID = ("check", "digest")
"""Words that are found out and not said."""
PLACEHOLDERS = {"act_…": r"act_[0-9a-f]{24}", "cus_…": r"cus_\w+"}

pytestmark = pytest.mark.waits


def commands() -> Iterator[str]:
    """What the page's shell blocks type: `revenue` lines one by one, a block of anything else as one script."""
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL):
        if "curl " in block:
            yield block
        else:
            yield from block.splitlines()


def test_the_walk_through_leads_from_a_flag_to_a_recovered_invoice(tmp_path: Path) -> None:
    start, *rest = commands()
    options = dict(zip(*[iter(shlex.split(start)[3:])] * 2, strict=True))
    world = World.grown(Business(customers=int(options["--customers"]), months=int(options["--months"])))
    printed: dict[str, str] = {}
    with serving(world) as sandbox, typist() as process:
        house = House(process, tmp_path / "walk", sandbox)
        for line in rest:
            said = typed(line, house, printed)
            for placeholder, pattern in PLACEHOLDERS.items():
                found = re.search(pattern, said)
                if found and placeholder not in printed:
                    printed[placeholder] = found.group()
            printed[line] = printed.get(line, "") + said
    assert "retry_invoice" in printed["revenue actions plan"]
    assert "Dry run" in printed["revenue actions apply"]
    first, _, second = printed["revenue actions apply --execute"].partition("\n")
    assert "verified" in first
    assert "Nothing is approved" in second
    assert "whole" in printed["revenue audit verify"]
    assert "recovered" in printed[next(line for line in rest if "payment_failures" in line)]
    assert "done" in printed[next(line for line in rest if "billing_actions" in line)]


def typed(line: str, house: House, printed: dict[str, str]) -> str:
    """What a line prints, typed with what earlier ones printed in the place of what is left open."""
    for placeholder in PLACEHOLDERS:
        if placeholder in line:
            line = line.replace(placeholder, printed[placeholder])
    if line.startswith("export "):
        named = {word.split("=")[0] for word in line.split()[1:]}
        assert named <= {name for name, _, _ in settings.described()}
        return ""
    if "curl " in line:
        line = line.replace(PLACE, house.sandbox.url)
        return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True).stdout
    words = shlex.split(line)
    assert words[0] == "revenue", line
    ended = house.revenue(*words[1:])
    assert ended.code == 0, (line, ended.printed)
    return ended.printed


def test_every_action_state_and_setting_has_its_place() -> None:
    for kind, action in ACTIONS.items():
        (row,) = re.findall(rf"^\| `{kind}` \| {action.subject} \|.*$", PAGE, re.MULTILINE)
        assert [word for word in action.params.model_fields if word not in UNSAID and f"`{word}`" not in row] == [], (
            kind
        )
    states = {state for sources, target in STEPS.values() for state in (*sources, target)}
    assert [state for state in sorted(states) if f"`{state}`" not in PAGE] == []
    for name in ("STRIPE_WRITE_KEY", "REVENUE_RULES", "REVENUE_OPERATIONS_URL", "REVENUE_STOP_ACTIONS"):
        assert f"| `{name}` |" in PAGE
