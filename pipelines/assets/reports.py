"""The pages as assets, each with a link to where `revenue serve` shows it."""

from collections.abc import Iterator
from inspect import getmodule

import dagster as dg

from pipelines import build
from pipelines.assets.marts import DATABASE
from pipelines.resources import Revenue
from pipelines.schedules import when_read_again
from reports.site import REPORTS

NAMES = tuple(report.__module__.rpartition(".")[2] for report in REPORTS)
"""The pages' names, in the order of the navigation: those of the report modules."""


FIRST = "overview"
"""The page that the site opens with."""


def page_key(name: str) -> dg.AssetKey:
    """The asset of a page."""
    return dg.AssetKey(["reports", name])


def _described(report: object) -> str:
    """What the report module's first lines say of the page."""
    return " ".join((getattr(getmodule(report), "__doc__", None) or "").split())


@dg.multi_asset(
    name="report",
    specs=[
        dg.AssetSpec(
            page_key(name),
            deps=[DATABASE],
            group_name="reports",
            kinds={"plotly", "html"},
            description=_described(report),
            automation_condition=when_read_again(),
        )
        for name, report in zip(NAMES, REPORTS, strict=True)
    ],
)
def report(revenue: Revenue) -> Iterator[dg.MaterializeResult[None]]:
    """The dashboards, rendered from the published database."""
    settings = revenue.settings()
    build.rendered(settings)
    for name in NAMES:
        file = settings.site / ("index.html" if name == FIRST else f"{name.replace('_', '-')}.html")
        yield dg.MaterializeResult(
            asset_key=page_key(name),
            metadata={
                "page": dg.MetadataValue.url(f"http://127.0.0.1:{settings.serve_port}/{file.name}"),
                "file": dg.MetadataValue.path(str(file.resolve())),
            },
        )
