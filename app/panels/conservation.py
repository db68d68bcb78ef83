"""Where the explained value went, and whether all of it is accounted for."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from app import ids
from app.heading import heading
from app.texts import text
from lrp_core.figures.numbers import number, value_words
from lrp_core.service.schemas import ExplanationAnswer, LedgerLine

MARKS = {"sound": "✓", "cancels": "!", "broken": "!", "unknown": "!"}
SAYS = {
    "sound": "Accounted for {}",
    "cancels": "Adds up, but cancels: {}",
    "broken": "Not accounted for: {}",
    "unknown": "The sum cannot be checked: {}",
}


def layout() -> Component:
    """The panel, empty until a jet is chosen, with the ledger folded away."""
    return html.Section(
        [
            heading("Conservation", "balance"),
            html.Div(waiting(), id=ids.CONSERVATION),
            html.Details(
                [
                    html.Summary("Ledger, stage by stage"),
                    html.Div(text("conservation"), className="hint"),
                    html.Div(id=ids.LEDGER, className="ledger"),
                ],
                className="fold",
            ),
        ],
        className="panel conservation",
    )


def waiting() -> Component:
    """What stands here before a jet is chosen."""
    return html.P("Where the explained value went, to the last digit.", className="hint")


def sentence(explanation: ExplanationAnswer) -> str:
    """The account in one line: "Tracks 3.12 + biases −0.40 + ε 0.00 = 2.72, ..."."""
    totals = explanation.totals
    return (
        f"Tracks {number(totals.tracks, 3)} + biases {number(totals.bias, 3)} + "
        f"ε {number(totals.epsilon, 3)} = {number(explanation.value, 3)}, "
        f"the {value_words(explanation.target, explanation.classes)}, explained"
    )


def view(explanation: ExplanationAnswer) -> list[Component]:
    """The sum as an equation, the badge, and what is wrong if anything is."""
    totals = explanation.totals
    balance = explanation.balance
    parts: list[Component] = [
        html.Div(
            [
                _term("tracks", totals.tracks),
                html.Span("+", className="operator"),
                _term("biases", totals.bias),
                html.Span("+", className="operator"),
                _term("ε", totals.epsilon),
                html.Span("=", className="operator"),
                _term("explained", explanation.value, "value"),
            ],
            className="equation",
            role="math",
            **{"aria-label": sentence(explanation)},
        ),
        html.P(
            [
                html.Span(MARKS[balance.state], className="badge-mark"),
                html.Span(
                    SAYS[balance.state].format(balance.detail.replace(" × ", "\u00a0×\u00a0"))
                ),
            ],
            className=f"badge {'sound' if balance.state == 'sound' else 'broken'}",
            title="Conservation error: what the sum misses, as a share of the explained value",
        ),
    ]
    if explanation.problem:
        parts.append(html.P(explanation.problem, className="hint warning"))
    return parts


def _term(name: str, value: float | None, kind: str = "") -> Component:
    return html.Span(
        [html.Span(number(value, 3), className="figures"), html.Span(name, className="name")],
        className=f"term {kind}",
    )


def ledger(explanation: ExplanationAnswer) -> Component:
    """A row per stage, from the output back to the input."""
    return html.Table(
        [
            html.Thead(
                html.Tr([html.Th(head) for head in ("stage", "received", "passed", "bias", "ε")])
            ),
            html.Tbody([_line(line) for line in explanation.ledger]),
            html.Tfoot(
                html.Tr(
                    [
                        html.Th("sum"),
                        html.Td(number(explanation.totals.value, 3)),
                        html.Td(number(explanation.totals.tracks, 3), title="reached the tracks"),
                        html.Td(number(explanation.totals.bias, 3)),
                        html.Td(number(explanation.totals.epsilon, 3)),
                    ]
                )
            ),
        ]
    )


def _line(line: LedgerLine) -> Component:
    passed = [
        html.Div(
            number(value, 3),
            title=f"to {name}, the output of {line.inputs.get(name, 'the stage before')}",
        )
        for name, value in line.passed.items()
    ]
    return html.Tr(
        [
            html.Th(line.stage),
            html.Td(number(line.received, 3)),
            html.Td(passed),
            html.Td(number(line.bias, 3)),
            html.Td(number(line.epsilon, 3)),
        ]
    )
