"""Disputes: a cardholder calls a charge in question, evidence is sent in or not, and the bank decides.

The simulated company answers its cases by itself, unless its owner takes one over by touching its evidence. Draws from
the customer's own stream.
"""

from sandbox.world.books import DisputeEntry
from sandbox.world.periods import DAY, HOUR
from sandbox.world.render import EVIDENCE_DUE
from sandbox.world.stage import Stage
from sandbox.world.state import Charge, Customer, Dispute

_REASONS = (("fraudulent", 6), ("subscription_canceled", 3), ("product_not_received", 2), ("unrecognized", 2))
_OUTCOMES = (("lost", 45), ("won", 25), ("inquiry", 15), ("prevented", 15))
_DECIDED_AFTER = DAY
"""How long a bank takes for evidence that decides the case by itself (`winning_evidence`, `losing_evidence`)."""
_DECIDING = {"winning_evidence": "won", "losing_evidence": "lost"}
"""The texts that Stripe documents for its test mode: https://docs.stripe.com/testing#evidence."""
_REVIEW_DAYS = 60


def dispute(stage: Stage, charge: Charge) -> None:
    """The cardholder disputes a charge, or only asks about it; the company will answer, and the bank decide."""
    if charge.refunded:
        return
    customer, chance = charge.customer, charge.customer.chance
    outcome = _draw(customer, _OUTCOMES)
    case = open_case(stage, charge, _draw(customer, _REASONS), outcome)
    if outcome != "prevented":
        stage.later(stage.now + chance.randrange(3 * DAY, 12 * DAY), "cases.answer", case)
        stage.later(stage.now + chance.randrange(20 * DAY, 75 * DAY), "cases.rule", case, outcome)


def dispute_at_once(stage: Stage, charge: Charge, reason: str) -> None:
    """The charge of a test card is disputed for the reason it stands for; nobody answers but the owner."""
    outcome = "inquiry" if reason == "inquiry" else "open"
    case = open_case(stage, charge, "fraudulent" if outcome == "inquiry" else reason, outcome)
    take_over(stage, case)


def open_case(stage: Stage, charge: Charge, reason: str, outcome: str) -> Dispute:
    """A case of the charge; the money is withdrawn unless it is an `inquiry` or was `prevented`."""
    customer = charge.customer
    quiet = outcome in ("inquiry", "prevented")
    customer.upset_at = stage.now
    customer.counters["dispute"] = place = customer.counters.get("dispute", 0) + 1
    case = Dispute(
        id=stage.business.id("du_1", 23, customer.no, place),
        created=stage.now,
        charge=charge,
        amount=charge.amount,
        reason=reason,
        status={"inquiry": "warning_needs_response", "prevented": "prevented"}.get(outcome, "needs_response"),
        entry=len(stage.books.disputes),
    )
    stage.books.disputes.append(
        DisputeEntry(
            case.id,
            charge.id,
            customer.id,
            case.amount,
            charge.currency,
            case.reason,
            case.status,
            outcome if quiet else "open",
            stage.now,
        )
    )
    charge.disputed, charge.inquired = True, outcome == "inquiry"
    if not quiet:
        withdrawal = stage.balance.dispute_withdrawn(
            at=stage.now, dispute=case.id, charge=charge.id, amount=case.amount, currency=charge.currency
        )
        _show(stage, case, withdrawal)
    stage.touch(case, "charge.dispute.created", *([] if quiet else ["charge.dispute.funds_withdrawn"]))
    stage.touch(charge, "charge.updated")
    return case


def answer(stage: Stage, case: Dispute) -> None:
    """The company sends evidence in by itself."""
    if not case.taken_over and not case.decided:
        submit(stage, case)


def take_over(stage: Stage, case: Dispute) -> None:
    """The owner looks after the case: it is lost if nothing is sent in by its day."""
    if not case.taken_over:
        case.taken_over = True
        stage.later(case.created + EVIDENCE_DUE, "cases.lapse", case)


def submit(stage: Stage, case: Dispute) -> None:
    """Evidence is sent in: the bank has it now, and decides at once where the evidence leaves no choice."""
    case.submitted = True
    case.status = "warning_under_review" if case.status.startswith("warning") else "under_review"
    stage.books.disputes[case.entry].status = case.status
    stage.touch(case, "charge.dispute.updated")
    decision = _DECIDING.get((case.evidence or {}).get("uncategorized_text", "").strip())
    if decision is not None:
        stage.later(stage.now + _DECIDED_AFTER, "cases.rule", case, decision)
    elif case.taken_over:
        stage.later(stage.now + _REVIEW_DAYS * DAY, "cases.rule", case, _draw(case.charge.customer, _OUTCOMES[:2]))


def lapse(stage: Stage, case: Dispute) -> None:
    """Nothing was sent in by the day: the case is lost, an inquiry closed."""
    if not case.submitted and not case.decided:
        case.past_due = True
        rule(stage, case, "lost")


def close_inquiry(stage: Stage, charge: Charge) -> None:
    """Who only asked about a charge has nothing more to ask once it is refunded in full."""
    shelf = stage.store.shelf("dispute")
    for slot in list(shelf.where("charge", charge.id)):
        case = stage.things[shelf.id_at[slot]]
        if isinstance(case, Dispute):
            rule(stage, case, "lost")


def rule(stage: Stage, case: Dispute, outcome: str) -> None:
    """The bank decides, for good."""
    if case.decided:
        return
    case.decided = True
    quiet = case.status.startswith("warning")
    case.status = "warning_closed" if quiet else outcome
    entry = stage.books.disputes[case.entry]
    entry.status, entry.outcome = case.status, "inquiry" if quiet else outcome
    events = ["charge.dispute.updated", "charge.dispute.closed"]
    if outcome == "won" and not quiet:
        _show(stage, case, stage.balance.dispute_reversed(at=stage.now, dispute=case.id))
        events.append("charge.dispute.funds_reinstated")
    stage.touch(case, *events)
    sub = case.charge.invoice.subscription if case.charge.invoice else None
    fraud = case.status == "lost" and case.reason == "fraudulent" and sub is not None
    if fraud and case.charge.customer.chance.random() < 0.6:
        stage.later(stage.now + HOUR, "cancellations.cancel_for_dispute", sub)


def _show(stage: Stage, case: Dispute, transaction: dict[str, object]) -> None:
    case.transactions.append(str(transaction["id"]))
    stage.remember(transaction)


def _draw(customer: Customer, table: tuple[tuple[str, int], ...]) -> str:
    return str(customer.chance.choices([name for name, _ in table], [weight for _, weight in table])[0])
