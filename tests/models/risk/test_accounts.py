"""The list and its flags: points that add up, ids that stay, and the contract that billing actions go by."""

import json
from datetime import timedelta
from itertools import chain
from pathlib import Path

import polars as pl

import models.risk
from models import marts
from models.contracts.marts import AtRiskAccounts
from models.risk.accounts import HOLDS, flag_id
from models.risk.features import chance
from tests.models.grown import grown

SCHEMA = json.loads((Path(models.risk.__file__).parent / "at_risk_accounts.v1.schema.json").read_text())
JSON_TYPES = {"string": str, "integer": int, "number": float, "array": list, "null": type(None)}


def listed() -> pl.DataFrame:
    return grown(7).marts["at_risk_accounts"].collect()


def test_the_schema_names_the_columns_of_the_table() -> None:
    assert set(SCHEMA["properties"]) == set(SCHEMA["required"]) == set(AtRiskAccounts.column_names())


def test_every_row_holds_to_the_schema() -> None:
    rows = json.loads(listed().write_json())
    assert rows
    for name, rule in SCHEMA["properties"].items():
        values = [row[name] for row in rows]
        allowed = rule.get("enum", [rule["const"]] if "const" in rule else None)
        assert allowed is None or set(values) <= set(allowed), name
        types = rule.get("type", [])
        wanted = tuple(JSON_TYPES[each] for each in ([types] if isinstance(types, str) else types))
        assert not wanted or all(isinstance(value, wanted) for value in values), name


def test_points_of_the_reasons_add_up_to_the_score() -> None:
    scored = listed().filter(pl.col("score_kind") != "leaving")
    assert scored.height
    for reasons, score, kind, payment, voluntary, *chances in scored.select(
        "reasons",
        "risk_score",
        "score_kind",
        "payment_score",
        "voluntary_score",
        "payment_probability",
        "voluntary_probability",
        "probability_90d",
    ).iter_rows():
        assert sum(int(reason.split()[0]) for reason in reasons) == score
        assert score == {"payment": payment, "voluntary": voluntary}[kind] == max(payment, voluntary)
        assert chances[:2] == [chance(payment), chance(voluntary)]
        assert abs(chances[2] - (1 - (1 - chances[0]) * (1 - chances[1]))) < 1e-12


def test_a_flag_is_the_same_a_day_later_and_ends_when_it_says() -> None:
    """What still holds a day later by the same trigger is the same flag, raised at the same instant."""
    company = grown(7)
    later = marts.build(
        company.staging,
        company.rates.lazy(),
        type(company.terms)(company.terms.as_of + timedelta(days=1), company.terms.timezone, "usd"),
        only=["at_risk_accounts"],
    )["at_risk_accounts"].collect()
    now = listed()
    both = now.join(later, on=["customer_id", "score_kind", "trigger"], how="inner")
    assert both.height > now.height / 2
    assert (both["flag_id"] == both["flag_id_right"]).all()
    assert (both["flagged_at"] == both["flagged_at_right"]).all()
    assert (now["flagged_at"] <= company.terms.as_of).all()
    assert (now["expires_at"] > company.terms.as_of).all()
    payment = now.filter(score_kind="payment")
    assert (payment["expires_at"] <= company.terms.as_of + HOLDS["payment"]).all()


def test_flags_of_other_accounts_customers_scores_or_triggers_are_others() -> None:
    ids = {flag_id(*told) for told in (("a", "b", "c", "d", "e"), ("ab", "", "c", "d", "e"), ("a", "b", "c", "de", ""))}
    assert len(ids) == 3
    assert flag_id("acct_1", "cus_1", "payment", "dispute", "dp_1") == "flag_b8aa72037b584499b3b60919"


def test_every_paying_customer_has_a_score_and_the_list_goes_by_band_and_expected_loss() -> None:
    company = grown(7)
    customers = company.marts["customers"].collect()
    assert (customers["risk_score"].is_not_null() == (customers["mrr_reporting"] > 0)).all()
    order = listed().select(pl.col("risk_band") == "high", "expected_loss_reporting").rows()
    assert order == sorted(order, reverse=True)
    named = listed()["customer_id"].to_list()
    assert len(named) == len(set(named))
    assert not set(chain(named)) - set(customers["customer_id"])
