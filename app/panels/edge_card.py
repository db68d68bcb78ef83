"""The card of an edge: its two tracks, what it counts for, and through which of their features.

assets/panels/card.js opens and closes it and asks for the edge; what the page knows of the edge it
shows until the answer is there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from app import ids
from app.client import ServiceClient, ServiceError
from app.controls import data, label
from app.words import in_colour, signed_number, symbol
from lrp_core.figures.numbers import (
    SUPERSCRIPT,
    gev,
    number,
    percent,
    signed,
    significant,
    thousands,
)
from lrp_core.service.schemas import EdgeAnswer, EdgeEnd, FeatureInfo

TOP = 8  # features shown of each end before all are asked for


def layout() -> Component:
    """The card, closed, with what stands there while the service is asked."""
    return html.Section(
        [
            html.Header(
                [
                    html.H3(**data(says="title")),
                    html.Button(
                        html.Span(className="icon", **data(icon="close")),
                        type="button",
                        className="tool small",
                        title="Close the card (Escape)",
                        **data(part="close"),
                        **label("Close the card"),
                    ),
                ]
            ),
            html.Div(
                [
                    html.Dl(**data(says="known")),
                    html.Div(
                        [
                            html.Span("Asking for the features of this edge…", className="unseen"),
                            *(html.Div([html.I() for _ in range(6)]) for _ in range(2)),
                        ],
                        className="card-sides skeleton",
                    ),
                ],
                className="card-waiting",
                role="status",
            ),
            html.Div(id=ids.EDGE_SAYS),
            dcc.Store(id=ids.EDGE_ASKED),
        ],
        id=ids.EDGE_CARD,
        className="edge-card",
        hidden=True,
        **label("The chosen edge"),
    )


def card(says: EdgeAnswer) -> list[Component]:
    """What the service says of an edge."""
    share = "" if says.significance is None else percent(says.significance)
    return [
        html.Div(
            [_end(way, end) for way, end in zip(("from", "to"), says.ends, strict=False)],
            className="card-ends",
        ),
        html.Dl(
            [
                html.Dt("significance"),
                html.Dd([f"{significant(says.significance)} ", html.Small(share)]),
                html.Dt("rank"),
                html.Dd(
                    [
                        "– " if says.rank is None else f"{thousands(says.rank)} ",
                        html.Small(f"of {thousands(says.n_edges)}"),
                    ]
                ),
                html.Dt("speaks"),
                html.Dd(
                    [
                        _relevance(says.signed_relevance),
                        " ",
                        html.Small(says.speaks),
                    ]
                ),
            ]
        ),
        *_features(says),
    ]


def trouble(error: ServiceError) -> list[Component]:
    """What went wrong, with the number to ask about."""
    return [
        html.P(error.message, className="warning", role="alert"),
        *(
            [html.P(["Request ", html.Code(error.request_id)], className="muted")]
            if error.request_id
            else []
        ),
        html.Button("Try again", type="button", className="button", **data(part="again")),
    ]


def _end(way: str, end: EdgeEnd) -> Component:
    """The track at one end of the edge, and what is known of it."""
    known = [f"pT {gev(end.pt)}", "displaced" if end.displaced else "", end.origin]
    kind = f" ({end.kind})" if end.kind else ""
    return html.Div(
        [
            html.B(way),
            " ",
            html.Button(
                f"track {end.track}{kind}",
                type="button",
                className="link",
                title="Only the edges of this track",
                **data(set=f'{{"track": {end.track}}}'),
            ),
            html.P(" · ".join(filter(None, known))),
            html.P(["relevance ", _relevance(end.relevance)]),
        ]
    )


def _relevance(value: float | None) -> Component:
    return in_colour(value or 0.0, signed(value))


class _Unit:
    """A power of ten in which values up to ``most`` are short."""

    def __init__(self, most: float) -> None:
        self.most = most
        power = math.floor(math.log10(most * 1.0001))
        whole = power >= -1
        self.size = 1.0 if whole else 10.0**power
        self.digits = max(0, 2 - power) if whole else 2
        self.text = "" if whole else f"× 10{str(power).translate(SUPERSCRIPT)}"

    def __call__(self, value: float | None) -> Component:
        if value is None:
            return in_colour(0.0, number(None))
        return signed_number(value / self.size, self.digits)


def _features(says: EdgeAnswer) -> list[Component]:
    """Relevance by feature at both ends, on one scale, and how it adds up."""
    sides = (says.source_relevance, says.destination_relevance)
    most = max((abs(value) for side in sides for value in side if value), default=1.0)
    unit = _Unit(most)
    sums = [sum(value or 0.0 for value in side) for side in sides]
    more = f"all {len(says.features)} features"
    return [
        html.Div(
            [
                _side(f"through track {track}", says.feature_info, values, unit)
                for track, values in zip((says.source, says.destination), sides, strict=True)
            ],
            className="card-sides",
        ),
        html.P(
            [
                html.Span(
                    [
                        unit(sums[0]),
                        " + ",
                        unit(sums[1]),
                        " = ",
                        html.B(unit(says.signed_relevance)),
                        " ",
                        html.Span(unit.text, className="muted"),
                    ],
                    title="All features of the source, and of the destination, add up to the "
                    "signed relevance of the edge",
                ),
                html.Button(
                    [
                        html.Span(more, className="more"),
                        html.Span(f"strongest {TOP} only", className="fewer"),
                    ],
                    type="button",
                    className="link",
                    **data(part="all"),
                    **{"aria-expanded": "false"},
                )
                if len(says.features) > TOP
                else None,
            ],
            className="card-sum",
        ),
    ]


def _side(
    title: str,
    features: Sequence[FeatureInfo],
    values: Sequence[float | None],
    unit: _Unit,
) -> Component:
    order = sorted(range(len(features)), key=lambda at: (-abs(values[at] or 0.0), at))
    return html.Div(
        [
            html.H4(f"{title}, {unit.text}" if unit.text else title),
            html.Ul(
                [
                    _row(features[at], values[at], unit, weak=place >= TOP)
                    for place, at in enumerate(order)
                ]
            ),
        ]
    )


def _row(about: FeatureInfo, value: float | None, unit: _Unit, *, weak: bool) -> Component:
    size = abs(value or 0.0)
    return html.Li(
        [
            html.Span(symbol(about.title), className="name"),
            html.Span(
                html.Span(
                    className="negative" if (value or 0.0) < 0 else "positive",
                    style={"width": f"{50 * size / unit.most:.1f}%"},
                ),
                className="two-sided",
            ),
            unit(value),
        ],
        title=about.meaning,
        className="weak" if weak else None,
    )


def answer(client: ServiceClient, asked: dict[str, Any] | None) -> Component | None:
    """The inside of the card.

    asked  {"jet", "edge", "target", "rule", "file", "model"}: number of the edge in the explanation
    Returns None where no edge is asked for; else data-asked repeats what was asked, and data-title
    has the two tracks where the service told them.
    """
    if asked is None:
        return None
    try:
        says = client.of(asked).edge(
            asked["jet"], asked["edge"], target=asked["target"], rule=asked["rule"]
        )
    except ServiceError as error:
        return html.Div(trouble(error), **data(asked=json.dumps(asked)))
    title = f"Track {says.source} → track {says.destination}"
    return html.Div(card(says), **data(asked=json.dumps(asked), title=title))


def register_callbacks(app: Dash, client: ServiceClient) -> None:
    """Ask for the edge whose card is open, and tell its script that the answer is there."""

    @app.callback(
        Output(ids.EDGE_SAYS, "children"),
        Input(ids.EDGE_ASKED, "data"),
        prevent_initial_call=True,
    )
    def _edge(asked: dict[str, Any] | None) -> Component | None:
        return answer(client, asked)

    app.clientside_callback(
        ClientsideFunction("jetlrp_card", "answered"),
        Input(ids.EDGE_SAYS, "children"),
        prevent_initial_call=True,
    )
