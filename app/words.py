"""Numbers and short labels as Dash components; as text they are in lrp_core/figures/numbers.py."""

from __future__ import annotations

import re

from dash import html
from dash.development.base_component import Component

from lrp_core.figures.numbers import number


def signed_number(value: float, decimals: int = 2) -> html.Span:
    """A relevance in the colour of its sign, the sign written too."""
    return in_colour(value, number(value, decimals, sign=True))


def in_colour(value: float, text: str) -> html.Span:
    """The text of a relevance, in the colour of its sign."""
    kind = "positive" if value > 0 else "negative" if value < 0 else "zero"
    return html.Span(text, className=f"signed {kind}")


def symbol(text: str) -> list[Component | str]:
    """A short label with its indices set low: "p_T / jet p_T", "d_xy"."""
    parts = re.split(r"_(\w+)", text)
    return [html.Sub(part) if place % 2 else part for place, part in enumerate(parts) if part]
