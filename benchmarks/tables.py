"""A measured run as Markdown: what was done, how fast, how much memory and disk it took."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.parts import COMPARED, Figures
from benchmarks.runs import Run


@dataclass(frozen=True)
class Line:
    """One part in the table: its name there, what it worked on, and what its rate counts."""

    part: str
    title: str
    work: str
    counted: str
    unit: str


LINES = (
    Line("company", "simulate the company", "{objects:,} objects", "objects", "objects/s"),
    Line("first_load", "first load, unpaced", "{objects:,} objects, {requests:,} requests", "objects", "objects/s"),
    Line(
        "first_load_paced",
        "first load under Stripe's limits",
        "{objects:,} objects, {requests:,} requests, {refused:,} refused ({refused_share:.2%})",
        "objects",
        "objects/s",
    ),
    Line(
        "refresh_idle", "refresh, nothing new", "{requests:,} requests, {rows:,} new versions", "requests", "requests/s"
    ),
    Line("refresh_day", "refresh, a day later", "{requests:,} requests, {rows:,} new versions", "rows", "versions/s"),
    Line("stage", "stage", "{rows:,} rows", "rows", "rows/s"),
    Line("model", "compute, write and check the marts", "{rows:,} rows, {checks} checks", "input", "invoice lines/s"),
    Line("policies", "of it, MRR under every policy", "{policies} policies, {rows:,} rows", "rows", "rows/s"),
    Line("publish", "publish", "{rows:,} rows", "rows", "rows/s"),
    Line("render", "render the dashboards", "{files} files, {site_megabytes:.1f} MB", "files", "files/s"),
)


def markdown(run: Run) -> str:
    """The run's section."""
    return "\n".join([f"## {run.size.words}", "", *_parts(run), *_comparison(run), *_disk(run), *_remarks(run)])


def _parts(run: Run) -> Iterator[str]:
    rows = [("part", "work", "seconds", "rate", "peak memory")]
    for line in LINES:
        if line.part in run.figures:
            figures = _with_shares(run, run.figures[line.part])
            rate = f"{figures[line.counted] / figures['seconds']:,.0f} {line.unit}"
            memory = f"{figures['peak_bytes'] / 1e6:,.0f} MB"
            rows.append((line.title, line.work.format(**figures), f"{figures['seconds']:.2f}", rate, memory))
    yield from table(rows, right=(2, 3, 4))


def _with_shares(run: Run, figures: Figures) -> Figures:
    shares = dict(figures)
    if "refused" in figures:
        shares["refused_share"] = figures["refused"] / max(figures["requests"], 1)
    if "site_bytes" in figures:
        shares["site_megabytes"] = figures["site_bytes"] / 1e6
    if "checks" in figures:
        shares["input"] = run.figures["stage"]["invoice_lines"]
    return shares


def _comparison(run: Run) -> Iterator[str]:
    if "sdk" not in run.figures:
        return
    sdk, ours = run.figures["sdk"], run.figures["one_stream"]
    rates = [each["objects"] / each["seconds"] for each in (sdk, ours)]
    yield ""
    yield (
        f"The same server, the same {COMPARED[0]}, in turns, the faster of two: the Stripe SDK's auto-pagination "
        f"read {sdk['objects']:,} at {rates[0]:,.0f} objects/s and stored nothing; our engine read and stored "
        f"{ours['objects']:,} at {rates[1]:,.0f} objects/s, {rates[1] / rates[0]:.1f} times as fast."
    )


def _disk(run: Run) -> Iterator[str]:
    load = run.figures["first_load"]
    rows = [
        ("on disk", "bytes", "bytes an object version"),
        _size("raw, as JSON text", load["json_bytes"], load["versions"]),
        _size("warehouse after the first load (raw, compressed)", load["warehouse_bytes"], load["versions"]),
    ]
    if "publish" in run.figures:
        published = run.figures["publish"]
        rows.append(_size("warehouse with staging and marts", published["warehouse_bytes"], load["versions"]))
        rows.append(_size("published file (staging and marts)", published["published_bytes"], load["versions"]))
    yield ""
    yield from table(rows, right=(1, 2))


def _size(title: str, size: int, objects: int) -> tuple[str, str, str]:
    return title, f"{size:,}", f"{size / max(objects, 1):,.0f}"


def _remarks(run: Run) -> Iterator[str]:
    yield ""
    yield f"Processes that wanted a core, on average: {run.load_before:.1f} before, {run.load_after:.1f} after."
    failed = run.figures.get("model", {}).get("failed")
    if failed:
        yield f"Data checks that failed: {', '.join(sorted(set(failed)))}."


def table(rows: Sequence[Sequence[str]], right: Sequence[int]) -> Iterator[str]:
    """Rows as Markdown, the first one their header; columns that stand to the right by place."""
    header, *body = rows
    yield f"| {' | '.join(header)} |"
    yield "|" + "|".join("---:" if column in right else "---" for column in range(len(header))) + "|"
    for row in body:
        yield f"| {' | '.join(row)} |"
