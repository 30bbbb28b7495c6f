"""What the operations database hands over to be published: the book of billing actions, as it stood at a build."""

import dataframely as dy

from models.contracts.table import Table, instant, money, reporting_money, reporting_mrr, text, texts

PLANNED = "What it is worth by its flag"


class Actions(Table):
    """One billing action as the book has it."""

    schema_name = "operations"
    table_name = "actions"
    account_id = text("Stripe account it belongs to", key=True)
    action_id = text("Id of the action: of its account, mode, flag and rule", key=True)
    kind = text("Which action, such as retry_invoice")
    rule = text(
        "The rule that made it of a flag; by-hand where a person proposed it, direct where one ordered it at once"
    )
    flag_id = text("The flag that led to it, of at_risk_accounts; made up where a person proposed it")
    score_kind = text("The score that raised the flag", nullable=True)
    customer_id = text("Stripe customer id")
    subject_id = text("What is acted on: an invoice, a subscription, a customer or a dispute")
    arm = text("treatment; holdout where it is left alone to compare with; none where a person proposed it")
    state = text(
        "proposed, approved, revoked, rejected, intended, acted, done, failed, skipped, expired, undone, unclear or "
        "held_out"
    )
    effect = text("What it would do, in words")
    reasons = texts("Why, as its flag says")
    amount = money("What it would collect, pay back or bill; null where no money moves at once", nullable=True)
    cost = money("What it would give away or give up", nullable=True)
    currency = dy.String(nullable=True, description="ISO currency of amount and cost, lower case")
    mrr_at_risk_reporting = reporting_mrr("MRR at risk when it was planned", nullable=True)
    expected_loss_reporting = reporting_money("Expected loss when it was planned", nullable=True)
    planned_at = instant("When it was proposed, last")
    expires_at = instant("From when on it is not done any more")
    approved_by = text("Login of who approved it, where the approval stands", nullable=True)
    approved_at = instant("When it was approved", nullable=True)
    intended_at = instant("When it was written down as about to be sent", nullable=True)
    acted_at = instant("When Stripe answered that it is done", nullable=True)
    settled_at = instant("When its outcome was settled", nullable=True)
    outcome = text("Why it stands where it stands: Stripe's code or the engine's own", nullable=True)
    request_id = text("Stripe's id of the request that did it", nullable=True)
