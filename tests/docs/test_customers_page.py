"""docs/customers.md: each command that it shows exists with its options, and its Python works as it stands there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from billing import customers, payments
from billing.customers import Details
from billing.store import open_store
from pipelines.cli import app
from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.billing.account import Scene, unpaced

PAGE = (Path(__file__).parents[2] / "docs" / "customers.md").read_text()
LINES = re.findall(r"^    (revenue .*)$", PAGE, re.MULTILINE)
ROOT: Any = typer.main.get_command(app)


@pytest.mark.parametrize("line", LINES)
def test_a_command_on_the_page_exists_with_its_options(line: str) -> None:
    words = shlex.split(line)[1:]
    command = ROOT
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context("revenue", words)  # reads every argument and option, and does nothing


def test_every_command_is_on_the_page() -> None:
    for group in ("customers", "subscriptions", "payment-methods", "payments"):
        for name in ROOT.commands[group].commands:
            assert f"revenue {group} {name}" in PAGE


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """An account with a catalogue and no customer, and a store beside it."""
    with serving(World.grown(Business(customers=0, months=1))) as served:
        store = open_store(None, tmp_path)
        yield Scene(served, store, unpaced(served))
        store.close()


def test_the_python_on_the_page_works_as_it_stands_there(scene: Scene) -> None:
    engine = scene.engine()
    made = customers.create(engine, "acc_0", Details(name="Ada", preferred_locales=("de",)), by="docs")
    whom = made.result["customer"]
    method = payments.attach(engine, whom, "pm_card_visa", by="docs").result["payment_method"]
    payments.set_default(engine, whom, method, by="docs")
    price = scene.sandbox.world.stage.prices["team-usd-month"].id
    names: dict[str, Any] = {"engine": engine, "customer": scene.get(f"/v1/customers/{whom}")}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(_with_ids(block, whom, price), names)
    assert names["outcome"].result["status"] == "succeeded"
    assert customers.by_reference(engine, "acc_1")
    (subscription,) = scene.wire.pages("/v1/subscriptions", customer=whom)
    assert (subscription["metadata"]["reference"], subscription["status"]) == ("order-17", "trialing")


def _with_ids(block: str, customer: str, price: str) -> str:
    """The page's Python with what it leaves open filled in, and on the engine that is there."""
    filled = block.replace('"cus_…"', f'"{customer}"').replace('"price_…"', f'"{price}"')
    return re.sub(r"^with actions\.engine.*:\n    ", "", filled, flags=re.MULTILINE)
