"""The rules of layer-wise relevance propagation: how one affine layer shares relevance out.

A layer computes z_v = sum_u W_vu a_u + b_v. Every rule divides the relevance R_v of an output among
the terms z_uv = W_vu a_u that made it, and the bias b_v is a term like any other. Rules differ only
in the weight they give to terms of the output's own sign and to terms of the opposite sign:

    LRP-0, LRP-ε    own 1        opposite 1      divided by their sum (ε makes the divisor larger)
    LRP-γ           own 1 + γ    opposite 1      divided by their sum
    z⁺              own 1        opposite 0      divided by their sum
    LRP-αβ          α of the relevance goes to the own side, -β to the opposite side
    flat, w²        do not look at the input at all: 1 and W_vu² for each input, none for the bias

Relevance is in units of the network's output (the logit); positive speaks for the target.
Nothing is lost: what a layer receives = what its inputs get + its bias account + its ε account.
An output that is exactly zero and carries no relevance passes none on (0/0 is 0); one that carries
some raises PropagationError, because there is no term to give it to.

Source: Montavon, Binder, Lapuschkin, Samek, Müller, "Layer-Wise Relevance Propagation: An Overview"
(2019), section 10.2 and table 10.1; LRP-γ for inputs of either sign: the same, generalised as in
Andéol et al., "Learning Domain Invariant Representations by Joint Wasserstein Distance
Minimization" (2021), appendix; bias spread over the inputs: Bach et al. (2015), Arras et al.
(2017), eq. 2.
"""

from __future__ import annotations

import ast
import contextlib
import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from functools import cached_property
from numbers import Real
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from lrp_core.errors import PropagationError, RuleError

BIAS_POLICIES = ("account", "spread")
PLAIN_PATTERN = re.compile(r"[\w.*?-]+")  # of stages, written without quotes


@dataclass(frozen=True, eq=False)
class Layer:
    """An affine layer z = a W^T + b: its stage name, weight [n_out, n_in] and bias [n_out]."""

    name: str
    weight: Tensor
    bias: Tensor

    @cached_property
    def size(self) -> Tensor:
        """|W|, with which the terms' absolute values are added up as |z_uv| = |W_vu| |a_u|."""
        return self.weight.abs()


class Shares(NamedTuple):
    """What the relevance that a layer received was divided into.

    inputs [n_rows, n_in]; bias and epsilon [n_rows] float64, each added up from its own terms
    """

    inputs: Tensor
    bias: Tensor
    epsilon: Tensor


def quotient(relevance: Tensor, divisor: Tensor, stage: str) -> Tensor:
    """relevance / divisor, with 0/0 = 0; relevance over exactly zero raises PropagationError."""
    result = relevance / divisor
    if math.isfinite(result.sum().item()):
        return result
    zero = divisor == 0
    stranded = zero & (relevance != 0)
    if stranded.any():
        raise PropagationError(
            f"stage {stage}: {int(stranded.sum())} output(s) are exactly zero and carry relevance "
            f"(the first {relevance[stranded][0].item():.6g}), which no term can take; "
            "use a rule that does not give relevance to outputs that are zero, "
            "such as gamma or epsilon with bias=account"
        )
    return result.masked_fill(zero, 0.0)


