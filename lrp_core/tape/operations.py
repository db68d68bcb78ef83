"""From an operation of torch's to the rule that shares its relevance out: one table.

Each rule is a function of (context, node, received) -> Division, where ``received`` holds the
relevance of each output. Its docstring says the rule and where it is from; ``rule_of`` finds the
rule of a node. What is in no table but can be differentiated gets ``tangent``, and is reported.

Sources: Bach et al. (2015); Montavon et al. (2019); Ali et al., "XAI for Transformers: Better
Explanations through Conservative Propagation" (2022); Achtibat et al., "AttnLRP" (2024).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lrp_core.errors import NetworkError
from lrp_core.tape.affine import batch_norm_map, is_affine, share_affine
from lrp_core.tape.attention import layer_norm, product_of_matrices, softmax, spelled_out
from lrp_core.tape.context import KEEPS, Context, Division, finite, reduced_to
from lrp_core.tape.moves import MOVES, join, move, pick_largest
from lrp_core.tape.tape import AFFINE, Node, Tape

Share = Callable[[Context, Node, Sequence[Tensor | None]], Division]

# f(0) = 0, or a power: the only input takes the whole.
WHOLE = frozenset(
    [
        "relu",
        "leaky_relu",
        "gelu",
        "silu",
        "elu",
        "tanh",
        "hardtanh",
        "relu6",
        "hardswish",
        "mish",
        "celu",
        "selu",
        "prelu",
        "softsign",
        "pow",
        "square",
        "sqrt",
        "rsqrt",
        "abs",
        "sin",
        "asinh",
        "atan",
        "hardshrink",
        "tanhshrink",
        "threshold",
        "neg",
        "fused_rms_norm",
        "rms_norm",
        "softshrink",
        "sinh",
        "erf",
    ]
)
# f(0) is a constant, whose share is the bias's.
OFFSET = {"sigmoid": 0.5, "exp": 1.0, "softplus": math.log(2.0), "cos": 1.0, "cosh": 1.0}
SUMS = frozenset(
    [
        "sum",
        "mean",
        "scatter_add",
        "index_add",
        "segment_reduce",
        "cumsum",
        "avg_pool2d",
        "avg_pool1d",
        "adaptive_avg_pool2d",
        "adaptive_avg_pool1d",
    ]
)


def whole(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """The input takes all. Source: identity rule, AttnLRP section 3.2."""
    (relevance, *_) = received
    assert relevance is not None
    if context.tape.is_active(node.args[0]):
        return Division([(node.args[0].number, relevance)])
    return tangent(context, node, received)  # such as 2 ** x


def offset(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """The share of f(0) is the bias's, the input takes the rest. Source: this project."""
    (relevance,) = received
    assert relevance is not None
    constant = OFFSET[node.name] * context.shares(node, relevance)
    return Division([(node.args[0].number, relevance - constant)], constant)


