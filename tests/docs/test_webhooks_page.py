"""The page on webhooks keeps up with the code: every event that is handed on, every setting and answer is there."""

from pathlib import Path

import pytest

from billing.webhooks.occasions import KINDS, Kind
from pipelines import settings

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)
def test_every_event_that_is_handed_on_is_there(kind: Kind) -> None:
    assert f"| `{kind.type}` | `{kind.what}` | {kind.meaning} |" in PAGE


def test_every_setting_is_there() -> None:
    names = [name for name, _, _ in settings.described() if "WEBHOOK" in name]
    assert len(names) == 5
    assert [name for name in names if f"`{name}`" not in PAGE] == []