@dataclass(frozen=True)
class Rule(ABC):
    """How the affine layers of one or more stages share relevance out.

    bias  "account": what the bias earns stays with the layer, in the ledger's bias account.
          "spread": it is spread in equal parts over the layer's inputs; a ε account stays.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    looks_at_input: ClassVar[bool] = True  # else it is for stages that read the input only

    bias: str = field(default="account", kw_only=True)

    def __post_init__(self) -> None:
        if self.bias not in BIAS_POLICIES:
            raise RuleError(
                f"{self.name}: bias is one of {', '.join(BIAS_POLICIES)}, found {self.bias!r}"
            )

    @abstractmethod
    def divide(self, a: Tensor, layer: Layer, z: Tensor, relevance: Tensor) -> Shares:
        """Divide ``relevance`` [n_rows, n_out] of the outputs z = a W^T + b among their terms."""

    def share(self, a: Tensor, layer: Layer, z: Tensor, relevance: Tensor) -> Shares:
        """``divide``, and then do with the bias's share what the bias policy says.

        a [n_rows, n_in], z and relevance [n_rows, n_out] -> Shares.
        Raises PropagationError naming the stage where an output of exactly zero carries relevance.
        """
        shares = self.divide(a, layer, z, relevance)
        if self.bias == "account":
            return shares
        each = (shares.bias / a.shape[1]).to(a.dtype)
        return Shares(
            shares.inputs + each[:, None], shares.bias.new_zeros(each.shape), shares.epsilon
        )

    @property
    def needs_float64(self) -> bool:
        """Whether the rule is always computed in float64, because in float32 it loses digits.

        So it is where relevance does not fade with the value that carries it: on its way through a
        mean that is nearly zero it becomes many times larger than the output, and cancels again.
        """
        return False

    def for_stage(self, stage: str) -> Rule:
        """The rule of one stage: this one, whatever the stage."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """The rule as plain data, which ``rule_from_dict`` reads back."""
        return {"name": self.name, **{item.name: getattr(self, item.name) for item in fields(self)}}

    def __str__(self) -> str:
        parts = {key: value for key, value in self.to_dict().items() if key != "name"}
        parts["bias"] = parts.pop("bias")
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in parts.items())})"


def _number(rule: str, name: str, value: Any, least: float) -> float:
    """``value`` as a finite float of at least ``least``, or RuleError."""
    try:
        number = float(value) if isinstance(value, Real) else math.nan  # Python's or numpy's
    except OverflowError:  # an integer beyond every float
        number = math.inf
    if isinstance(value, bool) or not math.isfinite(number):
        raise RuleError(f"{rule}: {name} must be a finite number, found {value!r:.80}")
    if number < least:
        raise RuleError(f"{rule}: {name} must be at least {least:g}, found {value!r}")
    return number


def _nothing(relevance: Tensor) -> Tensor:
    """An empty account: zeros [n_rows] float64."""
    return relevance.new_zeros(relevance.shape[0], dtype=torch.float64)


def _exactly(s: Tensor, weight: Tensor) -> Tensor:
    """s @ weight in float64, rounded once and not at every term, for sums of terms that cancel.

    The 22 leading bits of the factors give products, and sums of up to 500 of them, that are
    exact; the rest is 2²² times smaller, and so is its rounding. s [n, m], weight [m, k] -> [n, k].
    Source: Ozaki, Ogita, Oishi, Rump, "Error-free transformations of matrix multiplication by using
    fast routines of matrix multiplication and its applications", Numerical Algorithms 59 (2012) 95.
    """

    def leading(x: Tensor, dim: int) -> Tensor:
        largest = x.abs().amax(dim=dim, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny)
        unit = torch.exp2(largest.log2().ceil() + (52 - 22))
        return (x + unit) - unit

    s_high, weight_high = leading(s, 1), leading(weight, 0)
    return s_high @ weight_high + (s_high @ (weight - weight_high) + (s - s_high) @ weight)


def _by_value(a: Tensor, layer: Layer, s: Tensor, *, exactly: bool) -> tuple[Tensor, Tensor]:
    """Give each term its value times s [n_rows, n_out]: what the inputs and what the bias get."""
    if exactly:
        bias = _exactly(s, layer.bias[:, None])[:, 0]
        return _exactly(s, layer.weight).mul_(a), bias.double()
    return _times(s, layer.weight).mul_(a), torch.mv(s, layer.bias).double()


def _towards_output(
    a: Tensor, layer: Layer, z: Tensor, relevance: Tensor, own: float, opposite: float
) -> Shares:
    """Divide by the terms of each output, those of its own sign times ``own``, others ``opposite``.

    own >= opposite >= 0. With σ the sign of the output (that of 0 is +), a term weighs
    mean z_uv + half σ |z_uv|, mean = (own + opposite) / 2 and half = (own - opposite) / 2. So sums
    over terms are products with W and with |W|; the bias is a term like any other.
    """
    mean, half = (own + opposite) / 2, (own - opposite) / 2
    no_signs = a.numel() > 0 and a.amin().item() >= 0  # as behind a ReLU
    size = a if no_signs else a.abs()
    divisor = _times(size, layer.size.T, layer.bias.abs(), scale=half)
    if not bool((z < 0).logical_and_(relevance).any()):  # as in front of one: all σ are +
        s = signed = quotient(relevance, divisor.add_(z, alpha=mean), layer.name)
    else:
        divisor.copysign_(z).add_(z, alpha=mean)
        s = quotient(relevance, divisor, layer.name)
        signed = divisor.sign_().mul_(s)  # σ s, since the divisor has the output's sign
    if no_signs and signed is s:
        inputs = _times(s, layer.weight * mean + layer.size * half).mul_(a)
    else:
        inputs = _times(s, layer.weight, scale=mean).mul_(a)
        inputs.addcmul_(size, _times(signed, layer.size, scale=half))
    bias = torch.addmv(torch.mv(signed, layer.bias.abs()), s, layer.bias, beta=half, alpha=mean)
    return Shares(inputs, bias.double(), _nothing(z))


def _times(x: Tensor, weight: Tensor, bias: Tensor | None = None, *, scale: float = 1.0) -> Tensor:
    """scale (x @ weight + bias), in memory as x is: what lies alike is multiplied fast."""
    lies = x.stride(0) == 1 < x.stride(1)  # in columns, as what a convolution reads
    first, second = (weight.T, x.T) if lies else (x, weight)
    if bias is None:
        nothing = x.new_empty(1, 1)
        made = torch.addmm(nothing, first, second, beta=0, alpha=scale)
    else:
        added = bias[:, None] if lies else bias
        made = torch.addmm(added, first, second, beta=scale, alpha=scale)
    return made.T if lies else made


@dataclass(frozen=True)
class Zero(Rule):
    """LRP-0: R_u = sum_v z_uv / z_v R_v. Montavon et al. (2019), table 10.1."""

    name: ClassVar[str] = "zero"
    title: ClassVar[str] = "LRP-0"
    summary: ClassVar[str] = (
        "Every term gets the share it contributed; equal to input times gradient, and noisy."
    )

    @property
    def needs_float64(self) -> bool:
        return self.bias == "spread"

    def divide(self, a: Tensor, layer: Layer, z: Tensor, relevance: Tensor) -> Shares:
        s = quotient(relevance, z, layer.name)
        inputs, bias = _by_value(a, layer, s, exactly=self.needs_float64)
        return Shares(inputs, bias, _nothing(z))


@dataclass(frozen=True)
class Epsilon(Rule):
    """LRP-ε: R_u = sum_v z_uv / (z_v + ε sign(z_v)) R_v, sign(0) = +1. Montavon et al. (2019).

    epsilon   absolute, in units of z; or, with ``relative``, in units of the root mean square of z
              over the output units of that one row (that edge, track or jet)
    What ε takes is returned in the ε account, under either bias policy.
    """

    name: ClassVar[str] = "epsilon"
    title: ClassVar[str] = "LRP-ε"
    summary: ClassVar[str] = (
        "LRP-0 with a larger divisor, so that outputs near zero pass on less; ε absorbs the rest."
    )

    epsilon: float = 0.01
    relative: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "epsilon", _number(self.name, "epsilon", self.epsilon, 0.0))
        if not isinstance(self.relative, bool):
            raise RuleError(f"{self.name}: relative is true or false, found {self.relative!r}")

    @property
    def needs_float64(self) -> bool:
        return self.bias == "spread"

    def divide(self, a: Tensor, layer: Layer, z: Tensor, relevance: Tensor) -> Shares:
        size = z.square().mean(dim=1, keepdim=True).sqrt() if self.relative else z.new_ones(1, 1)
        stabiliser = (self.epsilon * size).where(z >= 0, -self.epsilon * size)
        s = quotient(relevance, z + stabiliser, layer.name)
        taken = (s * stabiliser).sum(dim=1, dtype=torch.float64)
        inputs, bias = _by_value(a, layer, s, exactly=self.needs_float64)
        return Shares(inputs, bias, taken)


@dataclass(frozen=True)
class Gamma(Rule):
    """LRP-γ for inputs of either sign: terms of the output's own sign count 1 + γ times.

    Positive outputs divide R by z_uv + γ z_uv⁺, negative ones by z_uv + γ z_uv⁻; so does the bias.
    """

    name: ClassVar[str] = "gamma"
    title: ClassVar[str] = "LRP-γ"
    summary: ClassVar[str] = (
        "Favours what speaks with the output over what speaks against it, which removes noise."
    )

    gamma: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "gamma", _number(self.name, "gamma", self.gamma, 0.0))

    def divide(self, a: Tensor, layer: Layer, z: Tensor, relevance: Tensor) -> Shares:
        # The same as 1 + γ and 1, but finite however large γ is.
        return _towards_output(a, layer, z, relevance, own=1.0, opposite=1.0 / (1.0 + self.gamma))


@dataclass(frozen=True)
class ZPlus(Rule):
    """z⁺: only terms of the output's own sign take part; the limit of LRP-γ for γ → ∞."""

    name: ClassVar[str] = "z_plus"
    title: ClassVar[str] = "z⁺"
    summary: ClassVar[str] = (
        "Only what speaks with an output takes part; nothing can cancel and the sign stays."
    )

    def divide(self, a: Tensor, layer: Layer, z: Tensor, relevance: Tensor) -> Shares:
        return _towards_output(a, layer, z, relevance, own=1.0, opposite=0.0)


