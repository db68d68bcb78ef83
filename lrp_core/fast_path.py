"""The fast path: relevance through the interaction network on complete graphs, block by block.

The same relevance, rules and ledger as ``propagation.propagate`` up to rounding, for jets in which
every track is joined to every other. Three things make it fast:

Products over tracks instead of pairs. What an edge's first layers make of its tracks is a sum of
what each track gives, so the product is done once per track and added up over pairs (s, d):

    z1[s, d] = W_s h[s] + W_d h[d] + b1         edge_mlp, first layer      a1 = max(z1, 0)
    e[s, d]  = W3 a1[s, d] + b3                 edge_mlp, last layer
    z2[s, d] = W_e e[s, d] + W_h h[s] + b2      node_mlp_1, first layer    a2 = max(z2, 0)
    q[s, d]  = W4 a2[s, d] + b4                 node_mlp_1, last layer
    m[d]     = mean of q[s, d] over s ≠ d

The sums |W_s| |h[s]| + |W_d| |h[d]| + |b1|, which γ and z⁺ divide by, are done likewise.

A jet is a table of N x N pairs. Sums over the edges of a track are sums over rows or columns of
that table, nothing is gathered or scattered; the diagonal, which is no edge, is put to zero in q.
Blocks of sources run through buffers that are made once and fit into the processor's cache.

Relevance as a multiplier. Under the rules served here, with the bias in its account, relevance is
proportional to the value that carries it: dead units carry none, and the divisors of live ones have
the sign of the output. With R_v of an output z_v, σ = sign(z_v) and the weights ``own`` and
``opposite`` that a rule gives to terms of the output's sign and of the other (rules.py):

    mean = (own + opposite) / 2,  half = (own - opposite) / 2
    D_v  = mean |z_v| + half Σ_u |W_vu a_u| + ε        s_v = σ R_v / D_v
    R_u  = a_u Σ_v mean W_vu s_v + |a_u| Σ_v half |W_vu| σ s_v
    bias = Σ_v mean b_v s_v + half |b_v| σ s_v,        ε account = Σ_v ε σ s_v

At the mean R_v = q_v t_v, t = R_m / Σ q, so that s = |q| t / D there. Behind a ReLU σ is +.

LRP-0 throughout (``_Merged``) needs no divisors: s of every layer is the gradient of the output,
and two linear maps in a row are one. Then e is never formed: z2 = (W_e W3) a1 + ..., and W4 is
applied to sums over edges. This is the same rule to rounding, except where an e or q is exactly
zero by cancellation of terms that are not: the general engine stops there, this goes on with terms
that add up to zero.

No account is what is missing: bias and ε are added up from the terms above, by jet.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lrp_core.errors import PropagationError
from lrp_core.interaction_network import InteractionNetwork
from lrp_core.jets import Jet
from lrp_core.propagation import Row
from lrp_core.rules import Epsilon, Gamma, Layer, Rule, Zero, ZPlus, quotient
from lrp_core.steps import Affine, Aggregate, Norm, Steps, scale_and_shift

BLOCK = 2048  # pairs of tracks at a time; a few arrays of them fit into a core's cache
KEPT = 80_000  # pairs of one jet up to which forward values are kept, not computed again


@dataclass(frozen=True)
class Way:
    """How a rule served here weighs terms: ``own``, ``opposite`` and ε, as rules.py names them."""

    own: float = 1.0
    opposite: float = 1.0
    epsilon: float = 0.0
    relative: bool = False

    @property
    def mean(self) -> float:
        """Weight of a term's value."""
        return (self.own + self.opposite) / 2

    @property
    def half(self) -> float:
        """Weight of a term's absolute value."""
        return (self.own - self.opposite) / 2

    def stabiliser(self, z: Tensor) -> Tensor | float:
        """ε of every row of outputs z [..., n_out] -> [..., 1], or one number for all."""
        if not self.relative:
            return self.epsilon
        size: Tensor = torch.linalg.vector_norm(z, dim=-1, keepdim=True)
        return size.mul_(self.epsilon / z.shape[-1] ** 0.5)


def way(rule: Rule) -> Way | None:
    """How the fast path follows a rule at the edges' stages; None where it does not."""
    if rule.bias != "account":
        return None
    if type(rule) is Zero:
        return Way()
    if type(rule) is Epsilon:
        return Way(epsilon=rule.epsilon, relative=rule.relative)
    if type(rule) is Gamma:
        return Way(opposite=1.0 / (1.0 + rule.gamma))
    if type(rule) is ZPlus:
        return Way(opposite=0.0)
    return None


