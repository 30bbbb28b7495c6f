"""Subscriptions by direct orders: what the preview says is what is billed, to the cent, and each is begun once."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from billing import customers, orders, subscriptions
from billing.actions import next_period
from billing.actions.action import Effect, Facts, Subject
from billing.actions.cancel import Cancellation
from billing.actions.change_price import Change
from billing.actions.create_subscription import Item, NewSubscription
from billing.actions.next_period import Next
from billing.actions.pause_collection import Pause
from billing.actions.pause_subscription import Stop
from billing.canonical import canonical
from billing.customers import Details
from billing.errors import UsageError
from billing.orders import Order, Outcome
from tests.billing.account import Answer, Scene

DAY = 86_400
STARTER, TEAM, TEAM_YEAR = "starter-usd-month", "team-usd-month", "team-usd-year"
STARTER_COSTS, SEAT_COSTS, SEAT_A_YEAR_COSTS = 1_900, 1_200, 12_000
"""Of the sandbox's catalogue, minor units of USD: a month, a seat a month, a seat a year (ten months)."""


def customer(scene: Scene, card: str | None = "pm_card_visa") -> str:
    made = customers.create(scene.engine(), "acc_1", Details(name="Ada"), by="mara").result["customer"]
    if card:
        scene.give_card(made, card)
    return str(made)


def price(scene: Scene, key: str) -> str:
    return str(prices(scene)[key])


def prices(scene: Scene) -> dict[str, str]:
    """The catalogue's prices by the sandbox's own names for them."""
    from sandbox.world.stage import Stage

    stage: Stage = scene.sandbox.world.stage
    return {key: each.id for key, each in stage.prices.items()}


def wanted(scene: Scene, key: str = TEAM, quantity: int | None = 3, **more: Any) -> NewSubscription:
    return NewSubscription(reference="order-1", items=[Item(price=price(scene, key), quantity=quantity)], **more)


def begun(scene: Scene, card: str | None = "pm_card_visa", key: str = TEAM, **more: Any) -> str:
    """The id of a subscription to three seats."""
    made = subscriptions.create(scene.engine(), customer(scene, card), wanted(scene, key, **more), by="mara")
    assert made.is_done, made
    return str(made.result["subscription"])


def previewed(scene: Scene, order: Order) -> Effect:
    return orders.previewed(scene.engine(), order)


def now_is(scene: Scene, id_: str) -> Answer:
    return scene.get(f"/v1/subscriptions/{id_}")


def invoice(scene: Scene, id_: str) -> Answer:
    """The latest invoice of a subscription."""
    return scene.get(f"/v1/invoices/{now_is(scene, id_)['latest_invoice']}")


def end(scene: Scene, id_: str) -> int:
    return int(now_is(scene, id_)["items"]["data"][0]["current_period_end"])


def test_a_subscription_bills_what_its_preview_says_and_is_begun_once(scene: Scene) -> None:
    whom = customer(scene)
    order = subscriptions.create_order(whom, wanted(scene), by="mara")
    effect = previewed(scene, order)
    assert (effect.amount, effect.currency) == (3 * SEAT_COSTS, "usd")
    assert list(scene.wire.pages("/v1/subscriptions", customer=whom)) == []
    made = orders.fulfilled(scene.engine(), order)
    assert made.result["status"] == "active"
    (subscription,) = scene.wire.pages("/v1/subscriptions", customer=whom)
    assert subscription["metadata"]["reference"] == "order-1"
    assert [each["amount"] for each in scene.charges(whom)] == [effect.amount]
    scene.sandbox.advance(days=2)
    assert orders.fulfilled(scene.engine(), order).event == "known"
    with pytest.raises(UsageError, match="customer_has_that_price"):
        other = wanted(scene).model_copy(update={"reference": "order-2"})
        subscriptions.create(scene.engine(), whom, other, by="mara")
    assert len(scene.charges(whom)) == 1
    scene.sandbox.advance(to=end(scene, made.result["subscription"]) + 7_200)
    assert [each["amount"] for each in scene.charges(whom)] == [3 * SEAT_COSTS] * 2


