"""What to explain and how: the target, the rule with its parameters, the presets."""

from __future__ import annotations

import json
from typing import Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from app import ids, stages
from app.controls import data, row_of_buttons
from app.heading import heading
from lrp_core.figures.numbers import with_labels
from lrp_core.service.schemas import Choices, RuleChoice, RuleParameter

SYMBOLS = {"epsilon": "ε", "gamma": "γ", "alpha": "α", "beta": "β", "bias": "biases"}
OPTIONS = {"account": "in an account", "spread": "spread"}


def layout(choices: Choices) -> Component:
    """Two questions and their parameters, filled with the service's defaults."""
    rule = choices.defaults.rule
    return html.Section(
        [
            heading(
                "Explanation",
                "question",
                html.Div(
                    [
                        html.Button(
                            preset.name,
                            id={"type": ids.PRESET, "name": preset.name},
                            type="button",
                            className=chip,
                            title=preset.summary,
                            **data(preset=json.dumps([preset.name, preset.target, preset.rule])),
                        )
                        for preset, chip in zip(
                            usable_presets(choices),
                            chips(choices, choices.defaults.target, rule),
                            strict=True,
                        )
                    ],
                    className="chips",
                ),
            ),
            _list(
                ids.TARGET,
                "Explain",
                [(with_labels(each.title), each.name) for each in choices.targets],
                choices.defaults.target,
            ),
            html.P(
                target_words(choices, choices.defaults.target),
                id=ids.TARGET_WORDS,
                className="hint",
            ),
            _list(
                ids.RULE,
                "Rule",
                [
                    *((each.title, each.name) for each in choices.rules),
                    *([(stages.TITLE, stages.COMPOSITE)] if choices.rule_stages else []),
                ],
                rule["name"],
            ),
            html.P(rule_words(choices, rule["name"]), id=ids.RULE_WORDS, className="hint"),
            *(_parameters(each, rule) for each in choices.rules),
            stages.panel(choices, shown=rule["name"] == stages.COMPOSITE),
        ],
        className="panel question",
    )


def usable_presets(choices: Choices) -> list[Any]:
    """The presets that one rule of the list can express."""
    rules = {rule.name for rule in choices.rules}
    return [preset for preset in choices.presets if preset.rule.get("name") in rules]


def chips(choices: Choices, target: str, rule: dict[str, Any] | str) -> list[str]:
    """The class of each usable preset's button: "chip active" where it is what is asked."""

    def whole(given: dict[str, Any]) -> dict[str, Any]:
        """The rule with the parameters that it leaves to their defaults."""
        known = next((each for each in choices.rules if each.name == given["name"]), None)
        return {each.name: each.default for each in known.parameters} | given if known else given

    wanted = None if isinstance(rule, str) else whole(rule)
    return [
        "chip active" if preset.target == target and whole(preset.rule) == wanted else "chip"
        for preset in usable_presets(choices)
    ]


def target_words(choices: Choices, target: str | None) -> str:
    """What explaining this target answers."""
    return with_labels(next((each.summary for each in choices.targets if each.name == target), ""))


def rule_words(choices: Choices, rule: str | None) -> str:
    """What the rule does, in one sentence."""
    if rule == stages.COMPOSITE:
        return stages.SUMMARY
    return next((each.summary for each in choices.rules if each.name == rule), "")


def _list(name: str, title: str, options: list[tuple[str, str]], usual: str) -> Component:
    """A list of (text, value); what is chosen is the value of the component ``name``."""
    return html.Div(
        [
            html.Label(title, htmlFor=f"{name}-list"),
            html.Select(
                [
                    html.Option(text, value=value, selected=value == usual)
                    for text, value in options
                ],
                id=f"{name}-list",
                **data(asks=json.dumps(name)),
            ),
            dcc.Input(id=name, value=usual, type="hidden"),
        ],
        className="control row",
    )


def _parameters(rule: RuleChoice, default: dict[str, Any]) -> Component:
    chosen = default["name"] == rule.name
    return html.Div(
        [_parameter(rule.name, each, default if chosen else {}) for each in rule.parameters],
        id=ids.rule_panel(rule.name),
        className="parameters" if chosen else "parameters hidden",
        **data(
            rule=rule.name,
            defaults=json.dumps({each.name: each.default for each in rule.parameters}),
        ),
    )


def _parameter(rule: str, parameter: RuleParameter, default: dict[str, Any]) -> Component:
    name = parameter.name
    value = default.get(name, parameter.default)
    here: Any = ids.rule_parameter(rule, name)
    title = SYMBOLS.get(name, name)
    if parameter.type == "number":
        written = json.dumps(here, sort_keys=True, separators=(",", ":"))  # as Dash writes it
        parts: list[Component] = [
            html.Label(title, htmlFor=written),
            dcc.Input(
                id=here, value=value, type="number", min=parameter.minimum, step="any", debounce=0.6
            ),
        ]
    else:
        options: list[tuple[str, bool | str]] = (
            [("no", False), ("yes", True)]
            if parameter.type == "boolean"
            else [(OPTIONS.get(each, each), each) for each in parameter.choices or ()]
        )
        parts = [
            *row_of_buttons(
                title,
                [
                    (text, data(asks=json.dumps(here), gives=json.dumps(option)), option == value)
                    for text, option in options
                ],
            ),
            dcc.Input(id=here, value=value, type="hidden"),
        ]
    return html.Div(parts, className="control row", title=parameter.summary)


