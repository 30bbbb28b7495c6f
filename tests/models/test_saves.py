"""Cancellations taken back: told by versions alone, counted from the first that was read."""

from datetime import date
from typing import Any

import polars as pl

from models import saves
from models.contracts import staging
from tests.models.rows import TERMS, at, changes, daily_rates, only, rows

FIRST_READ = "2026-02-01"


def version(seq: int, day: str, canceled_at: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "subscription_id": "sub_a",
        "customer_id": "a",
        "currency": "usd",
        "seq": seq,
        "valid_from_at": at(day),
        "seen_at": at(FIRST_READ),
        "deleted": False,
        "created_at": at("2026-01-01"),
        "canceled_at": at(canceled_at) if canceled_at else None,
        **more,
    }


def requests(*versions: dict[str, Any]) -> pl.LazyFrame:
    paying = changes(("a", "2026-01-01", 0, 100), ("a", "2026-02-20", 100, 60), ("a", "2026-05-01", 60, 0))
    return saves.cancellation_requests(rows(staging.SubscriptionVersions, *versions), paying, daily_rates(), TERMS)


def test_a_cancellation_that_a_later_version_knows_nothing_of_was_saved() -> None:
    row = only(requests(version(1, "2026-02-01"), version(2, "2026-03-01", "2026-03-01"), version(3, "2026-03-09")))
    assert (row["outcome"], row["saved_at"], row["requested_on"]) == ("saved", at("2026-03-09"), date(2026, 3, 1))
    assert (row["mrr"], row["mrr_reporting"]) == (60, 60)


def test_one_that_ran_out_ended_and_one_that_still_stands_is_scheduled() -> None:
    asked = version(1, "2026-03-01", "2026-03-01")
    assert only(requests(asked))["outcome"] == "scheduled"
    row = only(requests(asked, version(2, "2026-05-01", "2026-03-01", ended_at=at("2026-05-01"))))
    assert (row["outcome"], row["ended_at"], row["mrr"]) == ("ended", at("2026-05-01"), 60)


def test_what_was_canceled_at_once_or_before_the_first_version_or_with_the_start_was_not_scheduled() -> None:
    at_once = version(1, "2026-03-01", "2026-03-01", ended_at=at("2026-03-01"))
    before = version(1, "2026-02-01", "2026-01-20")
    with_the_start = version(1, "2026-03-01", "2026-03-01", created_at=at("2026-03-01"))
    for one in (at_once, before, with_the_start):
        assert requests(one).collect().is_empty()


def test_who_asks_again_is_counted_again() -> None:
    found = requests(
        version(1, "2026-03-01", "2026-03-01"),
        version(2, "2026-03-09"),
        version(3, "2026-04-01", "2026-04-01"),
    )
    assert found.collect()["outcome"].to_list() == ["saved", "scheduled"]


def test_a_request_whose_date_is_moved_is_one() -> None:
    """Asked on 1 March for 1 May, on 9 March for 1 June: one request, of 1 March, that is saved or ends."""
    asked = version(1, "2026-03-01", "2026-03-01", cancel_at=at("2026-05-01"))
    later = version(2, "2026-03-09", "2026-03-09", cancel_at=at("2026-06-01"))
    saved = requests(asked, later, version(3, "2026-03-20"))
    assert (only(saved)["requested_on"], only(saved)["outcome"]) == (date(2026, 3, 1), "saved")
    row = only(saves.cancellation_saves_by_month(saved, TERMS))
    assert (row["requests"], row["saved"], row["saved_mrr_reporting"]) == (1, 1, 60)
    gone = version(3, "2026-06-01", "2026-03-09", ended_at=at("2026-06-01"))
    assert (only(requests(asked, later, gone))["outcome"]) == "ended"
    at_once = version(2, "2026-03-09", "2026-03-09", ended_at=at("2026-03-09"))
    assert only(requests(asked, at_once))["outcome"] == "ended"


def test_the_rate_of_a_month_is_of_all_that_were_scheduled_in_it() -> None:
    """March: sub_a with 60 saved, sub_b with 20 not: 1 of 2, 60 of 80."""
    other = {"subscription_id": "sub_b", "customer_id": "b"}
    told = rows(
        staging.SubscriptionVersions,
        version(1, "2026-03-01", "2026-03-01"),
        version(2, "2026-03-09"),
        version(3, "2026-03-05", "2026-03-05", **other),
    )
    paying = changes(("a", "2026-01-01", 0, 60), ("b", "2026-01-01", 0, 20))
    found = saves.cancellation_requests(told, paying, daily_rates(), TERMS)
    row = only(saves.cancellation_saves_by_month(found, TERMS))
    assert (row["requests"], row["saved"], row["scheduled"], row["save_rate"]) == (2, 1, 1, 0.5)
    assert (row["saved_mrr_reporting"], row["requested_mrr_reporting"], row["save_mrr_rate"]) == (60, 80, 0.75)
