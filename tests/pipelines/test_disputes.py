"""`revenue disputes`: from what is published to a draft to read and to send, and how often disputes are won."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from models.contracts import marts, staging
from models.contracts.table import Table
from pipelines.warehouse import tables
from tests.pipelines.conftest import Revenue

NOW = datetime(2026, 3, 20, tzinfo=UTC)
ACCOUNT = "acct_1"
HOSTILE = "<script>alert('Ada')</script>"


def day(number: int) -> datetime:
    return datetime(2026, 3, number, 12, tzinfo=UTC)


def charge(id_: str, at: datetime, method: str = "pm_1", **more: Any) -> dict[str, Any]:
    told = {"id": id_, "customer_id": "cus_1", "amount": 4900, "currency": "usd", "status": "succeeded"}
    return told | {"created_at": at, "payment_method_id": method, "payment_intent_id": f"pi_{id_}"} | more


ROWS: dict[type[Table], list[dict[str, Any]]] = {
    staging.Customers: [{"id": "cus_1", "name": HOSTILE, "email": "ada@byron.example", "created_at": day(1)}],
    staging.Charges: [
        charge("ch_old", day(2)),
        charge("ch_back", day(3), amount_refunded=100),
        charge("ch_bad", day(4), disputed=True),
        charge("ch_1", day(10), disputed=True),
    ],
    staging.PaymentMethods: [{"id": "pm_1", "card_fingerprint": "x"}],
    staging.InvoicePayments: [
        {"id": "inpay_1", "invoice_id": "in_1", "payment_intent_id": "pi_ch_1", "status": "paid"},
    ],
    staging.Invoices: [{"id": "in_1", "number": "ADA-0003", "subscription_id": "sub_1"}],
    staging.InvoiceLines: [
        {
            "id": "il_1",
            "invoice_id": "in_1",
            "description": "1 × Team",
            "period_start_at": day(10),
            "position": 0,
            "period_end_at": day(28),
        }
    ],
    staging.Subscriptions: [{"id": "sub_1", "start_at": day(1)}],
    staging.Disputes: [
        {
            "id": "du_1",
            "charge_id": "ch_1",
            "amount": 4900,
            "currency": "usd",
            "reason": "fraudulent",
            "status": "needs_response",
            "evidence_due_at": NOW + timedelta(days=5),
        },
        {"id": "du_0", "charge_id": "ch_bad", "amount": 4900, "currency": "usd", "status": "lost"},
    ],
    marts.Disputes: [
        {"dispute_id": f"du_{number}", "outcome": outcome, "reason": "fraudulent", "amount": 1, "currency": "usd"}
        for number, outcome in enumerate(["won", "won", "won", "lost", "open", "inquiry"])
    ],
    marts.Publication: [{"as_of": NOW, "published_at": NOW}],
}


@pytest.fixture
def published(home: Path) -> Path:
    """A published file with one open dispute; what its rows do not say is null."""
    home.mkdir()
    with duckdb.connect(home / "revenue.duckdb") as connection:
        for contract, rows in ROWS.items():
            tables.create(connection, contract, commented=False)
            keys = set(contract.primary_key())
            for column in tables.columns(contract):
                if not column.nullable and column.name not in keys:
                    name = f'{contract.qualified_name()} alter column "{column.name}"'
                    connection.execute(f"alter table {name} drop not null")
            for row in rows:
                told = {"account_id": ACCOUNT} | row
                names, marks = ", ".join(f'"{name}"' for name in told), ", ".join("?" * len(told))
                connection.execute(
                    f"insert into {contract.qualified_name()} ({names}) values ({marks})", [*told.values()]
                )
    return home


def used(customer_id: str, since: datetime, until: datetime) -> list[tuple[datetime, str, str]]:
    """What the plug-in of a company would answer."""
    assert (customer_id, since < day(9) < until) == ("cus_1", True)
    return [(day(9), "signed in", "203.0.113.7")]


def test_a_dispute_goes_from_the_list_to_a_draft(
    revenue: Revenue, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = tmp_path / "disputes.yaml"
    words.write_text("product_description: A tool for teams.\nactivity: tests.pipelines.test_disputes:used\n")
    monkeypatch.setenv("REVENUE_DISPUTES", str(words))
    reminder = revenue("disputes", "list", "--due", "7")
    assert (reminder.code, "du_1" in reminder.out, "5 days left" in reminder.out) == (3, True, True)
    assert revenue("disputes", "list", "--due", "4").code == 0
    made = revenue("disputes", "draft", "du_1")
    assert made.code == 0, made.err
    file = published / "disputes" / "du_1.json"
    evidence = json.loads(file.read_text())
    assert evidence["customer_name"] == HOSTILE
    assert evidence["service_date"] == "2026-03-10 to 2026-03-28"
    assert evidence["customer_purchase_ip"] == "203.0.113.7"
    assert "49.00 USD on 2026-03-10 12:00 UTC, invoice ADA-0003" in evidence["uncategorized_text"]
    assert "1 earlier payments went through and were not disputed, 1 of them" in evidence["uncategorized_text"]
    assert "ch_back" not in evidence["uncategorized_text"]
    page = file.with_suffix(".html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert (file.stat().st_mode & 0o777, file.with_suffix(".html").stat().st_mode & 0o777) == (0o600, 0o600)
    assert "draft there" in revenue("disputes", "list").out


def test_the_win_rate_is_of_those_decided(revenue: Revenue, published: Path) -> None:
    (row,) = json.loads(revenue("disputes", "outcomes", "--json").out)
    assert (row["won"], row["lost"], row["open"], row["inquiries"]) == (3, 1, 1, 1)
    assert row["win_rate"] == 3 / (3 + 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("product: x", "'product' is none of"),
        ("- x", "must hold texts"),
        ("activity: nowhere:nothing", "names no function"),
        ("activity: json:loads", "must answer with|TypeError"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(
    revenue: Revenue, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    (tmp_path / "d.yaml").write_text(text)
    monkeypatch.setenv("REVENUE_DISPUTES", str(tmp_path / "d.yaml"))
    said = revenue("disputes", "draft", "du_1")
    assert said.code in (1, 2)
    assert any(each in said.err for each in told.split("|"))


def test_without_a_draft_nothing_is_submitted(revenue: Revenue, published: Path) -> None:
    assert "disputes draft du_1" in revenue("disputes", "submit", "du_1").err
    assert "with its charge is published" in revenue("disputes", "draft", "du_9").err
    assert "no id of a dispute" in revenue("disputes", "submit", "../x").err
