"""What must never be stored, and what the settings say must not be: every byte that commands leave is looked at."""

import io
import json
import re
import sqlite3
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from billing.webhooks.signatures import signed
from pipelines import actions, settings, webhooks
from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.billing.webhooks.receiver import snapshot
from tests.pipelines.conftest import Revenue
from tests.pipelines.office.visiting import Browser, visited

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


def test_no_secret_is_left_by_what_comes_in_over_the_web(
    revenue: Revenue, home: Path, account: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password, signing = "a sentence nobody else says", "whsec_OfOurOwnEndpoint7"
    monkeypatch.setenv("STRIPE_WRITE_KEY", account.write_key)
    monkeypatch.setenv("REVENUE_WEBHOOK_SECRETS", signing)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    said = [revenue("run"), revenue("users", "add", "mara", "--role", "approver"), revenue("actions", "plan")]
    assert [each.code for each in said] == [0, 0, 0]
    store = account.world.store
    invoice = next(id_ for id_ in store.ids("invoice") if (store.get("invoice", id_) or {}).get("status") == "open")
    typed = [
        secret for name, secret in SECRETS.items() if name != "security code"
    ]  # in words a few letters as any other
    note = " ".join(SECRETS[name] for name in ("card number", "spaced card number", "another key", "webhook secret"))
    bank = {"iban": SECRETS["bank account"], "account_number": SECRETS["account number"]}
    charge = {
        "id": "ch_1",
        "object": "charge",
        "description": note,
        "metadata": {"note": note},
        "payment_method_details": {"card": {"cvc": SECRETS["security code"]}, "sepa_debit": bank},
        "client_secret": SECRETS["client secret"],
    }

    async def story(browser: Browser) -> None:
        body = json.dumps(snapshot(data={"object": charge})).encode()
        signature = signed(body, signing, int(time.time()))
        path = settings.load().webhook_path
        async with browser.client.post(
            browser.url + path, data=body, headers={"Stripe-Signature": signature}
        ) as answer:
            assert answer.status == 200
        for secret in SECRETS.values():
            await browser.sign_in(secret, secret, X_Forwarded_For="203.0.113.9")
        browser.clock.at += 3600
        assert await browser.sign_in("mara", password) == 200
        assert await browser.get("/office/actions") == 200
        form = {"kind": "write_off", "subject": invoice, "given": "", "reference": SECRETS["card number"]}
        assert await browser.post("/office/propose", form) == 200, browser.text
        for action in actions.listed(settings.load()):
            await browser.get(f"/office/actions/{action.action_id}")
            for secret in typed:
                comment = {"decision": "commented", "comment": f"they gave {secret} to us"}
                assert await browser.post(f"/office/actions/{action.action_id}", comment) == 200

    with webhooks.receiving(settings.load()) as receiving:
        visited(home, story, receiving, stripe_api_base=account.url)
    said += [revenue("actions", "list", "--json"), revenue("audit", "list", "--json"), revenue("audit", "verify")]
    assert {entry["event"] for entry in json.loads(said[-2].out)} >= {"sign_in_failed", "signed_in", "settings_changed"}
    ours = {"our key": KEY, "our key that writes": account.write_key, "our endpoint's secret": signing}
    kept = {**SECRETS, **ours, "password": password}
    for place, text in [
        *everything_under(home),
        ("what was said", "".join(each.out + each.err for each in said).encode()),
    ]:
        assert {name for name, secret in kept.items() if secret.encode() in text} == set(), place
        assert numbers_of_cards_in(text) == [], place
    names = {file.name for file in home.rglob("*")}
    assert {"warehouse.duckdb", "revenue.duckdb", "operations.sqlite", "audit.heads", "index.html"} <= names
    with closing(sqlite3.connect(home / "operations.sqlite")) as operations:
        assert operations.execute("select count(*) from webhook_events").fetchone() == (1,)


def test_the_search_for_numbers_of_cards_finds_them_however_they_are_written() -> None:
    text = (
        b'"4242424242424242" 4000-0566-5566-5556, 3782 822463 10005; 4242424242424241 ch_4242424242424242x 17950000000'
    )
    assert numbers_of_cards_in(text) == ["4242424242424242", "4000056655665556", "378282246310005"]


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


CARD = re.compile(rb"(?<![\w.])(?:3[47]|4|5[1-5]|6[05])\d(?:[ -]?\d){11,16}(?![\w.])")
"""Thirteen to nineteen digits that begin as the large networks' cards do, grouped or not."""


def numbers_of_cards_in(text: bytes) -> list[str]:
    """What is a card's number by its form, length and check digit (ISO/IEC 7812-1, Luhn)."""
    found = [re.sub(rb"\D", b"", match[0]).decode() for match in CARD.finditer(text)]
    return [number for number in found if len(number) in (13, 15, 16, 19) and checks(number)]


def checks(number: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


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
