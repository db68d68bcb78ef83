"""Where the explained value went, and whether all of it is accounted for."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, html
from dash.development.base_component import Component

from app import ids
from app.client import ServiceClient, ServiceError
from app.heading import heading
from app.texts import text
from lrp_core.figures.numbers import number, plural, value_words
from lrp_core.service.schemas import ExplanationAnswer, LedgerLine, NetworkReport

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
            html.Details(
                [
                    html.Summary("The network's operations and their rules"),
                    html.Div(id=ids.REPORT, className="ledger report", role="status"),
                ],
                id=ids.REPORT_FOLD,
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
    parts += [html.P(warning, className="hint warning") for warning in explanation.warnings]
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


def report(answer: NetworkReport) -> list[Component]:
    """What the network runs, what is done with it, and what is not seen or has no rule."""
    messages = ", ".join(f"{one.path} ({one.operation})" for one in answer.edges)
    lines = [
        f"{answer.network}: {plural(sum(one.count for one in answer.operations), 'operation')}.",
        f"Tracks send each other messages in {messages}."
        if messages
        else "Tracks send each other no messages; only tracks are explained.",
        f"{answer.hidden:.0%} of its answer goes ways that are not seen."
        if answer.hidden
        else "No ways around what is seen were found.",
    ]
    return [
        html.P(" ".join(lines), className="hint"),
        *(html.P(warning, className="hint warning") for warning in answer.warnings),
        html.Table(
            [
                html.Thead(html.Tr([html.Th(head) for head in ("operation", "times", "rule")])),
                html.Tbody(
                    [
                        html.Tr(
                            [
                                html.Th(one.name, title=", ".join(one.stages)),
                                html.Td(str(one.count)),
                                html.Td(
                                    ("Linearised: " if one.linearised else "") + one.rule,
                                    title=one.source,
                                    className="rule",
                                ),
                            ]
                        )
                        for one in answer.operations
                    ]
                ),
            ]
        ),
    ]


def register_callbacks(app: Dash, client: ServiceClient) -> None:
    """The network's report is asked for when it is opened, and again for another network."""

    @app.callback(
        Output(ids.REPORT, "children"),
        Input(ids.REPORT_FOLD, "n_clicks"),
        Input(ids.SOURCE, "data"),
        prevent_initial_call=True,
    )
    def _report(clicks: int | None, source: dict[str, Any] | None) -> Any:
        if not clicks:
            return []
        try:
            return report(client.of(source).network())
        except ServiceError as error:
            return html.P(error.message, className="hint warning")
