"""The rules file: what it says, how it is refused, and that its schema is what the classes are."""

import json
from pathlib import Path
from typing import Any

import pytest

from billing import rules
from billing.errors import UsageError
from billing.flags import flags_of
from tests.billing.planned import NOW

ROW: dict[str, Any] = {
    "account_id": "acct_1",
    "customer_id": "cus_1",
    "flag_id": "flag_1",
    "flag_version": 1,
    "score_kind": "payment",
    "risk_score": 70,
    "risk_band": "high",
    "mrr_at_risk_reporting": "4900.000000",
    "expected_loss_reporting": 29_400,
    "subscription_id": None,
    "invoice_id": "in_1",
    "reasons": ["+38 two failed attempts"],
    "recommended_action": "retry_invoice",
    "flagged_at": NOW,
    "expires_at": NOW,
}


def told(tmp_path: Path, text: str) -> rules.Rules:
    file = tmp_path / "rules.yaml"
    file.write_text(text)
    return rules.load(file)


def test_the_default_gives_nothing_away_and_ends_nothing() -> None:
    default = rules.load()
    assert {rule.do for rule in default.rules} == {"retry_invoice", "send_invoice", "send_card_update"}
    assert default.holdout.percent == 0
    assert not default.stop


def test_the_schema_file_is_what_the_classes_say() -> None:
    file = Path(rules.__file__).with_name("rules.schema.json")
    assert json.loads(file.read_text()) == json.loads(json.dumps(rules.schema())), "run `make docs`"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 2\nrules: []", "version"),
        ("version: 1\nrules: [{name: a, when: {}, do: fly}]", "there is no action 'fly'"),
        ("version: 1\nrules: [{name: A b, when: {}, do: cancel}]", "rules.0.name"),
        ("version: 1\nrules: [{name: a, when: {mood: [bad]}, do: cancel}]", "rules.0.when.mood"),
        ("version: 1\nrules: [{name: a, when: {}, do: extend_trial}]", "days"),
        ("version: 1\nrules: [{name: a, when: {}, do: extend_trial, with: {days: 9999}}]", "less than or equal to 365"),
        ("version: 1\nrules: [{name: a, when: {}, do: cancel, with: {soon: true}}]", "soon"),
        ("version: 1\nrules: [{name: a, when: {}, do: cancel}, {name: a, when: {}, do: cancel}]", "two rules"),
        ("version: 1\nlimits: {per_day: -1}\nrules: []", "limits.per_day"),
        ("version: 1\nlimits: {amount_per_day: {usd: -1}}\nrules: []", "limits.amount_per_day.usd"),
        ("version: 1\nlimits: {amount_per_day: {dollar: 50}}\nrules: []", "'dollar' is no currency"),
        ("version: 1\nlimits: {amount_per_day: {usd: 50, USD: 60}}\nrules: []", "'usd' stands twice"),
        ("version: 1\nholdout: {percent: 51}\nrules: []", "holdout.percent"),
        ("version: 1\nversion: 1\nrules: []", "stands twice"),
        ("version: 1\nrules: !!python/object/apply:os.system ['true']", "no YAML"),
        ("- 1", "the whole file"),
        ("", "the whole file"),
        ("a: [", "no YAML"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_by_the_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=r"makes no sense|no YAML") as refused:
        told(tmp_path, text)
    assert words in str(refused.value)


def test_a_limit_of_money_is_of_its_currency_however_that_is_written(tmp_path: Path) -> None:
    given = told(tmp_path, "version: 1\nlimits: {amount_per_day: {USD: 50, Eur: 0}}\nrules: []")
    assert given.limits.amount_per_day == {"usd": 50, "eur": 0}


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="REVENUE_RULES"):
        rules.load(tmp_path / "none.yaml")


def test_the_first_rule_that_a_flag_fits_is_its_own(tmp_path: Path) -> None:
    given = told(
        tmp_path,
        """
        version: 1
        rules:
          - {name: big, when: {min_expected_loss: 29401}, do: cancel}
          - {name: voluntary, when: {score_kind: [voluntary, leaving]}, do: cancel}
          - {name: hot, when: {risk_band: [high], recommended_action: [retry_invoice]}, do: retry_invoice}
          - {name: rest, when: {}, do: send_invoice}
        """,
    )
    (flag,) = flags_of([ROW])
    (low,) = flags_of([ROW | {"risk_band": "low"}])
    (big,) = flags_of([ROW | {"expected_loss_reporting": 29_401}])
    names = [rule.name for each in (flag, low, big) if (rule := given.rule_for(each))]
    assert names == ["hot", "rest", "big"]


def test_the_holdout_is_drawn_by_customer_and_near_its_share() -> None:
    given = rules.load().model_copy(update={"holdout": rules.Holdout(percent=20)})
    held = [given.holds_out("acct_1", f"cus_{n}") for n in range(2_000)]
    # binomial(2000, 0.2): mean 400, standard deviation 17.9; five of them are 90
    assert 310 < sum(held) < 490
    assert held == [given.holds_out("acct_1", f"cus_{n}") for n in range(2_000)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("invoice_id", "in_1/../../refunds"),
        ("customer_id", "cus_1\n"),
        ("flag_id", ""),
        ("recommended_action", "rm -rf"),
        ("expected_loss_reporting", "much"),
        ("expires_at", "tomorrow"),
        ("risk_score", None),
        ("flag_version", 2),
    ],
)
def test_a_flag_that_is_none_is_refused(column: str, value: object) -> None:
    with pytest.raises(UsageError, match="makes no sense"):
        flags_of([ROW | {column: value}])
    with pytest.raises(UsageError, match="lacks the column"):
        flags_of([{name: each for name, each in ROW.items() if name != column}])


def test_reasons_are_plain_short_and_hold_nothing_personal() -> None:
    hostile = [
        "mail ann@example.com\x1b[31m now\u202e",
        "card 4242 4242 4242 4242",
        "see https://pay.example/secret",
        "sk_live_abcdefgh",
        "x" * 500,
    ]
    (flag,) = flags_of([ROW | {"reasons": hostile}])
    assert flag.reasons == ("mail … [31m now", "card …", "see …", "…", "x" * 200)
