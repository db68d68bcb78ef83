"""Operations that add nothing: copies, moves, choices. Relevance goes back to where it came from.

Elements that a constant put there (padding, a mask, a base that was written into) give their
relevance to the bias account, element by element.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lrp_core.tape.context import KEEPS, Context, Division, reduced_to
from lrp_core.tape.tape import Node, Ref

# A constant given as a number, and not as a tensor, may stand among the elements of these.
_FILLS = frozenset(
    ["masked_fill", "constant_pad_nd", "pad", "tril", "triu", "index_fill", "fill_diagonal"]
)
MOVES = (
    KEEPS
    | _FILLS
    | frozenset(
        [
            "select",
            "slice",
            "split",
            "split_with_sizes",
            "unbind",
            "unsafe_split",
            "unsafe_split_with_sizes",
            "chunk",
            "unsafe_chunk",
            "narrow",
            "diagonal",
            "index",
            "index_select",
            "gather",
            "take_along_dim",
            "repeat",
            "repeat_interleave",
            "flip",
            "roll",
            "where",
            "index_put",
            "scatter",
            "index_copy",
            "slice_scatter",
            "fill",
            "zero",
            "select_scatter",
            "as_strided",
            "unfold",
            "im2col",
            "maximum",
            "minimum",
            "topk",
            "sort",
            "masked_select",
            "masked_scatter",
            "max_pool2d_with_indices",
            "scatter_reduce",
            "tile",
            "diagonal_scatter",
            "diag_embed",
            "permute_copy",
            "view_copy",
        ]
    )
)


def move(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """Relevance goes back to where each element came from. Source: exact."""
    relevance, name = received[0], node.name
    source = node.args[0]
    if relevance is not None and name in KEEPS and len(received) == 1:
        return Division([(source.number, _kept(context, node, relevance))])
    if name == "index_select" and relevance is not None:
        whole = torch.zeros_like(context.value(source))
        index = context.value(node.args[2])
        return Division([(source.number, whole.index_add_(node.args[1], index, relevance))])
    if name == "index" and relevance is not None and len(node.args[1]) == 1:
        index, whole = context.value(node.args[1][0]), torch.zeros_like(context.value(source))
        if index.dtype == torch.int64 and index.dim() == 1:
            index = index.where(index >= 0, index + len(whole))
            return Division([(source.number, whole.index_add_(0, index, relevance))])
    if name in ("fill", "zero") and relevance is not None and len(node.args) < 2:
        return Division([], relevance)
    if name == "fill" and relevance is not None and not isinstance(node.args[1], Ref):
        return Division([], relevance)
    back = context.pulled_back(node, received)
    parts, bias = [], None
    for number, part in back.items():
        parts.append((number, part))
    if relevance is not None and (name in _FILLS or _has_number(node)):
        kept = _from_tensors(context, node)
        bias = relevance.masked_fill(kept, 0.0)
    return Division(parts, bias)


def _has_number(node: Node) -> bool:
    """Whether a choice writes a plain number: where(mask, x, 0.0), scatter(x, 0, index, 1.0)."""
    if node.name == "where":
        return not all(isinstance(one, Ref) for one in node.args[1:])
    return node.name in ("scatter", "index_put") and not isinstance(node.args[-1], Ref | bool)


def _from_tensors(context: Context, node: Node) -> Tensor:
    """Which elements of the output came from a tensor, not from the number that fills."""
    values = context.tape.values

    def ones(number: int) -> Tensor:
        value = values[number]
        if not value.is_floating_point():
            return value
        return torch.ones_like(value)

    def twos(number: int) -> Tensor:
        value = ones(number)
        return value * 2 if value.is_floating_point() else value

    first: Tensor = node.again(ones)
    second: Tensor = node.again(twos)
    return first != second


def _kept(context: Context, node: Node, relevance: Tensor) -> Tensor:
    """Relevance of what was only reshaped, turned or repeated."""
    shape = context.value(node.args[0]).shape
    if node.name in ("expand", "broadcast_to"):
        return reduced_to(relevance, shape)
    if node.name in ("transpose", "swapaxes"):
        return relevance.transpose(node.args[1], node.args[2])
    if node.name == "t":
        return relevance.t()
    if node.name == "permute":
        return relevance.permute(torch.tensor(node.args[1]).argsort().tolist())
    if node.name == "movedim":
        (part,) = context.pulled_back(node, [relevance]).values()
        return part
    if node.name == "to_copy":
        return relevance.to(context.value(node.args[0]).dtype)
    return relevance.reshape(shape)


def join(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """Each part takes back the relevance of its own elements. Source: exact."""
    (relevance,) = received
    assert relevance is not None
    if node.name == "cat":
        dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
        sizes = [context.value(part).shape[dim] for part in node.args[0]]
        return _pieces(context, node, relevance.split(sizes, dim), dim)
    if node.name == "stack":
        dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
        return _pieces(context, node, relevance.unbind(dim), dim)
    if node.name == "copy":
        source = node.args[1]
        if not isinstance(source, Ref):
            return Division([], relevance)
        return Division([(source.number, reduced_to(relevance, context.value(source).shape))])
    old, new, index = node.args  # overwritten
    written = index >= 0
    part = torch.zeros_like(context.value(new)).reshape(-1)
    part = part.index_add_(0, index[written], relevance[written])
    parts = [
        (old.number, relevance.masked_fill(written, 0.0)),
        (new.number, part.view(context.value(new).shape)),
    ]
    return Division(parts)


def _pieces(context: Context, node: Node, pieces: Sequence[Tensor], dim: int) -> Division:
    """Relevance of parts side by side; that of constants among them is the bias's."""
    live = [context.tape.is_active(part) for part in node.args[0]]
    parts = [
        (part.number, piece)
        for part, piece, lives in zip(node.args[0], pieces, live, strict=True)
        if lives
    ]
    if all(live):
        return Division(parts)
    put = torch.stack if node.name == "stack" else torch.cat
    shut = [
        torch.zeros_like(piece) if lives else piece
        for piece, lives in zip(pieces, live, strict=True)
    ]
    return Division(parts, put(shut, dim))


