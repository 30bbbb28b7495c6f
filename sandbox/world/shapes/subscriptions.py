"""Subscriptions, their items and discounts. Knows nothing of invoices or of how a subscription moves on."""
# ruff: noqa: A002 -- parameters carry the API's own field names

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.world.shapes.catalogue import embedded_price, plan
from sandbox.world.shapes.lists import listed


def discount(
    *,
    id: str,
    start: int,
    coupon: str,
    end: int | None = None,
    customer: str | None = None,
    subscription: str | None = None,
    subscription_item: str | None = None,
    invoice: str | None = None,
    invoice_item: str | None = None,
    promotion_code: str | None = None,
) -> dict[str, Any]:
    """A coupon at work from `start` to `end` (null for once and forever) on what is named."""
    return {
        "id": id,
        "object": "discount",
        "checkout_session": None,
        "customer": customer,
        "customer_account": None,
        "end": end,
        "invoice": invoice,
        "invoice_item": invoice_item,
        "promotion_code": promotion_code,
        "source": {"coupon": coupon, "type": "coupon"},
        "start": start,
        "subscription": subscription,
        "subscription_item": subscription_item,
    }


def subscription_item(
    *,
    id: str,
    created: int,
    subscription: str,
    price: Mapping[str, Any],
    quantity: int | None,
    current_period_start: int,
    current_period_end: int,
    discounts: Sequence[dict[str, Any]] = (),
    tax_rates: Sequence[dict[str, Any]] = (),
    current_trial: dict[str, Any] | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """One item; `price` is the whole price object, `discounts` whole discount objects, `quantity` null for metered."""
    shape = {
        "id": id,
        "object": "subscription_item",
        "billed_until": current_period_end,
        "billing_thresholds": None,
        "created": created,
        "current_period_end": current_period_end,
        "current_period_start": current_period_start,
        "discounts": list(discounts),
        "metadata": metadata or {},
        "plan": plan(price),
        "price": embedded_price(price),
        "quantity": quantity,
        "subscription": subscription,
        "tax_rates": list(tax_rates),
    }
    if current_trial is not None:
        shape["current_trial"] = current_trial
    return shape


def subscription(
    *,
    id: str,
    created: int,
    customer: str,
    status: str,
    currency: str,
    items: Sequence[dict[str, Any]],
    billing_cycle_anchor: int,
    start_date: int | None = None,
    collection_method: str = "charge_automatically",
    days_until_due: int | None = None,
    trial_start: int | None = None,
    trial_end: int | None = None,
    missing_payment_method: str = "create_invoice",
    cancel_at: int | None = None,
    cancel_at_period_end: bool = False,
    canceled_at: int | None = None,
    ended_at: int | None = None,
    cancellation_reason: str | None = None,
    cancellation_feedback: str | None = None,
    cancellation_comment: str | None = None,
    pause_collection_behavior: str | None = None,
    pause_resumes_at: int | None = None,
    paused_type: str | None = None,
    paused_at: int | None = None,
    discounts: Sequence[dict[str, Any]] = (),
    default_payment_method: str | None = None,
    default_tax_rates: Sequence[dict[str, Any]] = (),
    latest_invoice: str | None = None,
    billing_mode: str = "flexible",
    schedule: str | None = None,
    description: str | None = None,
    test_clock: str | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A subscription; `items` and `discounts` are whole objects, times epoch seconds.

    `pause_collection_behavior` (keep_as_draft, mark_uncollectible, void) pauses collection while the status stays;
    `paused_type` and `paused_at` explain the status `paused` (pause_requested, trial_end_without_payment_method, …).
    """
    return {
        "id": id,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": billing_cycle_anchor,
        "billing_cycle_anchor_config": None,
        "billing_mode": _billing_mode(billing_mode),
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": cancel_at,
        "cancel_at_period_end": cancel_at_period_end,
        "canceled_at": canceled_at,
        "cancellation_details": {
            "comment": cancellation_comment,
            "feedback": cancellation_feedback,
            "feedback_option": None,
            "reason": cancellation_reason,
        },
        "collection_method": collection_method,
        "created": created,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "days_until_due": days_until_due,
        "default_payment_method": default_payment_method,
        "default_source": None,
        "default_tax_rates": list(default_tax_rates),
        "description": description,
        "discounts": list(discounts),
        "ended_at": ended_at,
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "items": listed(items, url=f"/v1/subscription_items?subscription={id}"),
        "latest_invoice": latest_invoice,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": metadata or {},
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None
        if pause_collection_behavior is None
        else {"behavior": pause_collection_behavior, "resumes_at": pause_resumes_at},
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "presentment_details": None,
        "schedule": schedule,
        "start_date": created if start_date is None else start_date,
        "status": status,
        "status_details": _status_details(paused_type, paused_at),
        "test_clock": test_clock,
        "transfer_data": None,
        "trial_end": trial_end,
        "trial_settings": {
            "end_behavior": {"billing_cycle_anchor": None, "missing_payment_method": missing_payment_method}
        },
        "trial_start": trial_start,
    }


def _billing_mode(mode: str) -> dict[str, Any]:
    return {
        "flexible": {"proration_discounts": "included"} if mode == "flexible" else None,
        "type": mode,
        "updated_at": None,
    }


def _status_details(paused_type: str | None, paused_at: int | None) -> dict[str, Any] | None:
    if paused_type is None:
        return None
    return {
        "paused": {"subscription": {"type": paused_type}, "transitioned_at": paused_at, "type": "subscription"},
    }


def subscription_schedule(
    *,
    id: str,
    created: int,
    customer: str,
    subscription: str,
    currency: str,
    phases: Sequence[tuple[int, int, str, int | None]],
    current_phase: tuple[int, int] | None,
    end_behavior: str = "release",
    status: str = "active",
    released_at: int | None = None,
    completed_at: int | None = None,
    canceled_at: int | None = None,
    billing_mode: str = "flexible",
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A schedule; `phases` are (start, end, price, quantity), `current_phase` the start and end of the one in force."""
    is_released = status == "released"
    return {
        "id": id,
        "object": "subscription_schedule",
        "application": None,
        "billing_mode": _billing_mode(billing_mode),
        "canceled_at": canceled_at,
        "completed_at": completed_at,
        "created": created,
        "current_phase": None
        if current_phase is None
        else {"start_date": current_phase[0], "end_date": current_phase[1]},
        "customer": customer,
        "customer_account": None,
        "default_settings": {
            "application_fee_percent": None,
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": "automatic",
            "billing_thresholds": None,
            "collection_method": "charge_automatically",
            "default_payment_method": None,
            "description": None,
            "invoice_settings": {
                "account_tax_ids": None,
                "custom_fields": None,
                "days_until_due": None,
                "description": None,
                "footer": None,
                "issuer": {"account": None, "type": "self"},
            },
            "on_behalf_of": None,
            "transfer_data": None,
        },
        "end_behavior": end_behavior,
        "livemode": False,
        "metadata": metadata or {},
        "pause_schedules": [],
        "phases": [_phase(currency, *one) for one in phases],
        "released_at": released_at,
        "released_subscription": subscription if is_released else None,
        "status": status,
        "subscription": None if is_released else subscription,
        "test_clock": None,
    }


def _phase(currency: str, start: int, end: int, price: str, quantity: int | None) -> dict[str, Any]:
    item: dict[str, Any] = {
        "billing_thresholds": None,
        "discounts": [],
        "metadata": {},
        "plan": price,
        "price": price,
        "quantity": quantity,
        "tax_rates": [],
    }
    return {
        "add_invoice_items": [],
        "application_fee_percent": None,
        "automatic_tax": None,
        "billing_cycle_anchor": None,
        "billing_thresholds": None,
        "collection_method": None,
        "currency": currency,
        "default_payment_method": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "end_date": end,
        "invoice_settings": None,
        "items": [item],
        "metadata": {},
        "on_behalf_of": None,
        "proration_behavior": "none",
        "start_date": start,
        "transfer_data": None,
        "trial": None,
        "trial_end": None,
    }