@pytest.mark.parametrize(
    ("without_card", "status", "charged"),
    [("cancel", "canceled", 0), ("pause", "paused", 0), ("create_invoice", "past_due", 0)],
)
def test_a_trial_ends_without_a_card_as_was_said(scene: Scene, without_card: str, status: str, charged: int) -> None:
    whom = customer(scene, None)
    order = subscriptions.create_order(whom, wanted(scene, trial_days=14, trial_without_card=without_card), by="mara")
    effect = previewed(scene, order)
    assert (effect.amount, effect.details["first_paid_total"]) == (0, 3 * SEAT_COSTS)
    assert effect.details["trial_ends"] == scene.sandbox.now + 14 * DAY
    id_ = orders.fulfilled(scene.engine(), order).result["subscription"]
    assert now_is(scene, id_)["status"] == "trialing"
    scene.sandbox.advance(days=14.2)
    assert now_is(scene, id_)["status"] == status
    assert len(scene.charges(whom)) == charged


def test_a_trial_that_paused_is_resumed_once_there_is_a_card(scene: Scene) -> None:
    id_ = begun(scene, None, trial_days=7, trial_without_card="pause")
    whom = now_is(scene, id_)["customer"]
    scene.sandbox.advance(days=7.2)
    with pytest.raises(UsageError, match="customer_has_no_payment_method"):
        subscriptions.resume(scene.engine(), id_, by="mara")
    scene.give_card(whom)
    effect = previewed(scene, subscriptions.resume_order(scene.engine(), id_, by="mara"))
    assert effect.amount == 3 * SEAT_COSTS
    assert subscriptions.resume(scene.engine(), id_, by="mara").is_done
    assert now_is(scene, id_)["status"] == "active"
    assert [each["amount"] for each in scene.charges(whom)] == [effect.amount]


def test_who_can_not_be_charged_is_told_so_before(scene: Scene) -> None:
    with pytest.raises(UsageError, match="customer_has_no_payment_method"):
        begun(scene, None)


@pytest.mark.parametrize(
    ("first_payment", "state", "why", "status"),
    [
        ("attempt", "done", "done", "incomplete"),
        ("insist", "failed", "card_declined:generic_decline", None),
    ],
)
def test_a_card_that_declines_begins_nothing_that_is_paid(
    scene: Scene, first_payment: str, state: str, why: str, status: str | None
) -> None:
    whom = customer(scene, "pm_card_chargeCustomerFail")
    made = subscriptions.create(scene.engine(), whom, wanted(scene, first_payment=first_payment), by="mara")
    assert (made.state, made.why) == (state, why)
    found = [each["status"] for each in scene.wire.pages("/v1/subscriptions", customer=whom, status="all")]
    assert found == ([status] if status else [])
    assert scene.charges(whom) == []
    scene.give_card(whom)
    again = subscriptions.create(scene.engine(), whom, wanted(scene, first_payment=first_payment), by="mara")
    assert (again.event == "known") == (state == "done")  # what failed is tried anew, under the same reference
    scene.sandbox.advance(days=2)
    last = [each["status"] for each in scene.wire.pages("/v1/subscriptions", customer=whom, status="all")]
    assert last == (["incomplete_expired"] if state == "done" else ["active"])


def test_the_first_payment_may_be_left_to_the_browser(scene: Scene) -> None:
    id_ = begun(scene, "pm_card_visa", first_payment="await")
    assert now_is(scene, id_)["status"] == "incomplete"
    (payment,) = scene.wire.pages("/v1/invoice_payments", invoice=invoice(scene, id_)["id"])
    intent = payment["payment"]["payment_intent"]
    scene.post(f"/v1/payment_intents/{intent}/confirm", payment_method="pm_card_visa")
    assert (now_is(scene, id_)["status"], invoice(scene, id_)["amount_paid"]) == ("active", 3 * SEAT_COSTS)


