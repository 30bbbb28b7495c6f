"""The benchmark's report: every part has its line, rates follow from what was counted, and the machine has no name."""

import platform

from benchmarks import machine
from benchmarks.company import Size
from benchmarks.runs import Run
from benchmarks.tables import LINES, markdown

READ = {"objects": 1_000, "requests": 20, "refused": 1, "rows": 1_000, "seconds": 2.0, "peak_bytes": 300_000_000}
RUN = Run(
    Size(400, 24),
    {
        "company": {"objects": 1_200, "seconds": 0.5, "peak_bytes": 90_000_000},
        "first_load": READ | {"versions": 1_000, "json_bytes": 2_000_000, "warehouse_bytes": 500_000},
        "first_load_paced": READ | {"seconds": 4.0},
        "refresh_idle": READ | {"objects": 0, "requests": 5, "rows": 0},
        "refresh_day": READ,
        "sdk": {"objects": 500, "seconds": 1.0, "peak_bytes": 1},
        "one_stream": {"objects": 900, "seconds": 0.3, "peak_bytes": 1},
        "stage": {"rows": 1_500, "invoice_lines": 400, "seconds": 1.0, "peak_bytes": 1},
        "model": {"rows": 600, "checks": 104, "failed": [], "seconds": 2.0, "peak_bytes": 1},
        "policies": {"rows": 150, "policies": 6, "seconds": 0.5, "peak_bytes": 1},
        "publish": {
            "rows": 2_100,
            "published_bytes": 400_000,
            "warehouse_bytes": 900_000,
            "seconds": 1.0,
            "peak_bytes": 1,
        },
        "render": {"files": 80, "site_bytes": 2_000_000, "seconds": 1.0, "peak_bytes": 1},
    },
)


def test_every_part_that_was_measured_has_its_line() -> None:
    lines = markdown(RUN).splitlines()
    assert all(any(line.startswith(f"| {part.title} |") for line in lines) for part in LINES)
    assert "| first load, unpaced | 1,000 objects, 20 requests | 2.00 | 500 objects/s | 300 MB |" in lines


def test_the_models_rate_counts_the_invoice_lines_that_went_in() -> None:
    assert (
        "| compute, write and check the marts | 600 rows, 104 checks | 2.00 | 200 invoice lines/s | 0 MB |"
        in markdown(RUN)
    )


def test_refused_requests_are_told_as_a_share() -> None:
    assert "1 refused (5.00%)" in markdown(RUN)


def test_the_sdk_and_the_engine_are_compared_by_their_rates() -> None:
    assert "read and stored 900 at 3,000 objects/s, 6.0 times as fast" in markdown(RUN)


def test_what_was_not_measured_is_left_out() -> None:
    only = Run(RUN.size, {name: RUN.figures[name] for name in ("company", "first_load")})
    assert "SDK" not in markdown(only)
    assert "published file" not in markdown(only)


def test_failing_checks_are_told() -> None:
    failing = Run(RUN.size, RUN.figures | {"model": RUN.figures["model"] | {"failed": ["days_add_up"]}})
    assert "Data checks that failed: days_add_up." in markdown(failing)


def test_the_machine_is_described_without_its_name() -> None:
    described = " ".join(machine.described().values())
    assert "cores" in described
    assert platform.node() not in described
