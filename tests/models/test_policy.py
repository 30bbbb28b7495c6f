"""The policy is a value: presets, hash, and no rule that is silently not followed."""

from fractions import Fraction

import pytest

from models.policy import PRESETS, MetricPolicy, PolicyError, changed, preset, require_supported


def test_presets_differ_in_their_hash_and_a_name_is_no_rule() -> None:
    assert len({policy.hash for policy in PRESETS.values()}) == len(PRESETS) == 6
    assert changed(MetricPolicy(), name="ours").hash == MetricPolicy().hash
    assert changed(MetricPolicy(), week_factor=Fraction(4)).hash != MetricPolicy().hash


def test_the_default_hash_is_the_same_in_every_process() -> None:
    assert len(MetricPolicy().hash) == 10
    assert preset("default").hash == MetricPolicy().hash


def test_the_default_is_followed_and_a_rule_that_is_not_is_refused_by_name() -> None:
    require_supported(preset("default"))
    with pytest.raises(
        PolicyError, match="'stripe' sets churn_moment to 'requested', which the models do not follow yet"
    ):
        require_supported(preset("stripe"))


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(PolicyError, match="'strpe' is unknown; the presets are default, stripe"):
        preset("strpe")
    with pytest.raises(PolicyError, match="rule 'grace' is unknown"):
        changed(MetricPolicy(), grace=3)
    with pytest.raises(PolicyError, match="interval 'decade'"):
        MetricPolicy().month_factor("decade")
