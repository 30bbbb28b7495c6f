"""What an API object shows by default, and what it keeps back until asked for.

Data about object kinds only: fields that appear on expansion alone, discounts that show as ids, nested lists that are
cut at ten. Knows neither the store nor the server. Keys that start with an underscore are the sandbox's own notes
(`_inline` on a price, `_payout` on a balance transaction): they serve filters and are never shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

INLINE_LIST_SIZE = 10


@dataclass(frozen=True)
class Form:
    """How one kind of object is shown: each tuple names fields of the object."""

    includable: tuple[str, ...] = ()  # absent unless expanded
    discounts: tuple[str, ...] = ()  # held as discount objects, shown as ids
    lists: tuple[str, ...] = ()  # nested list objects, cut at ten
    parts: tuple[str, ...] = ()  # embedded objects that have a form of their own
    within: tuple[tuple[str, ...], ...] = ()  # paths into plain structures, absent unless expanded


FORMS: dict[str, Form] = {
    "application_fee": Form(lists=("refunds",)),
    "balance": Form(includable=("id",)),  # Stripe's balance has no id; the store wants one
    "tax.settings": Form(includable=("id",)),  # likewise
    "billing_portal.configuration": Form(within=(("features", "subscription_update", "products"),)),
    "charge": Form(includable=("refunds",)),
    "checkout.session": Form(includable=("line_items",)),
    "coupon": Form(includable=("applies_to", "currency_options")),
    "credit_note": Form(lists=("lines",)),
    "customer": Form(
        includable=("cash_balance", "invoice_credit_balance", "sources", "subscriptions", "tax", "tax_ids"),
    ),
    "invoice": Form(includable=("confirmation_secret", "payments"), discounts=("discounts",), lists=("lines",)),
    "invoiceitem": Form(discounts=("discounts",)),
    "line_item": Form(discounts=("discounts",)),
    "plan": Form(includable=("tiers",)),
    "price": Form(includable=("currency_options", "tiers")),
    "subscription": Form(discounts=("discounts",), lists=("items",)),
    "subscription_item": Form(includable=("billed_until",), discounts=("discounts",), parts=("plan", "price")),
    "transfer": Form(lists=("reversals",)),
}


@dataclass
class Hidden:
    """What the default form of one object leaves out: values by path, and the tails of lists longer than ten."""

    values: list[tuple[list[str | int], Any]]
    tails: list[tuple[list[str | int], list[Any]]]

    def __bool__(self) -> bool:
        return bool(self.values or self.tails)


def split(complete: dict[str, Any]) -> tuple[dict[str, Any], Hidden]:
    """The default form of a complete object, and what it hides. The complete object is not changed."""
    hidden = Hidden([], [])
    notes = [key for key in complete if key[0] == "_"]
    shown = _shown(complete, [], hidden)
    if notes:
        shown = dict(shown)
        hidden.values.extend(([key], shown.pop(key)) for key in notes)
    return shown, hidden


def join(shown: dict[str, Any], hidden: Hidden) -> dict[str, Any]:
    """The complete object again. Changes and returns `shown`."""
    for path, value in hidden.values:
        _at(shown, path[:-1])[path[-1]] = value
    for path, tail in hidden.tails:
        nested = _at(shown, path)
        nested["data"].extend(tail)
        nested["has_more"] = False
    return shown


def shown_form(complete: dict[str, Any]) -> dict[str, Any]:
    """The default form alone."""
    return split(complete)[0]


def _shown(part: dict[str, Any], path: list[str | int], hidden: Hidden) -> dict[str, Any]:
    form = FORMS.get(part.get("object", ""))
    if form is None:
        return part
    shown = dict(part)
    for field in form.includable:
        if field in shown:
            hidden.values.append(([*path, field], shown.pop(field)))
    for steps in form.within:
        hidden.values.append(([*path, *steps], _at(part, list(steps))))
        shown = _lacking(shown, steps)
    for field, whole in _whole_discounts(shown, form):
        hidden.values.append(([*path, field], whole))
        shown[field] = [entry if isinstance(entry, str) else entry["id"] for entry in whole]
    for field in form.lists:
        if shown.get(field):
            shown[field] = _cut(shown[field], [*path, field], hidden)
    for field in form.parts:
        if isinstance(shown.get(field), dict):
            shown[field] = _shown(shown[field], [*path, field], hidden)
    return shown


def _lacking(part: dict[str, Any], steps: tuple[str, ...]) -> dict[str, Any]:
    """The part without what the steps lead to."""
    first, *rest = steps
    if not rest:
        return {name: value for name, value in part.items() if name != first}
    return {**part, first: _lacking(part[first], tuple(rest))}


def _whole_discounts(shown: dict[str, Any], form: Form) -> Iterator[tuple[str, list[Any]]]:
    for field in form.discounts:
        entries = shown.get(field)
        if entries and any(isinstance(entry, dict) for entry in entries):
            yield field, entries


def _cut(nested: dict[str, Any], path: list[str | int], hidden: Hidden) -> dict[str, Any]:
    data = nested["data"]
    head = [_shown(entry, [*path, "data", place], hidden) for place, entry in enumerate(data[:INLINE_LIST_SIZE])]
    tail = data[INLINE_LIST_SIZE:]
    if tail:
        hidden.tails.append((path, tail))
    return {**nested, "data": head, "has_more": bool(tail)}


def _at(root: Any, path: list[str | int]) -> Any:
    for step in path:
        root = root[step]
    return root
