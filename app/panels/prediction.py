"""What the network says of the jet, in a sentence and in numbers."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from app import ids
from app.drawing import values
from app.words import label_text, number, percent
from lrp_core.service.schemas import ExplanationAnswer, JetDetail


def layout() -> Component:
    """The panel, empty until a jet is chosen."""
    return html.Section(
        [
            html.Div(html.H2("Prediction"), className="panel-head"),
            html.Div(waiting(), id=ids.PREDICTION),
        ],
        className="panel prediction",
    )


def waiting() -> Component:
    """What stands here before a jet is chosen."""
    return html.P("The network's answer for the jet you choose.", className="hint")


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
                html.Strong(percent(float(probabilities[best])), className="figures"),
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
                        html.Span(percent(float(probabilities[place])), className="figures"),
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
    ]