def clamp(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """A ReLU where it cuts at 0; else what is cut to a constant is the bias's. Source: exact."""
    (relevance,) = received
    assert relevance is not None
    source = node.args[0]
    if node.name == "clamp":
        bounds = [*node.args[1:], *(node.kwargs.get(key) for key in ("min", "max"))]
    else:
        bounds = list(node.args[1:])
    if [bound for bound in bounds if bound is not None] == [0] and node.name != "clamp_max":
        return Division([(source.number, relevance)])
    inside = context.value(source) == context.output(node)
    return Division([(source.number, relevance * inside)], relevance * ~inside)


def add(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """In proportion to the terms; what a constant earns is the bias's. Source: Montavon (2019)."""
    (relevance,) = received
    assert relevance is not None
    parts = []
    share, bias = context.terms_share(node, relevance)
    whole = math.isfinite(context.output(node).sum().item())
    alpha = node.kwargs.get("alpha", 1)
    first, second = node.args[0], node.args[1]
    if node.name == "rsub":
        factors = [(first, -alpha), (second, 1.0)]
    else:
        factors = [(first, 1.0), (second, -alpha if node.name == "sub" else alpha)]
    for term, factor in factors:
        value = context.value(term)
        earned = share * (value if factor == 1 else value * factor)
        if not whole and isinstance(value, Tensor) and not bool(torch.isfinite(value).all()):
            # a mask of -inf, whose place carries no relevance: 0 · inf is nothing
            earned = earned.masked_fill(share == 0, 0.0)
        if context.tape.is_active(term):
            parts.append((term.number, reduced_to(earned, value.shape)))
        else:
            bias = earned if bias is None else bias + earned
    return Division(parts, bias)


def add_up(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """In proportion to the terms, without epsilon; over no terms but zeros it is the bias's.

    Source: docs/explanations.md; equal parts would break the attribution.
    """
    relevance = received[0]
    assert relevance is not None
    share, bias = context.terms_share(node, relevance)
    parts = []
    for number, factor in _factors(context, node, share).items():
        parts.append((number, finite(context.tape.values[number] * factor, node)))
    return Division(parts, bias)


def _factors(context: Context, node: Node, share: Tensor) -> dict[int, Tensor]:
    """The share that each term of a sum gets: the transpose of the sum."""
    if node.name in ("sum", "mean") and set(node.kwargs) <= {"dtype"}:
        source = node.args[0]
        value = context.value(source)
        axes = node.args[1] if len(node.args) > 1 else None
        axes = [axes] if isinstance(axes, int) else axes or range(value.dim())
        axes = sorted(axis % value.dim() for axis in axes)
        if share.dim() != value.dim():
            for axis in axes:
                share = share.unsqueeze(axis)
        if node.name == "mean":
            share = share / (value.numel() // max(1, share.numel()))
        return {source.number: share.to(value.dtype)}
    if node.name in ("scatter_add", "index_add") and not context.tape.is_active(node.args[0]):
        base, dim, index, source = node.args[:4]
        at = context.value(index)
        if not bool((context.value(base) != 0).any()) and not node.kwargs:
            if node.name == "scatter_add":
                if at.shape == context.value(source).shape:
                    return {source.number: share.gather(dim, at)}
            else:
                return {source.number: share.index_select(dim, at)}
    return context.pulled_back(node, [share])


def multiply(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """A constant is a scale, and behind a 0 is the bias; of two active factors each takes half.

    x · rsqrt(statistic of x) is a norm: x takes all, and with constant attention the weights
    of a softmax are a scale. Source: Ali et al. (2022); half each: AttnLRP section 3.2.
    """
    (relevance,) = received
    assert relevance is not None
    tape = context.tape
    live = list(dict.fromkeys(one for one in node.args[:2] if tape.is_active(one)))
    if len(live) == 2:
        scales = [one for one in live if _is_scale(context, one)]
        if len(scales) == 1:
            live.remove(scales[0])
    constant = [one for one in node.args[:2] if not tape.is_active(one)]
    bias = None
    if constant and isinstance(scale := context.value(constant[0]), Tensor):
        shut = scale == 0  # a mask: behind it is a constant
        if bool(shut.any()):
            shut = shut.expand(relevance.shape)
            bias, relevance = relevance.masked_fill(~shut, 0.0), relevance.masked_fill(shut, 0.0)
    each = relevance / len(live) if len(live) > 1 else relevance
    parts = [(one.number, reduced_to(each, context.value(one).shape)) for one in live]
    return Division(parts, bias)


def _is_scale(context: Context, argument: object) -> bool:
    if context.attention == "constant" and context.is_softmax(argument):
        return True
    node = context.tape.producer(argument)
    while node is not None and node.name in (*KEEPS, "index_select", "index", "gather"):
        node = context.tape.producer(node.args[0])
    return node is not None and node.name in ("rsqrt", "reciprocal")


def divide(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """What divides is a scale; a constant over a value gets its tangent. Source: Ali et al."""
    if node.output in context.softmaxes:
        return spelled_out(context, node, received)
    (relevance,) = received
    assert relevance is not None
    if not context.tape.is_active(node.args[0]):
        return tangent(context, node, received)
    shape = context.value(node.args[0]).shape
    return Division([(node.args[0].number, reduced_to(relevance, shape))])


def batch_norm(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """One affine map per channel, with a bias account; whole where it reads an input itself.

    Source: method.md of this project. Behind an affine operation it is folded into that instead.
    """
    relevance = received[0]
    assert relevance is not None
    source = node.args[0]
    if context.reads_leaf(source):
        return Division([(source.number, relevance)])
    value = context.value(source)
    shape = (1, -1, *[1] * (value.dim() - 2))
    scale, shift = (one.view(shape) for one in batch_norm_map(context, node))
    share = context.shares(node, relevance)
    return Division([(source.number, value * scale * share)], share * shift)


def tangent(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """Its tangent at this point: x · slope · R/z, the rest is the bias's. Source: this project."""
    tape = context.tape
    numbers = [n for n in node.inputs() if n in tape.active]
    values = tuple(tape.values[n] for n in numbers)
    results = [place for place, part in enumerate(received) if part is not None]
    if len(results) != 1:
        raise _no_rule(node, "has several results that matter")
    place = results[0]

    def run(*given: Tensor) -> Tensor:
        at = dict(zip(numbers, given, strict=True))
        made = node.again(lambda n: at.get(n, tape.values[n]))
        result: Tensor = made[place] if isinstance(made, tuple | list) else made
        return result

    try:
        output, along = torch.func.jvp(run, values, values)[:2]
        back = torch.func.vjp(run, *values)[1]
    except (RuntimeError, NotImplementedError) as error:
        raise _no_rule(node, f"cannot be differentiated ({str(error).splitlines()[0]})") from error
    relevance = received[place]
    assert relevance is not None
    share = context.shares(node, relevance, output)
    slopes = back(share)
    return Division(
        [(n, v * slope) for n, v, slope in zip(numbers, values, slopes, strict=True)],
        share * (output - along),
    )


def _no_rule(node: Node, why: str) -> NetworkError:
    return NetworkError(
        f"{node.module or 'the network'} runs {node.name}, which has no rule and {why}; "
        "write it with other operations of torch"
    )


def affine(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """The rule that was chosen, on rows. Source: Montavon et al. (2019), lrp_core.rules."""
    (relevance,) = received
    assert relevance is not None
    return share_affine(context, node, relevance)


TABLE: dict[str, Share] = {
    **dict.fromkeys(WHOLE, whole),
    **dict.fromkeys(OFFSET, offset),
    **dict.fromkeys(SUMS, add_up),
    **dict.fromkeys(MOVES, move),
    **dict.fromkeys(("cat", "stack", "overwritten", "copy"), join),
    **dict.fromkeys(("max", "amax", "min", "amin"), pick_largest),
    **dict.fromkeys(("add", "sub", "rsub"), add),
    **dict.fromkeys(("clamp", "clamp_min", "clamp_max"), clamp),
    **dict.fromkeys(("softmax", "safe_softmax"), softmax),
    "mul": multiply,
    "div": divide,
    "native_batch_norm": batch_norm,
    "native_layer_norm": layer_norm,
}


def rule_of(tape: Tape, node: Node) -> Share:
    """The rule of an operation."""
    if node.name in AFFINE and is_affine(tape, node):
        return affine
    plain = all(node.kwargs.get(key, 1) == 1 for key in ("alpha", "beta"))
    if node.name in ("mm", "bmm", "mv", "dot", "addmm", "baddbmm") and plain:
        return product_of_matrices
    if node.name == "native_batch_norm" and node.args[5]:  # an InstanceNorm
        return tangent
    if node.name == "index_put" and len(node.args) > 3 and node.args[3]:
        return add_up
    if node.name == "scatter_reduce" and node.args[4] not in ("amax", "amin"):
        return add_up if node.args[4] in ("sum", "mean") else tangent
    if node.name == "scatter_reduce":
        return pick_largest
    return TABLE.get(node.name, tangent)


def is_linearised(tape: Tape, node: Node) -> bool:
    """Whether an operation has no rule of its own, so that its tangent stands for it."""
    share = rule_of(tape, node)
    if share is whole or share is divide:
        return not tape.is_active(node.args[0])
    return share is tangent


def title_of(share: Share) -> tuple[str, str]:
    """A rule in words and its source, from its docstring: its first sentence, and what it cites."""
    text = " ".join((share.__doc__ or "").split())
    source = text.partition("Source: ")[2]
    return text.partition(". ")[0].rstrip(".") + ".", source.strip()
