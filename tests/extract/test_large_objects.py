"""Objects of any size: memory is made for what DuckDB needs at once, in this run and in those that find them there."""

from pathlib import Path

from pipelines.extract import weights
from pipelines.extract.sync import sync
from sandbox.serving import serving
from tests.extract.conftest import account_of, warehouse
from tests.still_world import DAY, NOW, StillWorld, empty_store

COUNT, BYTES = 2_100, 40_000
VECTOR = weights.VECTOR_ROWS * BYTES
"""82 MB, and several times that to read them: more than the memory that is enough for objects of usual size."""


def test_large_objects_are_stored_and_a_later_run_checkpoints_them_again(tmp_path: Path) -> None:
    store = empty_store()
    for number in range(COUNT):
        text = f"{number:05}".join(str(number * factor) for factor in range(1, 9_000))[:BYTES]
        charge = {"id": f"ch_{number:05}", "object": "charge", "created": NOW - DAY - number, "livemode": False}
        store.put({**charge, "description": text})
    world = StillWorld(store)
    with serving(world, own_process=True) as running:
        with warehouse(tmp_path) as connection:
            assert sync(connection, account_of(running)).streams["charges"].rows_written == COUNT
            assert VECTOR <= weights.heaviest(connection) <= 2 * VECTOR + 32_000_000
        with warehouse(tmp_path) as connection:
            assert sync(connection, account_of(running), full=True).streams["charges"].rows_written == 0
            held = connection.execute("select count(*), min(strlen(payload)) >= ? from raw.charges", [BYTES]).fetchall()
            assert held == [(COUNT, True)]
            noted = weights.heaviest(connection)
            connection.execute("drop table pipeline.heaviest_vector")
            assert VECTOR <= weights.heaviest(connection) <= noted
