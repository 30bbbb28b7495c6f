"""Expansion fills in what it is asked for, to four levels, and refuses what Stripe refuses."""

from __future__ import annotations

import pytest
import stripe

from tests.sandbox.api.account import Ask


def test_by_default_references_are_ids_and_includable_fields_absent(ask: Ask) -> None:
    charge = ask("/v1/charges/ch_1").body
    assert (charge["customer"], charge["balance_transaction"]) == ("cus_1", "txn_1")
    assert "refunds" not in charge
    price = ask("/v1/prices/price_tiered").body
    assert not {"tiers", "currency_options"} & price.keys()
    assert "applies_to" not in ask("/v1/coupons/co_1").body
    assert "payments" not in ask("/v1/invoices/in_1").body
    subscription = ask("/v1/subscriptions/sub_1").body
    assert subscription["discounts"] == ["di_1", "di_2"]
    assert not {"tiers", "currency_options"} & subscription["items"]["data"][0]["price"].keys()
    assert not [key for key in ask("/v1/balance_transactions/txn_1").body if key.startswith("_")]


def test_references_expand_to_objects_over_several_levels(client: stripe.StripeClient) -> None:
    charges = client.v1.charges.list(
        {
            "limit": 2,
            "expand": ["data.customer", "data.balance_transaction", "data.payment_intent.latest_charge.customer"],
        }
    )
    for charge in charges.data:
        assert isinstance(charge.customer, stripe.Customer)
        assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
        assert isinstance(charge.payment_intent, stripe.PaymentIntent)
        assert isinstance(charge.payment_intent.latest_charge, stripe.Charge)
        assert charge.payment_intent.latest_charge.customer == charge.customer
    entry = client.v1.balance_transactions.retrieve("txn_1", {"expand": ["source.customer"]})
    assert isinstance(entry.source, stripe.Charge)
    assert isinstance(entry.source.customer, stripe.Customer)


def test_discounts_expand_with_their_coupons_even_deleted_ones(ask: Ask) -> None:
    found = ask("/v1/subscriptions?expand[]=data.discounts.source.coupon&customer=cus_1").body["data"]
    by_id = {entry["id"]: entry for entry in found}
    coupons = [discount["source"]["coupon"] for discount in by_id["sub_1"]["discounts"]]
    assert [(coupon["id"], coupon["percent_off"]) for coupon in coupons] == [("co_1", 10), ("co_gone", 20)]
    assert by_id["sub_3"]["discounts"] == []
    whole = ask("/v1/subscriptions/sub_1?expand[]=discounts").body["discounts"]
    assert [discount["source"] for discount in whole] == [
        {"coupon": "co_1", "type": "coupon"},
        {"coupon": "co_gone", "type": "coupon"},
    ]
    deep = ask("/v1/subscriptions/sub_1?expand[]=discounts.source.coupon.applies_to").body["discounts"]
    assert deep[0]["source"]["coupon"]["applies_to"] == {"products": ["prod_1"]}
    assert ask("/v1/coupons/co_gone").status == 404


def test_discounts_of_invoice_lines_expand_and_invoices_without_any_stay_as_they_are(ask: Ask) -> None:
    plain = {entry["id"]: entry for entry in ask("/v1/invoices").body["data"]}
    query = "expand[]=data.discounts&expand[1]=data.lines.data.discounts"
    found = {entry["id"]: entry for entry in ask(f"/v1/invoices?{query}").body["data"]}
    assert [discount["id"] for discount in found["in_1"]["discounts"]] == ["di_1"]
    assert [line["discounts"][0]["object"] for line in found["in_1"]["lines"]["data"]] == ["discount"] * 10
    assert found["in_1"]["lines"]["has_more"] is True
    assert found["in_2"] == plain["in_2"]
    lines = ask("/v1/invoices/in_1/lines?limit=30&expand[]=data.discounts").body["data"]
    assert [line["discounts"][0]["id"] for line in lines] == ["di_1"] * 23
    totals = ask("/v1/invoices/in_1?expand[]=total_discount_amounts.discount").body["total_discount_amounts"]
    assert [total["discount"]["source"]["coupon"] for total in totals] == ["co_1"]


