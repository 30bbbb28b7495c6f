"""The policy that `REVENUE_POLICY` names: a preset or a file of rules, refused with what would be right."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.policy import PRESETS, MetricPolicy, changed
from pipelines import policies
from pipelines.errors import SettingsError
from tests.pipelines.conftest import Revenue


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "board.yaml"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_named_alone(name: str) -> None:
    assert policies.chosen(name) == PRESETS[name]


def test_a_file_changes_single_rules_of_a_preset(file: Path) -> None:
    file.write_text("extends: stripe\nrules:\n  grace_days: 7\n  counted_discounts: [repeating, forever]\n")
    rules: dict[str, Any] = {"grace_days": 7, "counted_discounts": ["forever", "repeating"]}
    assert policies.chosen(str(file)) == replace(changed(PRESETS["stripe"], **rules), name="board")


def test_without_a_preset_a_file_changes_the_default_and_may_name_itself(file: Path) -> None:
    file.write_text("name: investors\nrules: {week_factor: 365/84, past_due_max_days: null}\n")
    assert policies.chosen(str(file)) == changed(MetricPolicy("investors"), week_factor="365/84")


def test_a_file_that_changes_nothing_has_the_presets_hash(file: Path) -> None:
    file.write_text("extends: maxio\n")
    assert policies.chosen(str(file)).hash == PRESETS["maxio"].hash
    file.write_text("")
    assert policies.chosen(str(file)).hash == PRESETS["default"].hash


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules: {grace: 7}", "policy rule 'grace' is unknown; the rules are counted_statuses"),
        ("rules: {grace_days: seven}", "policy rule grace_days is 'seven'; it must be a whole number of days"),
        ("rules: {trials_count: 'yes'}", "policy rule trials_count is 'yes'; it must be true or false"),
        ("rules: {churn_moment: asked}", "it must be one of ended, requested"),
        ("rules: {name: other}", "policy rule 'name' is unknown"),
        ("extends: strpe", "policy 'strpe' is unknown; the presets are default, stripe"),
        ("extends: [stripe]", "makes no sense:\n  extends: "),
        ("rules: [grace_days]", "makes no sense:\n  rules: "),
        ("grace_days: 7", "makes no sense:\n  grace_days: Extra inputs are not permitted"),
        ("- stripe", "makes no sense:\n  the whole file: "),
        ("name: stripe", "is named 'stripe', as a preset is; give it a `name` of its own"),
        ("name: my policy", "makes no sense:\n  name: "),
        ("rules: {grace_days: 7, grace_days: 8}", "'grace_days' stands twice"),
        (
            "rules: {grace_days: !!python/object/apply:os.system [true]}",
            "is no YAML: could not determine a constructor",
        ),
        ("rules: {grace_days: 7", "is no YAML"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_what_would(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    with pytest.raises(SettingsError) as refused:
        policies.chosen(str(file))
    assert words in str(refused.value)
    assert str(file) in str(refused.value)
    assert refused.value.exit_code == 2


def test_bytes_that_are_no_text_are_refused(file: Path) -> None:
    file.write_bytes(b"name: \xff\xfe")
    with pytest.raises(SettingsError, match="is no YAML"):
        policies.chosen(str(file))


def test_a_name_that_is_neither_is_refused_with_the_presets(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"'strpe'; it must be a preset \(default, stripe.* or a YAML file"):
        policies.chosen("strpe")
    with pytest.raises(SettingsError, match=r"gone.yaml, which can't be read: No such file"):
        policies.chosen(str(tmp_path / "gone.yaml"))


def test_a_run_ends_with_2_and_names_the_rule_before_anything_is_read(
    revenue: Revenue, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("rules: {grace_days: seven}")
    monkeypatch.setenv("REVENUE_POLICY", str(file))
    monkeypatch.setenv("STRIPE_API_KEY", "rk_test_never_used")
    said = revenue("run")
    assert said.code == 2
    assert "policy rule grace_days is 'seven'" in said.err
