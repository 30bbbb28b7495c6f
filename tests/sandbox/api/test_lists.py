"""Lists page, filter and refuse as Stripe's do: asked over HTTP and with the real SDK."""

from __future__ import annotations

import pytest
import stripe

from sandbox.api.expandable import EXPANDABLE
from sandbox.api.filters import Fields
from sandbox.api.resources import RESOURCES
from sandbox.store import COLUMNS
from tests.sandbox.api.account import DAY, NOW, T0, Ask


def test_a_list_comes_newest_first_ten_at_a_time(ask: Ask) -> None:
    answer = ask("/v1/charges")
    assert answer.ids == [f"ch_{number}" for number in range(24, 14, -1)]
    assert answer.body["object"] == "list"
    assert answer.body["has_more"] is True
    assert answer.body["url"] == "/v1/charges"


def test_pages_follow_one_another_in_both_directions(ask: Ask) -> None:
    down = ask("/v1/charges?limit=10&starting_after=ch_15")
    assert down.ids == [f"ch_{number}" for number in range(14, 4, -1)]
    assert ask("/v1/charges?limit=10&starting_after=ch_5").body["has_more"] is False
    up = ask("/v1/charges?limit=3&ending_before=ch_14")
    assert (up.ids, up.body["has_more"]) == (["ch_17", "ch_16", "ch_15"], True)
    top = ask("/v1/charges?limit=100&ending_before=ch_20")
    assert (top.ids, top.body["has_more"]) == (["ch_24", "ch_23", "ch_22", "ch_21"], False)


def test_the_sdk_walks_all_pages_both_ways(client: stripe.StripeClient) -> None:
    ids = [charge.id for charge in client.v1.charges.list({"limit": 4}).auto_paging_iter()]
    assert ids == [f"ch_{number}" for number in range(24, -1, -1)]
    later = client.v1.charges.list({"limit": 4, "ending_before": "ch_10"})
    assert [charge.id for charge in later.auto_paging_iter()] == [f"ch_{number}" for number in range(11, 25)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"created={T0}", ["ch_1", "ch_0"]),
        (f"created[gte]={T0 + 11}", ["ch_24", "ch_23", "ch_22"]),
        (f"created[gt]={T0 + 11}", ["ch_24"]),
        (f"created[lt]={T0 + 1}", ["ch_1", "ch_0"]),
        (f"created[lte]={T0 + 1}&created[gt]={T0}", ["ch_3", "ch_2"]),
        (f"created[gte]={T0 + 5}&created[lt]={T0 + 5}", []),
        (f"created[gte]={T0 + 10}&created[lt]={T0 + 12}&starting_after=ch_22", ["ch_21", "ch_20"]),
        (f"customer=cus_1&created[lt]={T0 + 2}", ["ch_3", "ch_1"]),
        (f"customer=cus_1&created[lt]={T0 + 2}&starting_after=ch_2", ["ch_1"]),
        ("payment_intent=pi_7", ["ch_7"]),
    ],
)
def test_created_customer_and_cursor_narrow_a_list(ask: Ask, query: str, expected: list[str]) -> None:
    assert ask(f"/v1/charges?{query}").ids == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [6, 4, 3, 1]),
        ("status=all", [6, 5, 4, 3, 2, 1]),
        ("status=ended", [5, 2]),
        ("status=canceled", [2]),
        ("status=past_due", [4]),
        ("customer=cus_1", [3, 1]),
        ("customer=cus_1&status=all", [3, 2, 1]),
        ("price=price_inline", [3]),
        (f"current_period_end[lte]={T0 + 30 * DAY}&status=all", [6, 5, 4, 3, 2, 1]),
        (f"current_period_start[gte]={T0 + 1}", [4]),
        ("customer=cus_3&status=all", []),
    ],
)
def test_subscriptions_leave_out_the_ended_unless_asked(ask: Ask, query: str, expected: list[int]) -> None:
    assert ask(f"/v1/subscriptions?{query}").ids == [f"sub_{number}" for number in expected]


def test_prices_list_the_active_without_inline_and_the_archived_on_request(ask: Ask) -> None:
    assert ask("/v1/prices").ids == ["price_tiered", "price_1"]
    assert ask("/v1/prices?active=true").ids == ["price_tiered", "price_1"]
    assert ask("/v1/prices?active=false").ids == ["price_old"]
    assert ask("/v1/prices?recurring[interval]=year").ids == []
    assert ask("/v1/prices/price_inline").body["unit_amount"] == 7


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/invoices?status=open", ["in_2"]),
        ("/v1/invoices?subscription=sub_1&limit=1", ["in_3"]),
        ("/v1/invoice_payments?payment[type]=payment_intent&payment[payment_intent]=pi_1", ["inpay_1"]),
        ("/v1/invoice_payments?invoice=in_2", []),
        ("/v1/balance_transactions?payout=po_1", ["txn_2", "txn_1", "txn_0"]),
        ("/v1/balance_transactions?source=ch_4&type=charge&currency=usd", ["txn_4"]),
        ("/v1/payouts?status=paid", ["po_1"]),
        ("/v1/payouts?status=failed", []),
        ("/v1/refunds?charge=ch_1&limit=2", ["re_11", "re_10"]),
        ("/v1/charges/ch_1/refunds?limit=2", ["re_11", "re_10"]),
        ("/v1/customers?email=2@example.com", ["cus_2"]),
        ("/v1/customers", ["cus_2", "cus_1"]),
        ("/v1/coupons", ["co_1"]),
        ("/v1/quotes?customer=cus_1", []),
        ("/v1/customers/cus_1/subscriptions?status=all", ["sub_3", "sub_2", "sub_1"]),
    ],
)
def test_each_kind_has_its_own_filters(ask: Ask, path: str, expected: list[str]) -> None:
    assert ask(path).ids == expected


