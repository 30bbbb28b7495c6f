"""What writes take: the parameters of the SDK's own types, and the ways they come over the wire."""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator, Mapping
from typing import Any, ForwardRef, Literal, get_args, get_origin

import pytest
import stripe.params
import stripe.params.billing
import stripe.params.billing_portal
import stripe.params.test_helpers

from sandbox.api.bodies import tree
from sandbox.api.errors import ApiError
from sandbox.writes import WRITES
from sandbox.writes.parameters import (
    ByCurrency,
    Choice,
    Fields,
    Ignored,
    Many,
    Notes,
    Parameter,
    Text,
    Whole,
    noted,
    read,
)
from sandbox.writes.write import Write

SDK = {
    "DELETE /v1/coupons/{id}": "CouponDeleteParams",
    "DELETE /v1/products/{id}": "ProductDeleteParams",
    "POST /v1/billing/meter_events": "billing.MeterEventCreateParams",
    "POST /v1/billing/meters": "billing.MeterCreateParams",
    "POST /v1/billing/meters/{id}": "billing.MeterUpdateParams",
    "POST /v1/billing/meters/{id}/deactivate": "billing.MeterDeactivateParams",
    "POST /v1/billing/meters/{id}/reactivate": "billing.MeterReactivateParams",
    "POST /v1/prices": "PriceCreateParams",
    "POST /v1/prices/{id}": "PriceUpdateParams",
    "POST /v1/products": "ProductCreateParams",
    "POST /v1/products/{id}": "ProductUpdateParams",
    "POST /v1/promotion_codes": "PromotionCodeCreateParams",
    "POST /v1/promotion_codes/{id}": "PromotionCodeUpdateParams",
    "DELETE /v1/customers/{id}": "CustomerDeleteParams",
    "DELETE /v1/subscriptions/{id}": "SubscriptionCancelParams",
    "DELETE /v1/test_helpers/test_clocks/{id}": "test_helpers.TestClockDeleteParams",
    "DELETE /v1/webhook_endpoints/{id}": "WebhookEndpointDeleteParams",
    "GET /v1/credit_notes/preview": "CreditNotePreviewParams",
    "GET /v1/credit_notes/preview/lines": "CreditNotePreviewLinesListParams",
    "POST /v1/billing_portal/configurations": "billing_portal.ConfigurationCreateParams",
    "POST /v1/billing_portal/configurations/{id}": "billing_portal.ConfigurationUpdateParams",
    "POST /v1/billing_portal/sessions": "billing_portal.SessionCreateParams",
    "POST /v1/coupons": "CouponCreateParams",
    "POST /v1/coupons/{id}": "CouponUpdateParams",
    "POST /v1/credit_notes": "CreditNoteCreateParams",
    "POST /v1/credit_notes/{id}": "CreditNoteUpdateParams",
    "POST /v1/credit_notes/{id}/void": "CreditNoteVoidCreditNoteParams",
    "POST /v1/customers": "CustomerCreateParams",
    "POST /v1/customers/{id}": "CustomerUpdateParams",
    "POST /v1/customers/{id}/balance_transactions": "CustomerBalanceTransactionCreateParams",
    "POST /v1/disputes/{id}": "DisputeUpdateParams",
    "POST /v1/disputes/{id}/close": "DisputeCloseParams",
    "POST /v1/invoices/create_preview": "InvoiceCreatePreviewParams",
    "POST /v1/invoices/{id}": "InvoiceUpdateParams",
    "POST /v1/invoices/{id}/finalize": "InvoiceFinalizeInvoiceParams",
    "POST /v1/invoices/{id}/mark_uncollectible": "InvoiceMarkUncollectibleParams",
    "POST /v1/invoices/{id}/pay": "InvoicePayParams",
    "POST /v1/invoices/{id}/send": "InvoiceSendInvoiceParams",
    "POST /v1/invoices/{id}/void": "InvoiceVoidInvoiceParams",
    "POST /v1/payment_intents": "PaymentIntentCreateParams",
    "POST /v1/payment_intents/{id}": "PaymentIntentUpdateParams",
    "POST /v1/payment_intents/{id}/cancel": "PaymentIntentCancelParams",
    "POST /v1/payment_intents/{id}/confirm": "PaymentIntentConfirmParams",
    "POST /v1/payment_methods": "PaymentMethodCreateParams",
    "POST /v1/payment_methods/{id}": "PaymentMethodUpdateParams",
    "POST /v1/payment_methods/{id}/attach": "PaymentMethodAttachParams",
    "POST /v1/payment_methods/{id}/detach": "PaymentMethodDetachParams",
    "POST /v1/refunds": "RefundCreateParams",
    "POST /v1/refunds/{id}": "RefundUpdateParams",
    "POST /v1/setup_intents": "SetupIntentCreateParams",
    "POST /v1/setup_intents/{id}": "SetupIntentUpdateParams",
    "POST /v1/setup_intents/{id}/cancel": "SetupIntentCancelParams",
    "POST /v1/setup_intents/{id}/confirm": "SetupIntentConfirmParams",
    "POST /v1/subscription_schedules": "SubscriptionScheduleCreateParams",
    "POST /v1/subscription_schedules/{id}": "SubscriptionScheduleUpdateParams",
    "POST /v1/subscription_schedules/{id}/release": "SubscriptionScheduleReleaseParams",
    "POST /v1/subscriptions": "SubscriptionCreateParams",
    "POST /v1/subscriptions/{id}": "SubscriptionUpdateParams",
    "POST /v1/subscriptions/{id}/pause": "SubscriptionPauseParams",
    "POST /v1/subscriptions/{id}/resume": "SubscriptionResumeParams",
    "POST /v1/test_helpers/test_clocks": "test_helpers.TestClockCreateParams",
    "POST /v1/test_helpers/test_clocks/{id}/advance": "test_helpers.TestClockAdvanceParams",
    "POST /v1/webhook_endpoints": "WebhookEndpointCreateParams",
    "POST /v1/webhook_endpoints/{id}": "WebhookEndpointUpdateParams",
}
RAW = {"number", "cvc"}
"""Of a card: the SDK's types leave out what should never reach a server of one's own."""


