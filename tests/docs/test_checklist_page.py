"""The page on the launch checklist keeps up with the checks: each is there, with what it needs and what it asks."""

from pathlib import Path

import pytest

from billing.launch.check import Check, State
from billing.launch.checks import CHECKS
from billing.launch.questions import QUESTIONS

PAGE = (Path(__file__).parents[2] / "docs" / "checklist.md").read_text()
PERMISSION = {question.name: question.permission for question in QUESTIONS}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_every_check_is_there_with_the_permission_that_it_takes(check: Check) -> None:
    permissions = ", ".join(dict.fromkeys(PERMISSION[name] for name in check.asks)) or "known here"
    assert f"| `{check.name}` | {check.need} | {permissions} |" in PAGE


@pytest.mark.parametrize("state", State)
def test_every_state_is_explained(state: State) -> None:
    assert f"| {state.value} |" in PAGE
