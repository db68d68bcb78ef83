"""Which features of the tracks spoke for the target and which against it."""

from __future__ import annotations

import numpy as np
from dash import html
from dash.development.base_component import Component

from app import ids
from app.controls import data, label
from app.drawing import feature_sums
from app.heading import heading
from app.words import signed_number, symbol
from lrp_core.figures.numbers import number, stands_for
from lrp_core.service.schemas import ExplanationAnswer, JetDetail

SHOWN = 8


def layout() -> Component:
    """The panel, empty until a jet is chosen."""
    return html.Section(
        [
            heading("Features that counted", "features"),
            html.Div(waiting(), id=ids.FEATURES),
        ],
        className="panel features",
    )


def waiting() -> Component:
    """What stands here before a jet is chosen."""
    return html.P("Relevance added up over the tracks, for and against.", className="hint")


def view(jet: JetDetail, explanation: ExplanationAnswer) -> list[Component]:
    """A bar to the left (against) or to the right (for) for each of the largest features.

    A last one is for all others, so that the rows add up to the tracks' share in the account.
    Pointing at a row lights its column in the heat map, pressing it sorts the rows there
    (assets/panels/heat.js).
    """
    relevance = feature_sums(explanation)
    order = np.argsort(-np.abs(relevance), kind="stable")
    others = float(relevance[order[SHOWN:]].sum())
    most = float(np.abs(relevance).max(initial=0)) or 1.0
    about = {info.name: info for info in jet.feature_info}
    target = stands_for(explanation.target, explanation.classes)
    rows: list[Component] = []
    for place in order[:SHOWN]:
        name, value = explanation.features[place], float(relevance[place])
        info = about.get(name)
        title = info.title if info else name
        plain = title.replace("_", "")
        rows.append(
            html.Button(
                _row(symbol(title) if info else name, value, most),
                type="button",
                className="feature-row",
                title=(f"{info.meaning} " if info and info.meaning else "")
                + "Press to sort the heat map by it.",
                **data(feature=name),
                **label(
                    f"{plain}: {number(value, 3, sign=True)}, "
                    f"{'for' if value >= 0 else 'against'} {target}; sorts the heat map"
                ),
            )
        )
    if len(order) > SHOWN:
        text = f"{len(order) - SHOWN} others"
        # no bar: theirs is a sum of many, and on its scale those of single features would vanish
        rest = [html.Span(text, className="name"), html.Span(), signed_number(others, 3)]
        rows.append(html.Div(rest, className="feature-row others"))
    return [
        html.Div(
            [html.Span(), html.Span([html.Span("− against"), html.Span("for +")]), html.Span()],
            className="feature-row feature-sides",
            **{"aria-hidden": "true"},
        ),
        html.Div(rows, className="feature-rows"),
        html.P(
            [
                f"Right speaks for {target}, left against it. Added up over the tracks; together ",
                signed_number(float(relevance.sum()), 3),
                ", the tracks' share in the account.",
            ],
            className="hint",
        ),
    ]


def _row(title: str | list[Component | str], value: float, most: float) -> list[Component]:
    side = "positive" if value >= 0 else "negative"
    share = 50 * abs(value) / most
    return [
        html.Span(title, className="name"),
        html.Span(
            html.Span(className=side, style={"width": f"{share:.2f}%"}), className="two-sided"
        ),
        signed_number(value, 3),
    ]