@dataclass(frozen=True)
class AlphaBeta(Rule):
    """LRP-αβ, α - β = 1: α R goes to the terms of the output's own sign, -β R to the others.

    Where no term has the opposite sign, the own side takes the whole R. Montavon et al. (2019).
    """

    name: ClassVar[str] = "alpha_beta"
    title: ClassVar[str] = "LRP-αβ"
    summary: ClassVar[str] = (
        "Shares in a fixed proportion: α to what speaks with an output, -β to what speaks against."
    )

    alpha: float = 2.0
    beta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "alpha", _number(self.name, "alpha", self.alpha, 1.0))
        object.__setattr__(self, "beta", _number(self.name, "beta", self.beta, 0.0))
        if abs(self.alpha - self.beta - 1.0) > 1e-9:
            raise RuleError(
                f"{self.name}: alpha - beta must be 1, found {self.alpha:g} - {self.beta:g} "
                f"= {self.alpha - self.beta:g}"
            )

    def divide(self, a: Tensor, layer: Layer, z: Tensor, relevance: Tensor) -> Shares:
        up, down = a.clamp(min=0), a.clamp(max=0)
        plus, minus = layer.weight.clamp(min=0), layer.weight.clamp(max=0)
        positive = torch.addmm(layer.bias.clamp(min=0), up, plus.T)
        negative = torch.addmm(layer.bias.clamp(max=0), up, minus.T)
        both_signs = bool((a < 0).any())
        if both_signs:
            positive.addmm_(down, minus.T)
            negative.addmm_(down, plus.T)
        upwards = z >= 0
        own, opposite = positive.where(upwards, negative), negative.where(upwards, positive)
        alone = opposite == 0
        for_own = quotient(relevance.where(alone, self.alpha * relevance), own, layer.name)
        for_opposite = -self.beta * relevance / opposite.masked_fill(alone, math.inf)
        # What the positive and the negative terms of each output are multiplied by.
        on_plus, on_minus = (
            for_own.where(upwards, for_opposite),
            for_opposite.where(upwards, for_own),
        )
        inputs = torch.addmm(on_plus @ plus, on_minus, minus).mul_(up)
        if both_signs:
            inputs.addcmul_(down, torch.addmm(on_plus @ minus, on_minus, plus))
        bias = on_plus @ layer.bias.clamp(min=0) + on_minus @ layer.bias.clamp(max=0)
        return Shares(inputs, bias.double(), _nothing(z))


