"""Where values stand: for every element of every value the tracks it is about.

Labels run through the tape in place of numbers. A label is a set of at most two tracks: none (the
jet), one, or a pair, written as two integers (a <= b, NONE where there is no track). Labels hardly
ever differ along channels, so a label has size 1 along the axes where it does not vary, and costs
little. An aggregation whose terms are about pairs and whose results are about single tracks passes
messages: there are the edges (``edges``).

    elementwise       the union of the operands' sets; three tracks or more are none
    moves             the move itself, of the labels
    channels mixed    the union where it has two tracks at most, else what all terms share
    added up, largest what all terms share: that which differs along them is what is lost
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lrp_core.tape.affine import is_affine
from lrp_core.tape.context import PRODUCTS
from lrp_core.tape.moves import MOVES
from lrp_core.tape.tape import Node, Ref, Tape, is_real

NONE = -1
_BIG = 1 << 40


class Label(NamedTuple):
    """Two tracks for every element, a <= b; (a, NONE) is one track, (NONE, NONE) none."""

    a: Tensor
    b: Tensor

    @property
    def shape(self) -> torch.Size:
        """The shape of the value, 1 where the label does not vary."""
        return self.a.shape

    def each(self, change: Any) -> Label:
        """The same change of both."""
        return Label(change(self.a), change(self.b))


@dataclass(frozen=True)
class Message:
    """An aggregation that passes messages.

    terms     the label of each term; of a product of matrices [..., n, m, k] for a_nm b_mk
    receiver  the track that the result is about, for each term; NONE where it is about none
    operand   which argument's elements are the terms; None for a product of matrices
    sorted    what ``edges`` found out about the pairs, by the sizes of jets
    """

    place: int
    terms: Label
    receiver: Tensor
    operand: int | None
    sorted: dict[object, Any] = field(default_factory=dict, compare=False)

    @cached_property
    def shape(self) -> torch.Size:
        """The shape of the terms, 1 along the axes where they are about the same tracks."""
        shape: torch.Size = torch.broadcast_shapes(self.terms.shape, self.receiver.shape)
        return shape

    @cached_property
    def _ends(self) -> tuple[Tensor, Tensor, Tensor]:
        """Which terms have both ends, and of those the receivers and the senders."""
        a, b, receiver = (
            one.expand(self.shape).reshape(-1) for one in (*self.terms, self.receiver)
        )
        sender = torch.where(b < 0, a, torch.where(a == receiver, b, a))
        kept = (receiver >= 0) & (sender >= 0)
        return kept, receiver[kept].cpu(), sender[kept].cpu()

    @property
    def kept(self) -> Tensor:
        """Which terms, in one line, have a receiver and a sender."""
        return self._ends[0]

    def pairs(self, n_places: int) -> tuple[Tensor, Tensor]:
        """Every pair once, as receiver * n_places + sender, and for each kept term its pair."""
        if n_places not in self.sorted:
            _, receiver, sender = self._ends
            self.sorted[n_places] = torch.unique(receiver * n_places + sender, return_inverse=True)
        found: tuple[Tensor, Tensor] = self.sorted[n_places]
        return found


def nowhere(n_axes: int, device: torch.device | None = None) -> Label:
    """The label of a value that is about no track."""
    none = torch.full((1,) * n_axes, NONE, device=device)
    return Label(none, none)


def ordered(a: Tensor, b: Tensor) -> Label:
    """a <= b, a track that stands twice once."""
    low, high = torch.minimum(a, b), torch.maximum(a, b)
    single = (low < 0) | (low == high)
    return Label(torch.where(single, high, low), torch.where(single, NONE, high))


def union(one: Label, other: Label) -> Label:
    """Tracks of either; none where there are three or more."""
    a, b = one
    many = torch.zeros((), dtype=torch.bool, device=a.device)
    for track in other:
        new = (track >= 0) & (track != a) & (track != b)
        many = many | (new & (a >= 0) & (b >= 0))
        b = torch.where(new & (a >= 0) & (b < 0), track, b)
        a = torch.where(new & (a < 0), track, a)
    return ordered(torch.where(many, NONE, a), torch.where(many, NONE, b))


def contract(
    label: Label, axes: Sequence[int], *, mix: bool, absent: Tensor | None = None
) -> Label:
    """Labels of a sum over ``axes``, which stay with size 1.

    mix     channels are mixed: the union, where it is two tracks at most
    absent  terms that take no part
    """
    n_axes = label.a.dim()
    axes = sorted(axis % n_axes for axis in axes)
    if all(label.shape[axis] == 1 for axis in axes) and absent is None:
        return label
    if absent is None:
        absent = torch.zeros((1,) * n_axes, dtype=torch.bool, device=label.a.device)
    absent = absent.expand(torch.broadcast_shapes(absent.shape, label.shape))
    rest = [axis for axis in range(n_axes) if axis not in axes]

    def flat(values: Tensor) -> Tensor:
        values = values.expand(absent.shape).permute(*rest, *axes)
        n_summed = math.prod(values.shape[len(rest) :])  # -1 says nothing where there is no term
        return values.reshape(*values.shape[: len(rest)], n_summed)

    out = flat(absent)
    a, b = flat(label.a), flat(label.b)
    first = out.to(torch.int8).argmin(-1, keepdim=True)
    found = []
    for track in (a.gather(-1, first), b.gather(-1, first)):
        everywhere = (out | (a == track) | (b == track)).all(-1, keepdim=True)
        found.append(torch.where(everywhere & (track >= 0), track, NONE))
    result = ordered(*found)
    if mix:
        low = torch.where(out | (a < 0), _BIG, a).amin(-1, keepdim=True)
        high = torch.where(out, NONE, torch.maximum(a, b)).amax(-1, keepdim=True)
        inside = ((a < 0) | (a == low) | (a == high)) & ((b < 0) | (b == low) | (b == high))
        two = (out | inside).all(-1, keepdim=True) & (high >= 0)
        both = ordered(torch.where(two, low, NONE), torch.where(two, high, NONE))
        result = Label(torch.where(two, both.a, result.a), torch.where(two, both.b, result.b))
    shape = [1 if axis in axes else size for axis, size in enumerate(absent.shape)]
    return result.each(lambda values: values.squeeze(-1).reshape(shape))


def regrouped(label: Label, shape: Sequence[int], target: Sequence[int]) -> Label:
    """The label of a value of ``shape`` seen as ``target``: only axes that vary are spread out."""
    if math.prod(shape) == 0:
        return nowhere(len(target), label.a.device)
    groups, i, j = [], 0, 0
    while i < len(shape) or j < len(target):
        begin, start, left, right = i, j, 1, 1
        if i < len(shape):
            left, i = shape[i], i + 1
        if j < len(target):
            right, j = target[j], j + 1
        while left != right:
            if left < right:
                left, i = left * shape[i], i + 1
            else:
                right, j = right * target[j], j + 1
        groups.append((begin, i, start, j))
    sizes: list[int] = []
    spread: list[int] = []
    for begin, end, start, stop in groups:
        if all(size == 1 for size in label.shape[begin:end]):
            sizes += [1] * (end - begin)
            spread += [1] * (stop - start)
        else:
            sizes += shape[begin:end]
            spread += target[start:stop]
    return label.each(lambda values: values.expand(sizes).reshape(spread))


class Places:
    """Labels of all values of a tape, and the nodes that pass messages.

    leaves  for each leaf the label it begins with
    rows    by size: the tracks in the order of rows, for values with a row per track
    mix     sums keep what any term is about: for labels of jets, which no sum may mix
    before  of another tape of the same operations, leaves and rows: where a node reads the same
            labels and indices, its own are the same
    also    numbers of values whose labels are asked for whatever reads them
    """

    def __init__(
        self,
        tape: Tape,
        leaves: Mapping[str, Label],
        rows: Mapping[int, Tensor],
        *,
        mix: bool = False,
        before: Places | None = None,
        also: Collection[int] = (),
    ) -> None:
        self.tape, self.rows, self.mix = tape, rows, mix
        self.labels: dict[int, Label] = {tape.leaves[name]: label for name, label in leaves.items()}
        self.messages: dict[int, Message] = {}
        self._read: list[list[Tensor]] = []
        if before is not None:
            self.labels = {number: before.labels[number] for number in self.labels}
        for place, node in enumerate(tape.nodes):
            read = self._reads(node)
            self._read.append(read)
            if before is None:
                self._visit(place, node)
            elif same_indices(before._read[place], read):
                self._take(place, node, before)
            else:
                self._visit(place, node)
                for number in node.outputs:
                    self._as_before(number, before)
        for number in also:
            self.labels[number] = self.of(Ref(number))
        self.tape = tape.with_values([])  # labels are kept, values are not

    def _reads(self, node: Node) -> list[Tensor]:
        """Labels and indices that a node's own labels hang on."""
        found: list[Tensor] = []
        for number in node.inputs():
            label = self.labels.get(number)
            if label is not None:
                found += label
            elif number not in self.tape.active:
                value = self.tape.values[number]
                if not is_real(value) or node.name in PRODUCTS:
                    found.append(value)
            else:  # put off, see _visit
                made_by = self.tape.producer(Ref(number))
                found += [] if made_by is None else self._reads(made_by)
        return found

    def _take(self, place: int, node: Node, before: Places) -> None:
        """The labels and the message of a node that reads what it read before."""
        for number in node.outputs:
            if number is not None and number in before.labels:
                self.labels[number] = before.labels[number]
        if place in before.messages:
            self.messages[place] = before.messages[place]

    def _as_before(self, number: int | None, before: Places) -> None:
        """The same label again, so that what reads it sees that it is the same."""
        if number in self.labels and number in before.labels:
            one, other = self.labels[number], before.labels[number]
            if torch.equal(one.a, other.a) and torch.equal(one.b, other.b):
                self.labels[number] = other

    def of(self, argument: Any) -> Label:
        """The label of an argument."""
        if isinstance(argument, Ref):
            if argument.number not in self.labels and argument.number in self.tape.active:
                node = self.tape.producer(argument)
                if node is not None and node.name == "cat":  # put off, see _visit
                    self.labels[argument.number] = self._joined(node)
            if argument.number in self.labels:
                return self.labels[argument.number]
        value = self.tape.value(argument)
        n_axes = value.dim() if isinstance(value, Tensor) else 0
        return nowhere(n_axes, value.device if isinstance(value, Tensor) else None)

    def _visit(self, place: int, node: Node) -> None:
        name, tape = node.name, self.tape
        if name == "cat" and not self.mix:
            return  # a label for every channel is much; mostly they are mixed next, see _mixed
        made = [n for n in node.outputs if n is not None and is_real(tape.values[n])]
        if name in ("addmm", "baddbmm", "mm", "linear", "bmm", "convolution"):
            labels = [self._product(place, node)]
        elif name in ("sum", "mean", "max", "amax", "min", "amin", "max_pool2d_with_indices"):
            labels = [self._reduced(place, node)]
        elif name in ("scatter_add", "index_add", "scatter_reduce"):
            labels = [self._scattered(place, node)]
        elif name in MOVES or name in ("cat", "stack", "overwritten", "copy"):
            try:
                labels = self._moved(node, len(made))
            except (RuntimeError, IndexError):  # moved in a way that labels do not follow
                labels = [nowhere(tape.values[made[0]].dim())]
        else:
            labels = [self._elementwise(node)]
        labels += labels[-1:] * (len(made) - len(labels))
        for number, label in zip(made, labels, strict=False):
            shape = tape.values[number].shape
            fits = label.a.dim() == len(shape) and all(
                size in (1, full) for size, full in zip(label.shape, shape, strict=True)
            )
            self.labels[number] = label if fits else nowhere(len(shape), label.a.device)

    def _elementwise(self, node: Node) -> Label:
        n_axes = self.tape.values[node.output].dim()
        labels = [
            self.of(Ref(number))
            for number in node.inputs()
            if number in self.tape.active and self.tape.values[number].dim() <= n_axes
        ]
        if len(labels) == 1 and labels[0].a.dim() == n_axes:
            return labels[0]
        result = nowhere(n_axes, self.tape.values[node.output].device)
        for label in labels:
            result = union(result, label)
        return result

    # ------------------------------------------------------------------ sums

    def _note(self, place: int, terms: Label, receiver: Tensor, operand: int | None) -> None:
        """Keep an aggregation, if its terms are about pairs of which one track receives."""
        pair = (receiver >= 0) & ((terms.b >= 0) & ((terms.a == receiver) | (terms.b == receiver)))
        if bool(pair.any()):
            self.messages[place] = Message(place, terms, receiver, operand)

    def _mixed(self, argument: Ref, axis: int) -> Label:
        """Channels of a value mixed; of values side by side one label for each is enough."""
        node = self.tape.producer(argument)
        if argument.number in self.labels or node is None or node.name != "cat":
            return contract(self.of(argument), [axis], mix=True)
        dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
        labels = [self.of(part) for part in node.args[0]]
        if dim % labels[0].a.dim() != axis:
            return contract(self.of(argument), [axis], mix=True)
        parts = [contract(label, [axis], mix=True) for label in labels]
        if len(parts) == 2:
            both = union(*parts)
            many = (both.a < 0) & ((parts[0].a >= 0) | (parts[1].a >= 0))
            if not bool(many.any()):
                return both
        shape = torch.broadcast_shapes(*(part.shape for part in parts))
        a = torch.cat([part.a.expand(shape) for part in parts], axis)
        b = torch.cat([part.b.expand(shape) for part in parts], axis)
        return contract(Label(a, b), [axis], mix=True)

    def _reduced(self, place: int, node: Node) -> Label:
        label = self.of(node.args[0])
        n_axes = label.a.dim()
        axes = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
        if node.name == "max_pool2d_with_indices":
            return self._moved_whole(node)[0]
        if isinstance(axes, Ref):
            return self._elementwise(node)
        axes = list(range(n_axes)) if axes is None else [axes] if isinstance(axes, int) else axes
        axes = sorted({axis % n_axes for axis in axes}) or list(range(n_axes))
        result = contract(label, axes, mix=self.mix)
        if result is not label:
            single = torch.where(result.b < 0, result.a, NONE)
            self._note(place, label, single, 0)
        if self.tape.values[node.output].dim() == n_axes:
            return result
        return result.each(lambda values: _squeezed(values, axes))

    def _scattered(self, place: int, node: Node) -> Label:
        dim, source = node.args[1], node.args[3]
        label = self.of(source)
        n_axes = label.a.dim()
        dim %= n_axes
        value = self.tape.value(source)
        index = _narrow(self.tape.value(node.args[2]), n_axes, dim)
        size = self.tape.values[node.output].shape[dim]
        shape = list(torch.broadcast_shapes(index.shape, label.shape))
        shape[dim] = value.shape[dim]
        index = index.expand(shape)
        if size in self.rows:
            at = [1] * n_axes
            at[dim] = size
            result = Label(self.rows[size].view(at), torch.full(at, NONE, device=index.device))
            receiver = self.rows[size][index]
            terms = union(label, Label(receiver, torch.full_like(receiver, NONE)))
            self._note(place, terms, receiver, 3)
            return result
        a, b = (values.expand(shape) for values in label)
        shape[dim] = size
        picked = [
            torch.full(shape, NONE, device=index.device).scatter(dim, index, values)
            for values in (a, b)
        ]
        found = []
        for track in picked:
            here = track.gather(dim, index)
            every = torch.ones(shape, dtype=torch.int64, device=index.device).scatter_reduce(
                dim, index, ((a == here) | (b == here)).long(), "amin"
            )
            found.append(torch.where((track >= 0) & every.bool(), track, NONE))
        result = ordered(*found)
        single = torch.where(result.b < 0, result.a, NONE)
        self._note(place, label, single.gather(dim, index), 3)
        return result

    def _product(self, place: int, node: Node) -> Label:
        tape, args = self.tape, node.args
        if node.name == "convolution":
            if tape.value(args[1]).shape[2:].numel() != 1:
                return nowhere(tape.values[node.output].dim())
            return self._mixed(args[0], 1)
        first, second = args[1:3] if node.name in ("addmm", "baddbmm") else args[:2]
        if is_affine(tape, node):
            return self._mixed(first, tape.value(first).dim() - 1)
        left, right = self.of(first), self.of(second)
        if node.name == "linear":
            right = right.each(lambda values: values.t())
        terms = union(
            left.each(lambda values: values.unsqueeze(-1)),
            right.each(lambda values: values.unsqueeze(-3)),
        )
        absent = None
        if not tape.is_active(first):  # such as an adjacency matrix
            absent = (tape.value(first) == 0).unsqueeze(-1)
        result = contract(terms, [-2], mix=self.mix, absent=absent)
        if result is terms:
            return result.each(lambda values: values.squeeze(-2))
        rows = tape.value(first).shape[-2]
        if bool((result.a < 0).all()) and rows in self.rows and not tape.is_active(first):
            tracks = self.rows[rows].view(-1, 1, 1)
            result = Label(tracks, torch.full_like(tracks, NONE))
            terms = union(terms, result)
        single = torch.where(result.b < 0, result.a, NONE)
        self._note(place, terms, single, None)
        return result.each(lambda values: values.squeeze(-2))

    # ----------------------------------------------------------------- moves

    def _moved(self, node: Node, n_results: int) -> list[Label]:
        tape, args = self.tape, node.args
        name = node.name
        shape = list(tape.values[node.output].shape)
        if name in (
            "view",
            "reshape",
            "unsafe_view",
            "flatten",
            "unflatten",
            "squeeze",
            "unsqueeze",
        ):
            return [regrouped(self.of(args[0]), list(tape.value(args[0]).shape), shape)]
        if name in ("clone", "alias", "detach", "to_copy", "contiguous", "lift_fresh"):
            return [self.of(args[0])]
        if name in ("expand", "broadcast_to"):
            lead = len(shape) - self.of(args[0]).a.dim()
            return [self.of(args[0]).each(lambda values: values[(None,) * lead])]
        if name == "repeat":
            times = args[1]
            label = self.of(args[0])
            label = label.each(lambda values: values[(None,) * (len(times) - values.dim())])
            counts = [
                1 if size == 1 else count for size, count in zip(label.shape, times, strict=True)
            ]
            return [label.each(lambda values: values.repeat(counts))]
        if name in ("transpose", "swapaxes"):
            return [self.of(args[0]).each(lambda values: values.transpose(args[1], args[2]))]
        if name == "t":
            return [self.of(args[0]).each(lambda values: values.t())]
        if name == "permute":
            return [self.of(args[0]).each(lambda values: values.permute(args[1]))]
        if name in ("where", "masked_fill", "maximum", "minimum", "tril", "triu", "fill_diagonal"):
            return [self._elementwise(node)]
        if name in ("select", "slice", "split", "split_with_sizes", "unbind", "chunk", "narrow"):
            return self._taken(node, n_results)
        if name == "index_select":
            label, dim = self.of(args[0]), args[1]
            if label.shape[dim] == 1:
                return [label]
            index = tape.value(args[2])
            return [label.each(lambda values: values.index_select(dim, index))]
        if name == "index":
            return [self._indexed(node)]
        if name == "gather":
            return [self._gathered(node)]
        if name in ("topk", "sort"):
            indices = node.outputs[1]
            if indices is not None:
                full = tape.value(args[0]).shape
                label = self.of(args[0]).each(lambda one: one.expand(full))
                given = args[2:3] if name == "topk" else args[1:2]
                dim = given[0] if given else node.kwargs.get("dim", -1)
                at = tape.values[indices]
                return [label.each(lambda one: one.gather(dim, at))]
        if name in ("cat", "stack"):
            return [self._joined(node)]
        return self._moved_whole(node)

    def _moved_whole(self, node: Node) -> list[Label]:
        """The move itself, of labels of the values' full shape."""

        def labels(which: int) -> list[Tensor]:
            def of(number: int) -> Tensor:
                value = self.tape.values[number]
                if not is_real(value):
                    return value
                return self.of(Ref(number))[which].expand(value.shape).double()

            try:
                made = node.again(of)
            except (RuntimeError, TypeError):
                return []
            made = made if isinstance(made, tuple | list) else [made]
            return [one.round().long() for one in made if is_real(one)]

        a, b = labels(0), labels(1)
        if not a:
            return [nowhere(self.tape.values[node.output].dim())]
        return [_compressed(one, other) for one, other in zip(a, b, strict=True)]

    def _taken(self, node: Node, n_results: int) -> list[Label]:
        """Some of the places along one axis."""
        label, name = self.of(node.args[0]), node.name
        place = 1 if name in ("select", "slice", "narrow", "unbind") else 2
        dim = node.args[place] if len(node.args) > place else node.kwargs.get("dim", 0)
        if label.shape[dim] > 1:
            made = [node.op(values, *node.args[1:], **node.kwargs) for values in label]
            if isinstance(made[0], Tensor):
                return [Label(*made)]
            return [Label(one, other) for one, other in zip(*made, strict=True)]
        if name in ("select", "unbind"):
            label = label.each(lambda values: values.squeeze(dim))
        return [label] * n_results

    def _indexed(self, node: Node) -> Label:
        """x[..., index, ...]: axes that are indexed are spread out, others stay."""
        label, indices = self.of(node.args[0]), node.args[1]
        full = self.tape.value(node.args[0]).shape
        places = [None if one is None else self.tape.value(one) for one in indices]
        sizes = list(label.shape)
        axis = 0
        for one in places:
            if one is None:
                axis += 1
                continue
            for _ in range(one.dim() if one.dtype == torch.bool else 1):
                sizes[axis] = full[axis]
                axis += 1
        return label.each(lambda values: node.op(values.expand(sizes), places))

    def _gathered(self, node: Node) -> Label:
        label, dim = self.of(node.args[0]), node.args[1]
        if label.shape[dim] == 1:
            return label
        index = _narrow(self.tape.value(node.args[2]), label.a.dim(), dim)
        sizes = list(
            torch.broadcast_shapes(
                [
                    1 if axis == dim % label.a.dim() else size
                    for axis, size in enumerate(index.shape)
                ],
                [
                    1 if axis == dim % label.a.dim() else size
                    for axis, size in enumerate(label.shape)
                ],
            )
        )
        at = list(sizes)
        at[dim], sizes[dim] = index.shape[dim], label.shape[dim]
        return label.each(lambda values: values.expand(sizes).gather(dim, index.expand(at)))

    def _joined(self, node: Node) -> Label:
        parts = node.args[0]
        dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
        labels = [self.of(part) for part in parts]
        values = [self.tape.value(part) for part in parts]
        if node.name == "stack":
            dim %= values[0].dim() + 1
            labels = [label.each(lambda one: one.unsqueeze(dim)) for label in labels]
            values = [value.unsqueeze(dim) for value in values]
        dim %= values[0].dim()
        first = labels[0]
        if all(label.shape[dim] == 1 for label in labels) and all(
            torch.equal(label.a, first.a) and torch.equal(label.b, first.b) for label in labels
        ):
            return first
        sizes = list(
            torch.broadcast_shapes(
                *(
                    [1 if axis == dim else size for axis, size in enumerate(label.shape)]
                    for label in labels
                )
            )
        )

        def joined(which: int) -> Tensor:
            spread = []
            for label, value in zip(labels, values, strict=True):
                sizes[dim] = value.shape[dim]
                spread.append(label[which].expand(sizes))
            return torch.cat(spread, dim)

        result = _compressed(joined(0), joined(1))
        return Label(_filled(result.a), result.b) if self.mix else result


