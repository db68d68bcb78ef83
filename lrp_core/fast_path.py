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

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lrp_core.errors import PropagationError
from lrp_core.explanation import Ledger, LedgerRow
from lrp_core.interaction_network import InteractionNetwork
from lrp_core.jets import Jet
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
    ways                 how the rules of the four layers at edges weigh terms
    merged               W_e W3, where LRP-0 is the rule of all four
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
        layers = [step.folded(dtype) for step in affine]
        edge_0, edge_3, message_0, message_3, track_0, track_3, jet_0, jet_3 = layers
        scale, shift = scale_and_shift(norm.norm, dtype)
        merged = None
        if all(one == Way() for one in ways):
            merged = message_0.weight[:, -len(edge_3.weight) :] @ edge_3.weight
        return Network(
            edge_0=edge_0,
            edge_3=edge_3,
            message_0=message_0,
            message_3=message_3,
            track_0=track_0,
            track_3=track_3,
            jet_0=jet_0,
            jet_3=jet_3,
            scale=scale,
            shift=shift,
            norm=norm.stage,
            mean=mean,
            pool=pool,
            rule_for=rule_for,
            ways=ways,
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
    edges          [n_jets, n_edges, 2 n_columns]; no edges in it where only sums were asked for
    significance   [n_jets, n_edges]
    sums           [n_jets, n_edges]: the sum of each edge's row, where only sums were asked for
    ledgers        one for each jet
    """

    logits: Tensor
    start: Tensor
    tracks: Tensor
    edges: Tensor
    significance: Tensor
    sums: Tensor | None
    ledgers: list[Ledger]


def explain_equals(
    network: Network, tracks: Tensor, weights: Tensor, *, rows: bool = True
) -> Found:
    """Explain jets of the same number of tracks, every track joined to every other.

    tracks   [n_jets, n_tracks, n_columns]
    weights  [n_classes]: what each logit counts at the start
    rows     whether to write out every edge's row; without, there are significance and sums only
    Raises PropagationError where relevance meets a value of exactly zero or overflows.
    """
    n_jets, n_tracks, n_columns = tracks.shape
    book = _Book(n_jets)
    h = torch.addcmul(network.shift, tracks, network.scale)
    edges = (_Terms if network.merged is None else _Merged)(network, h, rows=rows)
    track_0, track_3, jet_0, jet_3 = network.track_0, network.track_3, network.jet_0, network.jet_3

    total = edges.forward()
    seen = torch.cat([h, total / max(n_tracks - 1, 1)], dim=2).flatten(0, 1)
    z5 = _affine(seen, track_0)
    a5 = z5.clamp(min=0)
    v = _affine(a5, track_3)
    v_total = v.view(n_jets, n_tracks, -1).sum(dim=1)
    pool = v_total / n_tracks
    z6 = _affine(pool, jet_0)
    a6 = z6.clamp(min=0)
    logits = _affine(a6, jet_3)
    if not math.isfinite(logits.sum().item()):
        raise PropagationError("the network's output is not finite")

    def share(layer: Layer, a: Tensor, z: Tensor, relevance: Tensor, origin: str) -> Tensor:
        """One of the layers above the mean, by its rule as it is."""
        shares = network.rule_for(layer.name).share(a, layer, z, relevance)
        passed = {"input": (shares.inputs, origin)} if origin else {}
        book.add(layer.name, relevance, passed, shares.bias, shares.epsilon)
        return shares.inputs

    start = logits * weights
    relevance = share(jet_3, a6, logits, start, jet_0.name)
    relevance = share(jet_0, pool, z6, relevance, network.pool)
    s = quotient(relevance, v_total, network.pool)
    to_tracks = (v.view(n_jets, n_tracks, -1) * s[:, None]).flatten(0, 1)
    book.add(network.pool, relevance, {"input": (to_tracks, track_3.name)})
    relevance = share(track_3, a5, v, to_tracks, track_0.name)
    both = share(track_0, seen, z5, relevance, "").view(n_jets, n_tracks, -1)
    directly, back = both[..., :n_columns], both[..., n_columns:]
    book.passed({"self": (directly, network.norm), "mean": (back, network.mean)})
    t, constant = torch.zeros_like(total), None
    if n_tracks > 1:
        t = quotient(back, total, network.mean)
    else:  # a mean over no edges is a constant, and what it earns the bias's
        constant = back
    messages = t * total
    book.add(network.mean, back, {"input": (messages, network.message_3.name)}, constant)

    result = edges.backward(t, messages, book).add_(directly)
    book.add(network.norm, result, {"input": (result, "tracks")})
    ledgers = book.ledgers()
    if not math.isfinite(sum(ledger.bias + ledger.epsilon for ledger in ledgers)) or (
        not math.isfinite(result.sum().item())
    ):
        raise PropagationError(f"relevance overflowed in {result.dtype}")
    return Found(logits, start, result, edges.rows, edges.significance(), edges.sums, ledgers)


def _affine(a: Tensor, layer: Layer) -> Tensor:
    return torch.addmm(layer.bias, a, layer.weight.T)


class _Book:
    """Writes ledgers: notes whose sum every entry is, and adds all of them up in one go at the end.

    Every entry is a tensor whose rows belong to the jets in turn; one entry at a time would take
    longer than a small jet. Sums are taken in float64.
    """

    def __init__(self, n_jets: int) -> None:
        self.n_jets = n_jets
        self._stages: list[tuple[str, dict[str, str]]] = []
        self._entries: list[list[Tensor | None]] = []

    def add(
        self,
        stage: str,
        received: Tensor,
        passed: dict[str, tuple[Tensor, str]],
        bias: Tensor | None = None,
        epsilon: Tensor | None = None,
    ) -> None:
        """One division. passed: for each port the relevance and the stage whose output it is."""
        self._stages.append((stage, {}))
        self._entries.append([received, bias, epsilon])
        self.passed(passed)

    def passed(self, passed: dict[str, tuple[Tensor, str]]) -> None:
        """More inputs of the division noted last."""
        stage, inputs = self._stages[-1]
        for port, (part, origin) in passed.items():
            inputs[f"{stage}:{port}"] = origin
            self._entries[-1].append(part)

    def ledgers(self) -> list[Ledger]:
        """A ledger for each jet."""
        entries = [entry for row in self._entries for entry in row]
        parts = {id(entry): entry for entry in entries if entry is not None}
        flat = [entry.reshape(self.n_jets, -1) for entry in parts.values()]
        ends = np.cumsum([0, *(part.shape[1] for part in flat)])
        terms = torch.cat(flat, dim=1).cpu().numpy()
        sums = np.add.reduceat(terms, ends[:-1], axis=1, dtype=np.float64).T.tolist()
        found: dict[int, list[float]] = dict(zip(parts, sums, strict=True))
        found[id(None)] = [0.0] * self.n_jets
        ledgers = []
        for jet in range(self.n_jets):
            rows = []
            for (stage, inputs), row in zip(self._stages, self._entries, strict=True):
                received, bias, epsilon, *passed = (found[id(entry)][jet] for entry in row)
                named = dict(zip(inputs, passed, strict=True))
                rows.append(LedgerRow(stage, received, named, bias, epsilon, dict(inputs)))
            ledgers.append(Ledger(tuple(rows)))
        return ledgers


class _Block(NamedTuple):
    """Sources ``first`` to ``last`` (exclusive) of every jet at hand, with all destinations.

    pairs  how many pairs these are
    start  where they stand in arrays of all pairs
    """

    first: int
    last: int
    pairs: int
    start: int

    @property
    def sources(self) -> slice:
        """The sources among all tracks."""
        return slice(self.first, self.last)


class _Pairs(ABC):
    """The edges of jets of n tracks each, as tables of n x n pairs; every array is [pairs, width].

    Several jets run in one block; a jet with more pairs than a block holds runs alone, in several.
    Forward values are kept for the way back, of very large jets only those of one block: they are
    computed again.
    """

    def __init__(self, network: Network, h: Tensor, *, rows: bool) -> None:
        self.network = network
        self.h = h
        self.n_jets, self.n, self.columns = h.shape
        n_edges = self.n * (self.n - 1)
        self.rows = h.new_empty(self.n_jets, n_edges if rows else 0, 2 * self.columns)
        self.norms = h.new_empty(self.n_jets, n_edges)
        self.sums = None if rows else torch.empty_like(self.norms)
        count = 1 if self.n_jets > 1 else -(-self.n * self.n // BLOCK)
        each = -(-self.n // count)  # sources, about as many in every block
        self.kept = count == 1 or self.n * self.n <= KEPT
        self.blocks = [
            _Block(
                first,
                last := min(first + each, self.n),
                self.n_jets * (last - first) * self.n,
                first * self.n if self.kept else 0,
            )
            for first in range(0, self.n, each)
        ]
        self.at_once = self.n_jets * each * self.n
        self.at_hand = self.n_jets * self.n * self.n if self.kept else self.at_once
        self.prepare()

    @abstractmethod
    def prepare(self) -> None:
        """What is computed once per track, and the buffers."""

    @abstractmethod
    def forward(self) -> Tensor:
        """Run forwards -> the sum of q over each destination's edges [n_jets, n, width]."""

    @abstractmethod
    def backward(self, t: Tensor, messages: Tensor, book: _Book) -> Tensor:
        """Share out what the means received, R = q t, and note it in the book.

        t, messages (R summed over each destination's edges) [n_jets, n, width]
        -> what reached h by way of the edges [n_jets, n, n_columns].
        """

    def significance(self) -> Tensor:
        """The rows' norms over their sum by jet [n_jets, n_edges]; zeros where all are zero."""
        total = self.norms.sum(dim=1, keepdim=True)
        return self.norms / total.clamp_(min=torch.finfo(total.dtype).tiny)

    def table(self, values: Tensor, block: _Block) -> Tensor:
        """[pairs, width] as [n_jets, sources, destinations, width]."""
        return values.view(self.n_jets, block.last - block.first, self.n, values.shape[1])

    def clear_diagonal(self, values: Tensor, block: _Block) -> None:
        """A track has no edge to itself."""
        rows = values.view(self.n_jets, -1, values.shape[1])
        rows[:, block.first :: self.n + 1].zero_()

    def write(self, block: _Block, found: Tensor) -> None:
        """Norms of the edges' rows, and the rows themselves or their sums; found [pairs, 2 F]."""
        n = self.n
        if n == 1:
            return
        # The k-th pair off the diagonal is pair k + k // n + 1 of all n x n.
        k = torch.arange(block.first * (n - 1), block.last * (n - 1), device=found.device)
        pairs = k.div(n, rounding_mode="floor").add_(k).add_(1 - block.first * n)
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

    def of_jets(self, values: Tensor) -> Tensor:
        """Add a block's values [pairs, width] up by jet -> [n_jets, width]."""
        return values.view(self.n_jets, -1, values.shape[1]).sum(dim=1)


class _Merged(_Pairs):
    """LRP-0 at every layer of the edges; W_e W3 is one layer, and s is the gradient."""

    def prepare(self) -> None:
        network, h, f = self.network, self.h, self.columns
        first, last, message, _ = network.on_edges
        assert network.merged is not None
        self.merged = network.merged
        self.from_edge = message.weight[:, f:]
        offset = torch.addmv(message.bias, self.from_edge, last.bias)
        self.source = torch.matmul(h, first.weight[:, :f].T).add_(first.bias)
        self.destination = torch.matmul(h, first.weight[:, f:].T)
        self.to_message = torch.matmul(h, message.weight[:, :f].T).add_(offset)
        self.a1 = h.new_empty(self.at_hand, len(first.weight))
        self.a2 = h.new_empty(self.at_hand, len(message.weight))
        self.scratch = h.new_empty(2, self.at_once, len(first.weight))
        self.found = h.new_empty(self.at_once, 2 * f)

    def _forward(self, block: _Block) -> tuple[Tensor, Tensor]:
        """a1 and a2 of a block."""
        a1, a2 = (a[block.start : block.start + block.pairs] for a in (self.a1, self.a2))
        source, to_message = self.source[:, block.sources, None], self.to_message
        torch.add(source, self.destination[:, None], out=self.table(a1, block)).clamp_(min=0)
        torch.mm(a1, self.merged.T, out=a2)
        self.table(a2, block).add_(to_message[:, block.sources, None]).clamp_(min=0)
        self.clear_diagonal(a2, block)
        return a1, a2

    def forward(self) -> Tensor:
        self.values: list[tuple[Tensor, Tensor]] = []
        totals = []
        for block in self.blocks:
            a1, a2 = self._forward(block)
            totals.append(self.table(a2, block).sum(dim=1))
            self.values.append((a1, a2))
        self.total = _add_up(totals)
        last = self.network.message_3
        return torch.matmul(self.total, last.weight.T).add_(last.bias, alpha=self.n - 1)

    def backward(self, t: Tensor, messages: Tensor, book: _Book) -> Tensor:
        network, f, h = self.network, self.columns, self.h
        first, last, message, out = network.on_edges
        u = torch.matmul(t, out.weight)
        from_track = message.weight[:, :f]
        g2_source, g1_source, g1_destination, from_a1s = [], [], [], []
        for number, block in enumerate(self.blocks):
            a1, a2 = self.values[number] if self.kept else self._forward(block)
            g2, g1, r1 = a2.sign_(), self.scratch[0, : block.pairs], self.scratch[1, : block.pairs]
            self.table(g2, block).mul_(u[:, None])
            torch.mm(g2, self.merged, out=g1)
            from_a1s.append(self.of_jets(torch.mul(a1, g1, out=r1)))
            g1.mul_(a1.sign_())
            g2_source.append(self.table(g2, block).sum(dim=2))
            g1_source.append(self.table(g1, block).sum(dim=2))
            g1_destination.append(self.table(g1, block).sum(dim=1))
            rows = torch.mm(g1, first.weight, out=self.found[: block.pairs])
            rows[:, :f].addmm_(g2, from_track)
            self.table(rows, block)[..., :f].mul_(h[:, block.sources, None])
            self.table(rows, block)[..., f:].mul_(h[:, None])
            self.write(block, rows)
        g2s, g1s, from_a1 = _join(g2_source), _join(g1_source), _add_up(from_a1s)
        g2_total = g2s.sum(dim=1)
        e_bias = torch.matmul(g2_total, self.from_edge).mul_(last.bias)
        q_bias = t * (out.bias * (self.n - 1))
        from_a2 = u.mul_(self.total)
        from_e = torch.cat([from_a1, e_bias], dim=1)
        by_message = torch.matmul(g2s, from_track).mul_(h)
        by_source = torch.matmul(g1s, first.weight[:, :f]).mul_(h)
        by_destination = torch.matmul(_add_up(g1_destination), first.weight[:, f:]).mul_(h)
        _note(
            book,
            network,
            (messages, from_a2, by_message, from_e, from_a1, by_source, by_destination),
            (g1s.sum(dim=1).mul_(first.bias), e_bias, g2_total.mul_(message.bias), q_bias),
            (None,) * 4,
        )
        return by_message + by_source + by_destination


class _Values(NamedTuple):
    """Forward values of a block [pairs, width], and ε of every row [pairs, 1] or of all, by layer.

    a1, e, a2        as the module says
    d_e              D of e
    r1, r2, r_q      a1 / D, a2 / D and q / D
    """

    a1: Tensor
    r1: Tensor
    e: Tensor
    d_e: Tensor
    a2: Tensor
    r2: Tensor
    r_q: Tensor
    epsilons: tuple[Tensor | float, ...]


class _Terms(_Pairs):
    """Every other combination of rules that is served: divisors D, and s = σ R / D."""

    def prepare(self) -> None:
        network, h, f, ways = self.network, self.h, self.columns, self.network.ways
        first, _, message, _ = network.on_edges
        self.ways = ways
        self.h_size = size = h.abs()
        self.source = torch.matmul(h, first.weight[:, :f].T).add_(first.bias)
        self.destination = torch.matmul(h, first.weight[:, f:].T)
        self.to_message = torch.matmul(h, message.weight[:, :f].T).add_(message.bias)
        # What h gives to the divisors D of z1 and z2.
        one, three = ways[0], ways[2]
        if one.half:
            part = torch.matmul(size, first.size[:, :f].T).add_(first.bias.abs())
            self.source_size = part.mul_(one.half).add_(self.source, alpha=one.mean)
            part = torch.matmul(size, first.size[:, f:].T)
            self.destination_size = part.mul_(one.half).add_(self.destination, alpha=one.mean)
        if three.half:
            part = torch.matmul(size, message.size[:, :f].T).add_(message.bias.abs())
            self.to_message_size = part.mul_(three.half)
        # What s1 and s2 are multiplied by on their way to the rows, in columns
        # [source by value | source by size | destination by value | destination by size].
        columns = [first.weight[:, :f] * one.mean, first.weight[:, f:] * one.mean]
        of_message = [message.weight[:, :f] * three.mean]
        self.by_size = bool(one.half or three.half)
        if self.by_size:
            columns.insert(1, first.size[:, :f] * one.half)
            columns.append(first.size[:, f:] * one.half)
            of_message.append(message.size[:, :f] * three.half)
        self.to_rows, self.message_to_rows = torch.cat(columns, dim=1), torch.cat(of_message, dim=1)

        width_1, width_e, width_2, width_q = (len(layer.weight) for layer in network.on_edges)
        self.a1, self.r1 = h.new_empty(2, self.at_hand, width_1)
        self.e, self.d_e = h.new_empty(2, self.at_hand, width_e)
        self.a2, self.r2 = h.new_empty(2, self.at_hand, width_2)
        self.r_q = h.new_empty(self.at_hand, width_q)
        widest = max(width_1, width_e, width_2, width_q)
        self.scratch = h.new_empty(2, self.at_once * widest)
        self.parts = h.new_empty(self.at_once, self.to_rows.shape[1])
        self.found = h.new_empty(self.at_once, 2 * f) if self.by_size else self.parts
        self.tiny = torch.finfo(h.dtype).tiny

    def _scratch(self, number: int, like: Tensor) -> Tensor:
        return self.scratch[number, : like.numel()].view(like.shape)

    def _divisor(
        self, layer: int, a: Tensor, size: Tensor, epsilon: Tensor | float, out: Tensor
    ) -> Tensor:
        """D = mean |z| + half Σ |terms| + ε of a last layer; its inputs a >= 0, size = |z|."""
        one, affine = self.ways[layer], self.network.on_edges[layer]
        if one.half:
            torch.addmm(affine.bias.abs(), a, affine.size.T, beta=one.half, alpha=one.half, out=out)
            out.add_(size, alpha=one.mean)
        else:
            torch.add(size, epsilon, out=out)
        return out.clamp_(min=self.tiny)  # 0 / 0 is 0

    def _forward(self, block: _Block) -> tuple[_Values, Tensor]:
        """What backward needs of a block, and q."""
        (one, two, three, four), f, sources = self.ways, self.columns, block.sources
        _, last, message, out = self.network.on_edges
        a1, r1, e, d_e, a2, r2, r_q = (
            values[block.start : block.start + block.pairs]
            for values in (self.a1, self.r1, self.e, self.d_e, self.a2, self.r2, self.r_q)
        )
        pairs = self.table(a1, block)
        torch.add(self.source[:, sources, None], self.destination[:, None], out=pairs)
        epsilon_1 = one.stabiliser(a1)
        a1.clamp_(min=0)
        if one.half:
            pairs, source = self.table(r1, block), self.source_size[:, sources, None]
            torch.add(source, self.destination_size[:, None], out=pairs)
        else:
            torch.add(a1, epsilon_1, out=r1)
        torch.div(a1, r1.clamp_(min=self.tiny), out=r1)

        torch.addmm(last.bias, a1, last.weight.T, out=e)
        epsilon_e = two.stabiliser(e)
        size = torch.abs(e, out=self._scratch(0, e))
        self._divisor(1, a1, size, epsilon_e, d_e)

        torch.mm(e, message.weight[:, f:].T, out=a2)
        self.table(a2, block).add_(self.to_message[:, sources, None])
        epsilon_2 = three.stabiliser(a2)
        a2.clamp_(min=0)
        if three.half:
            to_message = self.to_message_size[:, sources, None]
            torch.mm(size, message.size[:, f:].T, out=r2)
            # r2 half + to_message + mean a2
            self.table(r2, block).mul_(three.half).add_(to_message)
            r2.add_(a2, alpha=three.mean)
        else:
            torch.add(a2, epsilon_2, out=r2)
        torch.div(a2, r2.clamp_(min=self.tiny), out=r2)

        q = torch.addmm(out.bias, a2, out.weight.T, out=self._scratch(0, r_q))
        epsilon_q = four.stabiliser(q)
        self.clear_diagonal(q, block)
        size = torch.abs(q, out=self._scratch(1, q))
        torch.div(q, self._divisor(3, a2, size, epsilon_q, r_q), out=r_q)
        epsilons = (epsilon_1, epsilon_e, epsilon_2, epsilon_q)
        return _Values(a1, r1, e, d_e, a2, r2, r_q, epsilons), q

    def forward(self) -> Tensor:
        self.values: list[_Values] = []
        totals = []
        for block in self.blocks:
            values, q = self._forward(block)
            totals.append(self.table(q, block).sum(dim=1))
            self.values.append(values)
        return _add_up(totals)

    def backward(self, t: Tensor, messages: Tensor, book: _Book) -> Tensor:
        network, f, h = self.network, self.columns, self.h
        _, last, message, out = network.on_edges
        _, two, three, four = self.ways
        accounts = [_Account(self, *pair) for pair in zip(network.on_edges, self.ways, strict=True)]
        from_es, from_a1s, from_a2s = [], [], []
        g1_source, g1_destination, g2_source = [], [], []
        for number, block in enumerate(self.blocks):
            values = self.values[number] if self.kept else self._forward(block)[0]
            a1, s1, e, d_e, a2, s2, signed, epsilons = values

            # At the mean R = q t: s = |q| t / D and σ s = q t / D.
            s = torch.abs(signed, out=self._scratch(0, signed))
            self.table(s, block).mul_(t[:, None])
            self.table(signed, block).mul_(t[:, None])
            accounts[3].add(s, signed, epsilons[3])
            c = self._scratch(1, a2).addmm_(s, out.weight, beta=0, alpha=four.mean)
            if four.half:
                c.addmm_(signed, out.size, alpha=four.half)
            from_a2s.append(self.of_jets(a2.mul_(c)))
            s2.mul_(c)
            accounts[2].add(s2, s2, epsilons[2])
            g2_source.append(self.table(s2, block).sum(dim=2))

            # e has either sign: R = e Σ mean W s + |e| Σ half |W| s.
            weight = message.weight[:, f:]
            signed = self._scratch(0, e).addmm_(s2, weight, beta=0, alpha=three.mean).mul_(e)
            if three.half:
                c = self._scratch(1, e).addmm_(s2, message.size[:, f:], beta=0, alpha=three.half)
                signed.addcmul_(c, e.abs())
            from_es.append(self.of_jets(signed))
            signed.div_(d_e)
            s = e.sign_().mul_(signed)
            accounts[1].add(s, signed, epsilons[1])
            c = self._scratch(1, a1).addmm_(s, last.weight, beta=0, alpha=two.mean)
            if two.half:
                c.addmm_(signed, last.size, alpha=two.half)
            from_a1s.append(self.of_jets(a1.mul_(c)))
            s1.mul_(c)
            accounts[0].add(s1, s1, epsilons[0])
            g1_source.append(self.table(s1, block).sum(dim=2))
            g1_destination.append(self.table(s1, block).sum(dim=1))
            self.write(block, self._rows(block, s1, s2))

        g1s, g1d, g2s = _join(g1_source), _add_up(g1_destination), _join(g2_source)
        half = self.to_rows.shape[1] // 2
        by_source = self._times_h(torch.matmul(g1s, self.to_rows[:, :half]), h, self.h_size)
        by_destination = self._times_h(torch.matmul(g1d, self.to_rows[:, half:]), h, self.h_size)
        by_message = self._times_h(torch.matmul(g2s, self.message_to_rows), h, self.h_size)
        from_e, from_a1, from_a2 = (_add_up(parts) for parts in (from_es, from_a1s, from_a2s))
        _note(
            book,
            network,
            (messages, from_a2, by_message, from_e, from_a1, by_source, by_destination),
            tuple(account.bias for account in accounts),
            tuple(account.epsilon for account in accounts),
        )
        return by_source + by_destination + by_message

    def _times_h(self, parts: Tensor, h: Tensor, size: Tensor, out: Tensor | None = None) -> Tensor:
        """[..., by value | by size] -> h times the one plus |h| times the other."""
        if not self.by_size:
            return torch.mul(parts, h, out=out)
        f = self.columns
        return torch.mul(parts[..., :f], h, out=out).addcmul_(parts[..., f:], size)

    def _rows(self, block: _Block, s1: Tensor, s2: Tensor) -> Tensor:
        """The rows of a block's pairs [pairs, 2 F]."""
        f, h, size = self.columns, self.h, self.h_size
        parts, found = self.parts[: block.pairs], self.found[: block.pairs]
        torch.mm(s1, self.to_rows, out=parts)
        half = parts.shape[1] // 2
        parts[:, :half].addmm_(s2, self.message_to_rows)
        rows, parts = self.table(found, block), self.table(parts, block)
        at = block.sources
        self._times_h(parts[..., :half], h[:, at, None], size[:, at, None], rows[..., :f])
        self._times_h(parts[..., half:], h[:, None], size[:, None], rows[..., f:])
        return found


class _Account:
    """What the bias and ε of one layer take, by jet: terms whose sums they are."""

    def __init__(self, pairs: _Pairs, layer: Layer, one: Way) -> None:
        self.pairs, self.layer, self.one = pairs, layer, one
        self._by_value: list[Tensor] = []
        self._by_size: list[Tensor] = []
        self._epsilon: list[Tensor] = []

    def add(self, s: Tensor, signed: Tensor, epsilon: Tensor | float) -> None:
        """s and σ s [pairs, n_out] of a block, and ε [pairs, 1] or a number."""
        self._by_value.append(self.pairs.of_jets(s))
        if self.one.half or self.one.epsilon:
            total = self._by_value[-1] if s is signed else self.pairs.of_jets(signed)
            self._by_size.append(total)
        if isinstance(epsilon, Tensor):
            self._epsilon.append(self.pairs.of_jets(signed.sum(dim=1, keepdim=True).mul_(epsilon)))

    @property
    def bias(self) -> Tensor:
        """Σ mean b s + half |b| σ s, by output [n_jets, n_out]."""
        terms = _add_up(self._by_value) * (self.layer.bias * self.one.mean)
        if self.one.half:
            terms += _add_up(self._by_size) * (self.layer.bias.abs() * self.one.half)
        return terms

    @property
    def epsilon(self) -> Tensor | None:
        """Σ ε σ s, by output or in one number [n_jets, ...]."""
        if self._epsilon:
            return _add_up(self._epsilon)
        return _add_up(self._by_size) * self.one.epsilon if self.one.epsilon else None


def _join(parts: list[Tensor]) -> Tensor:
    """What blocks found for their sources [n_jets, sources, width], one after another."""
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def _add_up(parts: list[Tensor]) -> Tensor:
    """The sum of what blocks found."""
    return parts[0] if len(parts) == 1 else torch.stack(parts).sum(dim=0)


def _note(
    book: _Book,
    network: Network,
    relevance: tuple[Tensor, ...],
    bias: tuple[Tensor, ...],
    epsilon: tuple[Tensor | None, ...],
) -> None:
    """The ledger's rows of the edges' layers.

    relevance  what q, a2, h in node_mlp_1, e, a1, h as source and h as destination received
    bias, epsilon  of the layers in the order of ``Network.on_edges``
    """
    first, last, message, out = (layer.name for layer in network.on_edges)
    q, a2, by_message, e, a1, by_source, by_destination = relevance
    norm = network.norm
    book.add(out, q, {"input": (a2, message)}, bias[3], epsilon[3])
    passed = {"source": (by_message, norm), "edge": (e, last)}
    book.add(message, a2, passed, bias[2], epsilon[2])
    book.add(last, e, {"input": (a1, first)}, bias[1], epsilon[1])
    passed = {"source": (by_source, norm), "destination": (by_destination, norm)}
    book.add(first, a1, passed, bias[0], epsilon[0])
