"""The part of the save menu that makes figures; assets/page/export.js does what it says."""

from __future__ import annotations

import json
from collections.abc import Iterable

from dash import html
from dash.development.base_component import Component

from app.controls import data, label, pressed
from lrp_core.figures import presets

VIEWS = (("network", "3D network plot"), ("heatmap", "Heat map"), ("river", "The river"))
FORMATS = (
    ("png", "PNG"),
    ("svg", "SVG, vector"),
    ("pdf", "PDF, vector"),
    ("html", "HTML that turns"),
)


def layout() -> Component:
    """View, format, size, scale and background of a figure, the button, and how far it is."""
    return html.Div(
        [
            html.H3("Figure"),
            _row("View", "view", VIEWS),
            _row("Format", "format", FORMATS),
            _row("Size", "preset", [(p.name, p.title) for p in presets.PRESETS.values()]),
            _row("Pixels", "scale", [(str(s), f"{s}×") for s in presets.SCALES]),
            html.Div(
                [
                    html.Span("Ground", className="control-title"),
                    html.Button(
                        "transparent",
                        id="figure-transparent",
                        type="button",
                        className="toggle",
                        **pressed(False),
                    ),
                ],
                className="control row",
            ),
            html.Div(
                [
                    html.Button(
                        "Save figure", id="figure-save", type="button", className="button primary"
                    ),
                    html.Span(id="figure-size", className="muted"),
                ],
                className="figure-go",
            ),
            html.Div(
                [html.Span(className="spinner"), html.Span(id="figure-doing")],
                id="figure-progress",
                className="figure-progress",
                hidden=True,
                role="status",
            ),
            html.P(id="figure-error", className="warning", hidden=True, role="alert"),
            html.Div(
                id="figure-facts",
                hidden=True,
                **data(facts=json.dumps(presets.as_data())),
            ),
        ],
        className="figure-form",
        role="group",
        **label("Figure"),
    )


def _row(title: str, name: str, options: Iterable[tuple[str, str]]) -> Component:
    return html.Div(
        [
            html.Label(title, htmlFor=f"figure-{name}"),
            html.Select(
                [html.Option(text, value=value) for value, text in options],
                id=f"figure-{name}",
                **data(figure=name),
            ),
        ],
        className="control row",
    )
