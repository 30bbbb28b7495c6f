"""The policy is a value: presets, hash, rules that can be changed one by one, and nothing that is no rule."""

from dataclasses import fields
from fractions import Fraction
from typing import Any

import pytest

from models.policy import (
    GROUPS,
    PRESETS,
    RULES,
    WITHOUT_EFFECT_ON_STOCK,
    MetricPolicy,
    PolicyError,
    changed,
    preset,
    switched,
)


def test_presets_differ_in_their_hash_and_a_name_is_no_rule() -> None:
    assert len({policy.hash for policy in PRESETS.values()}) == len(PRESETS) == 6
    assert MetricPolicy("ours").hash == MetricPolicy().hash
    assert changed(MetricPolicy(), week_factor=4).hash != MetricPolicy().hash


def test_the_default_hash_is_the_same_in_every_process() -> None:
    assert len(MetricPolicy().hash) == 10
    assert preset("default").hash == MetricPolicy().hash


def test_every_rule_says_what_it_may_be_and_which_group_tells_its_effect() -> None:
    assert list(RULES) == [rule.name for rule in fields(MetricPolicy) if rule.name != "name"]
    assert {rule.group for rule in RULES.values()} == set(GROUPS)
    assert set(WITHOUT_EFFECT_ON_STOCK) <= set(RULES)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_made_of_values_that_its_rules_may_have(name: str) -> None:
    rules = {rule: getattr(preset(name), rule) for rule in RULES}
    assert changed(MetricPolicy(name), **rules) == preset(name)


@pytest.mark.parametrize("name", PRESETS)
def test_switching_group_after_group_makes_one_policy_the_other(name: str) -> None:
    policy = MetricPolicy()
    for group in GROUPS:
        policy = switched(policy, preset(name), group)
    assert policy.hash == preset(name).hash


def test_fractions_are_read_exactly() -> None:
    assert changed(MetricPolicy(), week_factor="365/84").week_factor == Fraction(365, 84)
    assert changed(MetricPolicy(), week_factor=4.35).week_factor == Fraction(435, 100)


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ("grace_days", "seven", "a whole number of days, 0 or more"),
        ("grace_days", -1, "a whole number of days, 0 or more"),
        ("past_due_max_days", 99_999_999_999, "a whole number of days, 0 or more, or null, at most 36,500"),
        ("grace_days", 36_501, "a whole number of days, 0 or more, at most 36,500"),
        ("grace_days", None, "a whole number of days, 0 or more"),
        ("past_due_max_days", True, "a whole number of days, 0 or more, or null"),
        ("trials_count", "yes", "true or false"),
        ("trials_count", 1, "true or false"),
        ("churn_moment", "asked", "one of ended, requested"),
        ("fx_mode", ["native"], "one of daily_stock"),
        ("counted_statuses", "active", "a list of some of active, past_due, unpaid, active among them"),
        ("counted_statuses", ["past_due"], "a list of some of active, past_due, unpaid, active among them"),
        ("counted_discounts", ["forever", {}], "a list of some of forever, once, repeating"),
        ("zero_pause_behaviors", ["paused"], "a list of some of keep_as_draft"),
        ("week_factor", 0, "a number or fraction above 0"),
        ("week_factor", "1/0", "a number or fraction above 0"),
        ("week_factor", "fifty", "a number or fraction above 0"),
        ("day_factor", float("nan"), "a number or fraction above 0"),
        ("day_factor", [30], "a number or fraction above 0"),
        ("gross_margin", 1.2, "a number or fraction above 0 and at most 1"),
        ("annual_discount_rate", -0.1, "a number or fraction of 0 or more"),
    ],
)
def test_a_value_that_a_rule_cannot_have_is_refused_with_what_it_can(rule: str, value: Any, expected: str) -> None:
    with pytest.raises(PolicyError, match=f"policy rule {rule} is .*; it must be {expected}"):
        changed(MetricPolicy(), **{rule: value})


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(PolicyError, match="'strpe' is unknown; the presets are default, stripe"):
        preset("strpe")
    with pytest.raises(PolicyError, match="rule 'grace' is unknown; the rules are counted_statuses"):
        changed(MetricPolicy(), grace=3)
    with pytest.raises(PolicyError, match="rule 'name' is unknown"):
        changed(MetricPolicy(), name="ours")
    with pytest.raises(PolicyError, match="interval 'decade'"):
        MetricPolicy().month_factor("decade")


@pytest.mark.parametrize(
    ("interval", "count", "as_it_is", "as_a_month"),
    [
        ("day", 30, Fraction(365, 360), Fraction(1)),  # 365/12 days a month, 30 a period
        ("day", 28, Fraction(365, 336), Fraction(1)),
        ("day", 31, Fraction(365, 372), Fraction(1)),
        ("day", 32, Fraction(365, 384), Fraction(365, 384)),
        ("week", 4, Fraction(52, 48), Fraction(1)),  # 52/12 weeks a month, 4 a period
        ("week", 5, Fraction(52, 60), Fraction(52, 60)),
        ("month", 3, Fraction(1, 3), Fraction(1, 3)),
        ("year", 1, Fraction(1, 12), Fraction(1, 12)),
    ],
)
def test_a_period_of_about_a_month_is_one_where_the_policy_says_so(
    interval: str, count: int, as_it_is: Fraction, as_a_month: Fraction
) -> None:
    policy = MetricPolicy()
    assert policy.periods_a_month(interval, count) == as_it_is
    assert changed(policy, treat_28_31_day_as_month=True).periods_a_month(interval, count) == as_a_month