def test_an_upgrade_in_the_middle_bills_its_preview_to_the_cent(scene: Scene) -> None:
    """Half of a month is left: 3 seats cost 36.00, 5 cost 60.00, so 30.00 - 18.00 = 12.00."""
    id_ = begun(scene)
    start = int(now_is(scene, id_)["items"]["data"][0]["current_period_start"])
    scene.sandbox.advance(to=start + (end(scene, id_) - start) // 2)
    order = subscriptions.change_order(id_, Change(quantity=5, proration="always_invoice"), by="mara")
    assert previewed(scene, order).amount == 1_200
    assert orders.fulfilled(scene.engine(), order).is_done
    assert invoice(scene, id_)["total"] == 1_200
    assert now_is(scene, id_)["items"]["data"][0]["quantity"] == 5


@pytest.mark.parametrize(
    ("changed", "costs"),
    [
        ({"quantity": 1}, SEAT_COSTS),
        ({"price": STARTER, "quantity": 1}, STARTER_COSTS),
        ({"price": TEAM_YEAR, "quantity": 2}, 2 * SEAT_A_YEAR_COSTS),
    ],
)
def test_a_change_from_the_next_period_on_bills_its_preview_to_the_cent(
    scene: Scene, changed: dict[str, Any], costs: int
) -> None:
    id_ = begun(scene)
    said = {**changed, **({"price": price(scene, changed["price"])} if "price" in changed else {})}
    wish = Next(**said)
    scene.sandbox.advance(days=9)
    order = subscriptions.next_period_order(scene.engine(), id_, wish, by="mara")
    effect = previewed(scene, order)
    until = end(scene, id_)
    assert (effect.amount, effect.details) == (None, {"begins": until, "next_invoice": costs})
    assert subscriptions.change_next_period(scene.engine(), id_, wish, by="mara").is_done
    before = now_is(scene, id_)
    assert before["items"]["data"][0]["quantity"] == 3
    assert subscriptions.upcoming(scene.wire, id_)["total"] == costs
    with pytest.raises(UsageError, match="a_change_is_planned"):
        subscriptions.change_next_period(scene.engine(), id_, Next(quantity=9), by="mara")
    scene.sandbox.advance(to=until + 7_200)
    after = now_is(scene, id_)
    assert (invoice(scene, id_)["total"], invoice(scene, id_)["status"]) == (costs, "paid")
    assert after["items"]["data"][0]["quantity"] == changed["quantity"]
    scene.sandbox.advance(to=end(scene, id_) + 7_200)  # the schedule lets it go, and it stays as it is
    assert now_is(scene, id_)["schedule"] is None
    assert invoice(scene, id_)["total"] == costs


def test_what_is_planned_is_taken_back(scene: Scene) -> None:
    id_ = begun(scene)
    subscriptions.change_next_period(scene.engine(), id_, Next(quantity=1), by="mara")
    with pytest.raises(UsageError, match="subscription_has_a_schedule"):
        subscriptions.cancel(scene.engine(), id_, by="mara")
    assert subscriptions.keep(scene.engine(), id_, by="mara").is_done
    assert now_is(scene, id_)["schedule"] is None
    assert subscriptions.cancel(scene.engine(), id_, by="mara").is_done
    assert subscriptions.keep(scene.engine(), id_, by="mara").is_done
    assert not now_is(scene, id_)["cancel_at"]
    with pytest.raises(UsageError, match="no_cancellation_is_set"):
        subscriptions.keep(scene.engine(), id_, by="mara")
    assert subscriptions.change_next_period(scene.engine(), id_, Next(quantity=1), by="mara").is_done
    scene.sandbox.advance(to=end(scene, id_) + 7_200)
    assert invoice(scene, id_)["total"] == SEAT_COSTS


PHASE: Answer = {
    "start_date": 1_790_000_000,
    "end_date": 1_800_000_000,
    "trial_end": 1_795_000_000,
    "currency": "eur",
    "collection_method": "send_invoice",
    "default_tax_rates": [{"id": "txr_19", "object": "tax_rate", "percentage": 19.0}],
    "automatic_tax": {"enabled": True, "disabled_reason": None, "liability": {"account": "acct_x", "type": "account"}},
    "application_fee_percent": 5.5,
    "billing_thresholds": {"amount_gte": 5_000, "reset_billing_cycle_anchor": None},
    "transfer_data": {"amount_percent": 12.5, "destination": "acct_x"},
    "invoice_settings": {
        "account_tax_ids": ["txi_1"],
        "custom_fields": [{"name": "Order", "value": "PO 17"}],
        "days_until_due": 14,
        "description": None,
        "footer": "Thank you",
        "issuer": {"account": None, "type": "self"},
    },
    "discounts": [{"coupon": "STAY20", "discount": None, "promotion_code": None}],
    "metadata": {"name": "Ada"},
    "items": [
        {
            "price": "price_a",
            "quantity": 3,
            "tax_rates": [{"id": "txr_7", "object": "tax_rate"}],
            "billing_thresholds": {"usage_gte": 100},
            "discounts": [],
            "metadata": {"m": "1"},
        }
    ],
}


def scheduled(phase: Answer) -> Facts:
    """A subscription to three of price_a, whose schedule is in that phase."""
    item = {"id": "si_1", "price": {"id": "price_a"}, "quantity": 3}
    subscription = {"status": "active", "cancel_at_period_end": False, "cancel_at": None, "items": {"data": [item]}}
    schedule = {"id": "sub_sched_1", "current_phase": {"start_date": phase["start_date"]}, "phases": [phase]}
    price = {"recurring": {"interval": "month", "interval_count": 1}}
    now = datetime(2026, 11, 15, tzinfo=UTC)
    return Facts(now, subscription, {"schedule": schedule, "price": price})


def test_what_the_running_phase_says_is_said_again_and_of_the_next_one_too() -> None:
    facts = scheduled(PHASE)
    assert next_period.refuses_to_change(facts, Next(quantity=2)) is None
    request = next_period.changes(Subject("sub_1", "cus_1", "act_1", facts.at), facts, Next(quantity=2))
    canonical(request.params)  # as it is written down
    now, then = request.params["phases"]
    # names and shapes of docs.stripe.com/api/subscription_schedules/update, where answers tell more than it takes
    both = {
        "currency": "eur",
        "collection_method": "send_invoice",
        "default_tax_rates": ["txr_19"],
        "automatic_tax": {"enabled": True, "liability": {"account": "acct_x", "type": "account"}},
        "application_fee_percent": "5.5",
        "billing_thresholds": {"amount_gte": 5_000},
        "transfer_data": {"amount_percent": "12.5", "destination": "acct_x"},
        "invoice_settings": {
            "account_tax_ids": ["txi_1"],
            "custom_fields": [{"name": "Order", "value": "PO 17"}],
            "days_until_due": 14,
            "footer": "Thank you",
            "issuer": {"type": "self"},
        },
        "discounts": [{"coupon": "STAY20"}],
    }
    item = {"price": "price_a", "tax_rates": ["txr_7"], "billing_thresholds": {"usage_gte": 100}}
    dates = {name: PHASE[name] for name in ("start_date", "end_date", "trial_end")}
    assert now == {**both, **dates, "items": [{**item, "quantity": 3}]}
    month = {"interval": "month", "interval_count": 1}
    assert then == {**both, "items": [{**item, "quantity": 2}], "duration": month, "proration_behavior": "none"}


def test_what_the_running_phase_does_not_say_is_not_said_either() -> None:
    silent = {name: PHASE[name] for name in ("start_date", "end_date", "currency")}
    facts = scheduled(
        {**silent, "automatic_tax": None, "items": [{"price": "price_a", "quantity": 3, "tax_rates": []}]}
    )
    request = next_period.changes(Subject("sub_1", "cus_1", "act_1", facts.at), facts, Next(quantity=2))
    assert request.params["phases"][0] == {**silent, "items": [{"price": "price_a", "quantity": 3}]}


def test_texts_of_invoices_that_may_be_personal_are_not_written_down_to_be_said_again() -> None:
    field = {"name": "Contact", "value": "ada@example.com"}
    settings = {**PHASE["invoice_settings"], "custom_fields": [field]}
    facts = scheduled({**PHASE, "invoice_settings": settings})
    assert next_period.refuses_to_change(facts, Next(quantity=2)) == "invoice_texts_may_be_personal"


def test_collection_and_the_subscription_itself_are_paused_and_resumed(scene: Scene) -> None:
    id_ = begun(scene)
    for _ in range(2):  # a second time as well: what is over is ordered anew
        assert subscriptions.pause(scene.engine(), id_, Pause(days=30), by="mara").is_done
        assert now_is(scene, id_)["pause_collection"]["behavior"] == "void"
        assert subscriptions.resume(scene.engine(), id_, by="mara").is_done
    start = int(now_is(scene, id_)["items"]["data"][0]["current_period_start"])
    scene.sandbox.advance(to=start + (end(scene, id_) - start) // 2)
    effect = previewed(scene, subscriptions.pause_order(id_, Stop(), by="mara"))
    assert effect.details["unused_time_amount"] == 3 * SEAT_COSTS // 2
    assert subscriptions.pause(scene.engine(), id_, Stop(), by="mara").is_done
    assert now_is(scene, id_)["status"] == "paused"
    scene.sandbox.advance(days=40)
    resumes = previewed(scene, subscriptions.resume_order(scene.engine(), id_, by="mara"))
    assert resumes.amount == 3 * SEAT_COSTS // 2  # a whole month less the half that was not used
    assert subscriptions.resume(scene.engine(), id_, by="mara").is_done
    assert invoice(scene, id_)["amount_paid"] == resumes.amount


def test_a_pause_gives_back_its_own_unused_time_whatever_waits_for_the_next_invoice(scene: Scene) -> None:
    id_ = begun(scene)
    (item,) = now_is(scene, id_)["items"]["data"]
    for quantity in (20, 40, 20, 40, 20, 3):  # 12 lines, more than an answer has
        scene.sandbox.advance(days=0.01)
        scene.post(f"/v1/subscriptions/{id_}", items=[{"id": item["id"], "quantity": quantity}])
    start = int(item["current_period_start"])
    scene.sandbox.advance(to=start + (end(scene, id_) - start) // 2)
    effect = previewed(scene, subscriptions.pause_order(id_, Stop(), by="mara"))
    assert effect.cost == effect.details["unused_time_amount"] == 3 * SEAT_COSTS // 2
    assert previewed(scene, subscriptions.pause_order(id_, Stop(unused_time="keep"), by="mara")).cost == 0


def test_a_comment_goes_to_stripe_alone(scene: Scene, tmp_path: Any) -> None:
    id_ = begun(scene)
    how = Cancellation(feedback="too_expensive")
    assert subscriptions.cancel(scene.engine(), id_, how, comment="Ask Ada about Bath", by="mara").is_done
    told = now_is(scene, id_)["cancellation_details"]
    assert (told["feedback"], told["comment"]) == ("too_expensive", "Ask Ada about Bath")
    scene.store.close()
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"too_expensive" in written
    assert b"Bath" not in written


def lost(scene: Scene, path: str, act: Callable[[], Outcome]) -> Outcome:
    """What becomes of an order whose answer is lost, ordered again when Stripe has forgotten its key."""
    scene.sandbox.fail("reset", path, method="POST", effect=True)
    assert not act().is_done
    scene.sandbox.heal()
    scene.sandbox.forget_requests()
    scene.sandbox.advance(days=1.1)
    return act()


def test_a_lost_answer_leaves_one_subscription(scene: Scene) -> None:
    whom = customer(scene)
    made = lost(
        scene, "/v1/subscriptions", lambda: subscriptions.create(scene.engine(), whom, wanted(scene), by="mara")
    )
    (subscription,) = scene.wire.pages("/v1/subscriptions", customer=whom)
    assert (made.event, made.result["subscription"]) == ("found", subscription["id"])
    assert len(scene.charges(whom)) == 1


def test_a_lost_answer_leaves_one_schedule(scene: Scene) -> None:
    id_ = begun(scene)
    wish = Next(quantity=1)
    scene.sandbox.fail("reset", "/v1/subscription_schedules", method="POST", effect=True)
    assert not subscriptions.change_next_period(scene.engine(), id_, wish, by="mara").is_done
    scene.sandbox.heal()
    assert subscriptions.change_next_period(scene.engine(), id_, wish, by="mara").is_done
    assert subscriptions.upcoming(scene.wire, id_)["total"] == SEAT_COSTS
