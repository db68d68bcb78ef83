"""Attention: softmax, products of two active matrices, and the norms of transformers.

attention="constant"  the weights of a softmax are constants, values take all relevance; what else
                      reaches a softmax is the bias's. Source: Ali et al. (2022), section 4.2.
attention="attnlrp"   a softmax is its tangent, with the constant term's share in the bias account,
                      and a product is shared half and half. Source: AttnLRP, prop. 3.1 and 3.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from lrp_core.tape.context import Context, Division, reduced_to
from lrp_core.tape.tape import Node, Ref

ATTENTION = ("constant", "attnlrp")


def softmax(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """Weights are constants; with attnlrp x (R - p ΣR) and a bias. Source: Ali, AttnLRP."""
    (relevance,) = received
    assert relevance is not None
    if context.attention == "constant":
        return Division([], relevance)
    dim = node.args[1]
    return _tangent(
        context, node, node.args[0].number, relevance, lambda v: v.sum(dim, keepdim=True)
    )


def spelled_out(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """A softmax written as exp, sum and division: as a softmax. Source: Ali, AttnLRP."""
    (relevance,) = received
    assert relevance is not None
    if context.attention == "constant":
        return Division([], relevance)
    scores, summed = context.softmaxes[node.output]
    if summed.name == "sum":
        dim = summed.args[1]

        def total(values: Tensor) -> Tensor:
            return values.sum(dim, keepdim=True)

    else:
        dim, index = summed.args[1], context.value(summed.args[2])
        size = context.output(summed).shape[dim]

        def total(values: Tensor) -> Tensor:
            shape = list(values.shape)
            shape[dim] = size
            empty = values.new_zeros(shape)
            if index.dim() == 1:
                return empty.index_add_(dim, index, values).index_select(dim, index)
            at = index.expand_as(values)
            return empty.scatter_add_(dim, at, values).gather(dim, at)

    return _tangent(context, node, scores.number, relevance, total)


def _tangent(
    context: Context,
    node: Node,
    scores: int,
    relevance: Tensor,
    total: Callable[[Tensor], Tensor],
) -> Division:
    """x (R - p ΣR) for the scores x and the weights p; R (1 - x + Σ p x) for the bias."""
    p, x = context.output(node), context.tape.values[scores]
    x = x.masked_fill(x.isinf(), 0.0)  # masked scores have no weight
    part = x * (relevance - p * total(relevance))
    return Division([(scores, part)], relevance * (1 - x + total(p * x)))


def product_of_matrices(
    context: Context, node: Node, received: Sequence[Tensor | None]
) -> Division:
    """LRP-0 on its terms, half to each factor; with constant attention the values take all.

    Source: AttnLRP, prop. 3.3; Ali et al. (2022).
    """
    (relevance,) = received
    assert relevance is not None
    added, first, second = factors(node)
    a, b = context.value(first), context.value(second)
    live = [context.tape.is_active(first), context.tape.is_active(second)]
    if all(live) and context.attention == "constant":
        weights = [context.is_softmax(first), context.is_softmax(second)]
        if sum(weights) == 1:
            live = [not one for one in weights]
    parts = []
    share, bias = context.terms_share(node, relevance)
    if added is not None:
        earned = share * context.value(added)
        if context.tape.is_active(added):
            parts.append((added.number, reduced_to(earned, context.value(added).shape)))
        else:
            bias = earned if bias is None else bias + earned
    if node.name == "mv":
        b, share = b[:, None], share[:, None]
    elif node.name == "dot":
        a, b, share = a[None], b[:, None], share.view(1, 1)
    if live[0]:
        part = (share @ b.transpose(-1, -2)) * a / sum(live)
        parts.append((first.number, part.view(context.value(first).shape)))
    if live[1]:
        part = (a.transpose(-1, -2) @ share) * b / sum(live)
        parts.append((second.number, part.view(context.value(second).shape)))
    return Division(parts, bias)


def factors(node: Node) -> tuple[Ref | None, Ref, Ref]:
    """What is added to a product of matrices, and its two factors."""
    if node.name in ("addmm", "baddbmm"):
        return node.args[0], node.args[1], node.args[2]
    return None, node.args[0], node.args[1]


def layer_norm(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """1/std is a constant, x - mean is linear, the shift is a bias. Source: Ali et al. (2022)."""
    relevance = received[0]
    assert relevance is not None
    source, shape, weight, bias = node.args[:4]
    value = context.value(source)
    axes = tuple(range(-len(shape), 0))
    share = context.shares(node, relevance)
    scale = node.outputs[2]
    assert scale is not None
    slope = share * context.tape.values[scale]
    if weight is not None:
        slope = slope * context.value(weight)
    part = value * (slope - slope.mean(axes, keepdim=True))
    return Division([(source.number, part)], None if bias is None else share * context.value(bias))
