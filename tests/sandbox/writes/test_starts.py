"""Subscriptions that the owner begins, and schedules: as Stripe answers, in the books, billed as previewed."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.world.periods import HOUR
from tests.sandbox.conformance import faults
from tests.sandbox.writes.owner import Owner, told


def entered(client: Any, card: str | None = "pm_card_visa") -> str:
    said = {"payment_method": card, "invoice_settings": {"default_payment_method": card}} if card else {}
    return str(client.v1.customers.create(said).id)


def price(owner: Owner, key: str) -> Any:
    return owner.sandbox.world.stage.prices[key]


def worth(owner: Owner, subscription: Any) -> int:
    held = owner.sandbox.world.books.item_mrr_at(owner.sandbox.now)
    return sum(held.get(item.id, 0) for item in subscription.items.data)


def test_a_subscription_is_paid_as_its_preview_said_and_is_in_the_books(owner: Owner, client: Any) -> None:
    customer, team = entered(client), price(owner, "team-eur-month")
    items = [{"price": team.id, "quantity": 4}]
    preview = client.v1.invoices.create_preview({"customer": customer, "subscription_details": {"items": items}})
    assert faults(preview.to_dict(for_json=True)) == []
    assert client.v1.subscriptions.list({"customer": customer}).data == []
    made = client.v1.subscriptions.create({"customer": customer, "items": items, "expand": ["latest_invoice"]})
    assert faults(made.to_dict(for_json=True)) == []
    assert (made.status, made.currency, made.latest_invoice.status) == ("active", "eur", "paid")
    assert made.latest_invoice.total == preview.total == 4 * int(team.unit)
    assert worth(owner, made) == 4 * int(team.unit) * 1_000_000
    assert client.v1.customers.retrieve(customer).currency == "eur"
    assert "customer.subscription.created" in owner.events(made.id)


def test_who_does_not_pay_in_a_day_never_began(owner: Owner, client: Any) -> None:
    customer = entered(client, "pm_card_chargeCustomerFail")
    items = [{"price": price(owner, "team-usd-month").id}]
    made = client.v1.subscriptions.create({"customer": customer, "items": items})
    assert (made.status, worth(owner, made)) == ("incomplete", 0)
    with pytest.raises(stripe.CardError) as refused:
        client.v1.subscriptions.create(
            {"customer": customer, "items": items, "payment_behavior": "error_if_incomplete"}
        )
    assert told(refused.value)["decline_code"] == "generic_decline"
    owner.sandbox.advance(days=1)
    assert client.v1.subscriptions.retrieve(made.id).status == "incomplete_expired"
    assert [each.id for each in client.v1.subscriptions.list({"customer": customer, "status": "all"}).data] == [made.id]


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"items": []}, "items"),
        ({"items": [{"price": "price_none"}]}, "items[0][price]"),
        ({"days_until_due": 30}, "days_until_due"),
        ({"default_payment_method": "pm_none"}, "default_payment_method"),
        ({"discounts": [{"coupon": "NONE"}]}, "discounts[0][coupon]"),
    ],
)
def test_what_does_not_go_together_is_refused_and_nothing_begins(
    owner: Owner, client: Any, said: dict[str, Any], param: str
) -> None:
    customer = entered(client)
    usual = {"customer": customer, "items": [{"price": price(owner, "team-usd-month").id}]}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.subscriptions.create({**usual, **said})
    assert told(refused.value)["param"] == param
    assert client.v1.subscriptions.list({"customer": customer, "status": "all"}).data == []


def test_who_has_no_card_is_refused_unless_there_is_nothing_to_pay_yet(owner: Owner, client: Any) -> None:
    customer = entered(client, None)
    usual = {"customer": customer, "items": [{"price": price(owner, "team-usd-month").id}]}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.subscriptions.create(usual)
    assert told(refused.value)["code"] == "resource_missing"
    sent = client.v1.subscriptions.create({**usual, "collection_method": "send_invoice", "days_until_due": 14})
    assert (sent.status, client.v1.invoices.retrieve(sent.latest_invoice).status) == ("active", "open")


def test_a_schedule_changes_the_plan_with_the_period_and_lets_go(owner: Owner, client: Any) -> None:
    customer = entered(client)
    team, yearly = price(owner, "team-usd-month"), price(owner, "team-usd-year")
    made = client.v1.subscriptions.create({"customer": customer, "items": [{"price": team.id, "quantity": 2}]})
    schedule = client.v1.subscription_schedules.create({"from_subscription": made.id})
    assert faults(schedule.to_dict(for_json=True)) == []
    assert client.v1.subscriptions.retrieve(made.id).schedule == schedule.id
    with pytest.raises(stripe.InvalidRequestError, match="already attached"):
        client.v1.subscription_schedules.create({"from_subscription": made.id})
    (running,) = schedule.phases
    now = {
        "items": [{"price": team.id, "quantity": 2}],
        "start_date": running.start_date,
        "end_date": running.end_date,
    }
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.subscription_schedules.update(schedule.id, {"phases": [{**now, "start_date": 5}]})
    assert told(refused.value)["param"] == "phases[0][start_date]"
    then = {"items": [{"price": yearly.id, "quantity": 3}], "duration": {"interval": "year"}}
    planned = client.v1.subscription_schedules.update(schedule.id, {"phases": [now, then], "metadata": {"a": "b"}})
    assert faults(planned.to_dict(for_json=True)) == []
    assert [phase.items[0].quantity for phase in planned.phases] == [2, 3]
    preview = client.v1.invoices.create_preview({"subscription": made.id})
    assert worth(owner, made) == 2 * int(team.unit) * 1_000_000
    owner.sandbox.advance(to=running.end_date + 2 * HOUR)
    after = client.v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice"]})
    assert (after.items.data[0].price.id, after.items.data[0].quantity) == (yearly.id, 3)
    assert after.latest_invoice.total == preview.total == 3 * int(yearly.unit)
    assert worth(owner, made) == 3 * int(yearly.unit) * 1_000_000 // 12
    released = client.v1.subscription_schedules.release(schedule.id)
    assert (released.status, released.released_subscription) == ("released", made.id)
    assert client.v1.subscriptions.retrieve(made.id).schedule is None
    with pytest.raises(stripe.InvalidRequestError, match="released"):
        client.v1.subscription_schedules.release(schedule.id)