@dataclass(frozen=True, eq=False)
class Network:
    """The interaction network with its weights as they are now, and a rule for each stage.

    edge_0, edge_3, ...  the two affine maps of each perceptron, BatchNorm folded in
    scale, shift         the BatchNorm on the input
    norm, mean, pool     names of the other stages
    ways                 of the four layers at edges
    merged               W_e W3, where LRP-0 is the rule of all four; otherwise
    by_value, by_size    mean W and half |W| of these layers
    """

    edge_0: Layer
    edge_3: Layer
    message_0: Layer
    message_3: Layer
    track_0: Layer
    track_3: Layer
    jet_0: Layer
    jet_3: Layer
    scale: Tensor
    shift: Tensor
    norm: str
    mean: str
    pool: str
    rule_for: Callable[[str], Rule]
    ways: tuple[Way, ...]
    by_value: tuple[Tensor, ...]
    by_size: tuple[Tensor, ...]
    merged: Tensor | None

    @property
    def on_edges(self) -> tuple[Layer, Layer, Layer, Layer]:
        """The layers that stand at edges."""
        return self.edge_0, self.edge_3, self.message_0, self.message_3


def prepare(steps: Steps, rule_for: Callable[[str], Rule], dtype: torch.dtype) -> Network | None:
    """The network whose steps these are, its weights in ``dtype``.

    None unless they are the interaction network's, and the rules at its edges are served here.
    """
    if _pattern(steps) != _interaction_network():
        return None
    affine = [step for step in steps if isinstance(step, Affine)]
    ways = tuple(one for one in (way(rule_for(step.stage)) for step in affine[:4]) if one)
    if len(ways) < 4:
        return None
    (norm,) = (step for step in steps if isinstance(step, Norm))
    mean, pool = (step.stage for step in steps if isinstance(step, Aggregate))
    with torch.inference_mode():
        layers = [step.bind(dtype).layer for step in affine]
        edge_0, edge_3, message_0, message_3, track_0, track_3, jet_0, jet_3 = layers
        scale, shift = scale_and_shift(norm.norm)
        merged = None
        if all(one == Way() for one in ways):
            merged = message_0.weight[:, -len(edge_3.weight) :] @ edge_3.weight
        pairs = list(zip(layers, ways, strict=False)) if merged is None else []
        return Network(
            edge_0=edge_0,
            edge_3=edge_3,
            message_0=message_0,
            message_3=message_3,
            track_0=track_0,
            track_3=track_3,
            jet_0=jet_0,
            jet_3=jet_3,
            scale=scale.to(dtype),
            shift=shift.to(dtype),
            norm=norm.stage,
            mean=mean,
            pool=pool,
            rule_for=rule_for,
            ways=ways,
            by_value=tuple(
                layer.weight if one.mean == 1 else layer.weight * one.mean for layer, one in pairs
            ),
            by_size=tuple(layer.size * one.half for layer, one in pairs),
            merged=merged,
        )


def is_complete(jet: Jet) -> bool:
    """Whether every track is joined to every other, source by source, as ``complete_graph``."""
    n = jet.n_tracks
    if jet.n_edges != n * (n - 1):
        return False
    tracks = np.arange(n)
    source, destination = jet.edge_index.reshape(2, n, n - 1)
    others = tracks[: n - 1] + (tracks[: n - 1] >= tracks[:, None])
    return bool((source == tracks[:, None]).all() and (destination == others).all())


