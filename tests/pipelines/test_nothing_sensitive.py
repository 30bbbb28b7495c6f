"""What must never be stored, and what the settings say must not be: every byte that commands leave is looked at."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.pipelines.conftest import Revenue

pytestmark = [pytest.mark.long, pytest.mark.spread]

KEY = "rk_test_sandbox"
SECRETS = {
    "card number": "4000056655665556",
    "spaced card number": "4242 4242 4242 4242",
    "security code": "cvcSECRET941",
    "client secret": "pi_3Planted_secret_Qx7vTrZ9",
    "another key": "sk_" + "live_" + "PlantedPlantedPlanted77",
    "webhook secret": "whsec_PlantedPlanted88",
    "bank account": "DE89370400440532013000",
    "account number": "000123456789",
}
PERSONAL = {
    "name": "Persephone Planted",
    "email": "persephone.planted@example.org",
    "phone": "+4915155500199",
    "street": "Plantagenstrasse 7",
    "city": "Plantstadt",
}


def planted(world: World) -> World:
    """Secrets and a person in every kind of object that could hold them, also where no field says what it is."""
    note = f"card {SECRETS['spaced card number']} or {SECRETS['card number']}, key {SECRETS['another key']}"
    person: dict[str, Any] = {
        "name": PERSONAL["name"],
        "email": PERSONAL["email"],
        "phone": PERSONAL["phone"],
        "address": {"line1": PERSONAL["street"], "city": PERSONAL["city"], "country": "DE", "postal_code": "10999"},
    }
    bank: dict[str, Any] = {"iban": SECRETS["bank account"], "account_number": SECRETS["account number"]}
    plants: dict[str, dict[str, Any]] = {
        "customer": {**person, "description": note},
        "charge": {"billing_details": person, "description": note, "receipt_email": PERSONAL["email"]},
        "invoice": {"customer_name": PERSONAL["name"], "customer_email": PERSONAL["email"], "description": note},
        "payment_intent": {"client_secret": SECRETS["client secret"], "description": note},
        "payment_method": {
            "billing_details": person,
            "card_entry": {"cvc": SECRETS["security code"], "number": SECRETS["card number"]},
            "sepa_debit": bank,
        },
        "subscription": {"metadata": {"note": note, "hook": SECRETS["webhook secret"]}},
        "payout": {"destination": bank},
    }
    for kind, more in plants.items():
        for id_ in list(world.store.ids(kind))[:5]:
            held = world.store.get(kind, id_)
            assert held is not None
            world.store.put({**held, **more})
    return world


@pytest.fixture
def account(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with serving(planted(World.grown(Business(customers=20, months=5, seed=3)))) as served:
        home.mkdir()
        (home / "rates.csv").write_text(served.fx_rates_csv())
        monkeypatch.setenv("STRIPE_API_KEY", served.key)
        monkeypatch.setenv("STRIPE_API_BASE", served.url)
        yield served


def test_no_secret_is_left_by_any_command_in_any_file(
    revenue: Revenue, home: Path, account: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [revenue("run"), revenue("status"), revenue("doctor"), revenue("sync", "--full")]
    assert [each.code for each in said] == [0, 0, 0, 0]
    said += [
        revenue("query", "select * from staging.customers", "--format", "csv", "--output", str(tmp_path / "c.csv")),
        revenue(
            "query", "select * from staging.charges", "--format", "parquet", "--output", str(tmp_path / "c.parquet")
        ),
    ]
    export = tmp_path / "export.ndjson"
    export.write_text(
        json.dumps({"id": "ch_x", "object": "charge", "livemode": False, "cvc": SECRETS["security code"]})
    )
    said.append(revenue("import", str(export), "--exported", "2026-01-01"))
    export.unlink()
    account.fail("server_error", "/v1/refunds")
    said.append(revenue("sync"))
    account.heal()
    monkeypatch.setenv("STRIPE_API_KEY", SECRETS["another key"])
    said.append(revenue("sync"))
    assert said[-1].code == 1
    words = "".join(each.out + each.err for each in said).encode()
    found = {name for name, secret in {**SECRETS, "our key": KEY}.items() if secret.encode() in words}
    assert found == set()
    for place, text in everything_under(tmp_path):
        held = {name for name, secret in {**SECRETS, "our key": KEY}.items() if secret.encode() in text}
        assert held == set(), place
    assert PERSONAL["name"].encode() in dict(everything_under(home))["raw.customers of warehouse.duckdb"]


@pytest.mark.parametrize("treatment", ["hash", "drop"])
def test_personal_data_that_is_not_to_be_kept_is_nowhere(
    revenue: Revenue, home: Path, account: Sandbox, monkeypatch: pytest.MonkeyPatch, treatment: str
) -> None:
    monkeypatch.setenv("REVENUE_PERSONAL_DATA", f"all={treatment}")
    assert revenue("run", "--quiet").code == 0
    for place, text in everything_under(home):
        assert {name for name, value in PERSONAL.items() if value.encode() in text} == set(), place
    if treatment == "hash":
        with duckdb.connect(home / "revenue.duckdb", read_only=True) as connection:
            ((name, same),) = connection.execute(
                "select min(name), count(distinct name) from staging.customers where starts_with(name, 'hash_') "
                "and id in (select id from staging.customers order by created_at limit 1)"
            ).fetchall()
        assert name is not None
        assert same == 1
        assert (home / "personal.key").stat().st_mode & 0o077 == 0


def test_a_warehouse_treats_personal_data_one_way(
    revenue: Revenue, account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert revenue("sync", "--quiet").code == 0
    monkeypatch.setenv("REVENUE_PERSONAL_DATA", "email=hash")
    refused = revenue("sync", "--quiet")
    assert refused.code == 2
    assert "move warehouse.duckdb and revenue.duckdb away" in refused.err


def everything_under(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file's bytes, and what compressed ones hold: archives' members, tables' values."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        yield str(file.relative_to(folder)), content
        if file.suffix == ".duckdb":
            yield from tables_of(file)
        elif file.suffix == ".parquet":
            yield f"rows of {file.name}", text_of(duckdb.sql(f"select * from '{file}'"))
        elif zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(file) as archive:
                yield from ((f"{member} of {file.name}", archive.read(member)) for member in archive.namelist())


def tables_of(file: Path) -> Iterator[tuple[str, bytes]]:
    with duckdb.connect(file, read_only=True) as connection:
        names = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        for schema, name in names:
            yield f"{schema}.{name} of {file.name}", text_of(connection.sql(f'select * from {schema}."{name}"'))


def text_of(rows: duckdb.DuckDBPyRelation | None) -> bytes:
    assert rows is not None
    return "\n".join(str(row) for row in rows.fetchall()).encode()
