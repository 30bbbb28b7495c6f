"""The cards of a customer: a new one comes on file, one becomes the one to charge, one goes.

Acts only. What the simulated customers do with their cards by themselves is in `payments.py`.
"""

from sandbox.world import payments
from sandbox.world.periods import DAY, HOUR, moment
from sandbox.world.stage import Stage
from sandbox.world.state import Card, Customer
from sandbox.world.testcards import TEST_CARDS

GOOD_FOR_YEARS = 4


def issue(stage: Stage, test: str, exp_month: int | None = None, exp_year: int | None = None) -> Card:
    """One of Stripe's test cards, nobody's yet."""
    kind = TEST_CARDS[test]
    card = Card(
        id=stage.business.id("pm_1", 23, "test card", stage.count("card")),
        created=stage.now,
        customer=None,
        brand=kind.brand,
        last4=kind.last4,
        exp_month=exp_month or 12,
        exp_year=exp_year or moment(stage.now).year + GOOD_FOR_YEARS,
        country="US",
        funding=kind.funding,
        test=test,
    )
    stage.touch(card)
    return card


def attach(stage: Stage, card: Card, customer: Customer) -> None:
    """The card is the customer's."""
    card.customer = customer
    stage.touch(card, "payment_method.attached")


def prefer(stage: Stage, customer: Customer, card: Card | None) -> None:
    """Invoices are charged to that card from now on; the next attempt in dunning included."""
    customer.card = card
    stage.touch(customer, "customer.updated")


def send_link(stage: Stage, customer: Customer) -> None:
    """The customer gets a link to enter another card, and may follow it within three days."""
    stage.later(stage.now + customer.chance.randrange(HOUR, 3 * DAY), "wallets.follow_link", customer)


def follow_link(stage: Stage, customer: Customer) -> None:
    """Whoever has an open bill that failed, and some patience, enters another card."""
    troubled = any(
        invoice.attempts and invoice.status == "open" for sub in customer.subscriptions for invoice in sub.overdue
    )
    if troubled and not customer.deleted and customer.chance.random() < 0.5 * customer.patience:
        payments.replace_card(stage, customer)


def detach(stage: Stage, card: Card) -> None:
    """The card is gone, and nothing is charged to it any more."""
    customer = card.customer
    card.detached = True
    stage.touch(card, "payment_method.detached")
    if customer is None:
        return
    for sub in customer.subscriptions:
        if sub.card is card:
            sub.card = None
            stage.touch(sub, "customer.subscription.updated")
    if customer.card is card:
        prefer(stage, customer, None)
