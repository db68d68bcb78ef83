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

No account is what is missing: bias and ε are added up from their own terms, by jet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from lrp_core.edge_rows import EdgeRows
from lrp_core.ledger_book import LedgerBook
from lrp_core.pair_table import Block, PairTable
from lrp_core.products import product
from lrp_core.rules import Epsilon, Gamma, Layer, Rule, Zero, ZPlus

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


class _Back(NamedTuple):
    """What a block's edges get: s of node_mlp_1's and of edge_mlp's first layer [room, width].

    to_source, to_source_size  s2 W_h and s2 κ |W_h| [room, n_columns], the latter None without κ
    """

    s2: Tensor
    s1: Tensor
    to_source: Tensor
    to_source_size: Tensor | None


class Edges:
    """The edges of jets of n tracks each, as tables of pairs whose diagonal is put to zero in q.

    What a block keeps on the way forwards: a1, a1 / D, e, D of e, a2, a2 / D, q / D; and what ε was
    at a1, e, a2 and q.

    found  the edges' rows
    """

    def __init__(self, parts: Parts, h: Tensor, *, rows: bool) -> None:
        self.parts, self.h = parts, h
        n_jets, n, self.columns = h.shape
        self.pairs = PairTable(n_jets, n)
        self.found = EdgeRows(self.pairs, h, rows=rows)
        self.values: list[Values | None] = []
        self._notes: dict[str, Tensor] = {}

        first, source, destination, _, _, track, edge, _ = parts
        size = h.abs()
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

    def forward(self) -> Tensor:
        """Run forwards -> the sum of q over each destination's edges [n_jets, n, width]."""
        for block in self.pairs.blocks:
            values, q = self.run(block)
            self.note("total", self.pairs.view(q, block).sum(dim=1))
            self.values.append(values if self.pairs.kept else None)
        return self._notes["total"]

    def run(self, block: Block) -> tuple[Values, Tensor]:
        """What a block keeps, and its q."""
        pairs = self.pairs
        first, _, _, last, message, _, _, out = self.parts
        a1 = pairs.pair_up(self.source, self.destination, block)
        epsilon_1 = first.way.stabiliser(a1)
        a1.clamp_(min=0)
        if first.size is None:
            r1 = a1 + epsilon_1
        else:
            r1 = pairs.pair_up(self.source_size, self.destination_size, block).add_(a1)
        e = product(a1, last.weight, last.bias)
        epsilon_e = last.way.stabiliser(e)
        size = e.abs()
        d_e = last.divisor(a1, size, epsilon_e)
        a2 = pairs.add_source(product(e, self.edge), self.to_message, block)
        epsilon_2 = message.way.stabiliser(a2)
        a2.clamp_(min=0)
        if self.edge_size is None:
            r2 = a2 + epsilon_2
        else:
            r2 = pairs.add_source(product(size, self.edge_size), self.message_size, block).add_(a2)
        q = product(a2, out.weight, out.bias)
        epsilon_q = out.way.stabiliser(q)
        pairs.clear_diagonal(q, block)
        d_q = out.divisor(a2, q.abs(), epsilon_q)
        values = (a1, torch.div(a1, r1, out=r1), e, d_e, a2, torch.div(a2, r2, out=r2))
        epsilons = epsilon_1, epsilon_e, epsilon_2, epsilon_q
        return (*values, torch.div(q, d_q, out=d_q), *epsilons), q

    def backward(self, t: Tensor, messages: Tensor, book: LedgerBook, origin: str) -> Tensor:
        """Share out what the means received, R = q t, and note it in the book.

        t, messages (R summed over each destination's edges) [n_jets, n, width]; origin: the stage
        that makes h -> what reached h by way of the edges [n_jets, n, n_columns].
        """
        parts, pairs, h = self.parts, self.pairs, self.h
        by_source_2, by_source_1 = [], []
        for block, values in zip(pairs.blocks, self.values, strict=True):
            back = self.back(values or self.run(block)[0], t, block)
            s1 = pairs.view(back.s1, block)
            by_source_2.append(pairs.view(back.s2, block).sum(dim=2))
            by_source_1.append(s1.sum(dim=2))
            self.note("s1", s1.sum(dim=1))
            self.write(block, back)
        s2, s1 = pairs.joined(by_source_2), pairs.joined(by_source_1)
        message = parts.track.of_input(h, s2)
        source = parts.source.of_input(h, s1)
        destination = parts.destination.of_input(h, self._notes["s1"])

        s2, s1 = s2.sum(dim=1), s1.sum(dim=1)
        a2, e, a1 = self._notes["a2"], self._notes["e"], self._notes["a1"]
        first, last, edge, out = parts.first, parts.last, parts.edge, parts.out
        book.add(out.name, messages, {"input": (a2, edge.name)}, *self.accounts(out, "q"))
        to = {"source": (message, origin), "edge": (e, last.name)}
        taken = edge.of_epsilon(s2, self.taken("z2"))
        book.add(edge.name, a2, to, edge.of_bias(s2, s2), taken)
        book.add(last.name, e, {"input": (a1, first.name)}, *self.accounts(last, "z of e"))
        to = {"source": (source, origin), "destination": (destination, origin)}
        taken = first.of_epsilon(s1, self.taken("z1"))
        book.add(first.name, a1, to, first.of_bias(s1, s1), taken)
        return message + source + destination

    def back(self, values: Values, t: Tensor, block: Block) -> _Back:
        """What a block's edges get, which uses the values up."""
        view = self.pairs.view
        _, _, _, last, message, _, _, out = self.parts
        a1, r1, e, d_e, a2, r2, q, epsilon_1, epsilon_e, epsilon_2, epsilon_q = values
        both, s, signed = self.signs(out, q)
        torch.mul(view(q, block), t[:, None], out=view(signed, block))  # R = q t
        torch.mul(view(q.abs_(), block), t[:, None], out=view(s, block))
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

    def write(self, block: Block, back: _Back) -> None:
        """The edges' rows of a block."""
        f, at, view = self.columns, block.sources, self.pairs.view
        found, sized = self.parts.first.to_inputs(back.s1)
        found[:, :f].add_(back.to_source)
        rows = view(found, block)
        ends = (rows[..., :f], self.h[:, at, None]), (rows[..., f:], self.h[:, None])
        for row, h in ends:
            row.mul_(h)
        if sized is not None or back.to_source_size is not None:
            sized = torch.zeros_like(found) if sized is None else sized
            if back.to_source_size is not None:
                sized[:, :f].add_(back.to_source_size)
            table = view(sized, block)
            for (row, h), more in zip(ends, (table[..., :f], table[..., f:]), strict=True):
                row.addcmul_(more, h.abs())
        self.found.write(rows, block)

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
        self, name: str, s: Tensor | None, signed: Tensor, epsilon: Tensor | float, block: Block
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

    def accounts(self, part: Part, name: str) -> tuple[Tensor, Tensor | None]:
        """Terms of what the bias and ε of such a layer get, of what was noted."""
        s, signed = self._notes[f"{name}, s"], self._notes[f"{name}, signed"]
        return part.of_bias(s, signed), part.of_epsilon(signed, self.taken(name))

    def of_jets(self, values: Tensor, block: Block) -> Tensor:
        """Add a block's values up by jet -> [n_jets, width]."""
        return values[: block.pairs].view(self.pairs.n_jets, -1, values.shape[1]).sum(dim=1)

    def in_products(self, a: Tensor, c: Tensor, block: Block) -> Tensor:
        """Add a c up by jet -> [n_jets, 1]."""
        one, other = (values[: block.pairs].view(self.pairs.n_jets, -1) for values in (a, c))
        if self.pairs.n_jets == 1:
            return torch.dot(one[0], other[0]).view(1, 1)
        return (one * other).sum(dim=1, keepdim=True)

    def note(self, name: str, values: Tensor) -> None:
        """Add up over blocks what one of them found."""
        self._notes[name] = self.pairs.plus(self._notes.get(name), values)

    def taken(self, name: str) -> Tensor | None:
        """What an ε of each row's own has taken at some z; None where it is one for all."""
        return self._notes.get(f"{name}, epsilon")
