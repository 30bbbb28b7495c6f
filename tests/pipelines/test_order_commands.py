"""`revenue customers`, `subscriptions`, `payment-methods` and `payments` from a support lead's chair."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.api.keys import DEFAULT_KEY, DEFAULT_WRITE_KEY, Key
from sandbox.api.settings import Settings as SandboxSettings
from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.pipelines.conftest import Revenue, Said

LIVE = "rk_live_sandbox_actions"
ADA = ("--name", "Ada Lovelace", "--email", "ada@example.com", "--locale", "de-AT")


@pytest.fixture
def sandbox(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """An account with a catalogue and no customer, which the settings name."""
    keys = (Key(DEFAULT_KEY), Key(DEFAULT_WRITE_KEY, writes=True), Key(LIVE, writes=True))
    with serving(World.grown(Business(customers=0, months=1)), SandboxSettings(keys=keys)) as served:
        monkeypatch.setenv("STRIPE_API_KEY", served.key)
        monkeypatch.setenv("STRIPE_WRITE_KEY", served.write_key)
        monkeypatch.setenv("STRIPE_API_BASE", served.url)
        yield served


def result(said: Said) -> dict[str, str]:
    """What a command with --json tells of what it made."""
    assert said.code == 0, said.out + said.err
    told: dict[str, str] = json.loads(said.out)["result"]
    return told


def customer(revenue: Revenue, card: str | None = "pm_card_visa") -> str:
    made = result(revenue("customers", "create", "acc_1", *ADA, "--execute", "--json"))["customer"]
    if card:
        attached = result(revenue("payment-methods", "attach", made, card, "--execute", "--json"))
        revenue("payment-methods", "default", made, attached["payment_method"], "--execute")
    return made


def test_a_customer_from_the_first_look_to_a_subscription(revenue: Revenue, sandbox: Sandbox) -> None:
    dry = revenue("customers", "create", "acc_1", *ADA)
    assert (dry.code, "Nothing was changed" in dry.out) == (0, True)
    whom = customer(revenue)
    again = revenue("customers", "create", "acc_1", *ADA, "--execute")
    assert (again.code, "done before" in again.out, whom in again.out) == (0, True, True)
    shown = revenue("customers", "show", "acc_1").out
    for told in (whom, "Ada Lovelace", "ada@example.com", "de-AT", "visa …4242", "default"):
        assert told in shown
    price = sandbox.world.stage.prices["team-usd-month"].id
    begin = ("subscriptions", "create", whom, f"{price}=3", "--reference", "order-1")
    preview = revenue(*begin, "--trial-days", "14", "--trial-without-card", "cancel")
    for told in ("14 days of trial", "amount  0.00 USD", "first_paid_total  36.00 USD", "Nothing was changed"):
        assert told in preview.out
    id_ = result(revenue(*begin, "--execute", "--json"))["subscription"]
    change = revenue("subscriptions", "change", id_, "--quantity", "1", "--when", "period_end")
    assert "next_invoice  12.00 USD" in change.out
    assert revenue("subscriptions", "change", id_, "--quantity", "1", "--when", "period_end", "--execute").code == 0
    next_invoice = revenue("subscriptions", "preview", id_)
    assert next_invoice.out.splitlines()[-1].split() == ["12.00", "USD", "amount", "due"]
    steps: tuple[tuple[str, ...], ...] = (("keep", id_), ("pause", id_, "--days", "30"), ("resume", id_))
    for words in (*steps, ("cancel", id_, "--when", "now", "--feedback", "unused")):
        done = revenue("subscriptions", *words, "--execute")
        assert done.code == 0, (words, done.out, done.err)
    over = revenue("subscriptions", "pause", id_)
    assert (over.code, "subscription_is_canceled" in over.err) == (2, True)
    assert revenue("audit", "verify").code == 0


def test_a_decline_is_told_in_words_for_both_sides(revenue: Revenue, sandbox: Sandbox) -> None:
    whom = customer(revenue, "pm_card_chargeCustomerFail")
    taking = ("payments", "take", whom, "49.00", "usd", "--reference", "order-1")
    assert "charge pm_" in revenue(*taking).out
    declined = revenue(*taking, "--execute")
    assert declined.code == 3
    for told in ("card_declined:generic_decline", "retry      later", "The payment did not go through."):
        assert told in declined.out
    wrong: tuple[tuple[tuple[str, ...], str], ...] = (
        (("payments", "take", whom, "49.001", "usd", "--reference", "a"), "decimals"),
        (("payments", "take", whom, "much", "usd", "--reference", "a"), "written as 49.00"),
        (("payments", "take", whom, "0", "usd", "--reference", "a"), "greater than 0"),
        (("subscriptions", "change", "sub_1"), "say a price, a quantity or both"),
        (("subscriptions", "pause", "sub_1", "--service", "--days", "3"), "--service"),
        (("subscriptions", "preview", "sub_none"), "No invoice of sub_none"),
        (("customers", "update", whom), "Say what is to change"),
        (("customers", "update", whom, "--metadata", "x"), "KEY=VALUE"),
        (("customers", "show", "acc_9"), "acc_9"),
        (("customers", "create", "acc_2", *ADA), "already has that e-mail"),
    )
    for words, why in wrong:
        said = revenue(*words)
        assert (said.code, why in said.err) == (2, True), (words, said)


def test_what_a_customer_is_called_does_nothing_to_the_terminal(revenue: Revenue, sandbox: Sandbox) -> None:
    name = "\x1b[2J\x1b]0;owned\x07Ada \u202eecalevoL"
    created = ("customers", "create", "acc_1", "--name", name, "--metadata", "a\x1bb=c\x1b[31md", "--execute", "--json")
    made = result(revenue(*created))
    shown = revenue("customers", "show", made["customer"])
    assert shown.code == 0, shown.err
    assert "ecalevoL" in shown.out
    assert not {"\x1b", "\x07", "\u202e"} & set(shown.out)


def test_a_code_is_explained_without_an_account(revenue: Revenue, home: Path) -> None:
    told = revenue("payments", "explain", "stolen_card", "--locale", "de").out
    assert "never" in told
    assert "Die Zahlung ist nicht durchgegangen." in told
    assert "mistake" in revenue("payments", "explain", "parameter_unknown").out
    assert not home.exists()


def test_a_request_that_makes_no_sense_ends_with_four(
    revenue: Revenue, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"name": "x" * 300})))
    said = revenue("customers", "create", "acc_1", "--from", "-", "--execute")
    assert said.code == 4, said
    for told in ("happened", "makes no sense", "Something went wrong on our side."):
        assert told in said.out
    assert "xxx" not in said.out + said.err


def test_a_live_key_needs_to_be_said(revenue: Revenue, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_WRITE_KEY", LIVE)
    said = revenue("customers", "create", "acc_1", "--execute", "--live")
    assert (said.code, "key of test mode" in said.err) == (2, True)
    monkeypatch.setenv("STRIPE_API_KEY", LIVE)
    said = revenue("customers", "create", "acc_1", "--execute")
    assert (said.code, "--live" in said.err) == (2, True)
    monkeypatch.setenv("STRIPE_API_KEY", sandbox.key)
    monkeypatch.setenv("STRIPE_WRITE_KEY", sandbox.write_key)
    said = revenue("customers", "create", "acc_1", "--execute", "--live")
    assert (said.code, "test mode" in said.err) == (2, True)
    assert sandbox.requests.endpoints.get("POST /v1/customers", 0) == 0
