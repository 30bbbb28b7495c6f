"""Figures are drawn where their numbers say."""

from decimal import Decimal
from typing import Any

import pytest

from dashboards import figures
from dashboards.drawing import FULL, draw, legend, sparkline
from dashboards.figures import Interval, Reference, Series
from dashboards.scales import compact, percent_tick, thinned, ticks
from dashboards.theme import ROLES
from dashboards.values import Cell, Count, Missing, Rate, Ratio

WIDE, _, NARROW = FULL
MONTHS = ["Aug 2026", "Sep 2026", "Oct 2026", "Nov 2026"]


def test_gains_stack_up_from_zero_and_losses_down() -> None:
    gains = Series("New", "new", [Count(10), Count(5), Count(0), Count(2)])
    more = Series("Expansion", "expansion", [Count(5), Count(5), Count(5), Count(2)])
    losses = Series("Churn", "churn", [Count(-10), Count(0), Count(0), Count(0)])
    drawing = draw(figures.columns(MONTHS, [gains, more, losses]), WIDE)
    zero = next(line.y1 for line in drawing.lines if line.place == "zero")
    new, expansion, churn = drawing.rects[:3]
    assert new.y + new.height == pytest.approx(zero)
    assert expansion.y + expansion.height == pytest.approx(new.y)
    assert churn.y == pytest.approx(zero)
    assert churn.height == pytest.approx(new.height)


def test_a_line_is_dashed_into_the_month_that_is_not_over_and_stops_where_a_figure_is_missing() -> None:
    values: list[Cell] = [Rate(1, 10), Missing("x"), Rate(2, 10), Rate(3, 10)]
    drawing = draw(figures.lines(MONTHS, [Series("Churn", "churn", values, 3)], form="percent"), WIDE)
    assert [stroke.dashed for stroke in drawing.strokes] == [True]
    assert [dot.hollow for dot in drawing.dots] == [False, False, True]
    assert drawing.bands[3].words == "Nov 2026 (so far): Churn 30.0%"
    assert drawing.bands[1].words == "Sep 2026: Churn n/a"


def test_an_interval_is_an_area_between_its_edges_and_reads_as_both_ends() -> None:
    """Two known points: along the low edge and back along the high one; where an end is missing there is no area."""
    line = Series("Kept", "main", [Rate(1, 1), Rate(8, 10), None, None])
    interval = Interval(
        "95% interval", "main", [Rate(1, 1), Rate(6, 10), None, None], [Rate(1, 1), Rate(9, 10), None, None]
    )
    figure = figures.lines(MONTHS, [line], form="percent", from_zero=True, interval=interval)
    drawing = draw(figure, WIDE)
    (area,) = drawing.areas
    corners = [tuple(map(float, point.split())) for point in area.d.strip("MZ").split("L")]
    assert [round(x, 1) for x, _ in corners] == [corners[0][0], corners[1][0], corners[1][0], corners[0][0]]
    low, high = corners[1][1], corners[2][1]
    assert low > high
    assert drawing.bands[1].words == "Sep 2026: 95% interval 60.0% to 90.0%; Kept 80.0%"
    assert drawing.bands[2].readings == ()
    assert [(key.name, key.form) for key in legend(figure, "full")] == [("95% interval", "area"), ("Kept", "line")]


def test_what_a_model_says_is_dashed_all_along() -> None:
    model = Series("Expected", "fourth", [Rate(1, 1), Rate(8, 10), Rate(7, 10), Rate(6, 10)], dashed=True)
    figure = figures.lines(MONTHS, [model, Series("Kept", "main", [Rate(1, 1), Rate(9, 10), None, None])])
    assert [(stroke.role, stroke.dashed) for stroke in draw(figure, WIDE).strokes] == [
        ("fourth", True),
        ("main", False),
    ]
    assert [key.form for key in legend(figure, "full")] == ["dashes", "line"]


def test_a_bridge_with_thin_steps_breaks_its_axis_and_marks_the_break() -> None:
    labels, roles, totals = ["Opening", "New", "Closing"], ["total", "new", "total"], [True, False, True]
    thin = draw(figures.bridge(labels, [Count(1000), Count(10), Count(1010)], roles, totals), WIDE)
    thick = draw(figures.bridge(labels, [Count(1000), Count(900), Count(1900)], roles, totals), WIDE)
    assert len(thin.breaks) == 4
    assert thick.breaks == []


