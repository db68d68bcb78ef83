"""The panels below the network plot: which there are, and the strip that opens and closes them."""

from __future__ import annotations

from typing import NamedTuple

from dash import html
from dash.development.base_component import Component

from app import ids
from app.controls import label, segments
from app.texts import text


class Panel(NamedTuple):
    """A panel of the dock.

    name      as assets/page/view.js and the address know it; its script draws in #NAME-body
    title     what the strip and its head say
    summary   what it shows, in a line
    how       name of the text that says how to read it
    controls  what stands in its head
    """

    name: str
    title: str
    summary: str
    how: str
    controls: tuple[Component, ...] = ()


PANELS: tuple[Panel, ...] = (
    Panel(
        "river",
        "The river",
        "Relevance on its way back from the output to the tracks, and whether all of it arrived",
        "river",
        (
            html.Span(
                [html.I(**{"aria-hidden": "true"}), html.B(), html.Small()],
                className="river-badge",
                role="status",
                **{"data-state": "none"},
            ),
        ),
    ),
    Panel(
        "heat",
        "Heat map",
        "Relevance of each track through each of its features",
        "heat",
        (
            segments("Rows by", "sort", [("|relevance|", "relevance"), ("pT", "pt")], "relevance"),
            segments("Rows", "rows", [("top 20", "top"), ("all", "all")], "top"),
        ),
    ),
    Panel("plane", "η–φ plane", "The jet from above: the same tracks and edges in 2D", "plane"),
    Panel(
        "compare",
        "Compared",
        "The jet and the pinned one in numbers, side by side, and the difference",
        "compare",
    ),
)


def layout() -> list[Component]:
    """The panels, closed until assets/page/dock.js knows which are open, and the strip."""
    return [
        html.Div([_panel(panel) for panel in PANELS], id=ids.DOCK, className="dock"),
        html.Div(
            [
                html.Button(
                    panel.title,
                    type="button",
                    title=panel.summary,
                    **{"data-dock": panel.name, "aria-pressed": "false"},
                )
                for panel in PANELS
            ],
            className="dock-strip",
            role="group",
            **{"aria-label": "Panels below the network plot"},
        ),
    ]


def _panel(panel: Panel) -> Component:
    return html.Section(
        [
            html.Div(
                [
                    html.H2(panel.title),
                    *panel.controls,
                    html.Details(
                        [html.Summary("How to read this"), html.Div(text(panel.how), tabIndex="0")],
                        className="how down",
                    ),
                    html.Button(
                        html.Span(className="icon", **{"data-icon": "enlarge"}),
                        type="button",
                        className="tool small",
                        title="Fill the middle of the page, or back",
                        **{"data-enlarge": panel.name, "aria-label": f"Enlarge {panel.title}"},
                    ),
                ],
                className="panel-head",
            ),
            html.Div(  # it scrolls, so the keyboard must reach it
                id=f"{panel.name}-body",
                className="dock-body",
                tabIndex="0",
                role="region",
                **label(panel.title),
            ),
        ],
        id=f"dock-{panel.name}",
        className="panel dock-panel",
        hidden=True,
    )
