"""The fast path: relevance through the interaction network on complete graphs.

The same relevance, rules and ledger as ``propagation.propagate`` up to rounding, for jets in which
every track is joined to every other. A jet is a table of n x n pairs there, what stands at edges is
computed in blocks of such tables (fast_edges.py), and what stands at tracks and jets is divided by
the rules as they are (rules.py). Jets of the same number of tracks share a table while they are
small. The weights are read anew at every call, and folded all at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear

from lrp_core.errors import PropagationError
from lrp_core.explanation import Ledger
from lrp_core.fast_edges import BLOCK, LRP_0, Divided, Merged, Parts, way
from lrp_core.interaction_network import InteractionNetwork
from lrp_core.jets import Jet
from lrp_core.ledger_book import LedgerBook
from lrp_core.rules import Layer, Rule, quotient
from lrp_core.steps import Affine, Aggregate, Norm, Steps, fold, norms_of, scales_and_shifts


@dataclass(frozen=True)
class Stages:
    """The stages of an interaction network, whatever they are called and however wide they are.

    affine      two of each perceptron: edge_mlp, node_mlp_1, node_mlp_2 and global_mlp
    norm        the BatchNorm on the input
    mean, pool  names of the two means
    """

    affine: tuple[Affine, ...]
    norm: Norm
    mean: str
    pool: str


def recognise(steps: Steps) -> Stages | None:
    """The stages, if the steps are those of the interaction network; else None."""
    if _pattern(steps) != _interaction_network():
        return None
    (norm,) = (step for step in steps if isinstance(step, Norm))
    mean, pool = (step.stage for step in steps if isinstance(step, Aggregate))
    return Stages(tuple(step for step in steps if isinstance(step, Affine)), norm, mean, pool)


@dataclass(frozen=True, eq=False)
class Network:
    """The interaction network with its weights as they are now, and a rule for each stage.

    at_edges       the layers at edges, and how their rules divide
    track_0, ...   the two affine maps of each of the other perceptrons, BatchNorm folded in
    scale, shift   the BatchNorm on the input
    all_zero       whether LRP-0 is the rule of all layers
    """

    stages: Stages
    rule_for: Callable[[str], Rule]
    at_edges: Parts
    track_0: Layer
    track_3: Layer
    jet_0: Layer
    jet_3: Layer
    scale: Tensor
    shift: Tensor
    all_zero: bool


def prepare(stages: Stages, rule_for: Callable[[str], Rule], dtype: torch.dtype) -> Network | None:
    """The network with its weights in ``dtype``; None if a rule at edges is not served here."""
    ways = [way(rule_for(step.stage)) for step in stages.affine]
    at_edges = [found for found in ways[:4] if found]
    if len(at_edges) < 4:
        return None
    with torch.inference_mode():
        norms = [stages.norm.norm, *norms_of(stages.affine)]
        (scale, shift), *maps = scales_and_shifts(norms, dtype)
        *layers, track_0, track_3, jet_0, jet_3 = fold(stages.affine, maps, dtype)
        return Network(
            stages=stages,
            rule_for=rule_for,
            at_edges=Parts.of(layers, at_edges),
            track_0=track_0,
            track_3=track_3,
            jet_0=jet_0,
            jet_3=jet_3,
            scale=scale,
            shift=shift,
            all_zero=all(found == LRP_0 for found in ways),
        )


def is_complete(jet: Jet) -> bool:
    """Whether every track is joined to every other, source by source, as ``complete_graph``."""
    n = jet.n_tracks
    if jet.n_edges != n * (n - 1):
        return False
    # Of all n x n pairs every (n + 1)th, from the first one on, is a track with itself.
    edges = np.arange(jet.n_edges)
    pairs = jet.edge_index[0] * n + jet.edge_index[1]
    return np.array_equal(pairs, edges + edges // n + 1)


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
    significance   [n_jets, n_edges]
    sums           [n_jets, n_edges]: the sum of each edge's row, where only sums were asked for
    ledgers        one for each jet
    """

    logits: Tensor
    start: Tensor
    tracks: Tensor
    edges: Tensor | None
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
    book, stages = LedgerBook(n_jets), network.stages
    h = torch.addcmul(network.shift, tracks, network.scale)
    edges = (Merged if network.at_edges.all_zero else Divided)(network.at_edges, h, rows=rows)

    total = edges.forward()
    seen = torch.cat([h, total / max(n_tracks - 1, 1)], dim=2)
    z5 = _affine(seen, network.track_0)
    a5 = z5.clamp(min=0)
    v = _affine(a5, network.track_3)
    pool = v.sum(dim=1).div_(n_tracks)
    z6 = _affine(pool, network.jet_0)
    a6 = z6.clamp(min=0)
    logits = _affine(a6, network.jet_3)
    if not math.isfinite(logits.sum().item()):
        raise PropagationError("the network's output is not finite")

    start = logits * weights
    values = _Above(seen, z5, a5, v, pool, z6, a6, logits)
    gradient: Tensor | None = None
    if network.all_zero:
        both, gradient = _by_gradient(network, values, start, weights, book)
    else:
        both = _by_rules(network, values, start, book)
    directly, back = both[..., :n_columns], both[..., n_columns:]
    book.passed({"self": (directly, stages.norm.stage), "mean": (back, stages.mean)})
    constant = None
    if n_tracks == 1:  # a mean over no edges is a constant, and what it earns the bias's
        t, constant = torch.zeros_like(total), back
    elif gradient is None:
        t = quotient(back, total, stages.mean)
    else:
        t = gradient[..., n_columns:] / (n_tracks - 1)
    messages = t * total
    book.add(stages.mean, back, {"input": (messages, network.at_edges.out.name)}, constant)

    result = edges.backward(t, messages, book, stages.norm.stage).add_(directly)
    book.add(stages.norm.stage, result, {"input": (result, "tracks")})
    ledgers = book.ledgers()
    if not math.isfinite(sum(ledger.bias + ledger.epsilon for ledger in ledgers)) or (
        not math.isfinite(result.sum().item())
    ):
        raise PropagationError(f"relevance overflowed in {result.dtype}")
    sums = None if edges.sums is None else edges.of_edges(edges.sums)
    return Found(logits, start, result, edges.rows, edges.significance(), sums, ledgers)


