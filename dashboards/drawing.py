"""Draws a Plotly figure of the house's forms as plain geometry, which a template prints as SVG.

Why not plotly.js: the smallest bundle that draws these forms weighs 1.2 MB beside pages of 0.1 MB, draws nothing
without JavaScript, and asks for inline styles. The figure stays the one description of a chart; this only measures it.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from dashboards.figures import WHOLE
from dashboards.scales import Bands, Linear, compact, extent, path, percent_tick, thinned, ticks
from dashboards.theme import HATCHED, ROLES

MONTH = re.compile(r"^([A-Z][a-z]{2}) (\d{4})$")
CHARACTER = 6.6
"""Width of a character of 12-pixel type, about."""
APART = 26.0
"""Pixels between the symbols of a line among others, at least."""
OUTLINES: dict[str, tuple[tuple[float, float], ...]] = {
    "square": ((-3, -3), (3, -3), (3, 3), (-3, 3)),
    "diamond": ((0, -4.5), (4.5, 0), (0, 4.5), (-4.5, 0)),
    "triangle-up": ((0, -4.5), (4.2, 3), (-4.2, 3)),
    "x": ((-4, -2), (-2, -4), (0, -2), (2, -4), (4, -2), (2, 0), (4, 2), (2, 4), (0, 2), (-2, 4), (-4, 2), (-2, 0)),
}
"""Corners of each symbol but the circle, about its middle."""


@dataclass(frozen=True)
class Size:
    """A drawing's outside measures; `name` is the class of screens it is for."""

    name: str
    width: int
    height: int


FULL = (Size("wide", 1200, 340), Size("middle", 680, 320), Size("narrow", 340, 270))
HALF = (Size("wide", 580, 300), Size("middle", 680, 300), Size("narrow", 340, 260))


@dataclass(frozen=True)
class Label:
    """A piece of text: `place` is its class, `anchor` start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str = "middle"
    place: str = "tick"


@dataclass(frozen=True)
class Line:
    """A straight line: a grid line, an axis, a limit or a connector."""

    x1: float
    y1: float
    x2: float
    y2: float
    place: str = "grid"


@dataclass(frozen=True)
class Rect:
    """A bar; `hatched` ones carry a pattern too."""

    x: float
    y: float
    width: float
    height: float
    role: str
    hatched: bool = False
    provisional: bool = False


@dataclass(frozen=True)
class Stroke:
    """A run of a line."""

    d: str
    role: str
    dashed: bool = False


@dataclass(frozen=True)
class Area:
    """What lies between two lines."""

    d: str
    role: str


@dataclass(frozen=True)
class Dot:
    """A point of a line; `hollow` where it is provisional; each line of a figure has a symbol of its own."""

    x: float
    y: float
    role: str
    hollow: bool = False
    symbol: str = "circle"

    @property
    def d(self) -> str:
        """Its outline, for a symbol that is no circle."""
        return outline(self.symbol, self.x, self.y)


@dataclass(frozen=True)
class Band:
    """The part of the drawing that belongs to one category, and what there is to read there."""

    x: float
    y: float
    width: float
    height: float
    title: str
    readings: tuple[tuple[str, str, str], ...]

    @property
    def words(self) -> str:
        """The readings as one sentence."""
        return f"{self.title}: " + "; ".join(f"{name} {text}" if name else text for _, name, text in self.readings)


@dataclass
class Drawing:
    """A figure drawn at one size."""

    size: Size
    height: float
    lines: list[Line] = field(default_factory=list)
    rects: list[Rect] = field(default_factory=list)
    breaks: list[Line] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)


@dataclass(frozen=True)
class Key:
    """One entry of a legend."""

    name: str
    role: str
    form: str
    symbol: str = "circle"

    @property
    def d(self) -> str:
        """The outline of its symbol, for one that is no circle."""
        return outline(self.symbol, 8, 6)


def outline(symbol: str, x: float, y: float) -> str:
    """A symbol about a point as an SVG path."""
    corners = OUTLINES.get(symbol, ())
    return path([(x + right, y + down) for right, down in corners]) + "Z" if corners else ""


def drawings(figure: Any, width: str) -> list[Drawing]:
    """The figure at every size it is needed in; `width` is full or half."""
    return [draw(figure, size) for size in (FULL if width == "full" else HALF)]


def draw(figure: Any, size: Size) -> Drawing:
    """The figure at one size."""
    first = figure.data[0] if figure.data else None
    if first is not None and first.type == "waterfall":
        return _bridge(figure, size)
    if first is not None and first.type == "bar" and first.orientation == "h":
        return _bars(figure, size)
    return _columns_and_lines(figure, size)


def legend(figure: Any, width: str) -> list[Key]:
    """The figure's legend; empty where one series speaks for itself, unless the figure stands beside another."""
    upright = [trace for trace in figure.data if trace.type != "waterfall" and trace.orientation != "h"]
    if len(upright) < (1 if width == "half" else 2):
        return []
    return [
        Key(trace.name, trace.meta["role"], _key_form(trace), _symbol(trace))
        for trace in figure.data
        if _edge(trace) != "low"
    ]


