"""Relevance through the layers that stand at edges, for jets whose tracks are all joined.

With σ = sign(z) and z = W a + b, the rules served here divide the relevance R of an output by

    D = |z| + κ (|W| |a| + |b|) + ε        κ = (own - opposite) / (own + opposite), as rules.py has
                                           own and opposite: 0 for LRP-0 and LRP-ε, 1 for z⁺

and with s = σ R / D an input, the bias and ε get

    a (s W) + |a| (σ s κ |W|),    s b + σ s κ |b|,    σ s ε

Behind a ReLU σ is + wherever relevance is, and a is not negative. Relevance is kept as a multiplier
c of the value that carries it, R = a c, so that s = c a / D: a / D is computed on the way forwards.

Two things are not done once per edge. What the first layers make of an edge's tracks is a sum of
what each track gives; so is κ (|W| |a| + |b|):

    z1[s, d] = W_s h[s] + W_d h[d] + b1         edge_mlp, first layer      a1 = max(z1, 0)
    e[s, d]  = W3 a1[s, d] + b3                 edge_mlp, last layer
    z2[s, d] = W_e e[s, d] + W_h h[s] + b2      node_mlp_1, first layer    a2 = max(z2, 0)
    q[s, d]  = W4 a2[s, d] + b4                 node_mlp_1, last layer
    m[d]     = mean of q[s, d] over s ≠ d

And where LRP-0 is the rule of all four layers, s is the gradient of the output, and two linear maps
in a row are one (``Merged``): e is never formed, z2 = (W_e W3) a1 + ..., and W4 is applied to sums
over edges. That is the same rule to rounding, except where an e or q is exactly zero by
cancellation of terms that are not: the general engine stops there, this goes on with terms that add
up to zero.

No account is what is missing: bias and ε are added up from their own terms, by jet.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from lrp_core.ledger_book import LedgerBook
from lrp_core.products import product, round_up
from lrp_core.rules import Epsilon, Gamma, Layer, Rule, Zero, ZPlus

BLOCK = 2048  # pairs of tracks at a time; a few arrays of them fit into a core's cache
KEPT = 80_000  # pairs of one jet up to which forward values are kept, not computed again
Values = tuple[Any, ...]


class Way(NamedTuple):
    """How a rule served here divides: κ and ε as the module has them.

    relative  whether ε counts in units of the root mean square of a row of z
    """

    kappa: float = 0.0
    epsilon: float = 0.0
    relative: bool = False

    def stabiliser(self, z: Tensor) -> Tensor | float:
        """ε of every row of outputs z [..., n_out] -> [..., 1], or one number for all; never 0."""
        tiny = torch.finfo(z.dtype).tiny
        if not self.relative:
            return max(self.epsilon, tiny)
        size: Tensor = torch.linalg.vector_norm(z, dim=-1, keepdim=True)
        return size.mul_(self.epsilon / z.shape[-1] ** 0.5).add_(tiny)


LRP_0 = Way()


def way(rule: Rule) -> Way | None:
    """How a rule divides; None where it is not served here."""
    if rule.bias != "account":
        return None
    if type(rule) is Zero:
        return LRP_0
    if type(rule) is Epsilon:
        return Way(epsilon=rule.epsilon, relative=rule.relative)
    if type(rule) is Gamma:
        opposite = 1.0 / (1.0 + rule.gamma)
        return Way(kappa=(1.0 - opposite) / (1.0 + opposite))
    if type(rule) is ZPlus:
        return Way(kappa=1.0)
    return None


@dataclass(eq=False, slots=True)
class Part:
    """An affine layer, or those of its columns that read one input, and how its rule divides.

    weight [n_out, n_in], bias [n_out]
    size       κ |weight|
    bias_size  κ |bias|, and a number that keeps D above zero, so that 0 / 0 is 0; both are None
               where κ is zero
    both       weight and size in one piece, one below the other or side by side; else weight
    """

    name: str
    weight: Tensor
    bias: Tensor
    way: Way
    both: Tensor
    size: Tensor | None = None
    bias_size: Tensor | None = None

    @classmethod
    def of(cls, layer: Layer, one: Way, side: int = 0) -> Part:
        """A whole layer. side: 0 puts the size below the weight, 1 beside it."""
        weight, bias = layer.weight, layer.bias
        if not one.kappa:
            return cls(layer.name, weight, bias, one, weight)
        both = torch.cat([weight, weight.abs().mul_(one.kappa)], dim=side)
        weight, size = both.chunk(2, dim=side)
        bias_size = bias.abs().mul_(one.kappa).add_(torch.finfo(bias.dtype).tiny)
        return cls(layer.name, weight, bias, one, both, size, bias_size)

    def columns(self, of: slice) -> Part:
        """The same layer with some of its inputs."""
        weight, size = self.weight[:, of], None if self.size is None else self.size[:, of]
        return Part(self.name, weight, self.bias, self.way, weight, size, self.bias_size)

    def divisor(self, a: Tensor, size: Tensor, epsilon: Tensor | float) -> Tensor:
        """D, from inputs a that are not negative and size = |z|."""
        if self.size is None:
            return size + epsilon
        return product(a, self.size, self.bias_size).add_(size)

    def to_inputs(self, s: Tensor) -> tuple[Tensor, Tensor | None]:
        """s W and s κ |W| of a layer that has both side by side; None without κ."""
        found = product(s, self.both.T)
        if self.size is None:
            return found, None
        to_weight, to_size = found.chunk(2, dim=1)
        return to_weight, to_size

    def of_input(self, a: Tensor, s: Tensor) -> Tensor:
        """a (s W) + |a| (s κ |W|): what inputs of either sign get of outputs behind a ReLU."""
        found = torch.matmul(s, self.weight).mul_(a)
        return found if self.size is None else found.addcmul_(torch.matmul(s, self.size), a.abs())

    def of_bias(self, s: Tensor, signed: Tensor) -> Tensor:
        """What the bias gets by output, of s and σ s added up by jet [n_jets, n_out]."""
        found = s * self.bias
        if self.size is None:
            return found
        return found.addcmul_(signed, self.bias.abs(), value=self.way.kappa)

    def of_epsilon(self, signed: Tensor, taken: Tensor | None) -> Tensor | None:
        """What ε gets by output, of σ s added up by jet; ``taken`` where each row has its own ε."""
        if taken is not None or not self.way.epsilon:
            return taken
        return signed * self.way.epsilon


class Parts(NamedTuple):
    """The four layers at edges; those of two inputs as a whole, and by input as well."""

    first: Part  # [W_s | W_d]
    source: Part
    destination: Part
    last: Part  # W3
    message: Part  # [W_h | W_e]
    track: Part
    edge: Part
    out: Part  # W4

    @classmethod
    def of(cls, layers: list[Layer], ways: list[Way]) -> Parts:
        """The layers in the order in which the network takes them, and a way for each."""
        first, last, message, out = map(Part.of, layers, ways, (1, 0, 1, 0))
        ends, columns = first.weight.shape[1] // 2, message.weight.shape[1] - len(last.weight)
        return cls(
            first,
            first.columns(slice(None, ends)),
            first.columns(slice(ends, None)),
            last,
            message,
            message.columns(slice(None, columns)),
            message.columns(slice(columns, None)),
            out,
        )

    @property
    def all_zero(self) -> bool:
        """Whether LRP-0 is the rule of all of them."""
        layers = self.first, self.last, self.message, self.out
        return not any(part.way.kappa or part.way.epsilon for part in layers)


class _Block(NamedTuple):
    """Sources ``first`` to ``last`` (exclusive) of every jet at hand, with all destinations.

    pairs  how many pairs these are
    room   rows of the arrays that hold them; what stands in rows beyond the pairs is never read
    """

    first: int
    last: int
    pairs: int
    room: int

    @property
    def sources(self) -> slice:
        """The sources among all tracks."""
        return slice(self.first, self.last)


class Edges(ABC):
    """The edges of jets of n tracks each, as tables of n x n pairs; every array is [room, width].

    Sums over the edges of a track are sums over rows or columns of a table, nothing is gathered or
    scattered; the diagonal, which is no edge, is put to zero in q. Several jets run in one block; a
    jet with more pairs than a block holds runs alone, in several. Forward values are kept for the
    way back; those of very large jets are computed again.

    rows, norms, sums  of the edges: rows [n_jets, n_edges, 2 n_columns] where they are asked for,
                       else sums; norms and sums of all pairs [n_jets, n, n]
    """

    def __init__(self, parts: Parts, h: Tensor, *, rows: bool) -> None:
        self.parts, self.h = parts, h
        self.n_jets, self.n, self.columns = h.shape
        n = self.n
        self.rows = h.new_empty(self.n_jets, n * (n - 1), 2 * self.columns) if rows else None
        self.norms = h.new_empty(self.n_jets, n, n)
        self.sums = None if rows else torch.empty_like(self.norms)
        count = 1 if self.n_jets > 1 else -(-n * n // BLOCK)
        each = -(-n // count)  # sources, about as many in every block
        self.blocks = []
        for first in range(0, n, each):
            last = min(first + each, n)
            pairs = self.n_jets * (last - first) * n
            self.blocks.append(_Block(first, last, pairs, round_up(pairs)))
        self.kept = count == 1 or n * n <= KEPT
        self.values: list[Values] = []
        self._notes: dict[str, list[Tensor]] = {}
        self.prepare()

    @abstractmethod
    def prepare(self) -> None:
        """What is computed once per track."""

    @abstractmethod
    def run(self, block: _Block) -> tuple[Values, Tensor]:
        """Forward values of a block, and what is added up over each destination's edges."""

    @abstractmethod
    def back(self, values: Values, t: Tensor, block: _Block) -> _Back:
        """What a block's edges get, which uses the values up."""

    @abstractmethod
    def accounts(self, t: Tensor, s2: Tensor) -> _Accounts:
        """What was added up on the way; s2 that of node_mlp_1's first layer, by jet."""

    def forward(self) -> Tensor:
        """Run forwards -> the sum of q over each destination's edges [n_jets, n, width]."""
        for block in self.blocks:
            values, last = self.run(block)
            self.note("total", self.table(last, block).sum(dim=1))
            self.values.append(values if self.kept else ())
        return self.added("total")

    def backward(self, t: Tensor, messages: Tensor, book: LedgerBook, origin: str) -> Tensor:
        """Share out what the means received, R = q t, and note it in the book.

        t, messages (R summed over each destination's edges) [n_jets, n, width]; origin: the stage
        that makes h -> what reached h by way of the edges [n_jets, n, n_columns].
        """
        parts, h = self.parts, self.h
        by_source_2, by_source_1 = [], []
        for block, kept in zip(self.blocks, self.values, strict=True):
            back = self.back(kept or self.run(block)[0], t, block)
            s1 = self.table(back.s1, block)
            by_source_2.append(self.table(back.s2, block).sum(dim=2))
            by_source_1.append(s1.sum(dim=2))
            self.note("s1", s1.sum(dim=1))
            self.write(block, back)
        s2, s1 = _joined(by_source_2), _joined(by_source_1)
        message = parts.track.of_input(h, s2)
        source = parts.source.of_input(h, s1)
        destination = parts.destination.of_input(h, self.added("s1"))

        s2, s1 = s2.sum(dim=1), s1.sum(dim=1)
        found = self.accounts(t, s2)
        first, last, edge, out = parts.first, parts.last, parts.edge, parts.out
        to = {"input": (found.a2, edge.name)}
        book.add(out.name, messages, to, found.out_bias, found.out_epsilon)
        to = {"source": (message, origin), "edge": (found.e, last.name)}
        taken = edge.of_epsilon(s2, self.taken("z2"))
        book.add(edge.name, found.a2, to, edge.of_bias(s2, s2), taken)
        to = {"input": (found.a1, first.name)}
        book.add(last.name, found.e, to, found.last_bias, found.last_epsilon)
        to = {"source": (source, origin), "destination": (destination, origin)}
        taken = first.of_epsilon(s1, self.taken("z1"))
        book.add(first.name, found.a1, to, first.of_bias(s1, s1), taken)
        return message + source + destination

    def write(self, block: _Block, back: _Back) -> None:
        """The edges' rows: their norms, and the rows themselves or their sums."""
        f, at = self.columns, block.sources
        found, sized = self.parts.first.to_inputs(back.s1)
        found[:, :f].add_(back.to_source)
        rows = self.table(found, block)
        ends = (rows[..., :f], self.h[:, at, None]), (rows[..., f:], self.h[:, None])
        for row, h in ends:
            row.mul_(h)
        if sized is not None or back.to_source_size is not None:
            sized = torch.zeros_like(found) if sized is None else sized
            if back.to_source_size is not None:
                sized[:, :f].add_(back.to_source_size)
            table = self.table(sized, block)
            for (row, h), more in zip(ends, (table[..., :f], table[..., f:]), strict=True):
                row.addcmul_(more, h.abs())
        torch.linalg.vector_norm(rows, dim=3, out=self.norms[:, at])
        if self.sums is not None:
            torch.sum(rows, dim=3, out=self.sums[:, at])
        if self.rows is not None:
            edges = self.rows[:, block.first * (self.n - 1) : block.last * (self.n - 1)]
            self._copy(rows.flatten(1, 2), edges, block)

    def _copy(self, pairs: Tensor, edges: Tensor, block: _Block) -> None:
        """Leave out the diagonal: n pairs lie between any two of its own."""
        n, head, tail = self.n, block.first, self.n - block.last
        between = block.last - block.first - 1
        if head:
            edges[:, :head] = pairs[:, :head]
        inner = pairs[:, head + 1 : head + 1 + between * (n + 1)].unflatten(1, (between, n + 1))
        edges[:, head : head + between * n].unflatten(1, (between, n)).copy_(inner[:, :, :n])
        if tail:
            edges[:, -tail:] = pairs[:, -tail:]

    def of_edges(self, values: Tensor) -> Tensor:
        """Values of all pairs [n_jets, n, n] -> of the edges [n_jets, n_edges]."""
        n = self.n
        others = values.flatten(1)[:, 1:].unflatten(1, (n - 1, n + 1))
        found: Tensor = others[:, :, :n].flatten(1)
        return found

    def significance(self) -> Tensor:
        """The rows' norms over their sum by jet [n_jets, n_edges]; zeros where all are zero."""
        norms = self.of_edges(self.norms)
        return norms / norms.sum(dim=1, keepdim=True).clamp_(min=torch.finfo(norms.dtype).tiny)

    def table(self, values: Tensor, block: _Block) -> Tensor:
        """[room, width] as [n_jets, sources, destinations, width]."""
        if block.room > block.pairs:
            values = values[: block.pairs]
        return values.view(self.n_jets, block.last - block.first, self.n, -1)

    def pair_up(self, source: Tensor, destination: Tensor, block: _Block) -> Tensor:
        """source[s] + destination[d], each [n_jets, n, width] -> [room, width]."""
        found = source.new_empty(block.room, source.shape[2])
        table = self.table(found, block)
        torch.add(source[:, block.sources, None], destination[:, None], out=table)
        return found

    def add_source(self, values: Tensor, source: Tensor, block: _Block) -> Tensor:
        """Add source[s] [n_jets, n, width] to values [room, width]."""
        self.table(values, block).add_(source[:, block.sources, None])
        return values

    def clear_diagonal(self, values: Tensor, block: _Block) -> None:
        """A track has no edge to itself."""
        rows = values[: block.pairs].view(self.n_jets, -1, values.shape[1])
        rows[:, block.first :: self.n + 1].zero_()

    def of_jets(self, values: Tensor, block: _Block) -> Tensor:
        """Add a block's values up by jet -> [n_jets, width]."""
        return values[: block.pairs].view(self.n_jets, -1, values.shape[1]).sum(dim=1)

    def in_products(self, a: Tensor, c: Tensor, block: _Block) -> Tensor:
        """Add a c up by jet -> [n_jets, 1]."""
        one, other = (values[: block.pairs].view(self.n_jets, -1) for values in (a, c))
        if self.n_jets == 1:
            return torch.dot(one[0], other[0]).view(1, 1)
        return (one * other).sum(dim=1, keepdim=True)

    def note(self, name: str, values: Tensor) -> None:
        """Note what a block found, to be added up over blocks."""
        self._notes.setdefault(name, []).append(values)

    def added(self, name: str) -> Tensor:
        """The sum of what the blocks found."""
        parts = self._notes[name]
        return parts[0] if len(parts) == 1 else torch.stack(parts).sum(dim=0)

    def taken(self, name: str) -> Tensor | None:
        """What an ε of each row's own has taken at some z; None where it is one for all."""
        name = f"{name}, epsilon"
        return self.added(name) if name in self._notes else None


