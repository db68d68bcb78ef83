"""What can be asked for: targets, rules with their parameters, presets; and reading what was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Literal, NamedTuple

from lrp_core.errors import RuleError, TargetError
from lrp_core.explainer import DTYPES, PRESETS, check_placement
from lrp_core.model import SIGNAL, Model
from lrp_core.rules import BIAS_POLICIES, RULES, AnyRule, Composite, parse_rule, rule_from_dict
from lrp_core.service.picks import PICKS
from lrp_core.service.problems import Problem
from lrp_core.service.schemas import (
    Choices,
    Defaults,
    PickChoice,
    PresetChoice,
    RuleChoice,
    RuleParameter,
    TargetChoice,
)

DEFAULT = "default"


class Parameter(NamedTuple):
    """What a parameter of a rule means, and the least it can be."""

    summary: str
    minimum: float | None = None
    choices: tuple[str, ...] | None = None


PARAMETERS = {
    "epsilon": Parameter(
        "How much larger the divisor is made; what this takes is in the ledger.", 0.0
    ),
    "relative": Parameter(
        "Whether ε is in units of the root mean square of the layer's outputs for that row."
    ),
    "gamma": Parameter("How much more terms of the output's own sign count; 0 is LRP-0.", 0.0),
    "alpha": Parameter("What terms of the output's own sign get; alpha - beta is 1.", 1.0),
    "beta": Parameter("What terms of the opposite sign get, negative; alpha - beta is 1.", 0.0),
    "bias": Parameter(
        "What a bias earns: account keeps it in the ledger, spread shares it over the inputs.",
        choices=BIAS_POLICIES,
    ),
}


class Wanted(NamedTuple):
    """A target and a rule that were asked for."""

    target: str
    rule: AnyRule


def all_choices(model: Model) -> Choices:
    """Everything that can be asked of one network."""
    default = PRESETS[DEFAULT]
    return Choices(
        targets=[_target(model, name) for name in model.targets],
        rules=[_rule(name) for name, rule in RULES.items() if rule.looks_at_input],
        input_rules=[
            _rule(name)
            for name, rule in RULES.items()
            if not rule.looks_at_input and model.input_stages
        ],
        presets=[
            PresetChoice(
                name=name,
                rule=preset.rule.to_dict(),
                rule_text=str(preset.rule),
                target=preset.target,
                summary=preset.summary,
            )
            for name, preset in PRESETS.items()
        ],
        defaults=Defaults(
            target=_default_target(model),
            rule=default.rule.to_dict(),
            rule_text=str(default.rule),
            dtype="float32",
        ),
        dtypes=list(DTYPES),
        stages=list(model.stages),
        rule_stages=list(model.rule_stages),
        input_stages=list(model.input_stages),
        picks=[
            PickChoice(name=name, title=pick.title, summary=pick.summary)
            for name, pick in PICKS.items()
        ],
    )


def read_wanted(model: Model, target: str | None, rule: str | Mapping[str, Any] | None) -> Wanted:
    """The target and the rule of a request. Raises Problem with the choices where one is wrong."""
    preset = PRESETS.get(rule.strip()) if isinstance(rule, str) else None
    if rule is None:
        chosen: AnyRule = PRESETS[DEFAULT].rule
    elif preset is not None:
        chosen = preset.rule
    else:
        chosen = _read_rule(rule)
    try:
        check_placement(model, chosen)
    except RuleError as error:
        raise Problem(422, "misplaced_rule", f"{error}.") from error
    if target is None:
        target = (
            preset.target if preset and preset.target in model.targets else _default_target(model)
        )
    try:
        return Wanted(model.target(target).name, chosen)
    except TargetError as error:
        raise Problem(422, "unknown_target", f"{error}.", choices=list(model.targets)) from error


def _read_rule(rule: str | Mapping[str, Any]) -> AnyRule:
    """A rule from its text or its data."""
    names = [*RULES, Composite.name]
    if isinstance(rule, str) and rule.lstrip().startswith("{"):
        name: Any = Composite.name  # JSON, which names its rule itself
    elif isinstance(rule, str):
        name = rule.partition("(")[0].strip()
        names = [*PRESETS, *RULES, Composite.name]
    else:
        name = rule.get("name")
    if name not in names:
        found = "no name" if name is None else repr(name)
        raise Problem(
            422,
            "unknown_rule",
            f"There is no such rule: found {found}, expected one of {', '.join(names)}.",
            choices=names,
        )
    try:
        return parse_rule(rule) if isinstance(rule, str) else rule_from_dict(rule)
    except RuleError as error:
        raise Problem(422, "invalid_rule", f"{error}.", choices=_instead(name, rule)) from error


def _instead(name: str, rule: str | Mapping[str, Any]) -> list[str] | None:
    """What could stand where something unknown stands, if that is what is wrong with a rule."""
    if isinstance(rule, str) or name == Composite.name:
        return None
    known = [item.name for item in fields(RULES[name])]
    if not set(rule) <= {"name", *known}:
        return known
    if "bias" in rule and rule["bias"] not in BIAS_POLICIES:
        return list(BIAS_POLICIES)
    return None


def _default_target(model: Model) -> str:
    wanted = PRESETS[DEFAULT].target
    return wanted if wanted in model.targets else model.targets[0]


def _target(model: Model, name: str) -> TargetChoice:
    """What explaining a target answers, in words."""
    kind, _, of = name.partition(":")
    if kind != "margin":
        return TargetChoice(
            name=name,
            title=f"{name} logit",
            summary=f"What made the {name} output large or small, by itself.",
        )
    of = of or SIGNAL
    others = [other for other in model.classes if other != of]
    rest = others[0] if len(others) == 1 else "the mean of the others"
    return TargetChoice(
        name=name,
        title=f"margin {of} − {rest}",
        summary=f"What made the network prefer {of} to {rest}, or {rest} to {of}.",
    )


def _rule(name: str) -> RuleChoice:
    rule = RULES[name]
    return RuleChoice(
        name=name, title=rule.title, summary=rule.summary, parameters=_parameters(name)
    )


def _parameters(rule: str) -> list[RuleParameter]:
    """The parameters of a rule, its own before the bias policy."""
    found = []
    for item in sorted(fields(RULES[rule]), key=lambda item: item.name == "bias"):
        assert item.default is not MISSING
        meaning = PARAMETERS[item.name]
        kind: Literal["number", "boolean", "choice"] = "number"
        if meaning.choices:
            kind = "choice"
        elif isinstance(item.default, bool):
            kind = "boolean"
        found.append(
            RuleParameter(
                name=item.name,
                type=kind,
                default=item.default,
                minimum=meaning.minimum,
                choices=list(meaning.choices) if meaning.choices else None,
                summary=meaning.summary,
            )
        )
    return found