def _compressed(a: Tensor, b: Tensor) -> Label:
    """A label with size 1 along the axes where it does not vary."""
    for axis, size in enumerate(a.shape):
        if size > 1:
            one, other = a.narrow(axis, 0, 1), b.narrow(axis, 0, 1)
            if bool((a == one).all()) and bool((b == other).all()):
                a, b = one, other
    return Label(a, b)


def _filled(jets: Tensor) -> Tensor:
    """Labels of jets; a constant beside a jet's tracks, such as a token, gets theirs."""
    for axis in range(jets.dim()):
        if bool((jets >= 0).all()):
            break
        others = [other for other in range(jets.dim()) if other != axis]
        most = jets.amax(others, keepdim=True) if others else jets
        if bool(((jets < 0) | (jets == most)).all()):
            jets = torch.where(jets < 0, most, jets)
    return jets


def _squeezed(values: Tensor, axes: Sequence[int]) -> Tensor:
    return values.squeeze(tuple(axes))


def _narrow(index: Tensor, n_axes: int, dim: int) -> Tensor:
    """An index with size 1 along the axes over which it is only repeated."""
    dim %= n_axes
    if index.dim() == 1 and n_axes > 1:
        return index.view([-1 if axis == dim else 1 for axis in range(n_axes)])
    for axis in range(index.dim()):
        if axis != dim and index.stride(axis) == 0:
            index = index.narrow(axis, 0, 1)
    return index


def indices_of(tape: Tape) -> list[Tensor]:
    """All that labels hang on beside operations and sizes: indices, and adjacency matrices."""

    def find() -> list[int]:
        found = []
        for node in tape.nodes:
            for number in node.inputs():
                first = node.name in PRODUCTS and number not in tape.active
                if not is_real(tape.values[number]) or (first and node.args[0] == Ref(number)):
                    found.append(number)
        return list(dict.fromkeys(found))

    return [tape.values[number] for number in tape.once("indices", find)]


def same_indices(one: Sequence[Tensor], other: Sequence[Tensor]) -> bool:
    """Whether two tapes of the same operations have the same labels."""
    return len(one) == len(other) and all(
        a is b or torch.equal(a, b) for a, b in zip(one, other, strict=True)
    )
