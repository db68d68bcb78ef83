"""Two explanations beside each other: what pins one, the pane it stands in, what swaps them.

What is drawn and the table of differences are made in the browser, by assets/compare.js.
"""

from __future__ import annotations

import json
from typing import Any

from dash import html
from dash.development.base_component import Component

from app import ids
from app.client import ServiceError
from app.controls import again_mark, away_mark, segments
from lrp_core.figures.numbers import with_labels
from lrp_core.service.schemas import Choices


def tools(choices: Choices) -> Component:
    """What pins the explanation on screen, and says how the two are drawn.

    The scripts read here what targets and rules are called.
    """
    names: Any = {
        "data-targets": json.dumps(
            {each.name: with_labels(each.title) for each in choices.targets}
        ),
        "data-rules": json.dumps({each.name: each.title for each in choices.rules}),
    }
    return html.Div(
        [
            segments(
                "Draw",
                "difference",
                [("side by side", "0"), ("difference", "1")],
                "0",
                tip="Two pictures with one camera, or one picture of what changed",
                className="compare-mode",
            ),
            html.Button(
                [html.Span(className="icon", **{"data-icon": "pin"}), html.Span("Pin")],
                id=ids.PIN,
                type="button",
                className="toggle with-icon",
                title="Keep this explanation on screen, to put another beside it",
                **{"aria-pressed": "false"},
            ),
        ],
        className="compare-tools",
        **names,
    )


def pane() -> Component:
    """Where the pinned jet is drawn: its caption, and its states beside the picture."""
    return html.Div(
        [
            html.Div(id=ids.SCENE_PINNED, className="scene"),
            html.Div(
                [
                    html.Span(id=ids.PINNED_CAPTION),
                    html.Button(
                        "swap",
                        id=ids.SWAP,
                        type="button",
                        className="link",
                        title="The pinned explanation takes the place of the other",
                    ),
                    html.Button(
                        "unpin",
                        type="button",
                        className="link",
                        title="Take the pinned explanation away",
                        **{"data-unpin": ""},
                    ),
                ],
                className="caption",
            ),
            html.Div(
                [
                    html.Div(id=ids.PINNED_ERROR),
                    html.Div(
                        [
                            html.Button(
                                "Try again", id=ids.PINNED_RETRY, type="button", className="button"
                            ),
                            html.Button(
                                "Unpin", type="button", className="button", **{"data-unpin": ""}
                            ),
                        ],
                        className="ways-out",
                    ),
                ],
                className="state error",
                role="alert",
            ),
            html.Div(
                [html.Span(className="spinner"), html.Span("Propagating relevance…")],
                id=ids.PINNED_BUSY,
                className="state busy",
                role="status",
            ),
        ],
        className="pane pinned",
    )


def failure(error: ServiceError, pinned: dict[str, Any]) -> list[Component]:
    """Why the pinned jet is not there, in the service's words."""
    heading = "The service is away" if error.away else f"Jet {pinned['jet']} cannot stand here"
    if error.again is not None:
        heading = f"Jet {pinned['jet']} has to wait a moment"
    parts: list[Component] = [html.H3(heading), html.P(error.message)]
    if error.request_id:
        parts.append(
            html.P(["Request ", html.Code(error.request_id)], className="muted request-id")
        )
    if error.away:
        parts.append(away_mark())
    if error.again is not None:
        parts.insert(2, again_mark(error.again, error.request_id))
    return parts
