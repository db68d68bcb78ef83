"""How the explanation lies beside the truth of the simulation, where the jet has one."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from app import ids
from app.heading import heading
from app.texts import text
from lrp_core.figures.numbers import certainty, number, plural, stands_for
from lrp_core.service.schemas import ExplanationAnswer, TruthMatchInfo


def layout() -> Component:
    """Nothing, until a jet with a truth is explained."""
    return html.Div(id=ids.TRUTH)


def view(explanation: ExplanationAnswer) -> Component | None:
    """The panel: numbers of the explanation, each beside what it can be compared with."""
    match = explanation.truth_match
    if match is None:
        return None
    target = stands_for(explanation.target, explanation.classes)
    return html.Section(
        [
            heading("Truth of the simulation", "truth_panel"),
            *(
                _comparisons(match, target)
                if match.n_b_tracks
                else [html.P(f"None of the {plural(match.n_tracks, 'track')} is of a b-hadron.")]
            ),
            html.Div(text("truth"), className="hint"),
        ],
        className="panel truth",
    )


def _comparisons(match: TruthMatchInfo, target: str) -> list[Component]:
    return [
        _group(
            f"Share of the {plural(match.n_b_tracks, 'b-hadron track')} in",
            [
                _row(
                    f"relevance for {target}",
                    match.positive_share,
                    "Their share in the relevance of all tracks that speak for it",
                    ours=True,
                ),
                _row(
                    "number of tracks",
                    match.track_share,
                    f"{match.n_b_tracks} of {plural(match.n_tracks, 'track')}",
                ),
                _row(
                    "pT of the tracks", match.pt_share, "Their share in the sum of all tracks' pT"
                ),
            ],
            "All tracks that descend from one of the jet's two b-hadrons, also by way of a "
            "c-hadron, a V0, a conversion or a nuclear interaction",
        ),
        _group(
            "Share of the edges between two of them in",
            [
                _row(
                    "edge significance",
                    match.significance_both,
                    "Significance of the edges that join two b-hadron tracks",
                    ours=True,
                ),
                _row(
                    "number of edges",
                    match.edge_share_both,
                    "What they would hold if every edge were as significant as every other",
                ),
            ],
        ),
        _group(
            "Average precision of finding them",
            [
                _row(
                    "by relevance",
                    match.average_precision,
                    f"Tracks ranked by relevance for {target}, the largest first; "
                    "1 if all b-hadron tracks come before all others",
                    ours=True,
                    share=False,
                ),
                _row(
                    "by chance",
                    match.average_precision_by_chance,
                    "The mean over all orders of the tracks",
                    share=False,
                ),
            ],
        ),
    ]


def _group(title: str, rows: list[Component], tip: str | None = None) -> Component:
    return html.Div([html.H3(title, title=tip), *rows], className="truth-group")


def _row(
    name: str, value: float | None, tip: str, *, ours: bool = False, share: bool = True
) -> Component:
    """A bar from 0 to 1. ours: of the explanation; otherwise what stands beside it."""
    width = 100 * min(1.0, max(0.0, value or 0.0))
    return html.Div(
        [
            html.Span(name, className="name"),
            html.Span(html.Span(style={"width": f"{width:.2f}%"}), className="bar-track"),
            html.Span(certainty(value) if share else number(value, 2), className="figures"),
        ],
        className="truth-row ours" if ours else "truth-row",
        title=tip,
    )
