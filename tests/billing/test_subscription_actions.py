"""Each action on a subscription: what its preview says is what is then billed, and a crash leaves it done once."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from billing import apply, approvals
from billing.actions.action import MARK
from billing.rules import Limits
from billing.store import open_store
from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.billing.account import RULES, Answer, Scene, unpaced
from tests.billing.test_actions import DAY, done, first, proposed, refused
from tests.billing.test_apply import applied, events, of


def active(scene: Scene, **more: object) -> Answer:
    """An active subscription of one licensed item, with nothing set to happen to it."""

    def plain(subscription: Answer) -> bool:
        items = subscription["items"]["data"]
        price = items[0]["price"]
        return bool(
            len(items) == 1
            and price["recurring"]["usage_type"] == "licensed"
            and price["unit_amount"]
            and not subscription["discounts"]
            and not subscription["pause_collection"]
            and not subscription["schedule"]
            and not subscription["cancel_at"]
            and all(subscription[name] == value for name, value in more.items())
        )

    return first(scene, "/v1/subscriptions", plain, status="active")


@pytest.fixture
def trying(tmp_path: Path) -> Iterator[Scene]:
    """A smaller company, of which somebody is on trial."""
    with serving(World.grown(Business(customers=25, months=6))) as served:
        store = open_store(None, tmp_path)
        yield Scene(served, store, unpaced(served))
        store.close()


def now_is(scene: Scene, subscription: Answer) -> Answer:
    return scene.get(f"/v1/subscriptions/{subscription['id']}")


def test_collection_is_paused_for_a_while_and_resumed(scene: Scene) -> None:
    subscription = active(scene)
    refused(scene, "resume_collection", subscription["id"], "collection_is_not_paused")
    told = done(scene, "pause_collection", subscription["id"], behavior="void", days=30)
    paused = now_is(scene, subscription)
    assert paused["pause_collection"]["behavior"] == "void"
    assert paused["pause_collection"]["resumes_at"] == scene.sandbox.now + 30 * DAY
    assert paused["metadata"][MARK] == told.planned.action_id
    refused(scene, "pause_collection", subscription["id"], "collection_is_paused")
    scene.sandbox.advance(days=4)  # the cool-down of a customer
    done(scene, "resume_collection", subscription["id"])
    assert now_is(scene, subscription)["pause_collection"] is None


def test_a_trial_lasts_longer(trying: Scene) -> None:
    refused(trying, "extend_trial", active(trying)["id"], "subscription_is_active", days=7)
    subscription = first(trying, "/v1/subscriptions", status="trialing")
    done(trying, "extend_trial", subscription["id"], days=7)
    assert now_is(trying, subscription)["trial_end"] == subscription["trial_end"] + 7 * DAY


def test_a_coupon_costs_what_its_preview_says(scene: Scene) -> None:
    subscription = active(scene)
    scene.post("/v1/coupons", id="STAY20", percent_off=20, duration="once")
    before = scene.post("/v1/invoices/create_preview", subscription=subscription["id"])["total"]
    told = done(scene, "retention_coupon", subscription["id"], coupon="STAY20")
    after = scene.post("/v1/invoices/create_preview", subscription=subscription["id"])["total"]
    assert told.planned.cost == before - after > 0
    assert len(now_is(scene, subscription)["discounts"]) == 1
    refused(scene, "retention_coupon", subscription["id"], "coupon_is_there", coupon="STAY20", reference="again")
    refused(scene, "retention_coupon", subscription["id"], "resource_missing", coupon="NONE")


def test_a_change_bills_what_was_approved(scene: Scene) -> None:
    subscription = active(scene)
    (item,) = subscription["items"]["data"]
    more = item["quantity"] + 3
    id_ = proposed(scene, "change_price", subscription["id"], quantity=more, proration="always_invoice")
    amount = of(scene, id_).amount
    start, end, now = item["current_period_start"], item["current_period_end"], scene.sandbox.now
    # three more for what is left of the period, by the second; tax and rounding of single lines apart
    assert amount == pytest.approx(3 * item["price"]["unit_amount"] * (end - now) / (end - start), abs=2)
    approvals.approve(scene.store, [id_], "mara", scene.now)
    scene.sandbox.advance(days=0.02)  # what is approved is as of the plan
    (told,) = applied(scene)
    assert told.event == "verified"
    changed = now_is(scene, subscription)
    assert changed["items"]["data"][0]["quantity"] == more
    billed = first(
        scene,
        "/v1/invoices",
        lambda each: each["billing_reason"] == "subscription_update",
        subscription=subscription["id"],
    )
    assert sum(line["amount"] for line in billed["lines"]["data"]) == amount
    refused(scene, "change_price", subscription["id"], "nothing_would_change", quantity=more)


def changed_often(scene: Scene, subscription_id: str, item_id: str, quantities: list[int]) -> None:
    """Somebody changed the quantity in the dashboard, some minutes apart; all of it waits for the next invoice."""
    for quantity in quantities:
        scene.sandbox.advance(days=0.01)
        scene.post(f"/v1/subscriptions/{subscription_id}", items=[{"id": item_id, "quantity": quantity}])
    scene.sandbox.advance(days=0.01)


def test_a_change_gives_away_what_it_credits_itself_whatever_waits_for_the_next_invoice(scene: Scene) -> None:
    subscription = active(scene)
    (item,) = subscription["items"]["data"]
    changed_often(scene, subscription["id"], item["id"], [20, 40, 20, 40, 20, 40])  # 12 lines, more than an answer has
    start, end, now = item["current_period_start"], item["current_period_end"], scene.sandbox.now
    # ten of the forty go, for what is left of the period, by the second; rounded by lines
    credit = 10 * item["price"]["unit_amount"] * (end - now) / (end - start)
    id_ = proposed(scene, "change_price", subscription["id"], quantity=30)
    planned = of(scene, id_)
    assert planned.cost == -(planned.amount or 0) == pytest.approx(credit, abs=2)
    assert len(json.loads(planned.effect)["prorations"]) == 2
    none = of(scene, proposed(scene, "change_price", subscription["id"], quantity=30, proration="none"))
    assert (none.amount, none.cost, json.loads(none.effect)["prorations"]) == (0, 0, [])
    tight = RULES.model_copy(update={"limits": Limits(amount_per_day={planned.currency or "": 1})})
    approvals.approve(scene.store, [id_], "mara", scene.now)
    assert [told.why for told in applied(scene, given=tight)] == ["limit_amount_per_day"]


def test_a_cancellation_waits_for_the_end_of_the_period(scene: Scene) -> None:
    subscription = active(scene)
    told = done(scene, "cancel", subscription["id"], feedback="too_expensive")
    (item,) = subscription["items"]["data"]
    assert json.loads(told.planned.effect)["ends"] == item["current_period_end"]
    ending = now_is(scene, subscription)
    assert ending["cancel_at_period_end"] or ending["cancel_at"] == item["current_period_end"]
    assert ending["cancellation_details"]["feedback"] == "too_expensive"
    refused(scene, "cancel", subscription["id"], "cancellation_is_set", feedback="unused")


def test_a_cancellation_now_ends_it_once_even_where_its_answer_is_lost(scene: Scene) -> None:
    subscription = active(scene)
    id_ = proposed(scene, "cancel", subscription["id"], when="now", feedback="unused")
    approvals.approve(scene.store, [id_], "mara", scene.now)
    scene.sandbox.fail("reset", "/v1/subscriptions/*", method="DELETE", effect=True)
    applied(scene)
    scene.sandbox.heal()
    assert now_is(scene, subscription)["status"] == "canceled"
    told = applied(scene)
    assert [each.event for each in told] in (["found"], [])
    assert of(scene, id_).state == "done"


def test_what_a_cancellation_now_credits_is_given_away_and_has_a_limit(scene: Scene) -> None:
    subscription = active(scene)
    (item,) = subscription["items"]["data"]
    changed_often(scene, subscription["id"], item["id"], [9, 3, 9, 3, 9, item["quantity"]])
    kept = of(scene, proposed(scene, "cancel", subscription["id"], when="now"))
    assert kept.cost is None
    id_ = proposed(scene, "cancel", subscription["id"], when="now", prorate=True)
    start, end, now = item["current_period_start"], item["current_period_end"], scene.sandbox.now
    cost, worth = of(scene, id_).cost, item["quantity"] * item["price"]["unit_amount"]
    assert cost == pytest.approx(worth * (end - now) / (end - start), abs=2)
    assert cost
    approvals.approve(scene.store, [id_], "mara", scene.now)
    limited = [
        RULES.model_copy(update={"limits": Limits(amount_per_day={"usd": n, "eur": n})}) for n in (cost - 1, cost)
    ]
    scene.sandbox.advance(days=0.01)  # it is less by then, and still what was approved
    assert [told.why for told in applied(scene, given=limited[0])] == ["limit_amount_per_day"]
    assert [told.event for told in applied(scene, given=limited[1])] == ["verified"]
    assert now_is(scene, subscription)["status"] == "canceled"


@pytest.mark.parametrize("kind", ["pause_collection", "retention_coupon", "change_price"])
def test_a_lost_answer_is_found_again_by_the_mark_even_when_stripe_has_forgotten_the_key(
    scene: Scene, kind: str
) -> None:
    scene.post("/v1/coupons", id="STAY20", percent_off=20, duration="once")
    given = {
        "pause_collection": {},
        "retention_coupon": {"coupon": "STAY20"},
        "change_price": {"quantity": 7, "proration": "none"},
    }[kind]
    subscription = active(scene)
    id_ = proposed(scene, kind, subscription["id"], **given)  # type: ignore[arg-type]
    approvals.approve(scene.store, [id_], "mara", scene.now)
    scene.sandbox.fail("reset", f"/v1/subscriptions/{subscription['id']}", method="POST", effect=True)
    assert [each.event for each in applied(scene)] == ["waits"]
    scene.sandbox.heal()
    scene.sandbox.forget_requests()
    scene.sandbox.advance(days=(apply.REPLAY + timedelta(hours=2)).total_seconds() / DAY)
    assert [each.event for each in applied(scene)] == ["found"]
    assert [entry["path"] for entry in scene.sandbox.requests.recent if entry["method"] != "GET"] in (
        [],
        previews(scene),
    )
    assert events(scene, id_) == ["planned", "approved", "intended", "found"]


def previews(scene: Scene) -> list[str]:
    return [entry["path"] for entry in scene.sandbox.requests.recent if entry["path"].endswith("create_preview")]
