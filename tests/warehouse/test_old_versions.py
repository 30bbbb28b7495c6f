"""Objects that older API versions rendered stage to the same columns as those that the pinned one renders."""

import json
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.extract import files
from pipelines.extract.catalogue import CATALOGUE, Stream
from pipelines.extract.files import Export
from pipelines.warehouse import findings, stage
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.renditions import rendered
from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World

AT = datetime(2026, 11, 15, 12, tzinfo=UTC)
PINNED = "2026-10-28.endive"
OLD = ("2023-10-16", "2024-06-20", "2024-09-30.acacia", "2025-02-24.acacia", "2025-08-27.basil", "2026-02-25.clover")

NOT_TOLD = {"invoice_lines": ("subtotal",), "subscription_versions": ("version_hash",)}
"""Columns of which the oldest versions say nothing."""

BORN_LATER = ("invoice_payments",)
"""Kinds that did not exist before Basil; what old invoices say of their payment takes their place."""

Tables = dict[str, list[dict[str, Any]]]
Archived = Callable[[str], Tables]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with serving(World.grown(Business(customers=40, months=8, seed=11))) as running:
        yield running


def exported(sandbox: Sandbox, version: str, folder: Path) -> Path:
    """Every list of the account, page by page as the version renders it, a file a stream; whole lists, no expansion
    but what the pipeline asks for."""
    folder.mkdir()
    for stream in CATALOGUE:
        if not stream.is_listed or (version < "2025-03-31" and stream.name in BORN_LATER):
            continue
        lines = [json.dumps(each) for listing in stream.listings for each in listed(sandbox, version, stream, listing)]
        (folder / f"{stream.name}.ndjson").write_text("\n".join(lines))
    account = asked(sandbox, version, "/v1/account")
    (folder / "account.json").write_text(json.dumps(account))
    return folder


def listed(sandbox: Sandbox, version: str, stream: Stream, listing: Mapping[str, str]) -> Iterator[Any]:
    after = [("limit", "100")]
    while True:
        page = asked(sandbox, version, stream.path, [*listing.items(), *stream.listed_expand, *after])
        yield from page["data"]
        if not page["has_more"]:
            return
        after = [("limit", "100"), ("starting_after", page["data"][-1]["id"])]


def asked(sandbox: Sandbox, version: str, path: str, query: Sequence[tuple[str, str]] = ()) -> Any:
    words = urllib.parse.urlencode(query)
    headers = {"Authorization": f"Bearer {sandbox.key}", "Stripe-Version": version}
    request = urllib.request.Request(f"{sandbox.url}{path}?{words}", headers=headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def staged(folder: Path, version: str, warehouse: Path) -> Tables:
    with open_warehouse(warehouse) as connection:
        report = files.load(connection, folder, Export(version, exported_at=AT))
        assert not report.unreadable
        outcome = stage.stage(connection, AT)
        assert set(outcome.failed["check_name"]) <= {findings.WHOLE}, outcome.failed  # lists give ten lines an invoice
        assert stage.stage(connection, AT).rows == outcome.rows
        return {name: table(connection, name) for name in outcome.rows}


def table(connection: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = connection.sql(f"select * from staging.{name} order by all").pl().to_dicts()
    return rows


@pytest.fixture(scope="module")
def archived(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Archived:
    """The staged tables of the account's archive in a version."""

    @cache
    def staged_once(version: str) -> Tables:
        folder = tmp_path_factory.mktemp(version)
        return staged(exported(sandbox, version, folder / "files"), version, folder / "warehouse.duckdb")

    return staged_once


@pytest.mark.parametrize("version", OLD)
def test_an_archive_of_any_version_stages_to_the_same_rows(archived: Archived, version: str) -> None:
    old = archived(version)
    for name, rows in archived(PINNED).items():
        if not (version < "2025-03-31" and name in BORN_LATER):
            assert told(name, old[name]) == told(name, rows), name


def told(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows without the columns of which the oldest versions say nothing."""
    return [{column: value for column, value in row.items() if column not in NOT_TOLD.get(name, ())} for row in rows]


@pytest.mark.parametrize("version", ["2023-10-16", "2025-02-24.acacia"])
def test_an_old_invoice_says_who_paid_it(archived: Archived, version: str) -> None:
    """Invoice payments did not exist; what the invoice names stands for the one that is its default."""
    old = archived(version)
    paid = ("invoice_id", "payment_intent_id", "amount_paid", "currency", "status", "paid_at")
    expected = [[row[name] for name in paid] for row in archived(PINNED)["invoice_payments"] if row["status"] == "paid"]
    found = [[row[name] for name in paid] for row in old["invoice_payments"] if row["status"] == "paid"]
    assert len(found) > 50
    assert sorted(found) == sorted(expected)


def test_a_discount_that_was_shown_alone_becomes_the_first_of_the_list() -> None:
    discount = {"id": "di_1", "coupon": {"id": "TEN"}}
    old = {"items": {"data": []}, "discount": discount, "discounts": ["di_1", "di_2"]}
    new = rendered("subscriptions", old, "2024-06-20")
    assert new["discounts"] == [{"id": "di_1", "source": {"type": "coupon", "coupon": {"id": "TEN"}}}, "di_2"]


def test_what_the_pinned_version_rendered_is_left_as_it_is() -> None:
    held: dict[str, Any] = {"id": "in_1", "parent": None, "total_taxes": [], "discounts": []}
    assert rendered("invoices", dict(held), PINNED) == held


def test_an_object_that_no_version_shapes_so_is_told_and_the_others_are_rendered(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Invoices of 2024 with something else where a discount, lines, a price or a number should be; and a sound one."""
    odd: dict[str, dict[str, Any]] = {
        "in_1": {"discount": "di_1", "discounts": ["di_2"]},
        "in_2": {"lines": {"data": ["il_1"]}},
        "in_3": {"lines": {"data": [{"id": "il_1", "price": {"no": "id"}}]}},
        "in_4": {"subscription": "sub_1", "subscription_details": "none"},
        "in_5": {},
    }
    base = {"object": "invoice", "livemode": False, "currency": "usd", "created": 1, "charge": "ch_1", "amount_due": 5}
    lines = [json.dumps({"id": id_, **base, **more}) for id_, more in odd.items()]
    lines.append(json.dumps({"id": "in_6", **base}).replace('"amount_due": 5', '"amount_due": 1e999'))
    (tmp_path / "invoices.ndjson").write_text("\n".join(lines))
    files.load(connection, tmp_path, Export("2024-06-20", "acct_1", AT))
    outcome = stage.stage(connection, AT)
    [told] = outcome.checks.filter(check_name="older_versions_are_understood", table_name="raw.invoices").to_dicts()
    assert (told["passed"], told["failing_rows"]) == (False, 5)
    assert told["detail"] == "shaped as no API version shapes them: 5, such as in_1"
    ids = connection.execute("select id from staging.invoices order by id").fetchall()
    assert [id_ for (id_,) in ids] == [*odd, "in_6"]
    assert connection.execute("select distinct invoice_id from staging.invoice_payments").fetchall() == [("in_5",)]