@dataclass(frozen=True)
class Flat(Rule):
    """Flat: every input of an output gets the same, the bias nothing. Montavon et al. (2019).

    Meant for the stages that read the input; it leaves the two bias policies the same.
    """

    name: ClassVar[str] = "flat"
    title: ClassVar[str] = "flat"
    summary: ClassVar[str] = (
        "Every input gets the same part, whatever it was; for the stages that read the input."
    )
    looks_at_input: ClassVar[bool] = False

    @property
    def needs_float64(self) -> bool:
        return True

    def divide(self, a: Tensor, layer: Layer, z: Tensor, relevance: Tensor) -> Shares:
        each = relevance.sum(dim=1, keepdim=True) / a.shape[1]
        return Shares(each.expand(a.shape).clone(), _nothing(z), _nothing(z))


@dataclass(frozen=True)
class WSquare(Rule):
    """w²: R_u = sum_v W_vu² / sum_u W_vu² R_v, the bias nothing. Montavon et al. (2019).

    Meant for the stages that read the input; it leaves the two bias policies the same.
    """

    name: ClassVar[str] = "w_square"
    title: ClassVar[str] = "w²"
    summary: ClassVar[str] = (
        "Shares by the squared weights, whatever the input was; for stages that read the input."
    )
    looks_at_input: ClassVar[bool] = False

    @property
    def needs_float64(self) -> bool:
        return True

    def divide(self, a: Tensor, layer: Layer, z: Tensor, relevance: Tensor) -> Shares:
        square = layer.weight.square()
        s = quotient(relevance, square.sum(dim=1).expand(relevance.shape), layer.name)
        return Shares(s @ square, _nothing(z), _nothing(z))


