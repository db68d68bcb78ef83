"""A rule for each part of the network: the rows of the form, and the text that they make.

The text is what is asked for, a composite as ``lrp_core.rules.parse_rule`` reads it. Rows write it
and follow it, in assets/page/stages.js; what they do not show, such as a bias policy, stays in it.
"""

from __future__ import annotations

import json
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from app import ids
from app.controls import data, label
from lrp_core.figures.ledger_words import group_of, group_words, short_group_words
from lrp_core.service.schemas import Choices, RuleChoice

COMPOSITE = "composite"
TITLE = "by stage"
SUMMARY = "Each part of the network follows a rule of its own."
PLACE = ids.rule_parameter(COMPOSITE, "text")
TEXT = "composite-text"


def panel(choices: Choices, *, shown: bool) -> Component:
    """The rows, and below them the composite as text."""
    written = json.dumps(PLACE, sort_keys=True, separators=(",", ":"))  # as Dash writes it
    return html.Div(
        [
            html.Div(rows(choices), id=ids.STAGE_ROWS, className="composite"),
            html.Div(
                [
                    html.Label("as text", htmlFor=written),
                    dcc.Input(
                        id=PLACE,
                        value=f"composite(default: {choices.defaults.rule_text})",
                        type="text",
                        debounce=True,
                        spellCheck=False,
                        autoComplete="off",
                    ),
                ],
                className="control row",
                title="The composite as the address, the API and --rule have it",
            ),
        ],
        id=ids.rule_panel(COMPOSITE),
        className="parameters" if shown else "parameters hidden",
    )


def parts(choices: Choices) -> list[tuple[str, str, list[str]]]:
    """The rows, from the input on: (few words, all words, stages).

    The stages of one part of the network share a row; one that reads the input only has its own.
    """
    reads_input = set(choices.input_stages)
    found: dict[tuple[str, bool], list[str]] = {}
    for stage in reversed(choices.rule_stages):
        found.setdefault((group_of(stage), stage in reads_input), []).append(stage)
    return [
        (
            f"{short_group_words(group)}, input" if only else short_group_words(group),
            f"{group_words(group)}{', what reads the input' if only else ''}: {', '.join(stages)}",
            stages,
        )
        for (group, only), stages in found.items()
    ]


def rows(choices: Choices) -> list[Component]:
    """A list of rules for each part of the network, and room for the number that it takes."""
    reads_input = set(choices.input_stages)
    return [
        html.Div(
            [
                html.Span(short, className="control-title", title=full),
                html.Select(
                    [
                        html.Option(rule.title, value=rule.name)
                        for rule in (
                            *choices.rules,
                            *(choices.input_rules if reads_input.issuperset(stages) else ()),
                        )
                    ],
                    **label(f"Rule of the {full}"),
                ),
                html.Span(className="stage-number"),
            ],
            className="composite-row",
            **data(
                stages=json.dumps(stages),
                all=json.dumps(choices.rule_stages),
                numbers=json.dumps(_numbers([*choices.rules, *choices.input_rules])),
            ),
        )
        for short, full, stages in parts(choices)
    ]


def _numbers(rules: list[RuleChoice]) -> dict[str, Any]:
    """The first number that each rule takes: {rule: {"name", "value", "least"}}."""
    return {
        rule.name: {"name": each.name, "value": each.default, "least": each.minimum}
        for rule in rules
        for each in rule.parameters[:1]
        if each.type == "number"
    }
