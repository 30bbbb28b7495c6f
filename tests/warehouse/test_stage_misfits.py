"""What does not fit costs its value, is told with an example, and stops nothing."""

import json
from typing import Any

import pytest

from models.contracts import staging
from pipelines.warehouse import findings, stage
from tests.warehouse.raw_tables import ACCOUNT, CHARGE, LOADED, Raw


def told(outcome: stage.Outcome) -> dict[tuple[str, str], tuple[int, str]]:
    """What failed: check and table to rows and detail; but for what these short payloads leave out."""
    return {
        (row["check_name"], row["table_name"]): (row["failing_rows"], row["detail"])
        for row in outcome.failed.iter_rows(named=True)
        if row["check_name"] != findings.SENT
    }


@pytest.mark.parametrize(
    ("field", "value", "column"),
    [
        ("amount", "12.5", "amount"),
        ("amount", 12.5, "amount"),
        ("amount", "ten", "amount"),
        ("amount", 10**20, "amount"),
        ("amount", {"value": 1}, "amount"),
        ("amount", True, "amount"),
        ("created", "2026-01-01", "created_at"),
        ("created", 10**15, "created_at"),
        ("created", 1.5, "created_at"),
        ("paid", "perhaps", "paid"),
    ],
)
def test_a_value_that_does_not_fit_is_null_and_told(raw: Raw, field: str, value: Any, column: str) -> None:
    raw.put("charges", {"id": "ch_1", "amount": 1, "created": 1700000000, "paid": True, field: value})
    outcome = raw.staged()
    assert told(outcome) == {("values_fit", "staging.charges"): (1, f"{column}: 1 rows, such as ch_1")}
    assert outcome.rows["charges"] == 1


def test_the_other_values_of_a_misfit_payload_are_kept(raw: Raw) -> None:
    raw.put("charges", {"id": "ch_1", "amount": "ten", "currency": "usd", "amount_refunded": 7})
    row = raw.row("charges")
    assert (row["amount"], row["currency"], row["amount_refunded"]) == (None, "usd", 7)


def test_a_number_written_as_text_fits(raw: Raw) -> None:
    raw.put("charges", {"id": "ch_1", "amount": "12"})
    assert raw.row("charges")["amount"] == 12
    assert told(raw.staged()) == {}


def test_null_and_missing_are_no_misfits(raw: Raw) -> None:
    raw.put("charges", {"id": "ch_1", "amount": None})
    assert told(raw.staged()) == {}


def test_misfits_inside_lists_are_told(raw: Raw) -> None:
    line = {"id": "il_1", "amount": 1, "taxes": [{"amount": 1}, {"amount": "much"}]}
    raw.put("invoices", {"id": "in_1", "lines": {"data": [line]}})
    assert told(raw.staged()) == {("values_fit", "staging.invoice_lines"): (1, "taxes[].amount: 1 rows, such as il_1")}


def test_rows_are_counted_and_the_first_example_named(raw: Raw) -> None:
    for i in range(5):
        raw.put("payouts", {"id": f"po_{i}", "amount": "?", "created": "?" if i == 4 else 1})
    (rows, detail) = told(raw.staged())["values_fit", "staging.payouts"]
    assert rows == 5
    assert detail == "amount: 5 rows, such as po_0; created_at: 1 rows, such as po_4"


@pytest.mark.parametrize("wrong", ["lines", [1, 2], 5])
def test_something_else_where_an_object_should_be_is_told(raw: Raw, wrong: Any) -> None:
    raw.put("invoices", {"id": "in_1", "total": 5, "lines": wrong, "status_transitions": None})
    outcome = raw.staged()
    assert told(outcome) == {("payload_shape", "raw.invoices"): (1, "$.lines: 1 payloads, such as in_1")}
    assert (outcome.rows["invoices"], outcome.rows["invoice_lines"]) == (1, 0)


@pytest.mark.parametrize(
    ("stream", "field"),
    [
        ("invoices", "lines"),
        ("subscriptions", "items"),
        ("credit_notes", "lines"),
        ("transfers", "reversals"),
        ("application_fees", "refunds"),
    ],
)
def test_a_list_that_was_cut_is_told(raw: Raw, stream: str, field: str) -> None:
    raw.put(stream, {"id": "one", field: {"data": [{"id": "first"}], "has_more": True}})
    raw.put(stream, {"id": "two", field: {"data": [{"id": "second"}], "has_more": False}})
    raw.put(stream, {"id": "three"})
    assert told(raw.staged())["lists_are_whole", f"raw.{stream}"] == (1, f"$.{field}: 1 lists go on, such as one")
    raw.put(stream, {"id": "one", field: {"data": [{"id": "first"}, {"id": "third"}], "has_more": False}})
    assert ("lists_are_whole", f"raw.{stream}") not in told(raw.staged())