def groups(sizes: Sequence[int]) -> Iterator[list[int]]:
    """Positions of jets of the same number of tracks, as many together as a block holds."""
    by_size: dict[int, list[int]] = {}
    for position, n in enumerate(sizes):
        by_size.setdefault(n, []).append(position)
    for n, positions in by_size.items():
        at_once = max(1, BLOCK // (n * n))
        for first in range(0, len(positions), at_once):
            yield positions[first : first + at_once]


def _pattern(steps: Steps) -> list[tuple[object, ...]]:
    """What the steps do, whatever the stages are called and however wide they are."""
    return [
        (
            type(step).__name__,
            step.inputs,
            step.output,
            step.ports,
            getattr(step, "index", None),
            getattr(step, "mean", None),
        )
        for step in steps
    ] + [(steps.output,)]


@cache
def _interaction_network() -> list[tuple[object, ...]]:
    return _pattern(InteractionNetwork(1, 1, 1).steps())


@dataclass(frozen=True)
class Found:
    """The explanations of several jets of the same number of tracks.

    logits, start  [n_jets, n_classes]
    tracks         [n_jets, n_tracks, n_columns]
    edges          [n_jets, n_edges, 2 n_columns], or None where only sums were asked for
    norms, sums    [n_jets, n_edges]: Frobenius norm and sum of each edge's row
    ledger         as ``propagation.Flow``
    """

    logits: Tensor
    start: Tensor
    tracks: Tensor
    edges: Tensor
    significance: Tensor
    sums: Tensor | None
    ledger: list[Row]


def explain_equals(
    network: Network,
    tracks: Tensor,
    weights: Tensor,
    *,
    rows: bool = True,
) -> Found:
    """Explain jets of the same number of tracks, every track joined to every other.

    tracks   [n_jets, n_tracks, n_columns]
    weights  [n_classes]: what each logit counts at the start
    rows     whether to write out every edge's row; without, there are norms and sums only
    Raises PropagationError where relevance meets a value of exactly zero or overflows.
    """
    n_jets, n_tracks, _ = tracks.shape
    h = tracks * network.scale + network.shift
    book = _Book(h)
    rule_for = network.rule_for
    edges = (_Terms if network.merged is None else _Merged)(network, h, rows=rows)

    total = edges.forward()
    incoming = max(n_tracks - 1, 1)
    mean = total / incoming
    flat = h.flatten(0, 1)
    seen = torch.cat([flat, mean.flatten(0, 1)], dim=1)
    track_0, track_3, jet_0, jet_3 = network.track_0, network.track_3, network.jet_0, network.jet_3
    z5 = _affine(seen, track_0)
    a5 = z5.clamp(min=0)
    v = _affine(a5, track_3)
    v_total = v.view(n_jets, n_tracks, -1).sum(dim=1)
    pool = v_total / n_tracks
    z6 = _affine(pool, jet_0)
    a6 = z6.clamp(min=0)
    logits = _affine(a6, jet_3)
    if not bool(torch.isfinite(logits).all()):
        raise PropagationError("the network's output is not finite")

    start = logits * weights
    relevance = start
    for layer, a, z, origin in (
        (jet_3, a6, logits, jet_0.name),
        (jet_0, pool, z6, network.pool),
    ):
        shares = rule_for(layer.name).share(a, layer, z, relevance)
        book.add(
            layer.name, relevance, {"input": (shares.inputs, origin)}, shares.bias, shares.epsilon
        )
        relevance = shares.inputs
    s = quotient(relevance, v_total, network.pool)
    received, relevance = relevance, v * s.repeat_interleave(n_tracks, dim=0)
    book.add(network.pool, received, {"input": (relevance, track_3.name)})
    shares = rule_for(track_3.name).share(a5, track_3, v, relevance)
    book.add(
        track_3.name,
        relevance,
        {"input": (shares.inputs, track_0.name)},
        shares.bias,
        shares.epsilon,
    )
    received = shares.inputs
    shares = rule_for(track_0.name).share(seen, track_0, z5, received)
    directly, back = shares.inputs.split([flat.shape[1], mean.shape[2]], dim=1)
    book.add(
        track_0.name,
        received,
        {"self": (directly, network.norm), "mean": (back, network.mean)},
        shares.bias,
        shares.epsilon,
    )
    back = back.reshape(mean.shape)
    if n_tracks > 1:
        constant = None
        t = quotient(back, total, network.mean)
    else:  # a mean over no edges is a constant, and what it earns the bias's
        constant, t = back, torch.zeros_like(back)
    messages = t * total
    book.add(network.mean, back, {"input": (messages, network.message_3.name)}, constant)

    by_edges = edges.backward(t, messages, book)
    result = directly.reshape(h.shape) + by_edges
    book.add(network.norm, result, {"input": (result, "tracks")})
    ledger = book.rows()
    accounts = torch.stack([account for row in ledger for account in (row.bias, row.epsilon)])
    if not bool(torch.isfinite(result).all() & torch.isfinite(accounts).all()):
        raise PropagationError(f"relevance overflowed in {result.dtype}")
    norms = edges.norms
    share = norms / norms.sum(dim=1, keepdim=True).clamp(min=torch.finfo(norms.dtype).tiny)
    return Found(logits, start, result, edges.rows, share, edges.sums, ledger)


class _Book:
    """The ledger while it is written, by jet."""

    def __init__(self, h: Tensor) -> None:
        self.n_jets = len(h)
        self.nothing = h.new_zeros(self.n_jets, dtype=torch.float64)
        self._rows: list[Row] = []
        self._last, self._sum = self.nothing, self.nothing

    def per_jet(self, values: Tensor | None) -> Tensor:
        """Sums of [n_jets * anything] -> [n_jets] float64; nothing is 0."""
        if values is None:
            return self.nothing
        if values is not self._last:  # what one stage passes on is often what the next receives
            self._last = values
            self._sum = values.reshape(self.n_jets, -1).sum(dim=1, dtype=torch.float64)
        return self._sum

    def add(
        self,
        stage: str,
        received: Tensor,
        passed: dict[str, tuple[Tensor, str]],
        bias: Tensor | None = None,
        epsilon: Tensor | None = None,
    ) -> None:
        """One division; passed: for each port the relevance and the stage whose output it is."""
        self._rows.append(
            Row(
                stage=stage,
                received=self.per_jet(received),
                passed={
                    f"{stage}:{port}": self.per_jet(part) for port, (part, _) in passed.items()
                },
                inputs={f"{stage}:{port}": origin for port, (_, origin) in passed.items()},
                bias=self.per_jet(bias),
                epsilon=self.per_jet(epsilon),
            )
        )

    def rows(self) -> list[Row]:
        """The rows in the order in which they were written."""
        return self._rows


def _affine(a: Tensor, layer: Layer) -> Tensor:
    return torch.addmm(layer.bias, a, layer.weight.T)


@dataclass(frozen=True)
class _Block:
    """Sources first to last (exclusive) of every jet at hand, with all their destinations."""

    first: int
    last: int


class _Pairs(ABC):
    """The edges of jets of N tracks each, as tables of N x N pairs; every array is [pairs, width].

    Several jets run in one block; a jet with more pairs than a block holds runs alone, in several.
    """

    def __init__(self, network: Network, h: Tensor, *, rows: bool) -> None:
        self.network = network
        self.ways = network.ways
        self.h = h
        self.n_jets, self.n, self.columns = h.shape
        self.width = network.message_3.weight.shape[0]
        self.inner = network.edge_0.weight.shape[0]
        n_edges = self.n * (self.n - 1)
        self.rows = h.new_empty(self.n_jets, n_edges if rows else 0, 2 * self.columns)
        self.norms = h.new_empty(self.n_jets, n_edges)
        self.sums = None if rows else h.new_empty(self.n_jets, n_edges)
        self.tiny = torch.finfo(h.dtype).tiny
        each = max(1, BLOCK // self.n) if self.n_jets == 1 else self.n
        # Blocks of nearly the same size.
        count = -(-self.n // each)
        each = -(-self.n // count)
        self.blocks = [_Block(first, min(first + each, self.n)) for first in range(0, self.n, each)]
        self.kept = len(self.blocks) == 1 or self.n * self.n <= KEPT
        self.block_rows = self.n_jets * each * self.n
        self.prepare()

    @abstractmethod
    def prepare(self) -> None:
        """What is computed once per track or per network."""

    @abstractmethod
    def forward(self) -> Tensor:
        """Run forwards -> the sum of q over each destination's edges [n_jets, n, width]."""

    @abstractmethod
    def backward(self, t: Tensor, messages: Tensor, book: _Book) -> Tensor:
        """Share out what the means received, R = q t, and write the ledger.

        t [n_jets, n, width] -> what reached h by way of the edges [n_jets, n, n_columns].
        """

    def table(self, values: Tensor, block: _Block) -> Tensor:
        """[pairs, width] as [n_jets, sources, destinations, width]."""
        return values.view(self.n_jets, block.last - block.first, self.n, -1)

    def clear_diagonal(self, values: Tensor, block: _Block) -> None:
        """A track has no edge to itself."""
        rows = values.view(self.n_jets, -1, values.shape[-1])
        rows[:, block.first :: self.n + 1].zero_()

    def write(self, block: _Block, found: Tensor) -> None:
        """Norms of the edges' rows, and the rows themselves or their sums; found [pairs, 2 F]."""
        n = self.n
        if n == 1:
            return
        k = torch.arange(block.first * (n - 1), block.last * (n - 1), device=found.device)
        # The k-th pair off the diagonal, among all pairs of the block.
        pairs = k + k.div(n, rounding_mode="floor") + (1 - block.first * n)
        if self.n_jets > 1:
            jets = torch.arange(self.n_jets, device=found.device)[:, None] * (n * n)
            pairs = (jets + pairs).flatten()
        edges = slice(block.first * (n - 1), block.last * (n - 1))
        if self.sums is None:
            rows = self.rows[:, edges].view(-1, found.shape[1])
            torch.index_select(found, 0, pairs, out=rows)
        else:
            rows = found.index_select(0, pairs)
            self.sums[:, edges] = rows.sum(dim=1).view(self.n_jets, -1)
        self.norms[:, edges] = torch.linalg.vector_norm(rows, dim=1).view(self.n_jets, -1)


class _Merged(_Pairs):
    """LRP-0 at every edge stage."""

    def prepare(self) -> None:
        network, h = self.network, self.h
        first, last, message = network.edge_0, network.edge_3, network.message_0
        f = self.columns
        self.from_edge = message.weight[:, f:]
        assert network.merged is not None
        self.merged = network.merged
        offset = torch.addmv(message.bias, self.from_edge, last.bias)
        self.source = torch.matmul(h, first.weight[:, :f].T).add_(first.bias)
        self.destination = torch.matmul(h, first.weight[:, f:].T)
        self.to_message = torch.matmul(h, message.weight[:, :f].T).add_(offset)
        self.total = h.new_zeros(self.n_jets, self.n, message.weight.shape[0])
        size = self.n_jets * self.n * self.n if self.kept else self.block_rows
        self.a1 = h.new_empty(size, self.inner)
        self.a2 = h.new_empty(size, message.weight.shape[0])
        self.scratch = h.new_empty(self.block_rows, self.inner)
        self.found = h.new_empty(self.block_rows, 2 * f)

    def _forward(self, block: _Block) -> tuple[Tensor, Tensor]:
        """a1 and a2 of a block."""
        size = self.n_jets * (block.last - block.first) * self.n
        start = block.first * self.n if self.kept and self.n_jets == 1 else 0
        a1, a2 = self.a1[start : start + size], self.a2[start : start + size]
        sources = slice(block.first, block.last)
        torch.add(
            self.source[:, sources, None], self.destination[:, None], out=self.table(a1, block)
        )
        a1.clamp_(min=0)
        torch.mm(a1, self.merged.T, out=a2)
        self.table(a2, block).add_(self.to_message[:, sources, None])
        a2.clamp_(min=0)
        self.clear_diagonal(a2, block)
        return a1, a2

    def forward(self) -> Tensor:
        self.values: list[tuple[Tensor, Tensor]] = []
        for block in self.blocks:
            values = self._forward(block)
            self.total += self.table(values[1], block).sum(dim=1)
            if self.kept:
                self.values.append(values)
        last = self.network.message_3
        return torch.matmul(self.total, last.weight.T).add_(last.bias, alpha=self.n - 1)

    def backward(self, t: Tensor, messages: Tensor, book: _Book) -> Tensor:
        network, f = self.network, self.columns
        first, last, message, out = network.on_edges
        u = torch.matmul(t, out.weight)
        from_track = message.weight[:, :f]
        g2_source, g1_source = [], []
        g1_destination = torch.zeros_like(self.source)
        from_a1 = self.h.new_zeros(self.n_jets, dtype=torch.float64)
        for number, block in enumerate(self.blocks):
            a1, a2 = self.values[number] if self.kept else self._forward(block)
            g2 = a2.sign_()
            self.table(g2, block).mul_(u[:, None])
            g1 = torch.mm(g2, self.merged, out=self.scratch[: len(g2)])
            found = torch.mul(a1, g1)
            from_a1 += found.view(self.n_jets, -1).sum(dim=1)
            g1.mul_(a1.sign_())
            g2_source.append(self.table(g2, block).sum(dim=2))
            g1_source.append(self.table(g1, block).sum(dim=2))
            g1_destination += self.table(g1, block).sum(dim=1)
            rows = torch.mm(g1, first.weight, out=self.found[: len(g1)])
            rows[:, :f].addmm_(g2, from_track)
            self.table(rows, block)[..., :f].mul_(self.h[:, block.first : block.last, None])
            self.table(rows, block)[..., f:].mul_(self.h[:, None])
            self.write(block, rows)
        g2s, g1s = torch.cat(g2_source, dim=1), torch.cat(g1_source, dim=1)

        from_a2 = u * self.total
        book.add(
            out.name,
            messages,
            {"input": (from_a2, message.name)},
            torch.matmul(t, out.bias) * (self.n - 1),
        )
        g2_total = g2s.sum(dim=1)
        by_message = torch.matmul(g2s, from_track).mul_(self.h)
        g_e = torch.matmul(g2_total, self.from_edge)
        e_bias = torch.matmul(g_e, last.bias)
        from_e = from_a1 + e_bias
        book.add(
            message.name,
            from_a2,
            {"source": (by_message, network.norm), "edge": (from_e, last.name)},
            torch.matmul(g2_total, message.bias),
        )
        book.add(last.name, from_e, {"input": (from_a1, first.name)}, e_bias)
        by_source = torch.matmul(g1s, first.weight[:, :f]).mul_(self.h)
        by_destination = torch.matmul(g1_destination, first.weight[:, f:]).mul_(self.h)
        book.add(
            first.name,
            from_a1,
            {"source": (by_source, network.norm), "destination": (by_destination, network.norm)},
            torch.matmul(g1s.sum(dim=1), first.bias),
        )
        return by_message + by_source + by_destination


class _Terms(_Pairs):
    """Every other combination of rules that is served."""

    def prepare(self) -> None:
        network, h, f, ways = self.network, self.h, self.columns, self.ways
        first, last, message, out = network.on_edges
        size = h.abs()
        self.by_value, self.by_size = network.by_value, network.by_size
        self.source = torch.matmul(h, first.weight[:, :f].T).add_(first.bias)
        self.destination = torch.matmul(h, first.weight[:, f:].T)
        self.to_message = torch.matmul(h, message.weight[:, :f].T).add_(message.bias)
        # What h gives to the divisors.
        if ways[0].half:
            part = torch.matmul(size, self.by_size[0][:, :f].T)
            part.add_(first.bias.abs(), alpha=ways[0].half).add_(self.source, alpha=ways[0].mean)
            self.source_size = part
            part = torch.matmul(size, self.by_size[0][:, f:].T)
            self.destination_size = part.add_(self.destination, alpha=ways[0].mean)
        if ways[2].half:
            part = torch.matmul(size, self.by_size[2][:, :f].T)
            self.to_message_size = part.add_(message.bias.abs(), alpha=ways[2].half)
        pairs = self.n_jets * self.n * self.n if self.kept else self.block_rows
        self.a1, self.r1 = h.new_empty(2, pairs, self.inner)
        self.e, self.d_e = h.new_empty(2, pairs, last.weight.shape[0])
        self.a2, self.r2 = h.new_empty(2, pairs, message.weight.shape[0])
        self.r_q = h.new_empty(pairs, out.weight.shape[0])
        widest = max(layer.weight.shape[0] for layer in network.on_edges)
        self.scratch = h.new_empty(4, self.block_rows * widest)
        self.found = h.new_empty(self.block_rows, 2 * f)
        # Columns [source by value | source by size | destination by value | by size].
        values, sizes = self.by_value, self.by_size
        if ways[0].half or ways[2].half:
            halves = [
                side[0][:, at] for at in (slice(0, f), slice(f, 2 * f)) for side in (values, sizes)
            ]
            self.to_rows = torch.cat(halves, dim=1)
            self.message_to_rows = torch.cat([values[2][:, :f], sizes[2][:, :f]], dim=1)
        else:
            self.to_rows, self.message_to_rows = values[0], values[2][:, :f]
        self.row_parts = h.new_empty(self.block_rows, self.to_rows.shape[1])

    def _scratch(self, number: int, like: Tensor) -> Tensor:
        return self.scratch[number, : like.numel()].view(like.shape)

    def _forward(self, block: _Block) -> tuple[_Kept, Tensor]:
        """What backward needs of a block, and q."""
        network, ways = self.network, self.ways
        _, last, message, out = network.on_edges
        size = self.n_jets * (block.last - block.first) * self.n
        start = block.first * self.n if self.kept and self.n_jets == 1 else 0
        rows = slice(start, start + size)
        a1, r1, e, d_e = self.a1[rows], self.r1[rows], self.e[rows], self.d_e[rows]
        a2, r2, r_q = self.a2[rows], self.r2[rows], self.r_q[rows]
        sources = slice(block.first, block.last)

        table = self.table(a1, block)
        torch.add(self.source[:, sources, None], self.destination[:, None], out=table)
        eps1 = ways[0].stabiliser(a1)
        a1.clamp_(min=0)
        if ways[0].half:
            table = self.table(r1, block)
            torch.add(self.source_size[:, sources, None], self.destination_size[:, None], out=table)
        else:
            torch.add(a1, eps1, out=r1)
        torch.div(a1, r1.clamp_(min=self.tiny), out=r1)

        torch.addmm(last.bias, a1, last.weight.T, out=e)
        size_e = torch.abs(e, out=self._scratch(0, e))
        eps2 = ways[1].stabiliser(e)
        if ways[1].half:
            torch.addmm(last.bias.abs() * ways[1].half, a1, self.by_size[1].T, out=d_e)
            d_e.add_(size_e, alpha=ways[1].mean)
        else:
            torch.add(size_e, eps2, out=d_e)
        d_e.clamp_(min=self.tiny)

        f = self.columns
        torch.mm(e, message.weight[:, f:].T, out=a2)
        self.table(a2, block).add_(self.to_message[:, sources, None])
        eps3 = ways[2].stabiliser(a2)
        a2.clamp_(min=0)
        if ways[2].half:
            torch.mm(size_e, self.by_size[2][:, f:].T, out=r2)
            self.table(r2, block).add_(self.to_message_size[:, sources, None])
            r2.add_(a2, alpha=ways[2].mean)
        else:
            torch.add(a2, eps3, out=r2)
        torch.div(a2, r2.clamp_(min=self.tiny), out=r2)

        q = torch.addmm(out.bias, a2, out.weight.T, out=self._scratch(0, r_q))
        self.clear_diagonal(q, block)
        eps4 = ways[3].stabiliser(q)
        size_q = torch.abs(q, out=self._scratch(1, q))
        if ways[3].half:
            torch.addmm(out.bias.abs() * ways[3].half, a2, self.by_size[3].T, out=r_q)
            r_q.add_(size_q, alpha=ways[3].mean)
        else:
            torch.add(size_q, eps4, out=r_q)
        torch.div(q, r_q.clamp_(min=self.tiny), out=r_q)
        return _Kept(a1, r1, e, d_e, a2, r2, r_q, (eps1, eps2, eps3, eps4)), q

    def forward(self) -> Tensor:
        self.values: list[_Kept] = []
        total = self.h.new_zeros(self.n_jets, self.n, self.width)
        for block in self.blocks:
            values, q = self._forward(block)
            total += self.table(q, block).sum(dim=1)
            if self.kept:
                self.values.append(values)
        return total

    def backward(self, t: Tensor, messages: Tensor, book: _Book) -> Tensor:
        network, f, ways, h = self.network, self.columns, self.ways, self.h
        first, last, message, out = network.on_edges
        accounts = [
            _Account(layer, one, h) for layer, one in zip(network.on_edges, ways, strict=True)
        ]
        passed = h.new_zeros(3, self.n_jets, dtype=torch.float64)
        g1_source, g2_source = [], []
        g1_destination = h.new_zeros(self.n_jets, self.n, self.inner)
        for number, block in enumerate(self.blocks):
            kept = self.values[number] if self.kept else self._forward(block)[0]
            a1, r1, e, d_e, a2, r2, r_q, epsilons = kept

            s = torch.abs(r_q, out=self._scratch(0, r_q))
            self.table(s, block).mul_(t[:, None])
            self.table(r_q, block).mul_(t[:, None])
            accounts[3].add(s, r_q, epsilons[3])
            c2 = torch.mm(s, self.by_value[3], out=self._scratch(1, a2))
            if ways[3].half:
                c2.addmm_(r_q, self.by_size[3])
            passed[2] += a2.mul_(c2).view(self.n_jets, -1).sum(dim=1)
            s2 = r2.mul_(c2)
            accounts[2].add(s2, s2, epsilons[2])
            g2_source.append(self.table(s2, block).sum(dim=2))

            from_e = torch.mm(s2, self.by_value[2][:, f:], out=self._scratch(0, e)).mul_(e)
            if ways[2].half:
                by_size = torch.mm(s2, self.by_size[2][:, f:], out=self._scratch(1, e))
                from_e.addcmul_(by_size, torch.abs(e, out=self._scratch(2, e)))
            passed[1] += from_e.view(self.n_jets, -1).sum(dim=1)
            signed = from_e.div_(d_e)
            s = e.sign_().mul_(signed)
            accounts[1].add(s, signed, epsilons[1])
            c1 = torch.mm(s, self.by_value[1], out=self._scratch(1, a1))
            if ways[1].half:
                c1.addmm_(signed, self.by_size[1])
            passed[0] += a1.mul_(c1).view(self.n_jets, -1).sum(dim=1)
            s1 = r1.mul_(c1)
            accounts[0].add(s1, s1, epsilons[0])
            g1_source.append(self.table(s1, block).sum(dim=2))
            g1_destination += self.table(s1, block).sum(dim=1)
            self.write(block, self._rows(block, s1, s2))
        g1s, g2s = torch.cat(g1_source, dim=1), torch.cat(g2_source, dim=1)

        def by_terms(g: Tensor, stage: int, columns: slice) -> Tensor:
            part = torch.matmul(g, self.by_value[stage][:, columns]).mul_(h)
            if ways[stage].half:
                part.addcmul_(torch.matmul(g, self.by_size[stage][:, columns]), h.abs())
            return part

        by_message = by_terms(g2s, 2, slice(0, f))
        by_source = by_terms(g1s, 0, slice(0, f))
        by_destination = by_terms(g1_destination, 0, slice(f, 2 * f))
        norm = network.norm
        from_a1, from_e, from_a2 = passed
        book.add(out.name, messages, {"input": (from_a2, message.name)}, *accounts[3].result)
        book.add(
            message.name,
            from_a2,
            {"source": (by_message, norm), "edge": (from_e, last.name)},
            *accounts[2].result,
        )
        book.add(last.name, from_e, {"input": (from_a1, first.name)}, *accounts[1].result)
        book.add(
            first.name,
            from_a1,
            {"source": (by_source, norm), "destination": (by_destination, norm)},
            *accounts[0].result,
        )
        return by_message + by_source + by_destination

    def _rows(self, block: _Block, s1: Tensor, s2: Tensor) -> Tensor:
        """The rows of a block's pairs [pairs, 2 F]."""
        f, h = self.columns, self.h
        source, destination = h[:, block.first : block.last, None], h[:, None]
        parts = torch.mm(s1, self.to_rows, out=self.row_parts[: len(s1)])
        parts[:, : self.message_to_rows.shape[1]].addmm_(s2, self.message_to_rows)
        if self.to_rows.shape[1] == 2 * f:
            self.table(parts, block)[..., :f].mul_(source)
            self.table(parts, block)[..., f:].mul_(destination)
            return parts
        found = self.found[: len(s1)]
        rows, parts = self.table(found, block), self.table(parts, block)
        torch.mul(parts[..., :f], source, out=rows[..., :f])
        rows[..., :f].addcmul_(parts[..., f : 2 * f], source.abs())
        torch.mul(parts[..., 2 * f : 3 * f], destination, out=rows[..., f:])
        rows[..., f:].addcmul_(parts[..., 3 * f :], destination.abs())
        return found


class _Kept(NamedTuple):
    """Forward values of a block: a, e, the divisors' D or a / D, and ε of every row, by stage."""

    a1: Tensor
    r1: Tensor
    e: Tensor
    d_e: Tensor
    a2: Tensor
    r2: Tensor
    r_q: Tensor
    epsilons: tuple[Tensor | float, ...]


class _Account:
    """What the bias and ε of one layer take, by jet, added up over blocks."""

    def __init__(self, layer: Layer, one: Way, h: Tensor) -> None:
        self.one = one
        self.bias = layer.bias * one.mean
        self.size = layer.bias.abs() * one.half
        self.n_jets = len(h)
        self.result = h.new_zeros(2, self.n_jets, dtype=torch.float64)

    def add(self, s: Tensor, signed: Tensor, epsilon: Tensor | float) -> None:
        """s and σ s [pairs, n_out] of a block, ε [pairs, 1] or a number."""
        by_value = s.view(self.n_jets, -1, s.shape[1]).sum(dim=1)
        by_size = by_value
        if s is not signed and (self.one.half or self.one.epsilon):
            by_size = signed.view(self.n_jets, -1, s.shape[1]).sum(dim=1)
        self.result[0] += torch.mv(by_value, self.bias)
        if self.one.half:
            self.result[0] += torch.mv(by_size, self.size)
        if isinstance(epsilon, Tensor):
            each = signed.sum(dim=1, keepdim=True).mul_(epsilon)
            self.result[1] += each.view(self.n_jets, -1).sum(dim=1)
        elif epsilon:
            self.result[1] += by_size.sum(dim=1) * epsilon
