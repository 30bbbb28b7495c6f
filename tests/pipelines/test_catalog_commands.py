"""`revenue catalog` as it is typed: what it prints, how it ends, and what it refuses before it asks anything."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe

from pipelines import settings
from pipelines.acted import held
from sandbox.api.keys import DEFAULT_KEY, DEFAULT_WRITE_KEY, Key
from sandbox.api.settings import Settings as SandboxSettings
from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.pipelines.conftest import Revenue

LIVE = "rk_live_sandbox"
BLIND = "rk_test_blind"
FILE = """
products:
  pro:
    name: Pro
    prices: {pro-month: {currency: usd, amount: 1900, every: month}}
"""


@pytest.fixture
def sandbox(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    keys = (
        Key(DEFAULT_KEY),
        Key(DEFAULT_WRITE_KEY, writes=True),
        Key(LIVE, writes=True),
        Key(BLIND, frozenset({"subscription_read"}), writes=True),
    )
    with serving(World.grown(Business(customers=12, months=4)), SandboxSettings(keys=keys)) as served:
        home.mkdir()
        monkeypatch.setenv("STRIPE_API_KEY", served.key)
        monkeypatch.setenv("STRIPE_WRITE_KEY", served.write_key)
        monkeypatch.setenv("STRIPE_API_BASE", served.url)
        yield served


@pytest.fixture
def catalog(home: Path, sandbox: Sandbox) -> Path:
    """A file of one product, which the account does not have."""
    (home / "catalog.yaml").write_text(FILE)
    return home / "catalog.yaml"


def test_a_file_is_planned_applied_and_then_differs_in_nothing(
    revenue: Revenue, catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVENUE_CATALOG", str(catalog))
    said = revenue("catalog", "plan")
    assert said.code == 3
    assert said.out.splitlines()[:2] == [
        "create  product  pro        Pro",
        "create  price    pro-month  1900 usd, every 1 month",
    ]
    assert "Not in the file, and left as it is: coupon" in said.out
    dry = revenue("catalog", "apply")
    assert (dry.code, "Dry run: nothing was changed" in dry.out) == (0, True)
    assert revenue("catalog", "plan").code == 3
    done = json.loads(revenue("catalog", "apply", "--execute", "--by", "mara", "--json").out)
    assert [(each["key"], each["event"]) for each in done["done"]] == [("pro", "verified"), ("pro-month", "verified")]
    assert revenue("catalog", "plan").code == 0
    assert revenue("catalog", "plan", "--strict").code == 3
    assert "change_catalog" in revenue("actions", "list").out
    assert held(settings.load()).height == 0  # what is no customer's own is in no figure of what actions brought
    again = revenue("catalog", "apply", "--execute", "--by", "mara")
    assert (again.code, "is as the file says" in again.out) == (0, True)
    assert revenue("audit", "verify").code == 0


def test_import_writes_file_and_schema_and_nothing_over_what_is_there(
    revenue: Revenue, sandbox: Sandbox, tmp_path: Path
) -> None:
    target = tmp_path / "deep" / "mine.yaml"
    assert revenue("catalog", "import", str(target)).code == 0
    assert json.loads((target.parent / "catalog.schema.json").read_text())["title"] == "Catalog"
    assert revenue("catalog", "plan", str(target), "--strict").code == 0
    sandbox.forget_requests()
    said = revenue("catalog", "import", str(target))
    assert (said.code, "--force" in said.err, sandbox.requests.total) == (2, True, 0)
    assert revenue("catalog", "import", str(target), "--force").code == 0


def test_subscribers_of_a_price_are_told_or_that_they_can_not_be(
    revenue: Revenue, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "all.yaml"
    revenue("catalog", "import", str(target))
    target.write_text(target.read_text().replace("amount: 1200\n", "amount: 1250\n"))
    told = json.loads(revenue("catalog", "plan", str(target), "--json").out)
    replaced = {each["id"] for each in told["steps"] if each["what"] == "archive"}
    assert replaced == set(told["subscribers"])
    listed = [one for each in told["subscribers"].values() for one in each["subscriptions"]]
    assert all(one["subscription_id"].startswith("sub_") for one in listed)
    monkeypatch.setenv("STRIPE_WRITE_KEY", BLIND)
    said = revenue("catalog", "plan", str(target))
    assert (said.code, "the key may not read subscriptions" in said.out) == (3, True)


@pytest.mark.parametrize("words", [("plan",), ("apply", "--execute"), ("import", "new.yaml")])
def test_a_key_of_another_mode_than_is_meant_is_refused_before_anything_is_asked(
    revenue: Revenue, sandbox: Sandbox, catalog: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("REVENUE_CATALOG", str(catalog))
    sandbox.forget_requests()
    monkeypatch.setenv("REVENUE_MODE", "live")
    said = revenue("catalog", *words)
    assert (said.code, "REVENUE_MODE says live" in said.err) == (2, True)
    monkeypatch.setenv("REVENUE_MODE", "test")
    for name in ("STRIPE_API_KEY", "STRIPE_WRITE_KEY"):
        monkeypatch.setenv(name, LIVE)
    said = revenue("catalog", *words)
    assert (said.code, "REVENUE_MODE says test" in said.err, LIVE in said.err) == (2, True, False)
    assert sandbox.requests.total == 0


@pytest.mark.parametrize("words", [("sync",), ("doctor",), ("actions", "apply"), ("run", "--quiet")])
def test_so_it_is_with_every_command_that_asks(
    revenue: Revenue, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    sandbox.forget_requests()
    monkeypatch.setenv("REVENUE_MODE", "live")
    said = revenue(*words)
    assert said.code != 0
    assert "REVENUE_MODE says live" in said.err + said.out
    assert sandbox.requests.total == 0


def test_a_live_key_needs_another_word(
    revenue: Revenue, sandbox: Sandbox, catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("STRIPE_API_KEY", "STRIPE_WRITE_KEY"):
        monkeypatch.setenv(name, LIVE)
    sandbox.forget_requests()
    said = revenue("catalog", "apply", str(catalog), "--execute")
    assert (said.code, "--live" in said.err, sandbox.requests.total) == (2, True, 0)


def test_a_file_that_makes_no_sense_or_a_login_that_is_none_stops_it_before_anything_is_asked(
    revenue: Revenue, sandbox: Sandbox, catalog: Path
) -> None:
    sandbox.forget_requests()
    said = revenue("catalog", "apply", str(catalog), "--execute", "--by", "mara@example.com")
    assert (said.code, "--by takes a login" in said.err) == (2, True)
    catalog.write_text(FILE.replace("every: month", "every: moon"))
    said = revenue("catalog", "plan", str(catalog))
    assert (said.code, "line 5, products.pro.prices.pro-month.every" in said.err) == (2, True)
    assert sandbox.requests.total == 0


def test_the_kill_switch_stops_it(revenue: Revenue, home: Path, catalog: Path) -> None:
    (home / "STOP").touch()
    said = revenue("catalog", "apply", str(catalog), "--execute", "--by", "mara")
    assert (said.code, "create product pro  waits: stopped_by_file" in said.out) == (3, True)
    (home / "STOP").unlink()
    assert revenue("catalog", "apply", str(catalog), "--execute", "--by", "mara").code == 0


def test_what_stripe_refuses_is_told_and_the_rest_waits(revenue: Revenue, catalog: Path) -> None:
    catalog.write_text(
        "coupons: {C: {percent_off: 5, duration: once, products: [none]}}\npromotion_codes: {CODE: {coupon: C}}\n"
    )
    said = revenue("catalog", "apply", str(catalog), "--execute", "--by", "mara")
    assert (said.code, "create coupon C  failed: resource_missing" in said.out) == (3, True)
    assert "create promotion code CODE  " not in said.out


def test_what_has_no_answer_is_told_and_settled_by_the_next_run(
    revenue: Revenue, sandbox: Sandbox, catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.fail("server_error", "/v1/products", method="POST", effect=True, kept=False)
    said = revenue("catalog", "apply", str(catalog), "--execute", "--by", "mara")
    assert (said.code, "create product pro  waits: outcome_unknown" in said.out) == (3, True)
    sandbox.heal()
    said = revenue("catalog", "apply", str(catalog), "--execute", "--by", "mara")
    assert (said.code, "product pro" in said.out.partition("Not in")[0]) == (0, False)
    assert revenue("catalog", "plan", str(catalog)).code == 0


def test_what_somebody_typed_into_the_account_steers_no_terminal(
    revenue: Revenue, sandbox: Sandbox, catalog: Path
) -> None:
    client = stripe.StripeClient(sandbox.write_key, base_addresses={"api": sandbox.url})
    client.v1.products.create({"id": "pro", "name": "\x1b[31mPro\r\nas the file says"})
    said = revenue("catalog", "plan", str(catalog))
    assert "\\u001b[31mPro\\u000d\\u000aas the file says → Pro" in said.out
    assert "\x1b" not in said.out
    written = catalog.with_name("written.yaml")
    assert revenue("catalog", "import", str(written)).code == 0
    assert "\x1b" not in written.read_text()
    assert revenue("catalog", "plan", str(written)).code == 0
