"""How much of the significance joins the two subjets, and how much stays within each."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from app import ids
from app.heading import heading
from app.words import signed_number
from lrp_core.figures.numbers import certainty, number, plural, stands_for
from lrp_core.service.schemas import ExplanationAnswer, ProngsInfo


def layout() -> Component:
    """Nothing, until a jet with subjets is explained."""
    return html.Div(id=ids.PRONGS, className="optional")


def view(explanation: ExplanationAnswer) -> Component | None:
    """The panel: shares of significance, each beside what an even spread would give."""
    prongs = explanation.prongs
    if prongs is None:
        return None
    rows = [
        _row("between them", prongs.between, prongs.even_between, "from one to the other"),
        _row("in subjet 1", prongs.within_1, prongs.even_within_1, "that join its tracks"),
        _row("in subjet 2", prongs.within_2, prongs.even_within_2, "that join its tracks"),
    ]
    if prongs.n_none:
        rows.append(_row("of neither", prongs.none, prongs.even_none, "that touch such a track"))
    target = stands_for(explanation.target, explanation.classes)
    return html.Section(
        [
            heading("Prongs", "prongs"),
            html.P(sentence(prongs), className="sentence"),
            html.Div(
                [
                    html.Div(
                        [
                            html.Span("share of the significance", className="name"),
                            html.Span(["│ if spread evenly"], className="even-key"),
                        ],
                        className="prong-head",
                    ),
                    *rows,
                ],
                className="prong-rows",
            ),
            html.P(
                [
                    f"Relevance for {target}: ",
                    *_of("subjet 1", prongs.relevance_1, prongs.n_1),
                    ", ",
                    *_of("subjet 2", prongs.relevance_2, prongs.n_2),
                    "; of their edges ",
                    signed(prongs.relevance_within),
                    " within, ",
                    signed(prongs.relevance_between),
                    " between.",
                ],
                className="hint",
            ),
        ],
        className="panel prongs",
    )


def sentence(prongs: ProngsInfo) -> str:
    """The answer to the first question: do edges between the prongs matter more than chance?"""
    share, even = prongs.between, prongs.even_between
    if share is None or even is None:
        return "No edge has any significance."
    if even == 0:
        return "No edge joins the two subjets: all tracks are nearest to one of them."
    return (
        f"Edges that join the two subjets hold {certainty(share)} of the significance, "
        f"{number(share / even, 2)} times what an even spread would give them."
    )


def signed(value: float | None) -> Component:
    """A relevance with the colour of its sign, or a dash."""
    return html.Span("–") if value is None else signed_number(value, 2)


def _of(name: str, relevance: float | None, n_tracks: int) -> list[Component | str]:
    return [f"{name} ", signed(relevance), f" ({plural(n_tracks, 'track')})"]


def _row(name: str, share: float | None, even: float | None, which: str) -> Component:
    def place(value: float | None) -> str:
        return f"{100 * min(1.0, max(0.0, value or 0.0)):.2f}%"

    bar: list[Component] = [html.Span(style={"width": place(share)})]
    if even is not None:
        bar.append(html.I(style={"left": place(even)}))
    return html.Div(
        [
            html.Span(name, className="name"),
            html.Span(bar, className="bar-track with-mark"),
            html.Span(certainty(share), className="figures"),
        ],
        className="prong-row",
        title=f"Edges {which}: {certainty(share)} of the edge significance; {certainty(even)} "
        "of it if every edge were as significant as every other",
    )
