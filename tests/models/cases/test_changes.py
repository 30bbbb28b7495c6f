"""Changes in mid-period: quantities, prices, plans and items, told by prorations, lines or versions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.story import Account, instant, ledger, movements


def grown_team(quantity_now: int) -> Account:
    """5 seats of 10.00 from 1 June to 1 July, `quantity_now` seats by now."""
    account = Account()
    account.price("team", 1000)
    account.subscription("sub_1", "cus_1", "2026-06-01", [("si_1", "team", quantity_now)])
    account.invoice("sub_1", [("si_1", "team", 5, "2026-06-01", "2026-07-01")])
    return account


def test_seats_added_in_mid_month_are_an_expansion_at_that_moment() -> None:
    """Unused time on 5 seats given back, 8 seats charged for the rest of June: 50.00 becomes 80.00 on the 16th."""
    account = grown_team(8)
    account.proration("sub_1", "si_1", "2026-06-16T12:00", "2026-07-01", ("team", 5), ("team", 8))
    spine = account.spine("2026-06-30")
    assert ledger(spine) == ["2026-06-01 si_1 0 -> 5000 start", "2026-06-16T12:00 si_1 5000 -> 8000 quantity"]
    assert movements(spine)[1:] == ["2026-06-16 cus_1 expansion +3000 usd"]


def test_the_same_change_is_told_by_the_lines_of_an_invoice_at_once() -> None:
    account = grown_team(8)
    account.proration_lines("sub_1", "si_1", "2026-06-16T12:00", "2026-07-01", ("team", 5), ("team", 8))
    assert ledger(account.spine("2026-06-30"))[1:] == ["2026-06-16T12:00 si_1 5000 -> 8000 quantity"]


def test_two_changes_in_one_period_are_two_changes() -> None:
    account = grown_team(6)
    account.proration("sub_1", "si_1", "2026-06-10", "2026-07-01", ("team", 5), ("team", 8))
    account.proration("sub_1", "si_1", "2026-06-20", "2026-07-01", ("team", 8), ("team", 6))
    assert ledger(account.spine("2026-07-20"))[1:] == [
        "2026-06-10 si_1 5000 -> 8000 quantity",
        "2026-06-20 si_1 8000 -> 6000 quantity",
    ]


def test_up_and_back_down_in_a_month_shows_both_movements() -> None:
    account = grown_team(5)
    account.proration("sub_1", "si_1", "2026-06-03", "2026-07-01", ("team", 5), ("team", 10))
    account.proration("sub_1", "si_1", "2026-06-20", "2026-07-01", ("team", 10), ("team", 5))
    row = account.spine("2026-06-30").marts["mrr_by_month"].collect().row(0, named=True)
    assert (row["expansion_mrr"], row["contraction_mrr"], row["closing_mrr"]) == (5000, -5000, 5000)


def test_a_yearly_plan_instead_of_a_monthly_one_counts_from_the_switch() -> None:
    """12.00 a month until 10 June, then 120.00 a year: 10.00 a month; the anchor moves to 10 June."""
    account = Account()
    account.price("team-month", 1200)
    account.price("team-year", 12000, "year")
    account.subscription("sub_1", "cus_1", "2026-06-01", [("si_1", "team-year", 1)])
    account.invoice("sub_1", [("si_1", "team-month", 1, "2026-06-01", "2026-07-01")])
    account.proration("sub_1", "si_1", "2026-06-10", "2026-07-01", ("team-month", 1), None)
    account.invoice("sub_1", [("si_1", "team-year", 1, "2026-06-10", "2027-06-10")])
    assert ledger(account.spine("2026-12-01"))[1:] == ["2026-06-10 si_1 1200 -> 1000 plan"]


def test_another_price_of_the_same_product_is_a_price_change() -> None:
    account = Account()
    account.price("team-old", 1000)
    account.price("team-new", 1100)
    account.subscription("sub_1", "cus_1", "2026-06-01", [("si_1", "team-new", 1)])
    account.invoice("sub_1", [("si_1", "team-old", 1, "2026-06-01", "2026-07-01")])
    account.invoice("sub_1", [("si_1", "team-new", 1, "2026-07-01", "2026-08-01")])
    assert ledger(account.spine("2026-07-02"))[1:] == ["2026-07-01 si_1 1000 -> 1100 price"]


def test_an_item_added_and_taken_away_again_in_mid_period() -> None:
    account = grown_team(5)
    account.price("storage", 700)
    account.proration("sub_1", "si_2", "2026-06-10", "2026-07-01", None, ("storage", 1))
    account.proration("sub_1", "si_2", "2026-06-20", "2026-07-01", ("storage", 1), None)
    assert ledger(account.spine("2026-06-30"))[1:] == [
        "2026-06-10 si_2 0 -> 700 add_on",
        "2026-06-20 si_2 700 -> 0 add_on",
    ]


def test_a_plan_changed_by_another_item_is_one_expansion_of_the_customer() -> None:
    """The item of 10.00 is taken away and one of 15.00 added on 16 June: +5.00, no churn and nobody new."""
    account = Account()
    account.price("team", 1000)
    account.price("business", 1500)
    account.subscription("sub_1", "cus_1", "2026-06-01", [("si_2", "business", 1)])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-06-01", "2026-07-01")])
    account.proration("sub_1", "si_1", "2026-06-16", "2026-07-01", ("team", 1), None)
    account.proration("sub_1", "si_2", "2026-06-16", "2026-07-01", None, ("business", 1))
    assert movements(account.spine("2026-06-30")) == [
        "2026-06-01 cus_1 new +1000 usd",
        "2026-06-16 cus_1 expansion +500 usd",
    ]


def test_a_free_plan_that_is_upgraded_is_new_when_it_is_paid() -> None:
    account = Account()
    account.price("free", 0)
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-06-01", [("si_1", "team", 1)])
    account.invoice("sub_1", [("si_1", "free", 1, "2026-06-01", "2026-07-01")])
    account.proration("sub_1", "si_1", "2026-06-10", "2026-07-01", None, ("team", 1))
    assert movements(account.spine("2026-06-30")) == ["2026-06-10 cus_1 new +1200 usd"]


def test_a_change_that_was_never_prorated_is_known_from_the_version_that_was_read() -> None:
    """Eight seats since 16 June without proration: no line says so before July."""
    account = grown_team(8)
    account.version("sub_1", "2026-06-02", [("si_1", "team", 5)])
    account.version("sub_1", "2026-06-16", [("si_1", "team", 8)])
    spine = account.spine("2026-06-30")
    assert ledger(spine)[1:] == ["2026-06-16 si_1 5000 -> 8000 quantity"]
    assert spine.changes.collect()["basis"].to_list() == ["invoice", "version"]


def test_the_next_invoice_moves_no_figure_that_versions_told() -> None:
    account = grown_team(8)
    account.version("sub_1", "2026-06-16", [("si_1", "team", 8)])
    before = ledger(account.spine("2026-06-30"))
    account.invoice("sub_1", [("si_1", "team", 8, "2026-07-01", "2026-08-01")])
    assert ledger(account.spine("2026-07-10")) == before


def test_a_version_that_was_read_after_the_next_change_does_not_date_it_early() -> None:
    """The event of 10 June was followed by a read after the change of 16 June, which an invoice item dates exactly."""
    account = grown_team(8)
    account.version("sub_1", "2026-06-10", [("si_1", "team", 8)])
    account.proration("sub_1", "si_1", "2026-06-16", "2026-07-01", ("team", 5), ("team", 8))
    assert ledger(account.spine("2026-06-30"))[1:] == ["2026-06-16 si_1 5000 -> 8000 quantity"]


def changed_twice_without_proration(quantity_now: int) -> Account:
    """12,000 a year a seat: one seat billed in 2026, then 2 from 10 May and `quantity_now` from 10 September."""
    account = Account()
    account.price("team", 12_000, "year")
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", quantity_now)])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2027-01-01")])
    for at, quantity in (("2026-01-01", 1), ("2026-05-10", 2), ("2026-09-10", quantity_now)):
        account.version("sub_1", at, [("si_1", "team", quantity)], seen_at=f"{at}T00:10")
    return account


def test_a_change_read_before_the_next_one_stays_though_the_next_invoice_bills_the_later() -> None:
    """Two seats from May were read in May; that January bills three takes them from nobody."""
    account = changed_twice_without_proration(3)
    before = ledger(account.spine("2026-12-20"))
    assert before[1:] == ["2026-05-10 si_1 1000 -> 2000 quantity", "2026-09-10 si_1 2000 -> 3000 quantity"]
    account.invoice("sub_1", [("si_1", "team", 3, "2027-01-01", "2028-01-01")])
    assert ledger(account.spine("2027-01-20")) == before


def test_so_it_does_though_the_later_is_prorated() -> None:
    account = changed_twice_without_proration(5)
    account.proration("sub_1", "si_1", "2026-09-10", "2027-01-01", ("team", 2), ("team", 5))
    assert ledger(account.spine("2026-12-20"))[1:] == [
        "2026-05-10 si_1 1000 -> 2000 quantity",
        "2026-09-10 si_1 2000 -> 5000 quantity",
    ]


def test_a_version_read_only_after_the_next_one_began_may_be_of_the_next_change() -> None:
    """The event of 10 June was followed by a read after that of 16 June: eight seats only since then, as July bills."""
    account = grown_team(9)
    for at, quantity in (("2026-06-10", 8), ("2026-06-16", 8)):
        account.version("sub_1", at, [("si_1", "team", quantity)], seen_at="2026-06-16T00:10")
    account.invoice("sub_1", [("si_1", "team", 9, "2026-07-01", "2026-08-01")])
    assert ledger(account.spine("2026-07-10"))[1:] == [
        "2026-06-16 si_1 5000 -> 8000 quantity",
        "2026-07-01 si_1 8000 -> 9000 quantity",
    ]


def test_an_item_that_was_taken_away_without_credit_ends_with_the_version_that_lacks_it() -> None:
    account = Account()
    account.price("team", 1000)
    account.price("storage", 700)
    account.subscription("sub_1", "cus_1", "2026-06-01", [("si_1", "team", 1)])
    period = ("2026-06-01", "2026-07-01")
    account.invoice("sub_1", [("si_1", "team", 1, *period), ("si_2", "storage", 1, *period)])
    assert ledger(account.spine("2026-07-20"))[2:] == ["2026-07-01 si_2 700 -> 0 add_on"]
    account.version("sub_1", "2026-06-02", [("si_1", "team", 1), ("si_2", "storage", 1)])
    account.version("sub_1", "2026-06-12", [("si_1", "team", 1)])
    assert ledger(account.spine("2026-07-20"))[2:] == ["2026-06-12 si_2 700 -> 0 add_on"]


def test_an_item_that_no_invoice_ever_told_of_counts_from_its_start() -> None:
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-06-01", [("si_1", "team", 3)])
    spine = account.spine("2026-06-30")
    assert ledger(spine) == ["2026-06-01 si_1 0 -> 3600 start"]
    assert spine.changes.collect()["basis"].to_list() == ["version"]


def test_metered_and_one_time_lines_are_not_recurring() -> None:
    account = grown_team(5)
    account.price("calls", 1)
    account.rows["prices"][-1]["recurring_usage_type"] = "metered"
    account.price("setup", 9900)
    account.rows["prices"][-1]["type"] = "one_time"
    period = ("2026-06-01", "2026-07-01")
    account.invoice("sub_1", [("si_2", "calls", 400, *period), ("si_3", "setup", 1, *period)])
    assert ledger(account.spine("2026-06-30")) == ["2026-06-01 si_1 0 -> 5000 start"]


def an_update_that_was_voided(reason: str) -> Account:
    """5 seats billed, and an invoice of 10 June for 8 seats to 1 July that was tried once and voided."""
    account = grown_team(5)
    account.proration_lines("sub_1", "si_1", "2026-06-10", "2026-07-01", ("team", 5), ("team", 8))
    account.rows["invoices"][-1].update(status="void", attempt_count=1, billing_reason=reason)
    return account


def test_an_update_that_was_never_paid_and_voided_changed_nothing() -> None:
    """`pending_if_incomplete`: Stripe voids the invoice and leaves the subscription as it was."""
    account = an_update_that_was_voided("subscription_update")
    account.invoice("sub_1", [("si_1", "team", 5, "2026-07-01", "2026-08-01")])
    assert movements(account.spine("2026-07-10")) == ["2026-06-01 cus_1 new +5000 usd"]


def test_nor_did_it_where_its_invoice_items_are_held_too() -> None:
    account = an_update_that_was_voided("subscription_update")
    name = account.rows["invoices"][-1]["id"]
    account.proration("sub_1", "si_1", "2026-06-10", "2026-07-01", ("team", 5), ("team", 8))
    for line, item in zip(account.rows["invoice_lines"][-2:], account.rows["invoice_items"], strict=True):
        item["invoice_id"], line["invoice_item_id"] = name, item["id"]
    assert ledger(account.spine("2026-06-30")) == ["2026-06-01 si_1 0 -> 5000 start"]


def test_what_a_voided_renewal_settles_was_changed_before() -> None:
    """Three seats added on 10 June wait for the renewal; that it is voided takes none of them away."""
    account = an_update_that_was_voided("subscription_cycle")
    assert ledger(account.spine("2026-06-30"))[1:] == ["2026-06-10 si_1 5000 -> 8000 quantity"]


def test_a_change_prorated_from_the_very_start_of_the_period_counts_from_there() -> None:
    """`proration_date` is the period's start: 5 seats given back for all of June, 8 charged. Half price stays half."""
    account = Account()
    account.price("team", 1000)
    account.coupon("half", percent_off=50)
    account.subscription("sub_1", "cus_1", "2026-06-01", [("si_1", "team", 8)])
    account.invoice("sub_1", [("si_1", "team", 5, "2026-06-01", "2026-07-01")], discounts=["half"])
    account.proration("sub_1", "si_1", "2026-06-01", "2026-07-01", ("team", 5), ("team", 8))
    assert ledger(account.spine("2026-06-30")) == ["2026-06-01 si_1 0 -> 4000 start"]


