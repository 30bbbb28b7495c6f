"""What a shape works out by itself: an invoice's sums, failed charges, prices' forms."""

from typing import Any

import pytest

from sandbox.world import shapes
from tests.sandbox.shapes import specimens

T0, MONTH = specimens.T0, specimens.MONTH


def invoice(*lines: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return shapes.invoice(
        id="in_1",
        created=T0,
        customer="cus_1",
        currency="usd",
        lines=lines,
        status="open",
        billing_reason="subscription_cycle",
        period_start=T0,
        period_end=T0,
        finalized_at=T0,
        **facts,
    )


def line(amount: int, **facts: Any) -> dict[str, Any]:
    return shapes.line_item(
        id="il_1",
        invoice="in_1",
        amount=amount,
        currency="usd",
        period_start=T0,
        period_end=T0 + MONTH,
        price="price_m",
        product="prod_1",
        unit_amount_decimal=str(amount),
        **facts,
    )


def test_an_invoice_adds_up_its_lines_discounts_and_exclusive_tax() -> None:
    """
    line 6000, item discount 1000, invoice discount 500, tax 20 % of 4500 = 900; credit −300, tax −60
    subtotal 6000 − 300 − 1000 = 4700; total 5700 − 1500 + 840 = 5040; without tax 4200; balance −200 pays some
    """
    made = specimens.INVOICE
    assert (made["subtotal"], made["total"], made["total_excluding_tax"]) == (4_700, 5_040, 4_200)
    assert made["total_discount_amounts"] == [
        {"amount": 1_000, "discount": "di_2"},
        {"amount": 500, "discount": "di_1"},
    ]
    assert (made["total_taxes"][0]["amount"], made["total_taxes"][0]["taxable_amount"]) == (840, 4_200)
    assert (made["starting_balance"], made["amount_due"], made["ending_balance"]) == (-200, 4_840, 0)


def test_inclusive_tax_is_inside_the_total() -> None:
    """1200 with 20 % inclusive: 200 of tax, 1000 without."""
    made = invoice(line(1_200, taxes=[shapes.tax(amount=200, tax_rate="txr_1", tax_behavior="inclusive")]))
    assert (made["subtotal"], made["total"]) == (1_200, 1_200)
    assert (made["subtotal_excluding_tax"], made["total_excluding_tax"]) == (1_000, 1_000)


@pytest.mark.parametrize(
    ("total", "starting", "due", "ending"),
    [
        (1_000, 0, 1_000, 0),
        (1_000, -400, 600, 0),  # credit pays a part
        (1_000, -1_500, 0, -500),  # and what is left of it stays
        (-700, 0, 0, -700),  # a negative invoice becomes credit
        (1_000, 300, 1_300, 0),  # what was owed is collected
    ],
)
def test_the_customer_s_balance_is_used_up_by_the_amount_due(total: int, starting: int, due: int, ending: int) -> None:
    made = invoice(line(total), starting_balance=starting)
    assert (made["amount_due"], made["amount_remaining"], made["ending_balance"]) == (due, due, ending)


def test_a_credit_note_before_payment_lowers_what_is_due() -> None:
    made = invoice(line(1_000), pre_payment_credit_notes_amount=400, amount_paid=600)
    assert (made["total"], made["amount_due"], made["amount_remaining"]) == (1_000, 600, 0)


def test_a_line_s_parent_tells_subscription_items_prorations_and_loose_items_apart() -> None:
    item = line(1, subscription="sub_1", subscription_item="si_1")["parent"]
    flexible = line(1, subscription="sub_1", subscription_item="si_1", invoice_item="ii_1", proration=True)["parent"]
    classic = line(1, subscription="sub_1", invoice_item="ii_1", proration=True)["parent"]
    assert item["type"] == flexible["type"] == "subscription_item_details"
    assert classic["type"] == "invoice_item_details"
    assert item["subscription_item_details"]["invoice_item"] is None
    assert flexible["subscription_item_details"]["invoice_item"] == "ii_1"
    assert classic["invoice_item_details"]["proration"] is True


def test_a_declined_charge_carries_the_network_s_answer() -> None:
    made = shapes.charge(id="ch_1", created=T0, amount=100, currency="usd", decline_code="insufficient_funds")
    assert (made["status"], made["paid"], made["captured"], made["amount_captured"]) == ("failed", False, False, 0)
    assert made["failure_code"] == "card_declined"
    outcome = made["outcome"]
    assert (outcome["type"], outcome["reason"], outcome["network_status"]) == (
        "issuer_declined",
        "insufficient_funds",
        "declined_by_network",
    )
    assert (outcome["network_decline_code"], outcome["advice_code"]) == ("51", "try_again_later")


def test_a_blocked_charge_never_reached_the_network() -> None:
    made = shapes.charge(id="ch_1", created=T0, amount=100, currency="usd", decline_code="highest_risk_level")
    assert (made["outcome"]["type"], made["outcome"]["network_status"]) == ("blocked", "not_sent_to_network")
    assert made["outcome"]["risk_level"] == "highest"


def test_a_price_below_a_unit_has_no_whole_amount_and_a_tiered_one_has_none_at_all() -> None:
    assert (specimens.PACKAGED["unit_amount"], specimens.PACKAGED["unit_amount_decimal"]) == (None, "0.25")
    assert (specimens.TIERED["unit_amount"], specimens.TIERED["billing_scheme"]) == (None, "tiered")
    assert specimens.TIERED["tiers"][1]["unit_amount_decimal"] == "99.5"
    assert specimens.ONCE["recurring"] is None
    assert set(specimens.PACKAGED["currency_options"]) == {"usd", "eur"}


def test_items_embed_a_price_without_what_must_be_expanded() -> None:
    embedded = specimens.ITEM["price"]
    assert {"tiers", "currency_options", "_inline"}.isdisjoint(embedded)
    assert (specimens.ITEM["plan"]["id"], specimens.ITEM["plan"]["amount"]) == ("price_m", 1_200)
