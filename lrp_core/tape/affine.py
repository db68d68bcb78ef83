"""Affine operations as rows, handed to the rules as they are.

A linear layer, a matrix product with constant weights, and convolutions in one and two dimensions
are z = a W^T + b for rows a: the last axis, or the window that a convolution reads. A BatchNorm
behind such an operation is folded into W and b first. Which rule a row follows is chosen by the
path of its module. Source of the rules: ``lrp_core.rules``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from lrp_core.rules import Layer
from lrp_core.tape.context import Context, Division
from lrp_core.tape.tape import Node, Ref, Tape


class Rows(NamedTuple):
    """An affine operation as rows: a [n, n_in], W [n_out, n_in], b, and the ways between.

    rows   an array of the output's shape as rows [n, n_out]
    input  rows [n, n_in] as an array of the input's shape
    output accounts [n] as the output's shape, 1 along its channels
    """

    source: Ref
    a: Tensor
    weight: Tensor
    bias: Tensor | None
    rows: Callable[[Tensor], Tensor]
    input: Callable[[Tensor], Tensor]
    output: Callable[[Tensor], Tensor]


def is_affine(tape: Tape, node: Node) -> bool:
    """Whether an operation is affine in the one active value it reads, and can be made rows."""
    name, args = node.name, node.args
    if name == "addmm":
        bias = tape.value(args[0])
        scaled = any(node.kwargs.get(key, 1) != 1 for key in ("alpha", "beta"))
        live = tape.is_active(args[1]), tape.is_active(args[2]), tape.is_active(args[0])
        return live == (True, False, False) and bias.dim() == 1 and not scaled
    if name in ("mm", "linear"):
        return tape.is_active(args[0]) and not any(map(tape.is_active, args[1:]))
    if name == "convolution":
        weight, transposed, groups = tape.value(args[1]), args[6], args[8]
        plain = weight.dim() <= 4 and not transposed and groups == 1
        return plain and tape.is_active(args[0]) and not any(map(tape.is_active, args[1:3]))
    return False


class Folded(NamedTuple):
    """An affine operation and what behind it belongs to it, as one layer.

    bias    a bias that is added on its own, as torch does for some strides; None if it is not
    norm    the BatchNorm behind; None if there is none
    inside  all nodes of these but the last
    last    the node whose output is the layer's
    """

    affine: Node
    bias: Ref | None
    norm: Node | None
    inside: tuple[Node, ...]
    last: Node


def folds(tape: Tape) -> dict[int, Folded]:
    """By the place of its last node, every layer that is more than one affine operation."""
    found: dict[int, Folded] = {}
    for place, node in enumerate(tape.nodes):
        fixed = node.name == "native_batch_norm" and not node.args[5]
        if fixed and (before := _before(tape, node.args[0])):
            number = tape.made_by[before.output]
            if number in found:
                affine, bias, _, inside, _ = found.pop(number)
                found[place] = Folded(affine, bias, node, (*inside, before), node)
            elif is_affine(tape, before):
                found[place] = Folded(before, None, node, (before,), node)
        elif node.name == "add" and (layer := _with_bias(tape, node)) is not None:
            found[place] = layer
    return found


def _before(tape: Tape, argument: Ref) -> Node | None:
    """The node that made an argument, if nothing else reads it."""
    node = tape.producer(argument)
    if node is None or argument.number not in tape.active or argument.number == tape.output:
        return None
    return node if len(tape.used_by[argument.number]) == 1 else None


def _with_bias(tape: Tape, node: Node) -> Folded | None:
    """A product with constant weights to which a constant row is added, as one layer."""
    for value, bias in (node.args[:2], (node.args[1], node.args[0])):
        plain = isinstance(bias, Ref) and not tape.is_active(bias) and not node.kwargs
        if not plain or not tape.is_active(value):
            continue
        inside: list[Node] = []
        before = _before(tape, value)
        while before is not None and before.name in ("view", "unsafe_view"):
            inside.append(before)
            before = _before(tape, before.args[0])
        if before is None or before.name != "mm" or not is_affine(tape, before):
            continue
        width = tape.values[before.output].shape[-1]
        if tape.value(bias).shape == (width,) and tape.values[node.output].shape[-1] == width:
            return Folded(before, bias, None, (before, *inside), node)
    return None


def batch_norm_map(context: Context, node: Node) -> tuple[Tensor, Tensor]:
    """The affine map that a BatchNorm is: scale and shift of every channel."""
    weight, bias, mean, variance = (context.value(one) for one in node.args[1:5])
    scale = (variance + node.args[7]).rsqrt()
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale
    return scale, shift if bias is None else shift + bias


def rows_of(context: Context, node: Node, z: Tensor) -> Rows:
    """An affine operation whose layer makes ``z``, as rows."""
    value, args = context.value, node.args
    if node.name == "convolution":
        return _convolution(context, node, z)
    if node.name == "addmm":
        source, weight, bias = args[1], value(args[2]).t(), value(args[0])
    elif node.name == "mm":
        source, weight, bias = args[0], value(args[1]).t(), None
    else:
        source, weight = args[0], value(args[1])
        bias = value(args[2]) if len(args) > 2 else None
    a = value(source)
    shape = a.shape
    return Rows(
        source,
        a.reshape(-1, shape[-1]),
        weight,
        bias,
        lambda z: z.reshape(-1, z.shape[-1]),
        lambda r: r.reshape(shape),
        lambda account: account.reshape(*z.shape[:-1], 1),
    )


def _convolution(context: Context, node: Node, z: Tensor) -> Rows:
    """Windows of a convolution as rows; a window of one place is the place's channels."""
    source, weight, bias = node.args[0], context.value(node.args[1]), context.value(node.args[2])
    stride, padding, dilation = node.args[3:6]
    a = context.value(source)
    batched = a.dim() == weight.dim()
    if not batched:
        a, z = a[None], z[None]
    places = z.shape[2:]

    def rows(values: Tensor) -> Tensor:
        values = values if batched else values[None]
        return values.movedim(1, -1).reshape(-1, values.shape[1])

    def output(account: Tensor) -> Tensor:
        account = account.reshape(len(z), 1, *places)
        return account if batched else account[0]

    one_place = all(size == 1 for size in weight.shape[2:])
    if one_place and all(step == 1 for step in stride) and not any(padding):

        def whole(r: Tensor) -> Tensor:
            r = r.reshape(len(a), *a.shape[2:], a.shape[1]).movedim(-1, 1)
            return r if batched else r[0]

        flat = a.movedim(1, -1).reshape(-1, a.shape[1])
        return Rows(source, flat, weight.flatten(1), bias, rows, whole, output)

    line = weight.dim() == 3  # one dimension is two of which one is 1
    kernel = (1, *weight.shape[2:]) if line else tuple(weight.shape[2:])
    steps = {
        "kernel_size": kernel,
        "stride": (1, *stride) if line else tuple(stride),
        "padding": (0, *padding) if line else tuple(padding),
        "dilation": (1, *dilation) if line else tuple(dilation),
    }
    flat = a.unsqueeze(2) if line else a
    windows = torch.nn.functional.unfold(flat, **steps)
    size = windows.shape[1]

    def back(r: Tensor) -> Tensor:
        r = r.reshape(len(a), -1, size).transpose(1, 2)
        r = torch.nn.functional.fold(r, flat.shape[2:], **steps)
        r = r.squeeze(2) if line else r
        return r if batched else r[0]

    return Rows(
        source,
        windows.transpose(1, 2).reshape(-1, size),
        weight.flatten(1),
        bias,
        rows,
        back,
        output,
    )


def share_affine(
    context: Context, node: Node, relevance: Tensor, folded: Folded | None = None
) -> Division:
    """Share the relevance of an affine operation, and of what is folded into it, by its rule."""
    norm = None if folded is None else folded.norm
    z = context.output(node if folded is None else folded.last)
    rows = rows_of(context, node, z)
    weight, bias = rows.weight, rows.bias
    if folded is not None and folded.bias is not None:
        bias = context.value(folded.bias)
    if bias is None:
        bias = weight.new_zeros(len(weight))
    if norm is not None:
        scale, shift = batch_norm_map(context, norm)
        weight, bias = weight * scale[:, None], bias * scale + shift
    layer = Layer(node.stage, weight, bias)
    rule = context.rule_for(node.module if node.leaf else node.stage)
    shares = rule.share(rows.a, layer, rows.rows(z), rows.rows(relevance))
    return Division(
        [(rows.source.number, rows.input(shares.inputs))],
        rows.output(shares.bias),
        rows.output(shares.epsilon),
    )
