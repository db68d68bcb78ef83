"""The 3D network plot: a div that assets/scene.js draws in, and the controls that only it needs.

Nothing here asks the server: number of edges, colour, size and height are changed in the browser.
"""

from __future__ import annotations

from dash import ClientsideFunction, Dash, Input, html
from dash.development.base_component import Component

from app import ids
from app.client import ServiceError
from app.controls import segments
from app.texts import text
from app.words import gev, label_text, plural
from lrp_core.service.schemas import JetDetail


def layout() -> Component:
    """The stage with its title, its empty, busy and error states, and the controls below."""
    return html.Section(
        [
            html.Div(id=ids.SCENE_TITLE, className="panel-head scene-title", children=title(None)),
            html.Div(
                [
                    html.Div(
                        [
                            _pane(ids.SCENE, ids.SCENE_CAPTION),
                            _pane(ids.SCENE_PINNED, ids.PINNED_CAPTION, pinned=True),
                        ],
                        className="panes",
                    ),
                    html.Div(id=ids.LEGEND, className="legend"),
                    _foot(),
                    html.Div(text("empty"), id=ids.SCENE_EMPTY, className="state empty"),
                    html.Div(
                        [
                            html.Div(id=ids.SCENE_ERROR),
                            html.Button(
                                "Try again", id=ids.RETRY, type="button", className="button"
                            ),
                        ],
                        className="state error",
                        role="alert",
                    ),
                    html.Div(
                        [html.Span(className="spinner"), html.Span("Propagating relevance…")],
                        id=ids.SCENE_BUSY,
                        className="state busy",
                        role="status",
                    ),
                ],
                id=ids.STAGE,
                className="stage is-empty",
            ),
            html.Div(
                [
                    html.Div(
                        [
                            html.Label("Edges", htmlFor=ids.EDGES_SLIDER),
                            html.Div(**{"data-range": "edges"}),
                            html.Div(id=ids.EDGES_WORDS, className="edges-words"),
                        ],
                        className="control edges-control",
                    ),
                    segments(
                        "Track colour",
                        "color",
                        [("relevance", "relevance"), ("charge", "charge"), ("origin", "origin")],
                        "relevance",
                    ),
                    segments(
                        "Track size", "size", [("pT", "pt"), ("relevance", "relevance")], "pt"
                    ),
                    segments(
                        "Height",
                        "z",
                        [("log pT", "log:track_pt"), ("pT", "track_pt")],
                        "log:track_pt",
                    ),
                ],
                className="scene-controls",
            ),
        ],
        className="panel scene-panel",
    )


def _pane(scene: str, caption: str, *, pinned: bool = False) -> Component:
    """One picture with the line that says what it is of, where there are two."""
    return html.Div(
        [html.Div(id=scene, className="scene"), html.Div(id=caption, className="caption")],
        className="pane pinned" if pinned else "pane",
    )


def _foot() -> Component:
    return html.Div(
        [
            html.Button(
                "Reset view",
                id=ids.RESET_VIEW,
                type="button",
                className="button",
                title="Turn the scene back to where it started",
            ),
            html.Details(
                [
                    html.Summary("How to read this"),
                    html.Div(
                        [*text("scene"), html.Div(text("scene_truth"), className="truth-only")]
                    ),
                ],
                className="how",
            ),
            html.Span("drag to turn · scroll to zoom · point for numbers", className="turn-hint"),
        ],
        className="stage-foot",
    )


def title(jet: JetDetail | None) -> list[Component]:
    """The jet in a line."""
    if jet is None:
        return [html.H2("3D network plot")]
    facts: list[Component] = [
        html.Span(
            label_text(jet.label),
            className=f"fact chip-label label-{jet.label or 'unknown'}",
            title="What the simulation says the jet is",
        ),
        html.Span([html.B("pT"), gev(jet.pt)], className="fact"),
        html.Span([html.B("mass"), gev(jet.sdmass)], className="fact", title="soft-drop mass"),
        html.Span(plural(jet.n_tracks, "track"), className="fact"),
        html.Span(plural(jet.n_edges, "edge"), className="fact"),
    ]
    return [
        html.H2(f"Jet {jet.index}", title=jet.jet_id),
        html.Div(facts, className="facts"),
    ]


def heading(index: int) -> list[Component]:
    """The jet when nothing but its number is known."""
    return [html.H2(f"Jet {index}")]


def failure(error: ServiceError, index: int) -> list[Component]:
    """What went wrong, in the service's words, with the number to ask about."""
    heading = "The service is away" if error.away else f"Jet {index} cannot be explained"
    parts: list[Component] = [html.H3(heading), html.P(error.message)]
    if error.choices:
        parts.append(html.P(f"Possible are: {', '.join(error.choices)}.", className="muted"))
    if error.request_id:
        parts.append(
            html.P(["Request ", html.Code(error.request_id)], className="muted request-id")
        )
    return parts


def register_callbacks(app: Dash) -> None:
    """Hand the data to the scripts that draw."""
    app.clientside_callback(
        ClientsideFunction("jetlrp", "show"),
        Input(ids.SCENE_DATA, "data"),
    )
    app.clientside_callback(
        ClientsideFunction("jetlrp", "showPinned"),
        Input(ids.PINNED_DATA, "data"),
    )


def state_class(state: str, *, truth: bool = False) -> str:
    """The class of the stage: which of "empty", "error" and "ready" it shows.

    truth  whether the jet has one, so that what needs it is offered
    """
    return f"stage is-{state}{' has-truth' if truth else ''}"