def test_includable_fields_show_when_expanded(ask: Ask) -> None:
    prices = ask("/v1/prices?expand[]=data.tiers&expand[]=data.currency_options").body["data"]
    assert prices[0]["tiers"][0]["unit_amount"] == 5
    assert prices[1]["tiers"] is None
    assert prices[1]["currency_options"]["usd"]["unit_amount"] == 1000
    items = ask("/v1/subscription_items?subscription=sub_1&expand[]=data.price.tiers").body["data"]
    assert items[0]["price"]["tiers"][0]["unit_amount"] == 5
    items = ask("/v1/subscription_items?subscription=sub_1&expand[]=data.plan.tiers").body["data"]
    assert items[0]["plan"]["tiers"][0]["unit_amount"] == 5
    refunds = ask("/v1/charges/ch_1?expand[]=refunds").body["refunds"]
    assert [entry["id"] for entry in refunds["data"]] == [f"re_{number}" for number in range(11, 1, -1)]
    assert (refunds["has_more"], refunds["url"]) == (True, "/v1/charges/ch_1/refunds")
    payments = ask("/v1/invoices/in_1?expand[]=payments.data.payment.payment_intent").body["payments"]
    assert payments["data"][0]["payment"]["payment_intent"]["id"] == "pi_1"
    held = ask("/v1/customers/cus_1?expand[]=subscriptions").body["subscriptions"]
    assert [entry["id"] for entry in held["data"]] == ["sub_3", "sub_1"]


def test_tiers_in_a_further_currency_show_only_where_it_is_named(ask: Ask) -> None:
    def shown(query: str) -> dict[str, list[str | None]]:
        """By currency, what a unit costs in each step; without the currencies that show no tiers."""
        body = ask(f"/v1/prices{query}").body
        options = next(each for each in body.get("data", [body]) if each["id"] == "price_tiered")["currency_options"]
        assert set(options) == {"usd", "eur", "gbp"}
        return {
            code: [tier["unit_amount_decimal"] for tier in option["tiers"]]
            for code, option in options.items()
            if "tiers" in option
        }

    assert shown("/price_tiered?expand[]=currency_options&expand[]=tiers") == {}
    assert shown("?expand[]=data.currency_options&expand[]=data.tiers") == {}
    assert shown("/price_tiered?expand[]=currency_options.eur.tiers") == {"eur": ["4.5"]}
    both = "&".join(f"expand[]=data.currency_options.{code}.tiers" for code in ("eur", "gbp"))
    assert shown(f"?{both}") == {"eur": ["4.5"], "gbp": ["4"]}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v1/prices?expand[]=data.currency_options.eur.tiers.up_to", "more than 4 levels"),
        ("/v1/prices?expand[]=data.currency_options.eur", "cannot be expanded (data.currency_options.eur)"),
        ("/v1/prices/price_tiered?expand[]=currency_options.tiers", "cannot be expanded (currency_options.tiers)"),
        ("/v1/subscriptions?expand[]=data.items.data.price.product", "more than 4 levels"),
        ("/v1/charges?expand[]=data.colour", "cannot be expanded (data.colour)"),
        ("/v1/charges?expand[]=customer", "cannot be expanded (customer)"),
        ("/v1/charges?expand[]=data", "cannot be expanded (data)"),
        ("/v1/charges/ch_1?expand[]=status", "cannot be expanded (status)"),
        ("/v1/charges/ch_1?expand[]=customer.colour", "cannot be expanded (customer.colour)"),
        ("/v1/charges/ch_1?expand=customer", "Invalid array"),
    ],
)
def test_paths_too_deep_or_unknown_are_refused(ask: Ask, path: str, message: str) -> None:
    answer = ask(path)
    assert (answer.status, answer.error["param"]) == (400, "expand")
    assert message in answer.error["message"]
