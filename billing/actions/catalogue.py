"""Every sort of action by its name. A new one is a new file and a new entry."""

from collections.abc import Mapping

from billing.actions import (
    cancel,
    change_price,
    delete_customer,
    extend_trial,
    pause_collection,
    refund,
    resume_collection,
    retention_coupon,
    retry_invoice,
    send_card_update,
    send_invoice,
    submit_dispute_evidence,
    write_off,
)
from billing.actions.action import Action
from billing.catalog import change as catalog_change

MODULES = (
    retry_invoice,
    send_invoice,
    send_card_update,
    pause_collection,
    resume_collection,
    extend_trial,
    retention_coupon,
    change_price,
    cancel,
    refund,
    write_off,
    submit_dispute_evidence,
    delete_customer,
    catalog_change,
)

ACTIONS: Mapping[str, Action] = {module.ACTION.kind: module.ACTION for module in MODULES}

BY_RULE: Mapping[str, Action] = {kind: action for kind, action in ACTIONS.items() if action.by_rule}
"""Those that a rule may lead to."""