def pick_largest(context: Context, node: Node, received: Sequence[Tensor | None]) -> Division:
    """The largest takes all, ties share. Source: Bach et al. (2015), winner takes all."""
    relevance = received[0]
    assert relevance is not None
    if node.name == "scatter_reduce":
        return _pick_scattered(context, node, relevance)
    source = node.args[0]
    value, output = context.value(source), context.output(node)
    if len(node.args) > 1 and isinstance(node.args[1], Ref):  # max of two: each where it is larger
        return Division(list(context.pulled_back(node, received).items()))
    axes = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", list(range(value.dim())))
    axes = [axes] if isinstance(axes, int) else list(axes)
    axes = sorted(axis % value.dim() for axis in axes) or list(range(value.dim()))
    if output.dim() != value.dim():
        for axis in axes:
            output, relevance = output.unsqueeze(axis), relevance.unsqueeze(axis)
    winners = (value == output).to(relevance.dtype)
    return Division([(source.number, winners * (relevance / winners.sum(axes, keepdim=True)))])


def _pick_scattered(context: Context, node: Node, relevance: Tensor) -> Division:
    """The largest of those that an index sends to one place; the base where it takes part."""
    base, dim, index, source = node.args[:4]
    at, output, value = context.value(index), context.output(node), context.value(source)
    winners = (value == output.gather(dim, at)).to(relevance.dtype)
    if node.kwargs.get("include_self", True):
        alone = torch.ones_like(output)
    else:  # the base stands only where nothing was sent
        alone = torch.ones_like(output).scatter(dim, at, 0.0)
    own = alone * (context.value(base) == output)
    each = relevance / own.scatter_add(dim, at, winners)
    return Division([(source.number, winners * each.gather(dim, at)), (base.number, own * each)])
