"""The pages as assets, each with a link to where `revenue serve` shows it."""

from collections.abc import Iterator

import dagster as dg

from pipelines import build
from pipelines.assets.marts import DATABASE
from pipelines.resources import Revenue
from pipelines.schedules import when_read_again
from reports.site import PAGES


def page_key(slug: str) -> dg.AssetKey:
    """The asset of a page."""
    return dg.AssetKey(["reports", slug])


@dg.multi_asset(
    name="report",
    specs=[
        dg.AssetSpec(
            page_key(slug),
            deps=[DATABASE],
            group_name="reports",
            kinds={"plotly", "jinja"},
            automation_condition=when_read_again(),
        )
        for slug in PAGES
    ],
)
def report(revenue: Revenue) -> Iterator[dg.MaterializeResult]:
    """The dashboards, rendered from the published database."""
    settings = revenue.settings()
    build.rendered(settings)
    for slug in PAGES:
        url = f"http://127.0.0.1:{settings.serve_port}/{slug}.html"
        file = settings.site / f"{slug}.html"
        yield dg.MaterializeResult(
            asset_key=page_key(slug),
            metadata={"page": dg.MetadataValue.url(url), "file": dg.MetadataValue.path(str(file.resolve()))},
        )
