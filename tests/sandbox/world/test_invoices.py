"""What the account's objects say of invoices and payments hangs together, to the cent and to the second."""

from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

from sandbox.world.business import COUPONS, Business
from sandbox.world.world import World

Objects = Callable[[str], list[dict[str, Any]]]
DAY = 86_400


def taken_off(line: dict[str, Any]) -> int:
    return sum(each["amount"] for each in line["discount_amounts"])


def on_top(line: dict[str, Any]) -> int:
    return sum(tax["amount"] for tax in line["taxes"] if tax["tax_behavior"] == "exclusive")


def regular(line: dict[str, Any]) -> bool:
    details = line["parent"]["subscription_item_details"]
    return bool(details) and not details["proration"] and "API usage" not in line["description"]


def test_totals_are_lines_less_discounts_plus_taxes(objects: Objects) -> None:
    for invoice in objects("invoice"):
        lines = invoice["lines"]["data"]
        assert invoice["total"] == sum(line["amount"] - taken_off(line) + on_top(line) for line in lines)
        due = max(0, invoice["total"] + invoice["starting_balance"] - invoice["pre_payment_credit_notes_amount"])
        assert invoice["amount_due"] == due


def test_a_paid_invoice_was_paid_by_what_its_payment_names(objects: Objects) -> None:
    intents = {intent["id"]: intent for intent in objects("payment_intent")}
    charges = {charge["id"]: charge for charge in objects("charge")}
    paid: dict[str, int] = defaultdict(int)
    for payment in objects("invoice_payment"):
        if payment["status"] == "paid":
            paid[payment["invoice"]] += payment["amount_paid"]
            intent = intents.get(payment["payment"].get("payment_intent") or "")
            if intent is not None:
                charge = charges[intent["latest_charge"]]
                assert (charge["amount"], charge["status"]) == (payment["amount_paid"], "succeeded")
                assert charge["created"] == payment["status_transitions"]["paid_at"]
    for invoice in objects("invoice"):
        assert invoice["amount_paid"] == paid.get(invoice["id"], 0), invoice["id"]
        assert (invoice["amount_remaining"] == 0) == (invoice["status"] == "paid" or not invoice["amount_due"])


def test_tax_inside_a_regular_line_is_a_whole_sixth(objects: Objects) -> None:
    for invoice in objects("invoice"):
        for line in filter(regular, invoice["lines"]["data"]):
            for tax in line["taxes"]:
                if tax["tax_behavior"] == "inclusive":
                    assert tax["amount"] * 6 == line["amount"] - taken_off(line)


def test_amounts_in_dinars_are_multiples_of_ten(objects: Objects) -> None:
    amounts = [each["amount"] for kind in ("charge", "refund") for each in objects(kind) if each["currency"] == "kwd"]
    assert amounts
    assert all(amount % 10 == 0 for amount in amounts)


def test_prorations_run_from_the_change_to_the_end_of_the_running_period(objects: Objects) -> None:
    ends: dict[str, set[int]] = defaultdict(set)
    prorations = []
    for invoice in objects("invoice"):
        subscription = (invoice["parent"] or {}).get("subscription_details", {}).get("subscription")
        for line in invoice["lines"]["data"]:
            if regular(line):
                ends[subscription].add(line["period"]["end"])
            elif line["parent"]["invoice_item_details"] or line["parent"]["subscription_item_details"]["proration"]:
                prorations.append((subscription, line))
    prorations = [(subscription, line) for subscription, line in prorations if subscription]
    assert len(prorations) > 50
    for subscription, line in prorations:
        assert line["period"]["end"] in ends[subscription]
        assert line["discount_amounts"] == []
        assert not line["discountable"]


def test_every_proration_has_its_invoice_item(objects: Objects) -> None:
    bills = {bill["id"]: bill for bill in objects("invoiceitem")}
    billed = set()
    for invoice in objects("invoice"):
        for line in invoice["lines"]["data"]:
            details = line["parent"]["subscription_item_details"] or line["parent"]["invoice_item_details"]
            if details["invoice_item"]:
                bill = bills[details["invoice_item"]]
                assert (bill["invoice"], bill["amount"]) == (invoice["id"], line["amount"])
                billed.add(bill["id"])
    pending = {bill["id"] for bill in bills.values() if bill["invoice"] is None}
    assert billed | pending == bills.keys()


def test_regular_periods_of_an_item_do_not_overlap_unless_a_new_one_began(objects: Objects) -> None:
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for invoice in objects("invoice"):
        for line in filter(regular, invoice["lines"]["data"]):
            item = line["parent"]["subscription_item_details"]["subscription_item"]
            spans[item].append((line["period"]["start"], line["period"]["end"]))
    for periods in spans.values():
        starts = sorted(periods)
        assert starts == sorted(set(starts))
        for (_, end), (start, _) in pairwise(starts):
            assert start >= end or start > starts[0][0]


def test_what_counts_now_is_what_the_running_month_costs(world: World, objects: Objects) -> None:
    """Items priced by the month that changed last when the running period began, and have no coupon for one invoice."""
    worth = world.books.item_mrr_at(world.now)
    changed = {change.subscription_item_id: change.at for change in world.books.changes}
    monthly = {price["id"] for price in objects("price") if monthly_price(price)}
    checked = 0
    for invoice in objects("invoice"):
        for line in filter(regular, invoice["lines"]["data"]):
            item, start = line["parent"]["subscription_item_details"]["subscription_item"], line["period"]["start"]
            running = start <= world.now < line["period"]["end"] and changed.get(item) == start
            if running and item in worth and line["pricing"]["price_details"]["price"] in monthly:
                net = line["amount"] - taken_off(line)
                inside = sum(tax["amount"] for tax in line["taxes"] if tax["tax_behavior"] == "inclusive")
                lasting = Fraction(line["amount"] - recurring(invoice, line))
                expected = lasting * (Fraction(net - inside, net) if net else 1)
                assert abs(worth[item] - expected * 1_000_000) <= 500_000
                checked += 1
    assert checked > 20


def monthly_price(price: dict[str, Any]) -> bool:
    rhythm = price["recurring"] or {}
    return (rhythm.get("interval"), rhythm.get("interval_count")) == ("month", 1)


def recurring(invoice: dict[str, Any], line: dict[str, Any]) -> int:
    """What recurring discounts took off the line."""
    lasting = {each["id"] for each in invoice["discounts"] if each["source"]["coupon"] in LASTING}
    return sum(each["amount"] for each in line["discount_amounts"] if each["discount"] in lasting | own(line))


def own(line: dict[str, Any]) -> set[str]:
    return {each["id"] for each in line["discounts"]}


LASTING = {Business().id("", 8, "coupon", coupon.key) for coupon in COUPONS if coupon.duration != "once"}


def test_failed_renewals_are_tried_again_within_eight_days(world: World, objects: Objects) -> None:
    invoices = {invoice["id"]: invoice for invoice in objects("invoice")}
    for failure in world.books.failures:
        invoice = invoices[failure.invoice_id]
        assert failure.first_failed_at >= invoice["created"]
        if failure.recovered_at is not None:
            assert invoice["status"] == "paid"
        if failure.recovered_at is not None and not failure.out_of_band:
            assert failure.recovered_at - failure.first_failed_at < 8 * DAY


def test_pauses_begin_with_a_renewal_and_last_more_than_a_week(world: World) -> None:
    began: dict[str, int] = {}
    for change in world.books.changes:
        if change.cause == "pause":
            began[change.subscription_item_id] = change.at
        if change.cause == "resume" and change.subscription_item_id in began:
            assert change.at - began[change.subscription_item_id] > 8 * DAY
