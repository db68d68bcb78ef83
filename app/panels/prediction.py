"""What the network says of the jet, and which tracks and features speak for and against it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from dash import html
from dash.development.base_component import Component

from app import ids
from app.controls import data
from app.drawing import feature_sums, values
from app.heading import heading
from app.words import symbol
from lrp_core.figures.numbers import certainty, label_text, number, plural, stands_for
from lrp_core.service.schemas import ExplanationAnswer, JetDetail

SPEAKERS = 3  # tracks, and features, named on each side


def layout() -> Component:
    """The panel, empty until a jet is chosen."""
    return html.Section(
        [
            heading("Prediction", "prediction"),
            html.Div(waiting(), id=ids.PREDICTION),
        ],
        className="panel prediction",
    )


def waiting() -> Component:
    """What stands here before a jet is chosen."""
    return html.P("The network's answer for the jet you choose.", className="hint")


def said(jet: JetDetail, explanation: ExplanationAnswer) -> str:
    """The jet and its prediction in one line, to be read aloud."""
    probabilities = values(explanation.probabilities)
    best = int(probabilities.argmax())
    return (
        f"Jet {jet.index}: the network says {label_text(explanation.classes[best])} "
        f"with {certainty(float(probabilities[best]))}. {plural(jet.n_tracks, 'track')}."
    )


def view(jet: JetDetail, explanation: ExplanationAnswer) -> list[Component]:
    """The sentence, and a bar for each class."""
    probabilities = values(explanation.probabilities)
    logits = values(explanation.logits)
    best = int(probabilities.argmax())
    called = explanation.classes[best]
    if jet.label is None:
        truth = "Nobody has labelled this jet."
    elif jet.label == called:
        truth = "So does its label."
    else:
        truth = f"Its label says {label_text(jet.label)}."
    order = sorted(range(len(logits)), key=lambda place: -probabilities[place])
    return [
        html.P(
            [
                "The network says ",
                html.Strong(label_text(called)),
                " with ",
                html.Strong(certainty(float(probabilities[best])), className="figures"),
                ". ",
                html.Span(truth, className="muted"),
            ],
            className="sentence",
        ),
        html.Div(
            [
                html.Div(
                    [
                        html.Span(label_text(explanation.classes[place]), className="name"),
                        html.Span(
                            html.Span(style={"width": f"{100 * probabilities[place]:.2f}%"}),
                            className="bar-track",
                        ),
                        html.Span(certainty(float(probabilities[place])), className="figures"),
                        html.Span(
                            number(float(logits[place]), 2, sign=True),
                            className="figures muted",
                            title="logit",
                        ),
                    ],
                    className="class-row",
                )
                for place in order
            ],
            className="classes",
        ),
        *_speakers(jet, explanation),
    ]


def most(relevance: npt.NDArray[np.float64], sign: int) -> tuple[list[int], float | None]:
    """Who speaks loudest for (sign = 1) or against (-1) the target.

    -> places of the largest values of that sign, at most ``SPEAKERS`` and no more than hold half
    of their sum; and their share in that sum, None where nobody speaks so
    """
    side = np.clip(sign * relevance, 0, None)
    total = float(side.sum())
    if not np.isfinite(total) or total <= 0:
        return [], None
    order = np.argsort(-side, kind="stable")
    held = np.cumsum(side[order]) / total
    n = min(SPEAKERS, int(np.searchsorted(held, 0.5)) + 1)
    return [int(place) for place in order[:n]], float(held[n - 1])


def _speakers(jet: JetDetail, explanation: ExplanationAnswer) -> list[Component]:
    """Which tracks and which features speak for the target, and which against it, in words."""
    tracks = values(explanation.track_relevance_sum)
    features = feature_sums(explanation)
    titles = {info.name: info.title for info in jet.feature_info}
    target = stands_for(explanation.target, explanation.classes)
    return [
        html.P(
            [
                html.Span("For", className="signed positive"),
                f" {target}: ",
                *_named(tracks, features, explanation.features, titles, 1),
            ],
            className="speaks",
        ),
        html.P(
            [
                html.Span("Against", className="signed negative"),
                " it: ",
                *_named(tracks, features, explanation.features, titles, -1),
            ],
            className="speaks",
        ),
    ]


def _named(
    tracks: npt.NDArray[np.float64],
    features: npt.NDArray[np.float64],
    names: list[str],
    titles: dict[str, str],
    sign: int,
) -> list[Component | str]:
    """The tracks, which can be pressed, and the features, each with what share they hold."""
    chosen, share = most(tracks, sign)
    if share is None:
        said: list[Component | str] = ["no track"]
    else:
        said = [
            "track " if len(chosen) == 1 else "tracks ",
            *_listed([_track(place, float(tracks[place])) for place in chosen]),
            " (",
            _share(share),
            ")",
        ]
    chosen, share = most(features, sign)
    if share is None:
        return [*said, "; no feature."]
    of = [
        html.Span(
            symbol(titles.get(names[place], names[place])),
            title=_value(features[place]),
            className="feature-link",
            **data(feature=names[place]),
        )
        for place in chosen
    ]
    return [*said, "; ", *_listed(of), " (", _share(share), ")."]


def _listed(parts: list[Component]) -> list[Component | str]:
    """Parts with commas and an "and" between them."""
    said: list[Component | str] = []
    for place, part in enumerate(parts):
        if place:
            said.append(" and " if place == len(parts) - 1 else ", ")
        said.append(part)
    return said


def _track(number_of: int, relevance: float) -> Component:
    return html.Button(
        str(number_of),
        type="button",
        className="track-link",
        title=f"{_value(relevance)}; press to see its edges alone",
        **data(view="track", value=str(number_of)),
    )


def _value(relevance: float) -> str:
    return f"relevance {number(relevance, 3, sign=True)}"


def _share(share: float) -> Component:
    return html.Span(
        f"{number(100 * share, 0)} %",
        title="Their share in all relevance on this side",
        className="figures",
    )