def named(write: Write) -> str:
    return f"{write.method} {write.path}"


@pytest.mark.parametrize("write", WRITES, ids=named)
def test_a_write_takes_only_what_the_sdk_can_send(write: Write) -> None:
    module: Any = stripe.params
    for step in SDK[named(write)].split("."):
        module = getattr(module, step)
    assert list(strangers(write.takes, module, "")) == []


def strangers(forms: Mapping[str, Parameter], known: Any, inside: str) -> Iterator[str]:
    """Parameters, and words of enums, that the SDK's type does not know."""
    names = {**vars(typing), **vars(sys.modules[known.__module__])}
    for name, form in forms.items():
        path = f"{inside}[{name}]" if inside else name
        if name in known.__annotations__:
            yield from _strange(form, list(_options(known.__annotations__[name], names)), path)
        elif name not in RAW:
            yield path


def _strange(form: Parameter, options: list[Any], path: str) -> Iterator[str]:
    if isinstance(form, Many):
        lists = [each for each in options if isinstance(each, list)]
        yield from _strange(form.of, lists[0], f"{path}[]") if lists else [path]
    elif isinstance(form, Fields):
        maps = [each for each in options if hasattr(each, "__annotations__")]
        yield from strangers(form.forms, maps[0], path) if maps else [path]
    elif isinstance(form, ByCurrency):
        maps = [each for each in options if get_origin(each) is dict]
        names = {**vars(typing), **vars(stripe.params)}
        yield from _strange(form.of, list(_options(get_args(maps[0])[1], names)), path) if maps else [path]
    elif isinstance(form, Choice):
        yield from (f"{path}={word}" for word in form.words if word not in options)


def _options(hint: Any, names: dict[str, Any]) -> Iterator[Any]:
    """The alternatives of a type: classes, words of enums, and a list of the alternatives of what a list holds."""
    if isinstance(hint, str | ForwardRef):
        hint = eval(hint if isinstance(hint, str) else hint.__forward_arg__, names)
    origin, inner = get_origin(hint), get_args(hint)
    if origin is list:
        yield list(_options(inner[0], names))
    elif origin is Literal:
        yield from inner
    elif origin is None or origin is dict:
        yield hint
    else:
        for each in inner:
            yield from _options(each, names)


def test_lists_and_maps_come_nested_in_every_notation() -> None:
    forms: dict[str, Parameter] = {
        "items": Many(Fields({"price": Text(), "quantity": Whole(), "tags": Many(Text())})),
        "metadata": Notes(),
    }
    indexed = "items[1][price]=b&items[0][price]=a&items[0][quantity]=2&metadata[7]=x&items[0][tags][0]=t"
    bare = "items[][price]=a&items[][quantity]=2&items[][tags][]=t&items[][price]=b&metadata[7]=x"
    expected = {
        "items": [{"price": "a", "quantity": 2, "tags": ["t"]}, {"price": "b"}],
        "metadata": {"7": "x"},
    }
    assert read(forms, tree(indexed)) == read(forms, tree(bare)) == expected


@pytest.mark.parametrize(
    ("said", "param", "code"),
    [
        ("colour=red", "colour", "parameter_unknown"),
        ("item[colour]=red", "item[colour]", "parameter_unknown"),
        ("item=red", "item", None),
        ("item[count]=many", "item[count]", "parameter_invalid_integer"),
        ("item[count]=-1", "item[count]", "parameter_invalid_integer"),
        ("item[kind]=odd", "item[kind]", None),
        ("item[kind]=", "item[kind]", "parameter_invalid_empty"),
        ("name=", "name", "parameter_invalid_empty"),
        ("name[a]=b", "name", None),
        ("", "name", "parameter_missing"),
    ],
)
def test_what_is_wrong_with_a_parameter_is_said_by_its_full_name(said: str, param: str, code: str | None) -> None:
    forms: dict[str, Parameter] = {
        "item": Fields({"count": Whole(least=0), "kind": Choice(("one", "two"))}),
        "name": Text(),
        "any": Ignored(),
    }
    with pytest.raises(ApiError) as refused:
        read(forms, tree(said), ("name",) if not said else ())
    assert (refused.value.status, refused.value.param, refused.value.code) == (400, param, code)


def test_a_parameter_is_either_a_text_or_a_map() -> None:
    for said in ("a=1&a[b]=2", "a[b]=2&a=1", "a[b=1"):
        with pytest.raises(ApiError):
            tree(said)


def test_metadata_is_added_to_overwritten_and_taken_away() -> None:
    held = {"a": "1", "b": "2"}
    assert noted(held, {"b": "", "c": "3"}) == {"a": "1", "c": "3"}
    assert noted(held, None) == {}
    assert noted(None, {"a": "1"}) == {"a": "1"}