def _joined(parts: list[Tensor]) -> Tensor:
    """What blocks found for their sources, for all of them."""
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


class _Back(NamedTuple):
    """What a block's edges get: s of node_mlp_1's and of edge_mlp's first layer [room, width].

    to_source, to_source_size  s2 W_h and s2 κ |W_h| [room, n_columns], the latter None without κ
    """

    s2: Tensor
    s1: Tensor
    to_source: Tensor
    to_source_size: Tensor | None = None


class _Accounts(NamedTuple):
    """Relevance that a2, e and a1 received, and the accounts of node_mlp_1.3 and edge_mlp.3.

    Terms [n_jets, ...] whose sums they are.
    """

    a2: Tensor
    e: Tensor
    a1: Tensor
    out_bias: Tensor
    out_epsilon: Tensor | None
    last_bias: Tensor
    last_epsilon: Tensor | None


class Merged(Edges):
    """LRP-0 at all four layers: W_e W3 is one layer, and s is the gradient."""

    def prepare(self) -> None:
        parts, h = self.parts, self.h
        self._upstream: Tensor | None = None
        self.merged = torch.mm(parts.edge.weight, parts.last.weight)
        self.both = torch.cat([parts.track.weight, self.merged], dim=1)
        offset = torch.addmv(parts.edge.bias, parts.edge.weight, parts.last.bias)
        self.source = linear(h, parts.source.weight, parts.source.bias)
        self.destination = linear(h, parts.destination.weight)
        self.to_message = linear(h, parts.track.weight, offset)

    def run(self, block: _Block) -> tuple[Values, Tensor]:
        a1 = self.pair_up(self.source, self.destination, block).clamp_(min=0)
        a2 = self.add_source(product(a1, self.merged), self.to_message, block).clamp_(min=0)
        self.clear_diagonal(a2, block)
        return (a1, a2), a2

    def forward(self) -> Tensor:
        self.total = super().forward()  # of a2, and q is the same to all of them
        return linear(self.total, self.parts.out.weight).add_(self.parts.out.bias, alpha=self.n - 1)

    def upstream(self, t: Tensor) -> Tensor:
        """t W4, what a live a2 is multiplied by [n_jets, n, width]; the same in every block."""
        if self._upstream is None:
            self._upstream = torch.matmul(t, self.parts.out.weight)
        return self._upstream

    def back(self, values: Values, t: Tensor, block: _Block) -> _Back:
        a1, a2 = values
        s2 = a2.sign_()
        self.table(s2, block).mul_(self.upstream(t)[:, None])
        to_source, c = product(s2, self.both.T).split_with_sizes([self.columns, a1.shape[1]], dim=1)
        s1 = torch.ops.aten.threshold_backward(c, a1, 0)  # c where a1 is above zero, else 0
        self.note("a1", self.in_products(a1, s1, block))
        return _Back(s2, s1, to_source)

    def accounts(self, t: Tensor, s2: Tensor) -> _Accounts:
        last, edge, out = self.parts.last, self.parts.edge, self.parts.out
        a1 = self.added("a1")
        a2 = self.upstream(t) * self.total
        last_bias = torch.matmul(s2, edge.weight).mul_(last.bias)
        e = torch.cat([a1, last_bias], dim=1)
        return _Accounts(a2, e, a1, t * (out.bias * (self.n - 1)), None, last_bias, None)


