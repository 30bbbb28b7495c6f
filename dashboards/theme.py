"""The house's colours by role, and the Plotly template that carries them.

A role is what a mark means to the eye (a gain, a loss, a limit), the same on every page. The style sheet holds the same
roles as custom properties, with a dark variant; a test holds the two together.
"""

from typing import Any

import plotly.graph_objects as go

ROLES: dict[str, str] = {
    "main": "#08519c",
    "second": "#2f7fbf",
    "third": "#5a6570",
    "fourth": "#9a5b13",
    "fifth": "#6b4ea0",
    "new": "#08519c",
    "expansion": "#3a87c8",
    "reactivation": "#5f9bd0",
    "contraction": "#d27619",
    "churn": "#a63c06",
    "fx": "#7b848d",
    "total": "#3d4650",
    "net": "#14181d",
    "limit": "#a63c06",
    "reference": "#7b848d",
}
"""Role to colour on a light ground. Gains are blues, losses oranges: colour blindness tells them apart."""

HATCHED = frozenset({"reactivation", "contraction"})
"""Roles drawn with a pattern as well, so that they stand apart in greyscale."""

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def template() -> Any:
    """The Plotly template of every figure: little ink, system fonts, no default colours of Plotly's own."""
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 12, "color": "#14181d"},
            "paper_bgcolor": "#ffffff",
            "plot_bgcolor": "#ffffff",
            "margin": {"l": 56, "r": 24, "t": 16, "b": 40},
            "hovermode": "x unified",
            "legend": {"orientation": "h", "y": 1.1},
            "xaxis": {"showgrid": False, "type": "category"},
            "yaxis": {"gridcolor": "#e4e7ea", "zerolinecolor": "#7b848d"},
        }
    )
