"""Plotly figures from plain series: the forms the house uses, and no others.

Each trace says in `meta.role` what it means to the eye and in `hovertext` what its points say in words. The pages draw
these figures as SVG (`drawing.py`); the same figures are saved beside the pages as Plotly JSON.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go

from dashboards.theme import HATCHED, ROLES, template
from dashboards.values import Cell, Count, number_of, shown

AxisForm = Literal["number", "percent"]
TICKS: dict[AxisForm, str] = {"number": "~s", "percent": ".1~%"}
WHOLE = "~d"
"""The ticks of an axis on which things are counted: whole numbers only."""
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")
"""The marks of a figure's lines in their order, so that they are told apart without colour too."""
OPPOSITE = {
    "new": "contraction",
    "expansion": "contraction",
    "reactivation": "contraction",
    "contraction": "expansion",
    "churn": "expansion",
}
"""What a step of a bridge is drawn as where it goes the other way than its role does."""
GAINS = frozenset({"new", "expansion", "reactivation"})


@dataclass(frozen=True)
class Series:
    """A named run of values, the role it plays, from which point on it is provisional, and whether a model made it."""

    name: str
    role: str
    values: Sequence[Cell]
    provisional_from: int | None = None
    dashed: bool = False


@dataclass(frozen=True)
class Interval:
    """What a series lies within, point by point, drawn as an area about its line."""

    name: str
    role: str
    low: Sequence[Cell]
    high: Sequence[Cell]


@dataclass(frozen=True)
class Reference:
    """A level drawn across the figure, such as a limit."""

    name: str
    level: float
    role: str = "reference"


def lines(
    categories: Sequence[str],
    series: Sequence[Series],
    *,
    form: AxisForm = "number",
    references: Sequence[Reference] = (),
    from_zero: bool = False,
    interval: Interval | None = None,
) -> Any:
    """A line a series over `categories`; what is provisional is dashed. The interval is that of the first series."""
    figure = go.Figure(layout=_layout(form, references, {"rangemode": "tozero" if from_zero else "normal"}))
    for edge in _edges(categories, interval) if interval else ():
        figure.add_trace(edge)
    for place, one in enumerate(series):
        figure.add_trace(_line(categories, one, SYMBOLS[place % len(SYMBOLS)]))
    return _counted(figure, series)


def columns(
    categories: Sequence[str],
    stacked: Sequence[Series],
    *,
    line: Series | None = None,
    form: AxisForm = "number",
    references: Sequence[Reference] = (),
) -> Any:
    """Columns stacked up from zero for gains and down for losses, with a line on top where one is given."""
    figure = go.Figure(layout=_layout(form, references, {}) | {"barmode": "relative"})
    for one in stacked:
        figure.add_trace(
            go.Bar(
                x=list(categories),
                y=_heights(one),
                name=one.name,
                hovertext=[shown(value) for value in one.values],
                marker=_paint(one.role),
                meta={"role": one.role, "provisional_from": one.provisional_from},
            )
        )
    if line is not None:
        figure.add_trace(_line(categories, line, SYMBOLS[0]))
    return _counted(figure, [*stacked, *([line] if line else [])])


def bridge(labels: Sequence[str], values: Sequence[Cell], roles: Sequence[str], totals: Sequence[bool]) -> Any:
    """A waterfall: totals stand on zero, everything else hangs from where the one before ended."""
    figure = go.Figure(layout=_layout("number", (), {}))
    figure.add_trace(
        go.Waterfall(
            x=list(labels),
            y=[number_of(value) or 0.0 for value in values],
            measure=["absolute" if total else "relative" for total in totals],
            text=[shown(value) for value in values],
            hovertext=[shown(value) for value in values],
            name="Bridge",
            increasing={"marker": {"color": ROLES["new"]}},
            decreasing={"marker": {"color": ROLES["churn"]}},
            totals={"marker": {"color": ROLES["total"]}},
            meta={"roles": [_signed(role, value) for role, value in zip(roles, values, strict=True)]},
        )
    )
    return figure


def bars(labels: Sequence[str], series: Series, *, form: AxisForm = "number") -> Any:
    """Horizontal bars in the order given, each with its value printed."""
    texts = [shown(value) for value in series.values]
    figure = go.Figure(layout={"template": template(), "xaxis": {"tickformat": TICKS[form], "type": "linear"}})
    figure.add_trace(
        go.Bar(
            x=_heights(series),
            y=list(labels),
            orientation="h",
            name=series.name,
            text=texts,
            hovertext=texts,
            marker=_paint(series.role),
            meta={"role": series.role},
        )
    )
    figure.update_yaxes(autorange="reversed", type="category")
    return figure


def _counted(figure: Any, series: Sequence[Series]) -> Any:
    """The figure with whole numbers on its axis where all that it draws are counts."""
    known = [value for one in series for value in one.values if number_of(value) is not None]
    if known and all(isinstance(value, Count) for value in known):
        figure.update_yaxes(tickformat=WHOLE)
    return figure


def _signed(role: str, value: Cell) -> str:
    """The role, or that of the other direction where the step goes there."""
    height = number_of(value) or 0.0
    against = height < 0 if role in GAINS else height > 0
    return OPPOSITE.get(role, role) if against and height else role


def _line(categories: Sequence[str], one: Series, symbol: str) -> Any:
    return go.Scatter(
        x=list(categories),
        y=_heights(one),
        name=one.name,
        mode="lines+markers",
        hovertext=[shown(value) for value in one.values],
        line={"color": ROLES[one.role], "width": 2, "dash": "dot" if one.dashed else "solid"},
        marker={"symbol": symbol},
        meta={"role": one.role, "provisional_from": one.provisional_from, "dashed": one.dashed},
    )


def _edges(categories: Sequence[str], interval: Interval) -> tuple[Any, Any]:
    """The low and the high edge of an interval, the area between them filled."""
    low, high = (
        go.Scatter(
            x=list(categories),
            y=[number_of(value) for value in values],
            name=interval.name,
            mode="lines",
            line={"width": 0},
            hovertext=[shown(value) for value in values],
            showlegend=edge == "high",
            fill="tonexty" if edge == "high" else None,
            fillcolor=ROLES[interval.role],
            opacity=0.2,
            meta={"role": interval.role, "provisional_from": None, "edge": edge},
        )
        for edge, values in (("low", interval.low), ("high", interval.high))
    )
    return low, high


def _heights(series: Series) -> list[float | None]:
    return [number_of(value) for value in series.values]


def _paint(role: str) -> dict[str, Any]:
    paint: dict[str, Any] = {"color": ROLES[role]}
    return paint | {"pattern": {"shape": "/"}} if role in HATCHED else paint


def _layout(form: AxisForm, references: Sequence[Reference], yaxis: dict[str, Any]) -> dict[str, Any]:
    return {
        "template": template(),
        "yaxis": {"tickformat": TICKS[form]} | yaxis,
        "shapes": [
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": reference.level,
                "y1": reference.level,
                "name": reference.name,
                "line": {"color": ROLES[reference.role], "dash": "dot", "width": 1},
            }
            for reference in references
        ],
    }
