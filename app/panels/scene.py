"""The 3D network plot: a div that assets/picture/scene.js draws in, and controls of its own.

What the viewer changes here is changed in the browser.
"""

from __future__ import annotations

from dash import ClientsideFunction, Dash, Input, html
from dash.development.base_component import Component

from app import ids
from app.client import ServiceError
from app.controls import (
    again_mark,
    away_mark,
    axis,
    choice,
    data,
    label,
    opener,
    segments,
    toggle,
    tool,
)
from app.texts import text
from lrp_core.figures.numbers import gev, label_text, plural
from lrp_core.service.schemas import JetDetail

AXES = (  # names of the axes that are chosen together
    ("angles · log pT", ("track_etarel", "track_phirel", "log:track_pt")),
    ("angles · pT", ("track_etarel", "track_phirel", "track_pt")),
    ("impact parameters", ("track_dxy", "track_dz", "trackBTag_Sip3dSig")),
)
CAMERA = (  # id of a button, its picture, the key that presses it, what it does
    ("camera-start", "camera-start", "G", "As at the start, in perspective"),
    ("camera-front", "camera-front", "F", "From the front: Δη to the right"),
    ("camera-side", "camera-side", "S", "From the side: Δφ to the right"),
    ("camera-top", "camera-top", "T", "From above: the η–φ plane"),
    ("camera-ortho", "camera-ortho", "O", "Orthographic: without perspective"),
    ("camera-rotate", "camera-rotate", "R", "Turn slowly, until the plot is dragged"),
    ("camera-full", "camera-full", "V", "Full screen, until Escape"),
    (ids.RESET_VIEW, "camera-reset", "0", "Reset view: camera, isolated track, open edge"),
)


def layout(tools: Component, pinned: Component, card: Component) -> Component:
    """The stage with its title, its empty, busy and error states, and the controls below.

    tools   what stands at the end of the title
    pinned  the pane beside that of the jet
    card    what lies over the plot for the edge that is chosen
    """
    return html.Section(
        [
            html.Div(
                [
                    html.Div(id=ids.SCENE_TITLE, className="scene-title", children=title(None)),
                    tools,
                ],
                className="panel-head scene-head",
            ),
            html.Div(
                [
                    html.Div(
                        [
                            html.Div(
                                [
                                    html.Div(id=ids.SCENE, className="scene"),
                                    html.Div(id=ids.SCENE_CAPTION, className="caption"),
                                ],
                                className="pane",
                            ),
                            pinned,
                        ],
                        className="panes",
                    ),
                    html.Div(id=ids.LEGEND, className="legend"),
                    _camera(),
                    _isolated(),
                    card,
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
                            html.Div(id=ids.EDGES_WORDS, className="edges-words"),
                            html.Div(**data(range="edges")),
                        ],
                        className="control edges-control",
                    ),
                    html.Div(
                        [
                            html.Span("Significance", className="control-title"),
                            html.Span(className="edges-words", **data(says="least")),
                            html.Div(**data(histogram="edges")),
                        ],
                        className="control edges-control",
                    ),
                    opener(
                        "Look", ids.LOOK, "look", tip="Colours, sizes, marks and axes of the plot"
                    ),
                    _look(),
                ],
                className="scene-controls",
            ),
        ],
        className="panel scene-panel",
    )


def _camera() -> Component:
    """Where the camera stands, and whether it moves; assets/picture/camera.js."""
    return html.Div(
        [
            tool(name, f"{does} ({key})", icon, **{"aria-keyshortcuts": key})
            for name, icon, key, does in CAMERA
        ],
        className="camera-tools",
        role="toolbar",
        **label("Camera"),
    )


def _isolated() -> Component:
    """Whose edges alone are considered, which of them, and the way back to all."""
    return html.Div(
        [
            html.Span([html.Span("Edges of ", className="long"), html.B(**data(says="track"))]),
            segments(
                "Which of its edges",
                "ways",
                [("both", "both"), ("out", "out"), ("in", "in")],
                "both",
            ),
            choice(
                html.Span(className="icon", **data(icon="close")),
                {"track": None},
                tip="All edges again",
                className="tool small",
            ),
        ],
        id=ids.ISOLATED,
        className="isolated",
        hidden=True,
    )


def _look() -> Component:
    """The popover with everything that is not used all the time."""
    return html.Div(
        [
            html.Fieldset(
                [
                    html.Legend("Tracks"),
                    segments(
                        "Colour",
                        "color",
                        [("relevance", "relevance"), ("charge", "charge"), ("origin", "origin")],
                        "relevance",
                        className="row",
                    ),
                    segments(
                        "Size",
                        "size",
                        [("pT", "pt"), ("relevance", "relevance")],
                        "pt",
                        className="row",
                    ),
                    html.Div(
                        [
                            html.Span("Marks", className="control-title"),
                            toggle("μ, e and displaced tracks", "marks", on=True),
                        ],
                        className="control row",
                    ),
                ]
            ),
            html.Fieldset(
                [
                    html.Legend("Edges"),
                    segments(
                        "Colour",
                        "edgecolor",
                        [("significance", "significance"), ("for / against", "relevance")],
                        "significance",
                        tip="Width shows the significance either way",
                        className="row",
                    ),
                ]
            ),
            html.Fieldset(
                [
                    html.Legend("Axes"),
                    html.Div(
                        [choice(name, dict(zip("xyz", axes, strict=True))) for name, axes in AXES],
                        className="presets",
                    ),
                    axis("across", "x"),
                    axis("deep", "y"),
                    axis("up", "z"),
                ]
            ),
        ],
        id=ids.LOOK,
        className="popover",
        role="group",
        **label("Look of the plot"),
    )


def _foot() -> Component:
    return html.Div(
        [
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


def trouble(error: ServiceError, index: int) -> str:
    """What went wrong, in a few words."""
    if error.again is not None:
        return f"Jet {index} has to wait a moment"
    return "The service is away" if error.away else f"Jet {index} cannot be explained"


def failure(error: ServiceError, index: int) -> list[Component]:
    """What went wrong, in the service's words, with the number to ask about."""
    parts: list[Component] = [html.H3(trouble(error, index)), html.P(error.message)]
    if error.choices and not all(choice in error.message for choice in error.choices):
        parts.append(html.P(f"Possible are: {', '.join(error.choices)}.", className="muted"))
    if error.request_id:
        parts.append(
            html.P(["Request ", html.Code(error.request_id)], className="muted request-id")
        )
    if error.away:
        parts.append(away_mark())
    if error.again is not None:
        parts.insert(2, again_mark(error.again, error.request_id))
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
