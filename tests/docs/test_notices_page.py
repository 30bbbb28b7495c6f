"""The page on notices keeps up with the code: kinds, states and settings are there, and its file is one."""

import re
from pathlib import Path

import pytest
import yaml

from billing.notices.book import STATES
from billing.notices.choices import Choices
from billing.notices.hearing import _CAUSES
from billing.notices.kinds import KINDS, Kind
from pipelines import settings

PAGE = (Path(__file__).parents[2] / "docs" / "notices.md").read_text()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_is_there(kind: Kind) -> None:
    assert f"| `{kind.name}` | {kind.meaning} | {kind.audience} |" in PAGE


@pytest.mark.parametrize("word", [*STATES, *_CAUSES, "REVENUE_SMTP"])
def test_every_state_and_event_is_there(word: str) -> None:
    assert f"`{word}" in PAGE


def test_every_setting_is_there() -> None:
    names = [name for name, _, _ in settings.described() if "NOTICES" in name]
    assert len(names) == 2
    assert [name for name in names if f"| `{name}` |" not in PAGE] == []


def test_the_file_is_one() -> None:
    (file,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert Choices.model_validate(yaml.safe_load(file)).sender == "billing@example.com"