RULES: dict[str, type[Rule]] = {
    rule.name: rule for rule in (Zero, Epsilon, Gamma, AlphaBeta, ZPlus, Flat, WSquare)
}


@dataclass(frozen=True)
class Composite:
    """Different rules for different stages.

    rules    patterns of stage names (``*`` and ``?`` as in file names) and their rules, such as
             {"edge_mlp.*": Epsilon(0.01)}; the first pattern that fits a stage gives its rule
    default  the rule of all other stages
    Only affine stages follow rules: a mean, a sum or a lone BatchNorm shares in one way only.
    """

    rules: Mapping[str, Rule]
    default: Rule = field(default_factory=Zero)

    name: ClassVar[str] = "composite"
    title: ClassVar[str] = "composite"

    def __post_init__(self) -> None:
        for rule in (*self.rules.values(), self.default):
            if not isinstance(rule, Rule):
                raise RuleError(f"composite: {rule!r} is not a rule; rules are {', '.join(RULES)}")
        object.__setattr__(self, "rules", dict(self.rules))

    def __hash__(self) -> int:
        return hash((tuple(self.rules.items()), self.default))

    def for_stage(self, stage: str) -> Rule:
        """The rule of one stage."""
        for pattern, rule in self.rules.items():
            if fnmatchcase(stage, pattern):
                return rule
        return self.default

    @property
    def needs_float64(self) -> bool:
        """Whether one of its rules explodes in float32."""
        return any(rule.needs_float64 for rule in (*self.rules.values(), self.default))

    def to_dict(self) -> dict[str, Any]:
        """The composite as plain data, which ``rule_from_dict`` reads back."""
        return {
            "name": self.name,
            "rules": [[pattern, rule.to_dict()] for pattern, rule in self.rules.items()],
            "default": self.default.to_dict(),
        }

    def __str__(self) -> str:
        parts = [f"{_written(pattern)}: {rule}" for pattern, rule in self.rules.items()]
        return f"composite({', '.join([*parts, f'default: {self.default}'])})"


def _written(pattern: str) -> str:
    """A pattern as it stands in a composite's text: quoted where it could be read otherwise."""
    plain = PLAIN_PATTERN.fullmatch(pattern) and pattern != "default"
    return pattern if plain else json.dumps(pattern, ensure_ascii=False)


AnyRule = Rule | Composite


def make_rule(name: str, **parameters: Any) -> Rule:
    """The rule of that name. Raises RuleError with the choices for a wrong name or parameter."""
    if name not in RULES:
        raise RuleError(f"there is no rule {name!r}; the rules are {', '.join(RULES)}")
    known = [item.name for item in fields(RULES[name])]
    for parameter in parameters:
        if parameter not in known:
            raise RuleError(
                f"{name}: there is no parameter {parameter!r}; there is {', '.join(known)}"
            )
    return RULES[name](**parameters)