@given(seats=st.lists(st.integers(1, 9), min_size=1, max_size=5), at=st.sampled_from(["2026-06-01", "2026-06-10"]))
def test_of_changes_prorated_from_one_instant_the_last_counts(seats: list[int], at: str) -> None:
    """5 → 8 → 7 seats: −5 + 8 − 8 + 7 = 2 more, so seven."""
    account = grown_team(seats[-1])
    for minute, (before, after) in enumerate(zip([5, *seats], seats, strict=False)):
        account.proration("sub_1", "si_1", at, "2026-07-01", ("team", before), ("team", after))
        for item in account.rows["invoice_items"][-2:]:
            item["created_at"] = item["created_at"].replace(minute=minute)
    assert ledger(account.spine("2026-06-30"))[-1].split()[4] == str(seats[-1] * 1000)


def test_of_changes_made_in_one_second_the_last_is_the_one_that_none_gave_back() -> None:
    account = grown_team(6)
    account.proration("sub_1", "si_1", "2026-06-10", "2026-07-01", ("team", 5), ("team", 3))
    account.proration("sub_1", "si_1", "2026-06-10", "2026-07-01", ("team", 3), ("team", 6))
    assert ledger(account.spine("2026-06-30"))[1:] == ["2026-06-10 si_1 5000 -> 6000 quantity"]