def test_events_reach_back_thirty_days(ask: Ask, client: stripe.StripeClient) -> None:
    assert ask("/v1/events").ids == ["evt_3", "evt_2", "evt_1"]
    assert ask("/v1/events?type=invoice.*").ids == ["evt_2", "evt_1"]
    assert ask("/v1/events?type=invoice.paid").ids == ["evt_1"]
    assert ask("/v1/events?types[]=invoice.paid&types[]=customer.updated").ids == ["evt_3", "evt_1"]
    assert ask(f"/v1/events?created[gte]={NOW - 5 * DAY}&delivery_success=true").ids == ["evt_3", "evt_2"]
    found = client.v1.events.list({"types": ["invoice.paid", "invoice.created"]})
    assert [event.id for event in found.data] == ["evt_2", "evt_1"]
    assert ask("/v1/events/evt_0").status == 404
    assert ask("/v1/events/evt_1").body["type"] == "invoice.paid"


def test_nested_lists_are_cut_at_ten_and_have_their_own_endpoints(ask: Ask, client: stripe.StripeClient) -> None:
    invoice = ask("/v1/invoices/in_1").body
    assert (len(invoice["lines"]["data"]), invoice["lines"]["has_more"]) == (10, True)
    lines = client.v1.invoices.line_items.list("in_1", {"limit": 9})
    assert [line.id for line in lines.auto_paging_iter()] == [f"il_1_{place}" for place in range(23)]
    subscription = client.v1.subscriptions.retrieve("sub_4")
    assert [item.id for item in subscription.items.auto_paging_iter()] == [f"si_4_{place}" for place in range(12)]
    assert ask("/v1/subscription_items/si_4_11").body["subscription"] == "sub_4"
    before = ask("/v1/invoices/in_1/lines?ending_before=il_1_5&limit=2")
    assert (before.ids, before.body["has_more"]) == (["il_1_3", "il_1_4"], True)


@pytest.mark.parametrize(
    ("path", "code", "param"),
    [
        ("/v1/charges?limit=101", "parameter_invalid_integer", "limit"),
        ("/v1/charges?limit=0", "parameter_invalid_integer", "limit"),
        ("/v1/charges?limit=ten", "parameter_invalid_integer", "limit"),
        ("/v1/charges?colour=red", "parameter_unknown", "colour"),
        ("/v1/charges?created[after]=3", "parameter_unknown", "created[after]"),
        ("/v1/charges?created[gte]=soon", "parameter_invalid_integer", "created[gte]"),
        ("/v1/charges?starting_after=ch_99", "resource_missing", "starting_after"),
        ("/v1/charges?starting_after=ch_2&ending_before=ch_5", "parameters_exclusive", "starting_after"),
        ("/v1/charges?customer=cus_99", "resource_missing", "customer"),
        ("/v1/charges?customer=", "parameter_invalid_empty", "customer"),
        ("/v1/subscriptions?status=asleep", None, "status"),
        ("/v1/prices?active=yes", None, "active"),
        ("/v1/prices?recurring[colour]=red", "parameter_unknown", "recurring[colour]"),
        ("/v1/subscription_items", "parameter_missing", "subscription"),
        ("/v1/events?type=a.b&types[]=c.d", "parameters_exclusive", "type"),
        ("/v1/invoices/in_1/lines?created=3", "parameter_unknown", "created"),
        ("/v1/charges/ch_1?limit=3", "parameter_unknown", "limit"),
        ("/v1/quotes?created=3", "parameter_unknown", "created"),
    ],
)
def test_a_wrong_parameter_is_a_400_that_names_it(ask: Ask, path: str, code: str | None, param: str) -> None:
    answer = ask(path)
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert (answer.error.get("code"), answer.error["param"]) == (code, param)


def test_every_filter_asks_for_a_column_the_store_keeps() -> None:
    kept = {resource.kind for resource in RESOURCES} & COLUMNS.keys()
    missing = [
        (resource.kind, name)
        for resource in RESOURCES
        if resource.kind in kept
        for name, filter_ in resource.filters.items()
        for part in (filter_.members.values() if isinstance(filter_, Fields) else [filter_])
        if (column := getattr(part, "column", None)) and column not in COLUMNS[resource.kind]
    ]
    assert missing == []


def test_every_listed_kind_of_the_account_can_be_expanded_by_the_table() -> None:
    assert COLUMNS.keys() <= EXPANDABLE.keys()