class Divided(Edges):
    """Every other combination of rules that is served, with its divisors D.

    A block's values: a1, a1 / D, e, D of e, a2, a2 / D, q / D; and the ε of e and of q.
    """

    def prepare(self) -> None:
        first, source, destination, _, _, track, edge, _ = self.parts
        h, size = self.h, self.h.abs()
        self.source = linear(h, source.weight, first.bias)
        self.destination = linear(h, destination.weight)
        self.to_message = linear(h, track.weight, track.bias)
        self.edge = edge.weight.contiguous()
        self.edge_size = None if edge.size is None else edge.size.contiguous()
        if source.size is not None and destination.size is not None:
            self.source_size = linear(size, source.size, first.bias_size)
            self.destination_size = linear(size, destination.size)
        if track.size is not None:
            self.message_size = linear(size, track.size, track.bias_size)

    def run(self, block: _Block) -> tuple[Values, Tensor]:
        first, _, _, last, message, _, _, out = self.parts
        a1 = self.pair_up(self.source, self.destination, block)
        epsilon_1 = first.way.stabiliser(a1)
        a1.clamp_(min=0)
        if first.size is None:
            r1 = a1 + epsilon_1
        else:
            r1 = self.pair_up(self.source_size, self.destination_size, block).add_(a1)
        e = product(a1, last.weight, last.bias)
        epsilon_e = last.way.stabiliser(e)
        size = e.abs()
        d_e = last.divisor(a1, size, epsilon_e)
        a2 = self.add_source(product(e, self.edge), self.to_message, block)
        epsilon_2 = message.way.stabiliser(a2)
        a2.clamp_(min=0)
        if self.edge_size is None:
            r2 = a2 + epsilon_2
        else:
            r2 = self.add_source(product(size, self.edge_size), self.message_size, block).add_(a2)
        q = product(a2, out.weight, out.bias)
        epsilon_q = out.way.stabiliser(q)
        self.clear_diagonal(q, block)
        d_q = out.divisor(a2, q.abs(), epsilon_q)
        values = (a1, torch.div(a1, r1, out=r1), e, d_e, a2, torch.div(a2, r2, out=r2))
        epsilons = epsilon_1, epsilon_e, epsilon_2, epsilon_q
        return (*values, torch.div(q, d_q, out=d_q), *epsilons), q

    def back(self, values: Values, t: Tensor, block: _Block) -> _Back:
        _, _, _, last, message, _, _, out = self.parts
        a1, r1, e, d_e, a2, r2, q, epsilon_1, epsilon_e, epsilon_2, epsilon_q = values
        both, s, signed = self.signs(out, q)
        torch.mul(self.table(q, block), t[:, None], out=self.table(signed, block))  # R = q t
        torch.mul(self.table(q.abs_(), block), t[:, None], out=self.table(s, block))
        c = product(both, out.both.T)
        self.account("q", s, signed, epsilon_q, block)
        self.note("a2", self.in_products(a2, c, block))
        s2 = r2.mul_(c)
        self.account("z2", None, s2, epsilon_2, block)

        to_inputs, to_inputs_size = message.to_inputs(s2)
        f = self.columns
        relevance = to_inputs[:, f:] * e
        if to_inputs_size is not None:
            relevance.addcmul_(to_inputs_size[:, f:], e.abs())
        self.note("e", self.of_jets(relevance, block))
        both, s, signed = self.signs(last, e)
        torch.div(relevance, d_e, out=signed)
        torch.mul(e.sign_(), signed, out=s)
        c = product(both, last.both.T)
        self.account("z of e", s, signed, epsilon_e, block)
        self.note("a1", self.in_products(a1, c, block))
        s1 = r1.mul_(c)
        self.account("z1", None, s1, epsilon_1, block)
        size = None if to_inputs_size is None else to_inputs_size[:, :f]
        return _Back(s2, s1, to_inputs[:, :f], size)

    @staticmethod
    def signs(part: Part, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Room for what a layer's weights, or its weights and their sizes, take: it, s and σ s."""
        if part.size is None:
            s = torch.empty_like(values)
            return s, s, torch.empty_like(values)
        both = values.new_empty(len(values), 2 * values.shape[1])
        s, signed = both.chunk(2, dim=1)
        return both, s, signed

    def account(
        self, name: str, s: Tensor | None, signed: Tensor, epsilon: Tensor | float, block: _Block
    ) -> None:
        """Note what the accounts of a layer are made of: s and σ s, and what each row's ε takes.

        Those of layers behind which there is a ReLU are added up anyway: s is None.
        """
        if s is not None:
            self.note(f"{name}, s", self.of_jets(s, block))
            self.note(f"{name}, signed", self.of_jets(signed, block))
        if isinstance(epsilon, Tensor):
            taken = signed.sum(dim=1, keepdim=True).mul_(epsilon)
            self.note(f"{name}, epsilon", self.of_jets(taken, block))

    def accounts(self, t: Tensor, s2: Tensor) -> _Accounts:
        found: list[Any] = [self.added(name) for name in ("a2", "e", "a1")]
        for part, name in ((self.parts.out, "q"), (self.parts.last, "z of e")):
            s, signed = self.added(f"{name}, s"), self.added(f"{name}, signed")
            found += part.of_bias(s, signed), part.of_epsilon(signed, self.taken(name))
        return _Accounts(*found)