def test_a_line_without_an_id_is_left_out_and_told(raw: Raw) -> None:
    raw.put("invoices", {"id": "in_1", "lines": {"data": [{"amount": 1}, {"id": "il_2", "amount": 2}, 7]}})
    outcome = raw.staged()
    assert told(outcome) == {
        ("keys_are_there_and_unique", "staging.invoice_lines"): (2, "left out, such as one without an id")
    }
    assert outcome.rows["invoice_lines"] == 1


def test_an_id_that_comes_twice_is_kept_once_and_told(raw: Raw) -> None:
    line = {"id": "il_1", "amount": 1}
    raw.put("invoices", {"id": "in_1", "lines": {"data": [line, line]}})
    outcome = raw.staged()
    assert told(outcome) == {("keys_are_there_and_unique", "staging.invoice_lines"): (1, "left out, such as il_1")}
    assert outcome.rows["invoice_lines"] == 1


@pytest.mark.parametrize(
    "payload",
    ["{}", "[]", '"text"', "null", '{"items": {"data": null}}', '{"items": {"data": [null]}, "discounts": 1}'],
)
def test_no_payload_however_odd_stops_staging(raw: Raw, payload: str) -> None:
    for stream in ("customers", "subscriptions", "invoices", "charges", "balances", "coupons", "prices", "events"):
        raw.put(stream, payload, identity="odd")
    raw.put("refunds", {"id": "re_1", "amount": 5})
    outcome = raw.staged()
    assert outcome.rows["refunds"] == 1
    assert "staged" not in outcome.failed["check_name"].to_list()


def test_a_field_that_stripe_always_sends_and_that_is_not_there_is_told(raw: Raw) -> None:
    raw.put("charges", CHARGE)
    raw.put("charges", {**CHARGE, "id": "ch_2", "amount": None, "sum": 100})
    (row,) = raw.staged().failed.rows(named=True)
    assert (row["check_name"], row["detail"]) == ("values_are_there", "amount: 1 rows, such as ch_2")


def test_a_deleted_object_need_not_hold_anything(raw: Raw) -> None:
    raw.put("prices", {"id": "price_1", "object": "price", "deleted": True}, deleted=True)
    assert raw.staged().failed.is_empty()


def test_a_table_that_cannot_be_made_keeps_its_rows_and_stops_no_other(
    raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw.put("charges", {"id": "ch_1", "amount": 1})
    raw.put("refunds", {"id": "re_1", "amount": 1})
    raw.staged()
    query = stage.query
    broken = (
        f"select * replace (case when amount = '2' then error('broken') else id end as id) from ({query('charges')})"
    )
    monkeypatch.setattr(stage, "query", lambda name: broken if name == "charges" else query(name))
    raw.put("charges", {"id": "ch_2", "amount": 2})
    raw.put("refunds", {"id": "re_2", "amount": 2})
    outcome = raw.staged()
    assert (outcome.rows["charges"], outcome.rows["refunds"]) == (1, 2)
    ((check, table),) = told(outcome)
    assert (check, table) == ("staged", "staging.charges")


def test_each_account_is_told_its_own_misfits(raw: Raw) -> None:
    raw.put("charges", {"id": "ch_1", "amount": "?"}, account="acct_1")
    raw.put("charges", {"id": "ch_2", "amount": 1}, account="acct_2")
    fits = raw.staged().checks.sort("account_id")
    fits = fits.filter(fits["check_name"] == "values_fit")
    assert fits.select("account_id", "passed").rows() == [("acct_1", False), ("acct_2", True)]


def test_the_checks_stay_in_the_warehouse(raw: Raw) -> None:
    raw.put("charges", {"id": "ch_1", "amount": "?"})
    outcome = raw.staged()
    assert stage.checks(raw.connection).equals(outcome.checks)
    assert set(outcome.checks["checked_at"]) == {LOADED}
    assert set(outcome.checks["account_id"]) == {ACCOUNT}


def test_every_query_names_the_columns_of_its_contract_and_no_other(raw: Raw) -> None:
    raw.staged_all()
    for contract in staging.TABLES:
        described = raw.connection.execute(f"describe {stage.query(contract.table_name)}").fetchall()
        assert sorted(row[0] for row in described) == sorted(contract.columns()), contract.table_name


def test_every_structure_in_the_queries_is_json() -> None:
    for file in stage.QUERIES.glob("*.sql"):
        for structure, _ in findings.PARSED.findall(file.read_text()):
            assert json.loads(structure), file.name
