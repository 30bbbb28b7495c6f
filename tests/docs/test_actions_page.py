"""docs/actions.md: the walk-through, typed as it is, leads from a flag to a recovered invoice; its tables are full."""

import re
import shlex
from pathlib import Path

import pytest

from billing.actions.catalogue import ACTIONS
from billing.book import STEPS
from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.docs.walk import Walk, commands
from tests.pipelines.houses import House, typist

PAGE = (Path(__file__).parents[2] / "docs" / "actions.md").read_text()
UNSAID = ("check", "digest")
"""Words that are found out and not said."""

pytestmark = pytest.mark.waits


def test_the_walk_through_leads_from_a_flag_to_a_recovered_invoice(tmp_path: Path) -> None:
    start, *rest = commands(PAGE)
    options = dict(zip(*[iter(shlex.split(start)[3:])] * 2, strict=True))
    world = World.grown(Business(customers=int(options["--customers"]), months=int(options["--months"])))
    with serving(world) as sandbox, typist() as process:
        walk = Walk(House(process, tmp_path / "walk", sandbox), "walk")
        for line in rest:
            walk.type(line)
    printed = walk.printed
    assert "retry_invoice" in printed["revenue actions plan"]
    assert "Dry run" in printed["revenue actions apply"]
    first, _, second = printed["revenue actions apply --execute"].partition("\n")
    assert "verified" in first
    assert "Nothing is approved" in second
    assert "whole" in printed["revenue audit verify"]
    assert "recovered" in printed[next(line for line in rest if "payment_failures" in line)]
    assert "done" in printed[next(line for line in rest if "billing_actions" in line)]


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
