"""Every sort of action by its name. A new one is a new file and a new entry."""

from collections.abc import Mapping

from billing.actions import (
    attach_payment_method,
    cancel,
    cancel_payment,
    change_price,
    create_customer,
    create_subscription,
    default_payment_method,
    delete_customer,
    detach_payment_method,
    extend_trial,
    keep_subscription,
    next_period,
    pause_collection,
    pause_subscription,
    refund,
    release_schedule,
    resume_collection,
    resume_subscription,
    retention_coupon,
    retry_invoice,
    send_card_update,
    send_invoice,
    set_up_payment_method,
    submit_dispute_evidence,
    take_payment,
    update_customer,
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
    create_customer,
    update_customer,
    create_subscription,
    pause_subscription,
    resume_subscription,
    keep_subscription,
    release_schedule,
    catalog_change,
    take_payment,
    cancel_payment,
    set_up_payment_method,
    attach_payment_method,
    default_payment_method,
    detach_payment_method,
)

ALL = (*(module.ACTION for module in MODULES), next_period.ADOPT, next_period.CHANGE)

ACTIONS: Mapping[str, Action] = {action.kind: action for action in ALL}

BY_RULE: Mapping[str, Action] = {kind: action for kind, action in ACTIONS.items() if action.by_rule}
"""Those that a rule may lead to."""
