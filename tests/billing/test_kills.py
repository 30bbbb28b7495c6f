"""A process killed at any step leaves what the next one needs: the invoice is charged once, and the trail is whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from billing.apply import LEASE
from billing.store import open_store
from sandbox.serving import Sandbox
from tests.billing.account import Scene, unpaced
from tests.billing.test_apply import events, of
from tests.pipelines.houses import House, Typist, typist

pytestmark = pytest.mark.waits

STEPS = (
    ("billing.apply._claimed", 1, True),
    ("billing.apply._looked", 1, True),
    ("billing.apply.step", 1, True),  # the intent, in a transaction that is not committed yet
    ("billing.store._note", 2, False),  # the intent, committed and not noted outside
    ("billing.apply._sent", 1, False),
    ("billing.apply._sent", 1, True),
    ("billing.apply.step", 2, True),  # the answer, not committed yet
    ("billing.apply._verified", 1, False),
    ("billing.apply._stepped", 2, True),
)
"""Where it dies: at the how manieth call of what, and whether once that has returned."""


@pytest.fixture(scope="module")
def process() -> Iterator[Typist]:
    with typist() as running:
        yield running


@pytest.mark.parametrize(("at", "nth", "after"), STEPS)
def test_a_kill_at_any_step_charges_once(
    sandbox: Sandbox, process: Typist, tmp_path: Path, at: str, nth: int, after: bool
) -> None:
    house = House(process, tmp_path / "var", sandbox)
    scene = Scene(sandbox, open_store(None, house.home), unpaced(sandbox))
    invoice = scene.failed_invoices()[0]
    scene.give_card(invoice["customer"])
    (id_,) = scene.approved(scene.flag(invoice))
    before = len(scene.charges(invoice["customer"]))
    death = {"at": at, "nth": nth, "after": after}
    assert house.revenue("actions", "apply", "--execute", death=death).code == -9
    sandbox.advance(days=LEASE.total_seconds() / 86_400 + 0.001)
    again = house.revenue("actions", "apply", "--execute")
    assert again.code == 0, again.printed
    assert of(scene, id_).state == "done"
    assert len(scene.charges(invoice["customer"])) == before + 1
    assert events(scene, id_) == ["planned", "approved", "intended", "acted", "verified"]
    scene.store.close()
