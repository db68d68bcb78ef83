"""The head of a panel: its title, and behind a question mark how to read it."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from app.controls import label
from app.texts import text


def heading(title: str, how: str, *more: Component) -> Component:
    """The title, the text ``how`` on demand, and ``more`` that stands between them."""
    return html.Div(
        [
            html.H2(title),
            *more,
            html.Details(
                [
                    html.Summary("?", title="How to read this", **label(f"How to read: {title}")),
                    html.Div(text(how)),
                ],
                className="how down short",
            ),
        ],
        className="panel-head",
    )
