"""What the account's owner does over the API, read by the pipeline as it comes, held against the sandbox's books."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from models import marts
from sandbox.world.business import Business
from sandbox.world.periods import DAY, HOUR
from tests.models.lived import Lived, living
from tests.sandbox.writes.owner import Owner

BUSINESS = Business(seed=7, customers=260, months=4)
Key = tuple[str, datetime]


def test_the_figures_of_an_account_that_is_acted_on_are_those_of_the_books(tmp_path: Path) -> None:
    """Read soon after the acts and as the clock moves on, as scheduled refreshes read it."""
    with living(BUSINESS, tmp_path) as lived:
        owner = Owner(lived.sandbox)
        lived.read()
        lived.sandbox.advance(days=0.5)  # two versions of one second could not be told apart
        for act in (recover, change, leave, discount, pause, give_back, begin):
            act(owner)
        for days in (0.1, 8, 33):  # events of the last minute are not read yet
            lived.sandbox.advance(days=days)
            lived.read()
        assert told(lived) == noted(lived)
        assert cash(lived) == lived.world.books.balance_at(lived.world.now)
        assert recoveries(lived) == booked_recoveries(lived)


SEATS: list[dict[str, Any]] = [
    {"up_to": 5, "unit_amount": 750},
    {"up_to": 10, "unit_amount_decimal": "625.5", "flat_amount": 300},
    {"up_to": "inf", "unit_amount_decimal": "100.25", "flat_amount_decimal": "250"},
]
"""In cents: five seats at 750, five more at 625.50 and 300 for the step, all others at 100.25 and 250 for the step."""


def test_what_is_sold_by_the_tiers_of_a_further_currency_is_worth_what_it_says_and_bills(tmp_path: Path) -> None:
    """A price in euros, held by customers in dollars: twelve seats each, from the next bill on."""
    with living(Business(seed=7, customers=110, months=5), tmp_path) as lived:
        owner = Owner(lived.sandbox)
        lived.read()
        lived.sandbox.advance(days=0.5)
        subscriptions = {mode: seated(owner, mode) for mode in ("graduated", "volume")}
        for days in (0.1, 33):
            lived.sandbox.advance(days=days)
            lived.read()
        assert told(lived) == noted(lived)
        items = lived.spine().items.select("subscription_id", "currency", "mrr_micros").collect().rows()
        worths = {mode: [row[1:] for row in items if row[0] == id_] for mode, id_ in subscriptions.items()}
        # 5 × 750 + (5 × 625.5 + 300) + (2 × 100.25 + 250); 12 × 100.25 + 250: of the last step alone
        assert worths == {"graduated": [("usd", 7_628_000_000)], "volume": [("usd", 1_453_000_000)]}
        renewed = {mode: owner.client.v1.invoices.retrieve(owner.latest(id_)) for mode, id_ in subscriptions.items()}
        assert {mode: invoice.subtotal for mode, invoice in renewed.items()} == {"graduated": 7_628, "volume": 1_453}


def seated(owner: Owner, mode: str) -> str:
    """The subscription of a customer in dollars who goes over to twelve seats of a price in euros."""
    product = owner.client.v1.products.create({"name": "Seats"})
    euros = [{"up_to": step["up_to"], "unit_amount": 1} for step in SEATS]
    sold = owner.client.v1.prices.create(
        {
            "product": product.id,
            "currency": "eur",
            "recurring": {"interval": "month"},
            "billing_scheme": "tiered",
            "tiers_mode": mode,
            "tiers": euros,
            "currency_options": {"usd": {"tiers": SEATS}},
        }
    )
    sub = paying(owner, currency="usd")
    seats = {"id": sub.items[0].id, "price": sold.id, "quantity": 12}
    owner.client.v1.subscriptions.update(sub.id, {"items": [seats], "proration_behavior": "none"})
    return str(sub.id)


def change(owner: Owner) -> None:
    """Seats, plans, modules and rhythms, settled in each way."""
    update, prices = owner.client.v1.subscriptions.update, owner.sandbox.world.stage.prices
    for behavior in ("always_invoice", "create_prorations", "none"):
        sub = paying(owner)
        update(sub.id, {"items": [{"id": sub.items[0].id, "quantity": 7}], "proration_behavior": behavior})
    sub = paying(owner, currency="usd")
    module = {"price": prices["module-05-usd-month"].id, "quantity": 2}
    update(sub.id, {"items": [module], "proration_behavior": "always_invoice"})
    sub = paying(owner, currency="usd")
    update(sub.id, {"items": [{"id": sub.items[0].id, "price": prices["business-usd-year"].id, "quantity": 1}]})


def leave(owner: Owner) -> None:
    """At once, with the unused time given back; at once without; with the period."""
    subscriptions = owner.client.v1.subscriptions
    subscriptions.cancel(paying(owner).id, {"prorate": True, "invoice_now": True})
    subscriptions.cancel(paying(owner).id, {"cancellation_details": {"feedback": "too_expensive"}})
    subscriptions.update(paying(owner).id, {"cancel_at_period_end": True})


def discount(owner: Owner) -> None:
    coupon = owner.client.v1.coupons.create({"percent_off": 20, "duration": "repeating", "duration_in_months": 1})
    owner.client.v1.subscriptions.update(paying(owner, currency="usd").id, {"discounts": [{"coupon": coupon.id}]})


def pause(owner: Owner) -> None:
    update = owner.client.v1.subscriptions.update
    for behavior in ("void", "mark_uncollectible", "keep_as_draft"):
        until = owner.sandbox.now + 35 * DAY
        update(paying(owner).id, {"pause_collection": {"behavior": behavior, "resumes_at": until}})
    still = paying(owner, flexible=True)
    owner.client.v1.subscriptions.pause(still.id)
    owner.sandbox.advance(days=2)
    owner.client.v1.subscriptions.resume(still.id)


def give_back(owner: Owner) -> None:
    charges = owner.client.v1.charges.list({"limit": 60}).data
    sound = [each for each in charges if each.status == "succeeded" and not each.amount_refunded and not each.disputed]
    owner.client.v1.refunds.create({"charge": sound[-1].id})
    owner.client.v1.refunds.create({"charge": sound[-2].id, "amount": sound[-2].amount // 2})


def begin(owner: Owner) -> None:
    """New customers: one who pays and changes from the next period on, one on trial, one whose card declines."""
    client, prices = owner.client.v1, owner.sandbox.world.stage.prices
    seats = {"price": prices["team-usd-month"].id, "quantity": 4}
    ends = {"trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}}, "trial_period_days": 7}
    for card, more in (("pm_card_visa", {}), (None, ends), ("pm_card_chargeCustomerFail", {})):
        said = {"payment_method": card, "invoice_settings": {"default_payment_method": card}} if card else {}
        customer = client.customers.create(said).id
        sub = client.subscriptions.create({"customer": customer, "items": [seats], **more})
        if card == "pm_card_visa":
            (running,) = client.subscription_schedules.create({"from_subscription": sub.id}).phases
            now = {"items": [seats], "start_date": running.start_date, "end_date": running.end_date}
            yearly = {"items": [{"price": prices["team-usd-year"].id, "quantity": 2}]}
            schedule = client.subscriptions.retrieve(sub.id).schedule
            client.subscription_schedules.update(schedule, {"phases": [now, yearly]})


def recover(owner: Owner) -> None:
    """As invoices fail: one is paid, one voided, one written off, one written off and paid in the end."""
    invoices = owner.client.v1.invoices
    soon = owner.sandbox.now + 12 * DAY
    failing = [owner.subscription(period_end=lambda at: at < soon) for _ in range(4)]
    for sub in failing:
        owner.card(sub.customer.id, "pm_card_chargeCustomerFail")
    acts = ("pay", "void_invoice", "mark_uncollectible", "mark_uncollectible")
    for sub, act in zip(sorted(failing, key=lambda sub: sub.period_end), acts, strict=True):
        owner.sandbox.advance(to=sub.period_end + 2 * HOUR)
        overdue = sub.overdue[0].id
        owner.card(sub.customer.id)
        getattr(invoices, act)(overdue)
    invoices.pay(overdue)


def paying(owner: Owner, **traits: Any) -> Any:
    """A subscription on a good card, well within its period."""
    sub = owner.subscription(**traits)
    owner.card(sub.customer.id)
    return sub


def told(lived: Lived) -> dict[Key, tuple[int, int]]:
    columns = ("subscription_item_id", "changed_at", "before_micros", "after_micros")
    rows = lived.spine().changes.select(columns).collect().rows()
    return {(item, at): (before, after) for item, at, before, after in rows}


def noted(lived: Lived) -> dict[Key, tuple[int, int]]:
    """The books' changes, those of one item in one second made one."""
    together: dict[Key, list[Any]] = defaultdict(list)
    for change in lived.world.books.changes:
        together[change.subscription_item_id, datetime.fromtimestamp(change.at, UTC)].append(change)
    worths = {key: (changes[0].before, changes[-1].after) for key, changes in together.items()}
    return {key: worth for key, worth in worths.items() if worth[0] != worth[1]}


def cash(lived: Lived) -> dict[str, int]:
    entries = lived.staged["balance_transactions"].group_by("currency").agg(pl.col("net").sum()).collect()
    return dict(entries.rows())


def recoveries(lived: Lived) -> dict[str, str]:
    terms = lived.terms()
    built = marts.build_on(lived.spine(), lived.staged, terms, ["payment_failures"])
    return dict(built["payment_failures"].select("invoice_id", "outcome").collect().rows())


def booked_recoveries(lived: Lived) -> dict[str, str]:
    return {each.invoice_id: each.outcome for each in lived.world.books.failures}