def test_an_item_changed_and_taken_away_at_one_instant_is_gone() -> None:
    account = grown_team(5)
    account.proration("sub_1", "si_1", "2026-06-10", "2026-07-01", ("team", 5), ("team", 8))
    account.proration("sub_1", "si_1", "2026-06-10", "2026-07-01", ("team", 8), None)
    assert ledger(account.spine("2026-06-30"))[1].startswith("2026-06-10 si_1 5000 -> 0 ")


def test_of_versions_of_one_second_the_last_counts() -> None:
    account = grown_team(5)
    for at, quantity in (("2026-06-01", 5), ("2026-06-10", 2), ("2026-06-10", 8)):
        account.version("sub_1", at, [("si_1", "team", quantity)])
    assert ledger(account.spine("2026-06-30"))[1:] == ["2026-06-10 si_1 5000 -> 8000 quantity"]


@pytest.mark.parametrize(("amount", "description"), [(284, "Unused time on Rebate after 10 Jun 2026"), (284, None)])
def test_a_rebate_that_is_taken_away_is_given_back_by_an_amount_above_nothing(
    amount: int, description: str | None
) -> None:
    """5,000 less a rebate of 400 for June; −400 × 21 of 30 days is given back by +280 or so, and 400 come back."""
    account = grown_team(5)
    account.price("rebate", -400)
    account.invoice("sub_1", [("si_2", "rebate", 1, "2026-06-01", "2026-07-01")])
    account.proration("sub_1", "si_2", "2026-06-10", "2026-07-01", None, ("rebate", 1))
    account.rows["invoice_items"][-1].update(amount=amount, description=description)
    assert ledger(account.spine("2026-06-30"))[-1] == "2026-06-10 si_2 -400 -> 0 add_on"


