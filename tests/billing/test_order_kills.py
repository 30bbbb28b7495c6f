"""A process killed at any step of a direct order leaves what the same order needs: it is done once, and the trail is
whole."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from billing.apply import LEASE
from billing.store import open_store
from sandbox.serving import Sandbox
from tests.billing.account import Scene, unpaced
from tests.pipelines.houses import House, Typist, typist

pytestmark = pytest.mark.waits

STEPS = (
    ("billing.orders._proposed", 1, True),
    ("billing.apply._sent", 1, False),
    ("billing.apply._sent", 1, True),
)
"""Where it dies: at the how manieth call of what, and whether once that has returned."""


Ordered = tuple[tuple[str, ...], Callable[[], int]]


def payer(scene: Scene) -> str:
    """A customer with a good card, who has nothing yet."""
    id_ = scene.post("/v1/customers", name="Grace")["id"]
    scene.give_card(id_)
    return str(id_)


def subscribing(scene: Scene) -> Ordered:
    customer = payer(scene)
    price = scene.sandbox.world.stage.prices["team-usd-month"].id
    words = ("subscriptions", "create", customer, f"{price}=3", "--reference", "order-1")
    return words, lambda: len(list(scene.wire.pages("/v1/subscriptions", customer=customer, status="all")))


def entering(scene: Scene) -> Ordered:
    words = ("customers", "create", "acc_1", "--email", "ada@example.com")
    return words, lambda: len(list(scene.wire.pages("/v1/customers", email="ada@example.com")))


def paying(scene: Scene) -> Ordered:
    customer = payer(scene)
    words = ("payments", "take", customer, "49.00", "usd", "--reference", "order-1")
    return words, lambda: len(scene.charges(customer))


ORDERS: dict[str, Callable[[Scene], Ordered]] = {
    "customer": entering,
    "subscription": subscribing,
    "payment": paying,
}
"""What is ordered, and how often it was done."""


@pytest.fixture(scope="module")
def process() -> Iterator[Typist]:
    with typist() as running:
        yield running


@pytest.mark.parametrize("ordered", ORDERS)
@pytest.mark.parametrize(("at", "nth", "after"), STEPS)
def test_a_kill_at_any_step_leaves_one(
    sandbox: Sandbox, process: Typist, tmp_path: Path, at: str, nth: int, after: bool, ordered: str
) -> None:
    house = House(process, tmp_path / "var", sandbox)
    scene = Scene(sandbox, open_store(None, house.home), unpaced(sandbox))
    words, counted = ORDERS[ordered](scene)
    death = {"at": at, "nth": nth, "after": after}
    assert house.revenue(*words, "--execute", death=death).code == -9
    sandbox.advance(days=LEASE.total_seconds() / 86_400 + 0.001)
    again = house.revenue(*words, "--execute")
    assert again.code == 0, again.printed
    assert counted() == 1
    once_more = house.revenue(*words, "--execute")
    assert (once_more.code, counted()) == (0, 1), once_more.printed
    assert house.revenue("audit", "verify").code == 0
    scene.store.close()


@pytest.mark.parametrize("nth", [1, 2])
def test_a_kill_between_the_two_steps_of_a_downgrade_leaves_one_schedule(
    sandbox: Sandbox, process: Typist, tmp_path: Path, nth: int
) -> None:
    house = House(process, tmp_path / "var", sandbox)
    scene = Scene(sandbox, open_store(None, house.home), unpaced(sandbox))
    (begin, _) = subscribing(scene)
    assert house.revenue(*begin, "--execute").code == 0
    (subscription,) = scene.wire.pages("/v1/subscriptions", customer=begin[2])
    words = ("subscriptions", "change", subscription["id"], "--quantity", "1", "--when", "period_end", "--execute")
    death = {"at": "billing.apply._sent", "nth": nth, "after": True}
    assert house.revenue(*words, death=death).code == -9
    sandbox.advance(days=LEASE.total_seconds() / 86_400 + 0.001)
    again = house.revenue(*words)
    assert again.code == 0, again.printed
    (schedule,) = scene.wire.pages("/v1/subscription_schedules", customer=begin[2])
    assert [phase["items"][0]["quantity"] for phase in schedule["phases"]] == [3, 1]
    assert house.revenue("audit", "verify").code == 0
    scene.store.close()
