"""The fast path: relevance through the interaction network on complete graphs.

The same relevance, rules and ledger as ``propagation.propagate`` up to rounding, for jets in which
every track is joined to every other: their pairs are a table (pair_table.py). Where LRP-0 is the
rule of every stage, relevance is the gradient times the value (zero_path.py). Else what stands at
edges is divided block by block (fast_edges.py), and what stands at tracks and jets, here, in the
same way or, where one of its rules is not served so, by the rules as they are (rules.py). Jets of
the same number of tracks share a table while they are small. The weights are read anew at every
call, and folded all at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from lrp_core.errors import PropagationError
from lrp_core.fast_edges import LRP_0, Edges, Parts, Way, way
from lrp_core.found import Found
from lrp_core.interaction_network import InteractionNetwork
from lrp_core.ledger_book import LedgerBook
from lrp_core.pair_table import BLOCK
from lrp_core.rules import Layer, Rule, quotient
from lrp_core.steps import Affine, Aggregate, Norm, Steps, fold, norms_of, scales_and_shifts
from lrp_core.zero_path import ZeroPath


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
    above          the two affine maps of node_mlp_2 and of global_mlp, BatchNorm folded in
    ways_above     how their rules divide; None where one of them is not served here
    scale, shift   the BatchNorm on the input
    """

    stages: Stages
    rule_for: Callable[[str], Rule]
    at_edges: Parts
    above: list[Layer]
    ways_above: list[Way] | None
    scale: Tensor
    shift: Tensor


Prepared = Network | ZeroPath


def prepare(stages: Stages, rule_for: Callable[[str], Rule], dtype: torch.dtype) -> Prepared | None:
    """The network with its weights in ``dtype``; None if a rule at edges is not served here."""
    ways = [way(rule_for(step.stage)) for step in stages.affine]
    at_edges, above = ([found for found in part if found] for part in (ways[:4], ways[4:]))
    if len(at_edges) < 4:
        return None
    with torch.inference_mode():
        norms, biases = norms_of(stages.affine)
        all_norms = [stages.norm.norm, *norms]
        (scale, shift), *maps = scales_and_shifts(all_norms, dtype, [None, *biases])
        layers = fold(stages.affine, maps, dtype)
        if ways == [LRP_0] * 8:
            return ZeroPath(layers, scale, shift, stages.norm.stage, stages.mean, stages.pool)
        return Network(
            stages=stages,
            rule_for=rule_for,
            at_edges=Parts.of(layers[:4], at_edges),
            above=layers[4:],
            ways_above=above if len(above) == 4 else None,
            scale=scale,
            shift=shift,
        )


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


def explain_equals(
    network: Prepared, tracks: Tensor, weights: Tensor, *, rows: bool = True
) -> Found:
    """Explain jets of the same number of tracks, at least two, every one joined to every other.

    tracks   [n_jets, n_tracks, n_columns]
    weights  [n_classes]: what each logit counts at the start
    rows     whether to write out every edge's row; without, there are significance and sums only
    Raises PropagationError where relevance meets a value of exactly zero or overflows.
    """
    if isinstance(network, ZeroPath):
        return network.explain(tracks, weights, rows=rows)
    n_jets, n_tracks, n_columns = tracks.shape
    book, stages = LedgerBook(n_jets), network.stages
    track_0, track_3, jet_0, jet_3 = network.above
    h = torch.addcmul(network.shift, tracks, network.scale)
    edges = Edges(network.at_edges, h, rows=rows)

    total = edges.forward()
    seen = torch.cat([h, total / (n_tracks - 1)], dim=2)
    z5 = _affine(seen, track_0)
    a5 = z5.clamp(min=0)
    v = _affine(a5, track_3)
    pool = v.mean(dim=1, keepdim=True)
    z6 = _affine(pool, jet_0)
    a6 = z6.clamp(min=0)
    logits = _affine(a6, jet_3)
    if not math.isfinite(logits.sum().item()):
        raise PropagationError("the network's output is not finite")

    start = logits * weights
    values = _Above(seen, z5, a5, v, pool, z6, a6, logits)
    multiplier: Tensor | None = None
    if network.ways_above:
        multiplier = _by_multiplier(network, network.ways_above, values, start, weights, book)
        at_tracks = seen * multiplier
    else:
        at_tracks = _by_rules(network, values, start, book)
    directly, back = at_tracks.split_with_sizes([n_columns, total.shape[2]], dim=2)
    book.passed({"self": (directly, stages.norm.stage), "mean": (back, stages.mean)})
    if multiplier is None:
        t = quotient(back, total, stages.mean)
    else:
        t = multiplier[..., n_columns:] / (n_tracks - 1)
    messages = t * total
    book.add(stages.mean, back, {"input": (messages, network.at_edges.out.name)})

    result = edges.backward(t, messages, book, stages.norm.stage).add_(directly)
    book.add(stages.norm.stage, result, {"input": (result, "tracks")})
    found = edges.found
    logits, start = logits.squeeze(1), start.squeeze(1)
    significance = found.significance()
    return Found(logits, start, result, found.rows, significance, found.sums, book.ledgers())


