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
from lrp_core.tape.tape import AFFINE, Node, Ref, Tape


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


def foldable(tape: Tape, node: Node) -> Node | None:
    """The affine operation that a BatchNorm follows, if nothing else reads it; else None."""
    if node.name != "native_batch_norm" or not tape.is_active(node.args[0]):
        return None
    before = tape.producer(node.args[0])
    if before is None or before.name not in AFFINE or not is_affine(tape, before):
        return None
    alone = len(tape.used_by[before.output]) == 1 and before.output != tape.output
    return before if alone else None


def batch_norm_map(context: Context, node: Node) -> tuple[Tensor, Tensor]:
    """The affine map that a BatchNorm is: scale and shift of every channel."""
    weight, bias, mean, variance = (context.value(one) for one in node.args[1:5])
    scale = (variance + node.args[7]).rsqrt()
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale
    return scale, shift if bias is None else shift + bias


def rows_of(context: Context, node: Node) -> Rows:
    """An affine operation as rows."""
    value, args = context.value, node.args
    if node.name == "convolution":
        return _convolution(context, node)
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
        lambda account: account.reshape(*shape[:-1], 1),
    )


def _convolution(context: Context, node: Node) -> Rows:
    """Windows of a convolution as rows; a window of one place is the place's channels."""
    source, weight, bias = node.args[0], context.value(node.args[1]), context.value(node.args[2])
    stride, padding, dilation = node.args[3:6]
    a, z = context.value(source), context.output(node)
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
    context: Context, node: Node, relevance: Tensor, norm: Node | None = None
) -> Division:
    """Share the relevance of an affine operation (and the BatchNorm behind it) by its rule."""
    rows = rows_of(context, node)
    weight, bias = rows.weight, rows.bias
    if bias is None:
        bias = weight.new_zeros(len(weight))
    if norm is not None:
        scale, shift = batch_norm_map(context, norm)
        weight, bias = weight * scale[:, None], bias * scale + shift
    layer = Layer(node.stage, weight, bias)
    z = rows.rows(context.output(norm or node))
    rule = context.rule_for(node.module if node.leaf else node.stage)
    shares = rule.share(rows.a, layer, z, rows.rows(relevance))
    return Division(
        [(rows.source.number, rows.input(shares.inputs))],
        rows.output(shares.bias),
        rows.output(shares.epsilon),
    )