def add_on_without_proration(*versions: tuple[str, int]) -> Account:
    """12,000 a year from 1 February; on 10 March 2025 an item of 6,000 a year is added with proration_behavior=none.

    Versions are (when, how many of the item it holds); now there are two.
    """
    account = Account()
    account.price("team", 12_000, "year")
    account.price("storage", 6_000, "year")
    account.subscription("sub_1", "cus_1", "2025-02-01", [("si_1", "team", 1), ("si_2", "storage", 2)])
    account.rows["subscription_items"][-1]["created_at"] = instant("2025-03-10T09:30")
    account.invoice("sub_1", [("si_1", "team", 1, "2025-02-01", "2026-02-01")])
    account.version("sub_1", "2025-02-01", [("si_1", "team", 1)])
    for at, quantity in versions:
        account.version("sub_1", at, [("si_1", "team", 1), ("si_2", "storage", quantity)])
    return account


@pytest.mark.parametrize("told_at", ["2025-03-10T09:30", "2025-03-10T09:31"])
def test_an_item_added_without_proration_counts_from_then_and_stays_when_it_is_billed(told_at: str) -> None:
    """Also where the event that told of it is of the item's own second."""
    account = add_on_without_proration((told_at, 2))
    added = ["2025-02-01 si_1 0 -> 1000 start", "2025-03-10T09:30 si_2 0 -> 1000 add_on"]
    assert ledger(account.spine("2026-01-20")) == added
    year = ("2026-02-01", "2027-02-01")
    account.invoice("sub_1", [("si_1", "team", 1, *year), ("si_2", "storage", 2, *year)])
    assert ledger(account.spine("2026-02-20")) == added
    account.rows["subscriptions"][0].update(status="canceled", ended_at=instant("2026-05-01"))
    assert ledger(account.spine("2026-06-20"))[:2] == added


