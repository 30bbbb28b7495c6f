"""`revenue doctor --checklist`: what it asks, says and ends with, on the sandbox and through Stripe's own SDK."""

import json

import pytest

from billing.launch.checks import CHECKS
from billing.launch.questions import QUESTIONS
from sandbox.api.keys import Key
from sandbox.api.settings import Settings as SandboxSettings
from sandbox.serving import Sandbox, serving
from sandbox.world import shapes
from tests.pipelines.conftest import Revenue
from tests.sandbox.conformance import faults
from tests.still_world import NOW, StillWorld, empty_store


def test_it_names_what_a_company_lacks_and_what_to_do_in_few_requests(revenue: Revenue, sandbox: Sandbox) -> None:
    sandbox.forget_requests()
    said = revenue("doctor", "--checklist")
    assert said.code == 3, said.err
    assert "✗ Events reach you the moment something happens" in said.out
    assert "webhook_endpoint: Add an endpoint" in said.out
    assert "✓ The account may charge" in said.out
    assert "? Customers get receipts" in said.out
    assert sandbox.requests.total <= len(QUESTIONS) + 2
    assert set(sandbox.requests.statuses) == {"200"}


def test_scripts_get_json_and_what_does_not_concern_a_company_is_left_out(revenue: Revenue, sandbox: Sandbox) -> None:
    said = revenue("doctor", "--checklist", "--format", "json", "--without", "automatic_tax", "--without", "receipts")
    (account,) = json.loads(said.out)
    states = {check["name"]: check["state"] for check in account["checks"]}
    assert account["livemode"] is False
    assert states.keys() == {check.name for check in CHECKS} - {"automatic_tax", "receipts"}
    assert (states["charges_enabled"], states["webhook_endpoint"], states["mode"]) == ("pass", "fail", "cannot know")
    assert all(check["remedy"] for check in account["checks"] if check["state"] != "pass")


def test_wrong_usage_asks_nothing(revenue: Revenue, sandbox: Sandbox) -> None:
    sandbox.forget_requests()
    stranger = revenue("doctor", "--checklist", "--without", "taxes")
    assert (stranger.code, "no check taxes" in stranger.err) == (2, True)
    lonely = revenue("doctor", "--format", "json")
    assert (lonely.code, "--checklist" in lonely.err) == (2, True)
    assert sandbox.requests.total == 0


def test_a_key_that_may_not_look_is_told_which_permission_it_lacks(
    revenue: Revenue, home: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = Key("rk_test_narrow", lacks=frozenset({"webhook_read", "tax_settings_read"}))
    with serving(StillWorld(empty_store()), SandboxSettings(keys=(narrow,))) as served:
        monkeypatch.setenv("STRIPE_API_KEY", served.key)
        monkeypatch.setenv("STRIPE_API_BASE", served.url)
        said = revenue("doctor", "--checklist")
    assert said.code == 3, said.err
    assert "webhook_endpoint: Give STRIPE_API_KEY Read on Webhook Endpoints." in said.out
    assert "tax_registrations: Give STRIPE_API_KEY Read on Tax Registrations." in said.out


def test_a_key_that_stripe_does_not_know_is_one_message(
    revenue: Revenue, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "rk_test_thisIsNotTheOne123")
    said = revenue("doctor", "--checklist")
    assert said.code == 2
    assert "refuses the key" in said.err
    assert "thisIsNotTheOne123" not in said.out + said.err


def test_the_sandbox_answers_what_is_asked_in_the_sdks_shapes(sandbox: Sandbox) -> None:
    import stripe

    client = stripe.StripeClient(sandbox.key, base_addresses={"api": sandbox.url})
    settings = client.v1.tax.settings.retrieve()
    assert faults(settings.to_dict(for_json=True)) == []
    assert settings.status == "pending"
    assert client.v1.tax.registrations.list({"status": "all"}).data == []


def test_what_an_account_says_cannot_move_the_cursor_of_a_terminal(
    revenue: Revenue, home: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = empty_store()
    store.put(shapes.product(id="prod_\x1b[2J\x9b1A", created=NOW, name="Sly"))
    with serving(StillWorld(store)) as served:
        monkeypatch.setenv("STRIPE_API_KEY", served.key)
        monkeypatch.setenv("STRIPE_API_BASE", served.url)
        said = revenue("doctor", "--checklist")
    assert "prod_ [2J 1A" in said.out
    assert all(character.isprintable() or character == "\n" for character in said.out)
