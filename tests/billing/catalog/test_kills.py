"""An apply that is killed at any step: the same command again ends with each object once, and the trail is whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from billing.apply import LEASE
from billing.catalog import file
from billing.catalog.account import Account, read
from billing.catalog.drift import drift
from billing.catalog.imported import catalog_of
from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.billing.account import unpaced
from tests.pipelines.houses import Ending, House, Typist, typist

pytestmark = pytest.mark.waits

MADE = """
meters: {calls: {name: Calls}}
products:
  pro:
    name: Pro
    default_price: pro-month
    prices:
      pro-month: {currency: usd, amount: 1900, every: month}
      pro-calls: {currency: usd, amount: 0.4, every: month, meter: calls}
coupons: {TEN: {percent_off: 10, duration: once}}
promotion_codes: {SPRING: {coupon: TEN}}
portals: {partners: {invoice_history: true}}
"""
RAISED = MADE.replace("1900", "2100")
SENT, STEP, CARRIED = "billing.apply._sent", "billing.apply.step", "billing.catalog.apply.fulfilled"


@pytest.fixture(scope="module")
def process() -> Iterator[Typist]:
    with typist() as running:
        yield running


@pytest.fixture
def house(process: Typist, tmp_path: Path) -> Iterator[House]:
    with serving(World.grown(Business(customers=0, months=1)), own_process=True) as sandbox:
        (tmp_path / "var").mkdir()
        yield House(process, tmp_path / "var", sandbox)


def applied(house: House, text: str, at: str = "", nth: int = 1, *, after: bool = True) -> Ending:
    catalog = house.home / "catalog.yaml"
    catalog.write_text(text)
    death = {"at": at, "nth": nth, "after": after} if at else None
    return house.revenue("catalog", "apply", str(catalog), "--execute", "--by", "mara", death=death)


def account(house: House) -> Account:
    return read(unpaced(house.sandbox))


def own(found: Account) -> list[str]:
    """The keys of what is there and was made by the file, each as often as it is there."""
    events = [each["event_name"] for each in found.meters if each["event_name"] == "calls"]
    prices = [each["lookup_key"] or "replaced" for each in found.prices if each["product"] == "pro"]
    codes = [each["code"] for each in found.promotion_codes]
    portals = [each["metadata"]["catalog_key"] for each in found.portals if not each["is_default"]]
    coupons = [each["id"] for each in found.coupons if each["id"] == "TEN"]
    return sorted([*events, *prices, *codes, *portals, *coupons])


ALL = sorted(["calls", "pro-calls", "pro-month", "SPRING", "partners", "TEN"])


@pytest.mark.parametrize(
    ("at", "nth", "after"),
    [
        (SENT, 1, False),
        (SENT, 1, True),  # a meter, which carries no mark
        (SENT, 2, True),
        (SENT, 3, True),  # a price, whose id nobody chose
        (STEP, 5, True),  # the intent of the second change, not committed
        (SENT, 7, True),  # the promotion code
        (SENT, 8, False),
        (SENT, 8, True),  # the portal
        (CARRIED, 4, True),
    ],
)
def test_everything_is_made_once(house: House, at: str, nth: int, after: bool) -> None:
    assert applied(house, MADE, at, nth, after=after).code == -9
    house.sandbox.advance(days=LEASE.total_seconds() / 86_400 + 0.001)
    again = applied(house, MADE)
    assert again.code == 0, again.printed
    found = account(house)
    assert own(found) == ALL
    assert drift(file.read(MADE), found).steps == ()
    assert house.revenue("audit", "verify").code == 0


@pytest.mark.parametrize(("at", "nth"), [(SENT, 1), (CARRIED, 1), (SENT, 2), (CARRIED, 2), (SENT, 3)])
def test_a_price_is_replaced_once_and_the_old_one_archived(house: House, at: str, nth: int) -> None:
    assert applied(house, MADE).code == 0
    assert applied(house, RAISED, at, nth).code == -9
    house.sandbox.advance(days=LEASE.total_seconds() / 86_400 + 0.001)
    again = applied(house, RAISED)
    assert again.code == 0, again.printed
    found = account(house)
    assert own(found) == sorted([*ALL, "replaced"])
    assert [each["unit_amount"] for each in found.prices if each["product"] == "pro" and not each["active"]] == [1900]
    assert catalog_of(found).products["pro"] == file.read(RAISED).products["pro"]
    assert house.revenue("catalog", "plan", str(house.home / "catalog.yaml")).code == 0


def test_at_once_after_a_kill_nothing_is_made_beside_what_may_be_on_its_way(house: House) -> None:
    assert applied(house, MADE, SENT, 3, after=False).code == -9
    at_once = applied(house, MADE)
    assert (at_once.code, "another_process" in at_once.printed) == (3, True), at_once.printed
    house.sandbox.advance(days=LEASE.total_seconds() / 86_400 + 0.001)
    assert applied(house, MADE).code == 0
    assert own(account(house)) == ALL