def test_an_item_began_as_the_first_version_that_holds_it_says() -> None:
    account = add_on_without_proration(("2025-03-10T09:30", 1), ("2025-06-01", 2))
    assert ledger(account.spine("2026-01-20"))[1:] == [
        "2025-03-10T09:30 si_2 0 -> 500 add_on",
        "2025-06-01 si_2 500 -> 1000 quantity",
    ]


def test_an_item_began_as_what_its_first_change_gave_back() -> None:
    account = add_on_without_proration()
    account.proration("sub_1", "si_2", "2025-06-01", "2026-02-01", ("storage", 1), ("storage", 2))
    assert ledger(account.spine("2026-01-20"))[1:] == [
        "2025-03-10T09:30 si_2 0 -> 500 add_on",
        "2025-06-01 si_2 500 -> 1000 quantity",
    ]


def test_an_item_that_no_line_has_billed_yet_is_discounted_and_taxed_as_the_others_are() -> None:
    """1,200 at half price by the customer's coupon = 600, 100 of it tax: 500, as the item beside it."""
    account = Account()
    account.price("team", 1200, tax_behavior="inclusive")
    account.price("storage", 1200, tax_behavior="inclusive")
    account.coupon("half", percent_off=50)
    account.rows["discounts"][-1]["customer_id"] = "cus_1"
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1), ("si_2", "storage", 1)])
    account.rows["subscription_items"][-1]["created_at"] = instant("2026-01-10")
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")], discounts=["half"], taxed=(1200, 100))
    account.rows["invoice_lines"][-1]["discount_amounts"] = [{"amount": 600, "discount_id": "half"}]
    assert ledger(account.spine("2026-01-20")) == [
        "2026-01-01 si_1 0 -> 500 start",
        "2026-01-10 si_2 0 -> 500 add_on",
    ]


def test_a_price_with_tax_on_top_loses_none_to_the_price_before_it() -> None:
    """1,200 with 200 of tax inside = 1,000; then 3,000 with tax on top = 3,000; then 2,400 with 400 inside = 2,000."""
    account = Account()
    account.price("team", 1200, tax_behavior="inclusive")
    account.price("pro", 3000, tax_behavior="exclusive")
    account.price("plus", 2400, tax_behavior="inclusive")
    account.subscription("sub_1", "cus_1", "2026-06-01", [("si_1", "plus", 1)])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-06-01", "2026-07-01")], taxed=(1200, 200))
    account.proration("sub_1", "si_1", "2026-06-10", "2026-07-01", ("team", 1), ("pro", 1))
    account.proration("sub_1", "si_1", "2026-06-20", "2026-07-01", ("pro", 1), ("plus", 1))
    assert ledger(account.spine("2026-06-30"))[1:] == [
        "2026-06-10 si_1 1000 -> 3000 plan",
        "2026-06-20 si_1 3000 -> 2000 plan",
    ]