def rule_from_dict(data: Mapping[str, Any]) -> AnyRule:
    """Read back what ``to_dict`` gave. Raises RuleError saying what is wrong."""
    if not isinstance(data, Mapping):
        raise RuleError(
            f'expected a rule such as {{"name": "gamma", "gamma": 1.0}}, found {data!r:.80}'
        )
    parts = dict(data)
    name = parts.pop("name", None)
    if name != Composite.name:
        return make_rule(str(name), **{str(key): value for key, value in parts.items()})
    try:
        pairs = [(str(pattern), rule_from_dict(rule)) for pattern, rule in parts["rules"]]
        default = rule_from_dict(parts["default"]) if "default" in parts else Zero()
    except (KeyError, TypeError, ValueError) as error:
        raise RuleError(
            f"composite: expected rules [[pattern, rule], …] and a default, found {data!r}"
        ) from error
    return Composite(dict(pairs), default=default)  # type: ignore[arg-type]


def parse_rule(text: str) -> AnyRule:
    """Read a rule as people write it: ``gamma``, ``gamma(0.5)``, ``epsilon(0.01, bias=spread)``.

    A composite is written as ``str`` writes it, ``composite(edge_mlp.0: flat, default: gamma)``;
    without a default, other stages follow LRP-0. Text in braces is read as the JSON of ``to_dict``.
    Raises RuleError saying what is wrong and which rules there are.
    """
    problem = RuleError(
        f"cannot read the rule {text!r:.80}; write a name, or a name with parameters such as "
        f"gamma(1.0) or epsilon(0.01, bias=spread); the rules are {', '.join(RULES)}"
    )
    if text.lstrip().startswith("{"):
        try:
            return rule_from_dict(json.loads(text))
        except (ValueError, RecursionError):
            raise problem from None
    if found := re.fullmatch(r"\s*composite\s*\((.*)\)\s*", text, re.DOTALL):
        return _parse_composite(found[1])
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise problem from None
    if isinstance(tree, ast.Name):
        return make_rule(tree.id)
    if not (isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)):
        raise problem

    def value(node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            return {"true": True, "false": False}.get(node.id.lower(), node.id)
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, RecursionError, MemoryError):
            raise problem from None

    name = tree.func.id
    if name not in RULES:
        return make_rule(name)
    order = [item.name for item in fields(RULES[name]) if not item.kw_only]
    if len(tree.args) > len(order):
        raise RuleError(
            f"{name} takes {len(order)} parameter(s) without a name, found {len(tree.args)}"
        )
    parameters = dict(zip(order, map(value, tree.args), strict=False))
    for keyword in tree.keywords:
        if keyword.arg is None or keyword.arg in parameters:
            raise problem
        parameters[keyword.arg] = value(keyword.value)
    return make_rule(name, **parameters)


def _parse_composite(text: str) -> Composite:
    """What stands in the parentheses of a composite: patterns and their rules."""
    rules: dict[str, Rule] = {}
    default: Rule | None = None
    for part in _parts(text):
        found = re.fullmatch(
            r'\s*(?:("(?:[^"\\]|\\.)*")|([^":]*?))\s*:\s*(.*\S)\s*', part, re.DOTALL
        )
        pattern = "" if found is None else found[2] or ""
        if found is not None and found[1] is not None:
            with contextlib.suppress(ValueError):
                pattern = str(json.loads(found[1]))
        if found is None or not pattern:
            raise RuleError(
                f"composite: expected stages and their rules, such as edge_mlp.*: epsilon(0.01), "
                f"and a default, found {part.strip()!r:.80}"
            )
        rule = parse_rule(found[3])
        is_default = found[1] is None and pattern == "default"
        if isinstance(rule, Composite):
            raise RuleError(f"composite: the rule of {pattern!r} is itself a composite")
        if (default is not None) if is_default else (pattern in rules):
            raise RuleError(f"composite: {pattern!r} is there twice")
        if is_default:
            default = rule
        else:
            rules[pattern] = rule
    return Composite(rules, default=default or Zero())


def _parts(text: str) -> list[str]:
    """Split at the commas that stand outside of quotes and parentheses."""
    parts, depth, quoted = [""], 0, False
    for piece in re.findall(r"\\.|.", text, re.DOTALL):
        if piece == '"':
            quoted = not quoted
        elif not quoted:
            depth += (piece == "(") - (piece == ")")
        if piece == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def with_bias(rule: Rule, policy: str) -> Rule:
    """The same rule under another bias policy. Raises RuleError if there is no such policy."""
    return replace(rule, bias=policy)