def test_limits_are_drawn_with_their_names() -> None:
    series = [Series("Visa", "main", [Rate(1, 1000)] * 4)]
    chart = figures.lines(MONTHS, series, form="percent", references=[Reference("Limit, 1.5%", 0.015, "limit")])
    assert [label.text for label in draw(chart, WIDE).labels if label.place == "limit"] == ["Limit, 1.5%"]


def test_a_drawing_of_nothing_is_empty_and_no_error() -> None:
    assert draw(figures.lines([], []), WIDE).bands == []
    assert draw(figures.bars([], Series("x", "main", [])), NARROW).rects == []
    assert draw(figures.bridge([], [], [], []), WIDE).rects == []
    assert sparkline([None, 3.0]) == ("", None)


def test_lines_that_stand_together_have_marks_of_their_own_all_along() -> None:
    months = [f"{name} {year}" for year in (2024, 2025) for name in ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul")]
    months += ["Aug 2025", "Sep 2025"]
    series = [Series(role, role, [Count(place) for place in range(16)]) for role in ("main", "fourth", "third")]
    figure = figures.lines(months, series)
    keys = legend(figure, "full")
    assert [key.symbol for key in keys] == ["circle", "square", "diamond"]
    assert [bool(key.d) for key in keys] == [False, True, True]
    by_role = {key.role: [dot.symbol for dot in draw(figure, WIDE).dots if dot.role == key.role] for key in keys}
    assert by_role == {key.role: [key.symbol] * 16 for key in keys}
    assert len(draw(figures.lines(months, series[:1]), WIDE).dots) == 2


def test_a_step_of_a_bridge_that_goes_the_other_way_is_drawn_as_that() -> None:
    labels, roles = ["Opening", "Phases", "Left", "Closing"], ["total", "expansion", "churn", "total"]
    figure = figures.bridge(labels, [Count(9), Count(-3), Count(2), Count(8)], roles, [True, False, False, True])
    assert [rect.role for rect in draw(figure, WIDE).rects] == ["total", "contraction", "expansion", "total"]
    assert [rect.role for rect in draw(figure, NARROW).rects] == ["total", "contraction", "expansion", "total"]


def test_what_is_counted_has_whole_ticks() -> None:
    def texts(figure: Any) -> list[str]:
        return [label.text for label in draw(figure, WIDE).labels if label.anchor == "end"]

    one = Series("Customers", "main", [Count(0), Count(1), Count(1), Count(1)])
    assert texts(figures.lines(MONTHS, [one], from_zero=True)) == ["0", "1"]
    assert texts(figures.columns(MONTHS, [one])) == ["0", "1"]
    assert "0.2" in texts(figures.lines(MONTHS, [Series("Days", "main", [Ratio(Decimal(1))] * 4)], from_zero=True))


def test_a_single_series_needs_no_legend_unless_it_stands_beside_another() -> None:
    chart = figures.lines(MONTHS, [Series("MRR", "main", [Count(1)] * 4)])
    assert legend(chart, "full") == []
    assert [key.name for key in legend(chart, "half")] == ["MRR"]


def test_figures_carry_only_colours_of_the_house() -> None:
    series = [Series(role, role, [Count(1)] * 4) for role in ROLES]
    colours = {trace.marker.color for trace in figures.columns(MONTHS, series).data}
    assert colours == set(ROLES.values())


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 98, [0, 20, 40, 60, 80, 100]), (-3, 7, [-4, -2, 0, 2, 4, 6, 8]), (0, 0, [0, 0.2, 0.4, 0.6, 0.8, 1.0])],
)
def test_ticks_are_round_numbers_that_cover_the_data(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high, 5) == expected


def test_ticks_are_written_short_and_apart_from_their_neighbours() -> None:
    assert [compact(value, 2500) for value in (0, 2500, 5000, -7500)] == ["0", "2.5k", "5k", "−7.5k"]
    assert compact(1_250_000, 250_000) == "1.25M"
    assert percent_tick(0.015, 0.005) == "1.5%"


def test_labels_are_thinned_from_the_newest_backwards() -> None:
    assert thinned(7, 3) == [0, 3, 6]
