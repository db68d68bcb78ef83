"""Which features of the tracks spoke for the target and which against it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from dash import html
from dash.development.base_component import Component

from app import ids
from app.drawing import stands_for
from app.words import signed_number, symbol
from lrp_core.service.schemas import Base64Array, ExplanationAnswer, JetDetail

SHOWN = 8


def layout() -> Component:
    """The panel, empty until a jet is chosen."""
    return html.Section(
        [
            html.Div(html.H2("Features that counted"), className="panel-head"),
            html.Div(waiting(), id=ids.FEATURES),
        ],
        className="panel features",
    )


def waiting() -> Component:
    """What stands here before a jet is chosen."""
    return html.P("Relevance added up over the tracks, for and against.", className="hint")


def sums(explanation: ExplanationAnswer) -> npt.NDArray[np.float64]:
    """Relevance of each feature, added up over the tracks, [n_features]."""
    given = explanation.feature_relevance
    table = given.numpy() if isinstance(given, Base64Array) else np.array(given, dtype=np.float64)
    return table.reshape(-1, len(explanation.features)).astype(np.float64).sum(axis=0)


def view(jet: JetDetail, explanation: ExplanationAnswer) -> list[Component]:
    """A bar to the left (against) or to the right (for) for each of the largest features."""
    relevance = sums(explanation)
    order = np.argsort(-np.abs(relevance), kind="stable")[:SHOWN]
    most = float(np.abs(relevance).max(initial=0)) or 1.0
    about = {info.name: info for info in jet.feature_info}
    rows: list[Component] = []
    for place in order:
        name = explanation.features[place]
        share = 50 * abs(float(relevance[place])) / most
        side = "positive" if relevance[place] >= 0 else "negative"
        info = about.get(name)
        rows.append(
            html.Div(
                [
                    html.Span(symbol(info.title) if info else name, className="name"),
                    html.Span(
                        html.Span(className=side, style={"width": f"{share:.2f}%"}),
                        className="two-sided",
                    ),
                    signed_number(float(relevance[place]), 3),
                ],
                className="feature-row",
                title=f"{name}: {info.meaning}" if info else name,
            )
        )
    target = stands_for(explanation.target, explanation.classes)
    return [
        html.Div(rows, className="feature-rows"),
        html.P(f"Right speaks for {target}, left against it.", className="hint"),
    ]