def _symbol(trace: Any) -> str:
    return str(trace.marker.symbol or "circle") if trace.type == "scatter" else "circle"


def _key_form(trace: Any) -> str:
    if trace.type == "scatter":
        return "area" if _edge(trace) else "dashes" if trace.meta["dashed"] else "line"
    return "hatch" if trace.meta["role"] in HATCHED else "bar"


def _edge(trace: Any) -> str | None:
    """Which edge of an interval a trace is: low or high; None for a series of its own."""
    edge: str | None = (trace.meta or {}).get("edge")
    return edge


def sparkline(
    values: Sequence[float | None], width: int = 132, height: int = 32
) -> tuple[str, tuple[float, float] | None]:
    """A path through the values and its last point; an empty path for fewer than two."""
    known = [(index, value) for index, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return "", None
    low, high = min(value for _, value in known), max(value for _, value in known)
    scale = Linear(low, high if high > low else low + 1, height - 4, 4)
    step = (width - 8) / (len(values) - 1)
    points = [(4 + index * step, scale.at(value)) for index, value in known]
    return path(points), points[-1]


def _columns_and_lines(figure: Any, size: Size) -> Drawing:
    categories = list(figure.data[0].x) if figure.data else []
    bars = [trace for trace in figure.data if trace.type == "bar"]
    runs = [trace for trace in figure.data if trace.type == "scatter"]
    curves = [trace for trace in runs if not _edge(trace)]
    levels = [
        (shape.y0, shape.name, "limit" if shape.line.color == ROLES["limit"] else "reference")
        for shape in figure.layout.shapes
    ]
    with_zero = bool(bars) or figure.layout.yaxis.rangemode == "tozero"
    low, high = extent(_reach(bars, runs, [level for level, _, _ in levels]), with_zero=with_zero)
    whole = figure.layout.yaxis.tickformat == WHOLE
    marks = ticks(low, high, 4 if size.name == "narrow" else 5, whole=whole)
    drawing = Drawing(size, size.height)
    y, left = _vertical_axis(drawing, figure, marks, bottom=size.height - 40, top=18)
    bands = Bands(len(categories), left, size.width - 10)
    _category_labels(drawing, categories, bands, size.height - 22)
    _stacks(drawing, bars, bands, y)
    label_at = left + 4
    for level, name, role in levels:
        _level(drawing, left, label_at, y.at(level), name, role)
        label_at += len(name) * CHARACTER + 20
    _areas(drawing, runs, bands, y)
    for trace in curves:
        _curve(drawing, trace, bands, y, alone=len(curves) == 1)
    _bands(drawing, figure.data, categories, bands, (18.0, size.height - 40.0))
    return drawing


def _reach(bars: Sequence[Any], curves: Sequence[Any], levels: Sequence[float]) -> list[float]:
    stacks: list[float] = []
    for heights in zip(*(trace.y for trace in bars), strict=True):
        known = [height for height in heights if height is not None]
        stacks += [sum(h for h in known if h > 0), sum(h for h in known if h < 0)]
    points = [value for trace in curves for value in trace.y if value is not None]
    return [*stacks, *points, *levels]


def _vertical_axis(
    drawing: Drawing, figure: Any, marks: Sequence[float], bottom: float, top: float
) -> tuple[Linear, float]:
    y = Linear(marks[0], marks[-1], bottom, top)
    texts = _tick_texts(marks, figure.layout.yaxis.tickformat)
    left = max(len(text) for text in texts) * CHARACTER + 12
    for mark, text in zip(marks, texts, strict=True):
        place = "zero" if mark == 0 else "grid"
        drawing.lines.append(Line(left, y.at(mark), drawing.size.width - 10, y.at(mark), place))
        drawing.labels.append(Label(left - 8, y.at(mark) + 4, text, "end"))
    return y, left


def _tick_texts(marks: Sequence[float], form: str | None) -> list[str]:
    step = marks[1] - marks[0] if len(marks) > 1 else 1.0
    write = percent_tick if form and form.endswith("%") else compact
    return [write(mark, step) for mark in marks]


def _category_labels(drawing: Drawing, categories: Sequence[str], bands: Bands, y: float) -> None:
    months = [MONTH.match(category) for category in categories]
    if categories and all(months):
        names = [match[1] for match in months if match]
        years = [match[2] for match in months if match]
        shown = thinned(len(names), int((bands.end - bands.start) / 34))
        before = ""
        for index in shown:
            drawing.labels.append(Label(bands.middle(index), y, names[index]))
            if years[index] != before:
                drawing.labels.append(Label(bands.middle(index), y + 15, years[index], place="year"))
            before = years[index]
        return
    longest = max((len(category) for category in categories), default=1)
    for index in thinned(len(categories), int((bands.end - bands.start) / (longest * CHARACTER + 8))):
        drawing.labels.append(Label(bands.middle(index), y, categories[index]))


def _stacks(drawing: Drawing, bars: Sequence[Any], bands: Bands, y: Linear) -> None:
    width = min(bands.step * 0.68, 44.0)
    for index in range(bands.count):
        up = down = 0.0
        for trace in bars:
            height = trace.y[index] or 0.0
            base = up if height > 0 else down
            if height == 0:
                continue
            top, bottom = y.at(max(base, base + height)), y.at(min(base, base + height))
            drawing.rects.append(
                Rect(
                    bands.middle(index) - width / 2,
                    top,
                    width,
                    max(bottom - top, 0.8),
                    trace.meta["role"],
                    trace.meta["role"] in HATCHED,
                    _is_provisional(trace, index),
                )
            )
            up, down = (up + height, down) if height > 0 else (up, down + height)


def _curve(drawing: Drawing, trace: Any, bands: Bands, y: Linear, *, alone: bool) -> None:
    points = [(bands.middle(i), y.at(value)) if value is not None else None for i, value in enumerate(trace.y)]
    role = trace.meta["role"]
    for dashed in (False, True):
        run: list[tuple[float, float]] = []
        for index, (start, end) in enumerate(pairwise(points)):
            wanted = start is not None and end is not None and _is_provisional(trace, index + 1) == dashed
            if wanted and start is not None and end is not None:
                run = [*run, end] if run else [start, end]
            elif run:
                drawing.strokes.append(Stroke(path(run), role, dashed or trace.meta["dashed"]))
                run = []
        if run:
            drawing.strokes.append(Stroke(path(run), role, dashed or trace.meta["dashed"]))
    known = [(index, point) for index, point in enumerate(points) if point is not None]
    every = max(1, math.ceil(APART / bands.step)) if bands.step else 1
    for order, (index, point) in enumerate(known):
        is_told = not alone and (len(known) - 1 - order) % every == 0
        if len(known) <= 14 or order in (0, len(known) - 1) or is_told or _is_provisional(trace, index):
            drawing.dots.append(Dot(point[0], point[1], role, _is_provisional(trace, index), _symbol(trace)))


def _areas(drawing: Drawing, runs: Sequence[Any], bands: Bands, y: Linear) -> None:
    """The area of each interval: along its low edge and back along its high one."""
    edges = [trace for trace in runs if _edge(trace)]
    for low, high in zip(edges[::2], edges[1::2], strict=True):
        known = [i for i, value in enumerate(low.y) if value is not None and high.y[i] is not None]
        there = [(bands.middle(i), y.at(low.y[i])) for i in known]
        back = [(bands.middle(i), y.at(high.y[i])) for i in reversed(known)]
        if len(known) > 1:
            drawing.areas.append(Area(path([*there, *back]) + "Z", low.meta["role"]))


def _is_provisional(trace: Any, index: int) -> bool:
    start = trace.meta["provisional_from"]
    return start is not None and index >= start


def _level(drawing: Drawing, left: float, label_at: float, y: float, name: str, role: str) -> None:
    drawing.lines.append(Line(left, y, drawing.size.width - 10, y, role))
    drawing.labels.append(Label(label_at, y - 5, name, "start", place=role))


def _bands(
    drawing: Drawing, traces: Sequence[Any], categories: Sequence[str], bands: Bands, y: tuple[float, float]
) -> None:
    for index, category in enumerate(categories):
        told = [(trace, _reading(trace, traces, index)) for trace in traces if _edge(trace) != "low"]
        readings = tuple((trace.meta["role"], trace.name or "", text) for trace, text in told if text)
        title = f"{category} (so far)" if any(_is_provisional(trace, index) for trace in traces) else category
        drawing.bands.append(Band(bands.left(index), y[0], bands.step, y[1] - y[0], title, readings))


def _reading(trace: Any, traces: Sequence[Any], index: int) -> str:
    """What a trace says at a point; an interval says both its ends."""
    text: str = trace.hovertext[index]
    if not text or not _edge(trace):
        return text
    low = next(one for one in traces if _edge(one) == "low" and one.name == trace.name)
    return f"{low.hovertext[index]} to {text}"


def _bridge(figure: Any, size: Size) -> Drawing:
    trace = figure.data[0]
    if size.name == "narrow":
        return _bridge_lying(figure, size)
    levels = _levels(trace)
    floor = _floor(levels)
    low, high = extent([max(value, floor) for pair in levels for value in pair], with_zero=not floor)
    marks = ticks(low, high, 5)
    drawing = Drawing(size, size.height)
    y, left = _vertical_axis(drawing, figure, marks, bottom=size.height - 34, top=24)
    bands = Bands(len(levels), left, size.width - 10)
    width = bands.step * 0.62
    for index, (start, end) in enumerate(levels):
        top, bottom = y.at(max(start, end)), y.at(max(min(start, end), marks[0]))
        role = trace.meta["roles"][index]
        drawing.rects.append(
            Rect(bands.middle(index) - width / 2, top, width, max(bottom - top, 1), role, role in HATCHED)
        )
        if floor and trace.measure[index] == "absolute":
            drawing.breaks += _broken(drawing.rects[-1], upright=True)
        drawing.labels.append(Label(bands.middle(index), top - 6, trace.text[index], place="value"))
        drawing.labels.append(Label(bands.middle(index), size.height - 12, trace.x[index]))
        if index + 1 < len(levels):
            drawing.lines.append(
                Line(
                    bands.middle(index) + width / 2,
                    y.at(end),
                    bands.middle(index + 1) - width / 2,
                    y.at(end),
                    "connector",
                )
            )
        drawing.bands.append(
            Band(
                bands.left(index),
                18,
                bands.step,
                size.height - 52,
                trace.x[index],
                ((role, "", trace.hovertext[index]),),
            )
        )
    return drawing


def _broken(rect: Rect, upright: bool) -> list[Line]:
    """The marks across a bar that say that its axis does not start at zero."""
    if upright:
        bottom, right = rect.y + rect.height - 14, rect.x + rect.width + 4
        return [Line(rect.x - 4, bottom - lift + 4, right, bottom - lift - 4, "break") for lift in (0, 7)]
    left, top = rect.x + 14, rect.y + rect.height + 3
    return [Line(left + shift - 3, top, left + shift + 3, rect.y - 3, "break") for shift in (0, 6)]


def _floor(levels: Sequence[tuple[float, float]]) -> float:
    """Where a bridge's axis starts: zero, or nearer where the steps would be too thin to see."""
    ends = [end for _, end in levels] or [0.0]
    low, high = min(ends), max(ends)
    if low <= 0 or high - low > 0.4 * high:
        return 0.0
    return max(0.0, low - 0.6 * max(high - low, 0.01 * high))


def _bridge_lying(figure: Any, size: Size) -> Drawing:
    """A bridge for narrow screens: one row a step, its name and value above its bar."""
    trace = figure.data[0]
    levels = _levels(trace)
    floor = _floor(levels)
    low, high = extent([max(value, floor) for pair in levels for value in pair], with_zero=not floor)
    x = Linear(low, high, 4, size.width - 4)
    drawing = Drawing(size, 40.0 * len(levels) + 6)
    for index, (start, end) in enumerate(levels):
        role, top = trace.meta["roles"][index], 40.0 * index
        left, right = x.at(max(min(start, end), low)), x.at(max(start, end))
        drawing.labels.append(Label(4, top + 15, trace.x[index], "start"))
        drawing.labels.append(Label(size.width - 4, top + 15, trace.text[index], "end", place="value"))
        drawing.rects.append(Rect(left, top + 21, max(right - left, 1), 14, role, role in HATCHED))
        if floor and trace.measure[index] == "absolute":
            drawing.breaks += _broken(drawing.rects[-1], upright=False)
        drawing.bands.append(Band(0, top, size.width, 40, trace.x[index], ((role, "", trace.hovertext[index]),)))
    return drawing


def _levels(trace: Any) -> list[tuple[float, float]]:
    """Where each step of a bridge starts and ends."""
    levels: list[tuple[float, float]] = []
    at = 0.0
    for value, measure in zip(trace.y, trace.measure, strict=True):
        start = 0.0 if measure == "absolute" else at
        at = start + value
        levels.append((start, at))
    return levels


def _bars(figure: Any, size: Size) -> Drawing:
    trace = figure.data[0]
    row = 44.0 if size.name == "narrow" else 34.0
    above = size.name == "narrow"
    left = 4.0 if above else min(max((len(label) for label in trace.y), default=1) * CHARACTER + 14, size.width * 0.4)
    room = max((len(text) for text in trace.text), default=1) * 7.2 + 10
    values = [value or 0.0 for value in trace.x]
    x = Linear(0, max([*values, 1e-9]), left, size.width - room)
    drawing = Drawing(size, row * len(values) + 8)
    for index, value in enumerate(values):
        top = row * index
        bar_top, bar_height = (top + 20, 16) if above else (top + 7, 20)
        drawing.labels.append(
            Label(4, top + 14, trace.y[index], "start") if above else Label(left - 8, top + 21, trace.y[index], "end")
        )
        drawing.rects.append(Rect(left, bar_top, max(x.at(value) - left, 1), bar_height, trace.meta["role"]))
        drawing.labels.append(
            Label(max(x.at(value), left + 1) + 6, bar_top + bar_height - 4, trace.text[index], "start", "value")
        )
        drawing.bands.append(
            Band(
                0,
                top,
                size.width,
                row,
                trace.y[index],
                ((trace.meta["role"], trace.name or "", trace.hovertext[index]),),
            )
        )
    return drawing