class _Above(NamedTuple):
    """Values above the mean: [n_jets, n_tracks, ...], and from the pool on [n_jets, 1, ...].

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
        rows = a.flatten(0, 1), z.flatten(0, 1), relevance.flatten(0, 1)
        shares = network.rule_for(layer.name).share(rows[0], layer, *rows[1:])
        passed = {"input": (shares.inputs, origin)} if origin else {}
        accounts = shares.bias.to(relevance.dtype), shares.epsilon.to(relevance.dtype)
        book.add(layer.name, relevance, passed, *accounts)
        return shares.inputs.view_as(a)

    seen, z5, a5, v, pool, z6, a6, logits = values
    track_0, track_3, jet_0, jet_3 = network.above
    name = network.stages.pool
    relevance = share(jet_3, a6, logits, start, jet_0.name)
    relevance = share(jet_0, pool, z6, relevance, name)
    to_tracks = v * quotient(relevance, v.sum(dim=1, keepdim=True), name)
    book.add(name, relevance, {"input": (to_tracks, track_3.name)})
    relevance = share(track_3, a5, v, to_tracks, track_0.name)
    return share(track_0, seen, z5, relevance, "")


def _by_multiplier(
    network: Network,
    ways: list[Way],
    values: _Above,
    start: Tensor,
    weights: Tensor,
    book: LedgerBook,
) -> Tensor:
    """The same where every rule is served: what h and the mean are multiplied by, side by side.

    Relevance is value times multiplier on the whole way, as at the edges. By LRP-0 that is the
    gradient. The entry of node_mlp_2.0 is without what it passed on here, too.
    """
    seen, z5, a5, v, pool, z6, a6, logits = values
    track_0, track_3, jet_0, jet_3 = network.above
    for_track_0, for_track_3, for_jet_0, for_jet_3 = ways
    name = network.stages.pool
    c, *accounts = _share(jet_3, for_jet_3, a6, logits, weights.expand_as(logits))
    to_a6 = a6 * c
    book.add(jet_3.name, start, {"input": (to_a6, jet_0.name)}, *accounts)
    c, *accounts = _share(jet_0, for_jet_0, pool, z6, c, a6)
    to_pool = pool * c
    book.add(jet_0.name, to_a6, {"input": (to_pool, name)}, *accounts)
    c.div_(v.shape[1])
    to_v = v * c
    book.add(name, to_pool, {"input": (to_v, track_3.name)})
    c, *accounts = _share(track_3, for_track_3, a5, v, c)
    to_a5 = a5 * c
    book.add(track_3.name, to_v, {"input": (to_a5, track_0.name)}, *accounts)
    c, *accounts = _share(track_0, for_track_0, seen, z5, c, a5)
    book.add(track_0.name, to_a5, {}, *accounts)
    return c


def _share(
    layer: Layer, one: Way, a: Tensor, z: Tensor, c: Tensor, live: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The multiplier of inputs a of z = W a + b, and terms of what its bias and ε get.

    c     the multiplier of the outputs
    live  the outputs, where they are not z but max(z, 0), behind a ReLU
    """
    if one == LRP_0:
        s = c if live is None else live.sign().mul_(c)
        return torch.matmul(s, layer.weight), s.expand_as(z) * layer.bias, None
    epsilon = one.stabiliser(z)
    divisor = z.abs().add_(epsilon)
    if one.kappa:
        bias_size = layer.bias.abs()
        divisor.add_(linear(a.abs(), layer.size, bias_size), alpha=one.kappa)
    if live is None:
        part = torch.div(z, divisor, out=divisor)
        s, signed = part.abs().mul_(c), part.mul_(c)
    else:
        s = signed = torch.div(live, divisor, out=divisor).mul_(c)
    to_inputs, to_bias = torch.matmul(s, layer.weight), s * layer.bias
    if one.kappa:
        to_inputs.addcmul_(torch.matmul(signed, layer.size), a.sign(), value=one.kappa)
        to_bias.addcmul_(signed, bias_size, value=one.kappa)
    return to_inputs, to_bias, signed * epsilon if one.epsilon else None


def _affine(a: Tensor, layer: Layer) -> Tensor:
    return linear(a, layer.weight, layer.bias)