def rule_wanted(
    rule: str, values: list[Any], places: list[dict[str, str]]
) -> tuple[dict[str, Any] | str, list[str]]:
    """The rule as data, out of all inputs on the page -> (rule, names of those left empty).

    A composite is its text; so is what an address asks for that no input on the page stands for,
    such as a rule that there is not: the service says what is wrong with it.
    """
    if rule == stages.COMPOSITE:
        text = next(
            (value for value, at in zip(values, places, strict=True) if at["rule"] == rule), None
        )
        return str(text or ""), [] if text else ["The composite"]
    if not any(place["rule"] == rule for place in places):
        return rule, []
    wanted: dict[str, Any] = {"name": rule}
    empty = []
    for value, place in zip(values, places, strict=True):
        if place["rule"] != rule:
            continue
        if value is None or value == "":
            empty.append(SYMBOLS.get(place["name"], place["name"]))
        wanted[place["name"]] = value
    return wanted, empty


def preset_values(
    choices: Choices, name: str, places: list[dict[str, str]]
) -> tuple[str, str, list[Any]]:
    """What choosing a preset sets -> (target, rule, value of every parameter on the page)."""
    preset = next(each for each in choices.presets if each.name == name)
    rule = preset.rule
    values = [
        rule.get(place["name"], no_update) if place["rule"] == rule["name"] else no_update
        for place in places
    ]
    return preset.target, rule["name"], values


def register_callbacks(app: Dash, choices: Any) -> None:
    """Words for the chosen target and rule, its parameters, and the presets.

    choices(source) gives the service's Choices for a file and a network; it is asked only once they
    are on the page.
    """
    app.clientside_callback(
        ClientsideFunction("jetlrp", "rule"),
        Output({"type": "rule-panel", "rule": ALL}, "className"),
        Input(ids.RULE, "value"),
        State({"type": "rule-panel", "rule": ALL}, "id"),
        prevent_initial_call=True,
    )

    app.clientside_callback(
        ClientsideFunction("jetlrp_question", "sync"),
        Input(ids.TARGET, "value"),
        Input(ids.RULE, "value"),
        Input({"type": "rule-parameter", "rule": ALL, "name": ALL}, "value"),
        Input(ids.STAGE_ROWS, "children"),
        State({"type": "rule-parameter", "rule": ALL, "name": ALL}, "id"),
    )

    @app.callback(
        Output(ids.STAGE_ROWS, "children"),
        Input(ids.SOURCE, "data"),
        prevent_initial_call=True,
    )
    def _stages(source: dict[str, Any] | None) -> Any:
        return stages.rows(choices(source))

    @app.callback(
        Output(ids.TARGET_WORDS, "children"),
        Output(ids.RULE_WORDS, "children"),
        Input(ids.TARGET, "value"),
        Input(ids.RULE, "value"),
        State(ids.SOURCE, "data"),
        prevent_initial_call=True,
    )
    def _words(target: str, rule: str, source: dict[str, Any] | None) -> tuple[str, str]:
        known = choices(source)
        return target_words(known, target), rule_words(known, rule)

    @app.callback(
        Output({"type": ids.PRESET, "name": ALL}, "className"),
        Input(ids.TARGET, "value"),
        Input(ids.RULE, "value"),
        Input({"type": "rule-parameter", "rule": ALL, "name": ALL}, "value"),
        State({"type": "rule-parameter", "rule": ALL, "name": ALL}, "id"),
        prevent_initial_call=True,
    )
    def _active(
        target: str, rule: str, values: list[Any], places: list[dict[str, str]]
    ) -> list[str]:
        return chips(choices(None), target, rule_wanted(rule, values, places)[0])

    @app.callback(
        Output(ids.TARGET, "value"),
        Output(ids.RULE, "value"),
        Output({"type": "rule-parameter", "rule": ALL, "name": ALL}, "value"),
        Input({"type": ids.PRESET, "name": ALL}, "n_clicks"),
        State({"type": "rule-parameter", "rule": ALL, "name": ALL}, "id"),
        prevent_initial_call=True,
    )
    def _preset(clicks: list[int | None], places: list[dict[str, str]]) -> Any:
        if not any(clicks) or not isinstance(ctx.triggered_id, dict):
            return no_update, no_update, [no_update] * len(places)
        return preset_values(choices(None), ctx.triggered_id["name"], places)
