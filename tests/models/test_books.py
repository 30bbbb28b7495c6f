"""The whole path from API objects to MRR, held against the books that the simulated business kept itself."""

import calendar
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from models.currency import minor_exponent
from models.spine import Spine
from sandbox.world.books import MrrChange
from sandbox.world.business import Business
from tests.models.lived import ZONE, Lived, living

OUR_WORDS = {"new": "start", "cancel": "end", "interval": "plan"}
"""What the books call otherwise than we do."""


@pytest.fixture(scope="module", params=[1, 7])
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A business of two years, read once."""
    business = Business(seed=request.param, customers=150, months=20)
    with living(business, tmp_path_factory.mktemp("lived")) as lived:
        lived.read()
        yield lived


@pytest.fixture(scope="module")
def spine(lived: Lived) -> Spine:
    """Its spine as of now."""
    return lived.spine()


def test_every_change_of_every_item_is_in_the_books_and_the_other_way_round(lived: Lived, spine: Spine) -> None:
    assert _changes(spine) == _noted(lived)


def test_every_change_has_the_cause_that_the_books_give(lived: Lived, spine: Spine) -> None:
    """But where a discount ended as the item resumed or was repriced: there the books tell one of the two."""
    causes = {
        (row["subscription_item_id"], row["changed_at"]): row["cause"]
        for row in spine.changes.collect().iter_rows(named=True)
    }
    noted = {(change.subscription_item_id, _at(change.at)): change for change in lived.world.books.changes}
    other = {
        key: (causes[key], change.cause)
        for key, change in noted.items()
        if key in causes and causes[key] != OUR_WORDS.get(change.cause, change.cause)
    }
    assert {told for _, told in other.values()} <= {"discount_end"}


def test_every_movement_is_in_the_books_and_the_other_way_round(lived: Lived, spine: Spine) -> None:
    columns = ("customer_id", "moved_on", "currency", "movement_type", "before_micros", "after_micros")
    noted = {
        (move.customer_id, move.day, move.currency, move.kind, move.before, move.after)
        for move in lived.world.books.movements(ZONE)
    }
    assert set(spine.movements.select(columns).collect().iter_rows()) == noted


def test_each_month_closes_with_the_books_stock(lived: Lived, spine: Spine) -> None:
    for row in spine.marts["mrr_by_month"].collect().iter_rows(named=True):
        stock = lived.world.books.mrr_at(_month_end(row["month"], lived))
        assert row["closing_mrr"] == Decimal(stock[row["currency"]]).scaleb(-6), (row["month"], row["currency"])


def test_the_stock_in_the_reporting_currency_is_each_items_worth_at_the_month_ends_rate(
    lived: Lived, spine: Spine
) -> None:
    for row in spine.marts["mrr_by_month_reporting"].collect().iter_rows(named=True):
        end = _month_end(row["month"], lived)
        day = datetime.fromtimestamp(end, ZoneInfo(ZONE)).date()
        worths = lived.world.books.item_mrr_at(end)
        currency = {change.subscription_item_id: change.currency for change in lived.world.books.changes}
        stock = sum(_in_dollars(micros, currency[item], day, lived) for item, micros in worths.items())
        assert row["closing_mrr"] == Decimal(stock).scaleb(-6), row["month"]


def test_the_figures_of_a_past_day_are_those_of_the_books_on_that_day(lived: Lived) -> None:
    """Backdated subscriptions apart: on that day nobody knew of them."""
    start, now = lived.world.business.start, lived.world.now
    for share in (3, 7, 11):
        at = start + (now - start) * share // 12
        known = lived.staged["subscriptions"].filter(pl.col("created_at") <= _at(at)).select("id").collect()["id"]
        assert _changes(lived.spine(at)) == _noted(lived, at, set(known))


def test_an_account_that_is_read_again_and_again_has_the_same_figures(tmp_path: Path) -> None:
    """Read while it lives on, a day or a week at a time, so that versions of its subscriptions are held too."""
    with living(Business(seed=5, customers=60, months=12), tmp_path) as lived:
        lived.read()
        for days in (1, 9, 5):
            lived.sandbox.advance(days=days)
            lived.read()
        assert _changes(lived.spine()) == _noted(lived)


Key = tuple[str, datetime]


def _changes(spine: Spine) -> dict[Key, tuple[int, int]]:
    columns = ("subscription_item_id", "changed_at", "before_micros", "after_micros")
    return {(item, at): (before, after) for item, at, before, after in spine.changes.select(columns).collect().rows()}


def _noted(lived: Lived, until: int | None = None, known: set[str] | None = None) -> dict[Key, tuple[int, int]]:
    """The books' changes, those of one item in one second made one."""
    together: dict[Key, list[MrrChange]] = defaultdict(list)
    for change in lived.world.books.changes:
        if (until is None or change.at <= until) and (known is None or change.subscription_id in known):
            together[change.subscription_item_id, _at(change.at)].append(change)
    worths = {key: (changes[0].before, changes[-1].after) for key, changes in together.items()}
    return {key: worth for key, worth in worths.items() if worth[0] != worth[1]}


def _at(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def _month_end(month: date, lived: Lived) -> int:
    """The month's last second in the reporting zone, or now."""
    days = calendar.monthrange(month.year, month.month)[1]
    midnight = datetime(month.year, month.month, days, 23, 59, 59, tzinfo=ZoneInfo(ZONE))
    return min(int(midnight.timestamp()), lived.world.now)


def _in_dollars(micros: int, currency: str, day: date, lived: Lived) -> int:
    scale = Fraction(10) ** (minor_exponent("usd") - minor_exponent(currency))
    return round(micros * Fraction(lived.world.rates.rate_on(day, currency)) * scale)
