"""Refunds: a charge given back in part or whole, and the notes on it."""

from __future__ import annotations

from sandbox.api.errors import ApiError, invalid, missing_parameter, refused
from sandbox.world import aftermath
from sandbox.world.stage import Stage
from sandbox.world.state import Charge, Intent, Refund
from sandbox.world.testcards import TEST_CARDS
from sandbox.writes.lookup import the
from sandbox.writes.parameters import Choice, Given, Notes, Text, Whole, noted
from sandbox.writes.write import Shape, Write

REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/refunds`: all that is left of a charge, or an amount.

    Errors: 400 for a charge that did not succeed, is refunded or disputed, and for more than is left of it.
    """
    charge = _charge(stage, given)
    left = charge.amount - charge.refunded
    check(charge, given.get("amount", left))
    notes = noted(None, given.get("metadata"))
    back = give_back(stage, charge, given.get("amount", left), given.get("reason"), notes)
    return stage.shape(back)


def give_back(
    stage: Stage, charge: Charge, amount: int, reason: str | None, notes: dict[str, str] | None = None
) -> Refund:
    """The refund, as the card it goes to takes it."""
    how = TEST_CARDS[charge.card.test].refund if charge.card.test else "succeeded"
    return aftermath.give_back(stage, charge, amount, how, reason, notes)


def check(charge: Charge, amount: int) -> None:
    """Whether so much of the charge can go back. Errors: 400 saying why not."""
    left = charge.amount - charge.refunded
    if charge.decline is not None:
        raise refused(f"This charge ({charge.id}) has not succeeded and cannot be refunded.")
    if left <= 0:
        raise refused(f"Charge {charge.id} has already been refunded.", "charge_already_refunded")
    if charge.disputed and not charge.inquired:
        raise refused(f"Charge {charge.id} has been charged back; cannot issue a refund.", "charge_disputed")
    if amount > left:
        raise too_much(charge, amount)


def too_much(charge: Charge, amount: int) -> ApiError:
    """400: more than is left."""
    left, currency = charge.amount - charge.refunded, charge.currency.upper()
    of = "unrefunded amount on charge" if charge.refunded else "charge amount"
    return invalid(f"Refund amount ({amount} {currency}) is greater than {of} ({left} {currency})", "amount")


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/refunds/{id}`: its notes."""
    back = the(stage, Refund, ids[0], "id")
    if "metadata" in given:
        back.metadata = noted(back.metadata, given["metadata"])
    stage.touch(back, "refund.updated")
    return stage.shape(back)


def _charge(stage: Stage, given: Given) -> Charge:
    if "charge" in given:
        return the(stage, Charge, given["charge"], "charge", status=404)
    if "payment_intent" not in given:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise ApiError(400, message, missing_parameter("charge").code)
    intent = the(stage, Intent, given["payment_intent"], "payment_intent", status=404)
    charge = stage.things.get(intent.latest_charge or "")
    if not isinstance(charge, Charge) or intent.status != "succeeded":
        message = f"This PaymentIntent ({intent.id}) does not have a successful charge to refund."
        raise refused(message, "payment_intent_unexpected_state")
    return charge


WRITES = (
    Write(
        "POST",
        "/v1/refunds",
        "charge_write",
        "refund",
        create,
        {
            "amount": Whole(least=1),
            "charge": Text(),
            "metadata": Notes(),
            "payment_intent": Text(),
            "reason": Choice(REASONS),
        },
    ),
    Write("POST", "/v1/refunds/{id}", "charge_write", "refund", update, {"metadata": Notes()}),
)
