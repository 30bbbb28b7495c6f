"""An account whose customers chose their names with care: figures are right, pages are safe, and the checks tell."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import query
from sandbox.serving import serving
from sandbox.world import shapes
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.pipelines.conftest import Revenue

TEXTS = (
    "'); drop table staging.customers; --",
    "<script>alert(1)</script>",
    '=HYPERLINK("http://evil.example","click")',
    "../../../etc/passwd",
    "a\x00b\x1b[31m",
    "\u202e🙂\u2028",
    '"}]{{ 7 * 7 }}{% for %}',
    "+1-1",
    "x" * 255,
)

pytestmark = pytest.mark.long


def planted(world: World) -> World:
    """Texts in every name there is, ids of customers among them; and charges that are none, in part or at all."""
    store, now = world.store, world.now
    for kind in ("customer", "product", "coupon"):
        for number, id_ in enumerate(store.ids(kind)):
            named = (store.get(kind, id_) or {}) | {"name": TEXTS[number % len(TEXTS)], "metadata": {"note": TEXTS[-2]}}
            store.put(named)
    for text in TEXTS:
        store.put(shapes.customer(id=text, created=now - 9, email=f"{text}@example.com", name=text))
    for number in range(3):
        store.put(shapes.charge(id=f"ch_odd_{number}", created=now - 9, amount=1, currency="usd"))
    head = b'"object":"charge","created":%d,"currency":"usd","status":"succeeded"' % (now - 9)
    store.show("charge", "ch_odd_0", b'{"id":"ch_odd_0",%s,"amount":%s}' % (head, b"9" * 40))
    store.show("charge", "ch_odd_1", b"null")
    store.show("charge", "ch_odd_2", b'{"id":"ch_odd_2",%s,"amount":0,"description":"\\ud800\xff"}' % head)
    return world


@pytest.fixture
def world(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    grown = planted(World.grown(Business(customers=25, months=6)))
    with serving(grown) as served:
        home.mkdir()
        (home / "rates.csv").write_text(served.fx_rates_csv())
        monkeypatch.setenv("STRIPE_API_KEY", served.key)
        monkeypatch.setenv("STRIPE_API_BASE", served.url)
        yield grown


def test_figures_are_right_pages_are_safe_and_the_checks_tell(revenue: Revenue, world: World, home: Path) -> None:
    said = revenue("run")
    assert said.code == 3, said.err
    for check in ("objects_are_understood of raw.charges", "values_fit of staging.charges"):
        assert check in said.err
    assert not (home / "logs").exists()

    def asked(sql: str) -> list[tuple[object, ...]]:
        return query.ask(home / "revenue.duckdb", sql).rows()

    micros = {currency: mrr for currency, mrr in world.books.mrr_at(world.now).items() if mrr}
    closing = asked("select currency, closing_mrr from mrr_by_month where is_partial and closing_mrr <> 0")
    assert {str(currency): int(mrr * 10**6) for currency, mrr in closing} == micros  # type: ignore[operator]
    assert set(TEXTS) <= {str(id_) for (id_,) in asked("select id from staging.customers where id = name")}
    assert asked("select amount, description from staging.charges where id like 'ch_odd%' order by id") == [
        (None, None),
        (0, "\ufffd\ufffd"),
    ]
    pages = "".join(page.read_text() for page in (home / "site").glob("*.html"))
    assert "&lt;script&gt;alert(1)" in pages
    assert "<script>alert(1)" not in pages
    cells = [
        cell
        for file in (home / "site" / "data").glob("*.csv")
        for row in csv.reader(io.StringIO(file.read_text(encoding="utf-8").replace("\0", ""), newline=""))
        for cell in row
    ]
    assert f"'{TEXTS[2]}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "@", "+"))]