class _Above(NamedTuple):
    """Values above the mean: [n_jets, n_tracks, ...], and from the pool on [n_jets, ...].

    seen     h and the mean, side by side
    z5, a5, v, pool, z6, a6, logits  behind node_mlp_2.0, its ReLU, .3, the pool and global_mlp
    """

    seen: Tensor
    z5: Tensor
    a5: Tensor
    v: Tensor
    pool: Tensor
    z6: Tensor
    a6: Tensor
    logits: Tensor


def _by_rules(network: Network, values: _Above, start: Tensor, book: LedgerBook) -> Tensor:
    """What reached h and the mean, side by side [n_jets, n_tracks, ...], by the rules as they are.

    The entry of node_mlp_2.0 in the book is still without what it passed on.
    """

    def share(layer: Layer, a: Tensor, z: Tensor, relevance: Tensor, origin: str) -> Tensor:
        shares = network.rule_for(layer.name).share(a, layer, z, relevance)
        passed = {"input": (shares.inputs, origin)} if origin else {}
        accounts = shares.bias.to(relevance.dtype), shares.epsilon.to(relevance.dtype)
        book.add(layer.name, relevance, passed, *accounts)
        return shares.inputs

    seen, z5, a5, v, pool, z6, a6, logits = values
    track_0, track_3, jet_0, jet_3 = network.track_0, network.track_3, network.jet_0, network.jet_3
    name = network.stages.pool
    relevance = share(jet_3, a6, logits, start, jet_0.name)
    relevance = share(jet_0, pool, z6, relevance, name)
    s = quotient(relevance, v.sum(dim=1), name)
    to_tracks = (v * s[:, None]).flatten(0, 1)
    book.add(name, relevance, {"input": (to_tracks, track_3.name)})
    relevance = share(track_3, a5.flatten(0, 1), v.flatten(0, 1), to_tracks, track_0.name)
    relevance = share(track_0, seen.flatten(0, 1), z5.flatten(0, 1), relevance, "")
    return relevance.view_as(seen)


def _by_gradient(
    network: Network, values: _Above, start: Tensor, weights: Tensor, book: LedgerBook
) -> tuple[Tensor, Tensor]:
    """The same by LRP-0, where relevance is value times gradient; and that gradient."""
    seen, _, a5, v, pool, _, a6, logits = values
    track_0, track_3, jet_0, jet_3 = network.track_0, network.track_3, network.jet_0, network.jet_3
    name = network.stages.pool
    g = weights.expand_as(logits)
    received = start
    for layer, a, origin in ((jet_3, a6, jet_0.name), (jet_0, pool, name)):
        bias = g * layer.bias
        g = torch.mm(g, layer.weight)
        relevance = a * g
        book.add(layer.name, received, {"input": (relevance, origin)}, bias)
        received = relevance
        if a is a6:
            g.mul_(a.sign())
    g = g / v.shape[1]  # of each track's v
    relevance = v * g[:, None]
    book.add(name, received, {"input": (relevance, track_3.name)})
    bias = g * (track_3.bias * v.shape[1])
    received, g = relevance, torch.mm(g, track_3.weight)[:, None]
    relevance = a5 * g
    book.add(track_3.name, received, {"input": (relevance, track_0.name)}, bias)
    g = a5.sign().mul_(g)
    book.add(track_0.name, relevance, {}, g * track_0.bias)
    g = torch.matmul(g, track_0.weight)
    return seen * g, g


def _affine(a: Tensor, layer: Layer) -> Tensor:
    return linear(a, layer.weight, layer.bias)
