"""Edges of a network that was not described: what its aggregations received, by pair of tracks.

``places`` finds the aggregations whose terms are about pairs and whose results are about single
tracks. Relevance at the term (i <- j) is that of the edge from j to i; its norm over channels and
heads is the edge's significance. In a product of matrices (attention) the terms a_ij v_jc are never
written out: the sum over c of a_ij v_jc R_ic / o_ic is a product itself, and so is that of squares.

Where a network reads input columns at both ends of the jet's edges, what came back to those columns
is the edges' relevance by column: the definition of the interaction network.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lrp_core.edge_set import EdgeSet, shares_of
from lrp_core.rules import quotient
from lrp_core.tape.attention import factors
from lrp_core.tape.context import PRODUCTS, spelled_softmaxes
from lrp_core.tape.inputs import Given
from lrp_core.tape.places import Message
from lrp_core.tape.tape import Node, Ref, Tape
from lrp_core.tape.walk import Flow

PAIR_FEATURES = "pair features"
_KIND = {"scatter_add": "edge list", "index_add": "edge list", "scatter_reduce": "edge list"}


class _Terms(NamedTuple):
    """Relevance of messages: sums [n], sums of squares [n], rows [n, n_channels] or None."""

    sums: Tensor
    squares: Tensor
    rows: Tensor | None


def edge_paths(tape: Tape, messages: Mapping[int, Message]) -> dict[int, str]:
    """The path of the module that each aggregation of messages belongs to, by its place.

    Sums inside a softmax are none: relevance goes around them.
    """
    carrying = tape.once("carrying", lambda: _carrying(tape))
    seen: dict[str, int] = {}
    found = {}
    for place in sorted(carrying.intersection(messages)):
        path = tape.nodes[place].module.removesuffix("aggr_module").rstrip(".") or "network"
        seen[path] = seen.get(path, 0) + 1
        found[place] = path if seen[path] == 1 else f"{path}@{seen[path]}"
    return found


def _carrying(tape: Tape) -> set[int]:
    """Places of the nodes that relevance goes through, around the insides of softmaxes."""
    softmaxes = spelled_softmaxes(tape)
    reached = {tape.output}
    carrying: set[int] = set()
    for place in reversed(range(len(tape.nodes))):
        node = tape.nodes[place]
        if reached.intersection(n for n in node.outputs if n is not None):
            carrying.add(place)
            softmax = softmaxes.get(node.output)
            reached.update(node.inputs() if softmax is None else [softmax.scores.number])
    return carrying


def edge_sets(
    tape: Tape, messages: Mapping[int, Message], flow: Flow, given: Given, *, rows: bool
) -> list[dict[str, EdgeSet]]:
    """For each jet the edges by module path, those nearest the input first."""
    found: list[dict[str, EdgeSet]] = [{} for _ in given.jets]
    for place, path in edge_paths(tape, messages).items():
        terms = _terms(tape, messages[place], flow, rows=rows)
        if terms is None:
            continue
        kind = _KIND.get(tape.nodes[place].name)
        kind = kind or ("attention" if tape.nodes[place].name in PRODUCTS else "neighbours")
        for sets, more in zip(
            found, _by_jet(terms, messages[place], given, kind, path), strict=True
        ):
            sets.update(more)
    return found


def _terms(tape: Tape, message: Message, flow: Flow, *, rows: bool) -> _Terms | None:
    """The relevance of an aggregation's messages; None if none came there."""
    if message.place not in flow.reached:
        return None
    node = tape.nodes[message.place]
    if message.operand is None:
        summed, square, full = _product(
            tape, node, flow.reached[message.place], message.shape, rows=rows
        )
        return _kept(message, summed, square, full if rows else None)
    part = flow.parts[message.place].get(node.args[message.operand].number)
    return None if part is None else _added(message, part, rows=rows)


def _added(message: Message, part: Tensor, *, rows: bool) -> _Terms:
    """Relevance of terms, added up over the axes along which they are about the same tracks."""
    full = part.double() if rows else part
    channels = [axis for axis, size in enumerate(message.shape) if size == 1]
    summed, square = full, full.square()
    if channels:
        summed, square = full.sum(channels, keepdim=True), square.sum(channels, keepdim=True)
    return _kept(message, summed, square, full if rows else None)


def _kept(message: Message, summed: Tensor, square: Tensor, full: Tensor | None) -> _Terms:
    """The terms that have a receiver and a sender."""
    lines = None
    if full is not None:
        varying = [axis for axis, size in enumerate(message.shape) if size > 1]
        rest = [axis for axis, size in enumerate(message.shape) if size == 1]
        order = full.permute(*varying, *rest)
        lines = order.reshape(math.prod(message.shape), -1)[message.kept]
    return _Terms(summed.reshape(-1)[message.kept], square.reshape(-1)[message.kept], lines)


def pair_sets(
    messages: Mapping[int, Message],
    names: Mapping[int, str],
    flow: Flow,
    given: Given,
    *,
    rows: bool,
) -> list[dict[str, EdgeSet]]:
    """For each jet what features of pairs received, by the name of the network's argument."""
    found: list[dict[str, EdgeSet]] = [{} for _ in given.jets]
    for number, part in flow.stopped.items():
        path = names[number]
        while path in found[0]:
            path += "'"
        terms = _added(messages[number], part, rows=True)  # both ways of a pair are one edge
        if len(terms.sums) == 0:  # of single tracks: an account alone
            continue
        more = _by_jet(terms, messages[number], given, PAIR_FEATURES, path)
        for sets, one in zip(found, more, strict=True):
            sets.update({k: v if rows else replace(v, rows=None) for k, v in one.items()})
    return found


def _product(
    tape: Tape, node: Node, relevance: Tensor, shape: Sequence[int], *, rows: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Terms a_nm b_mk of a product, added up over the axes along which the label does not vary."""
    _, first, second = factors(node)
    a, b = tape.value(first), tape.value(second)
    share = quotient(relevance, tape.values[node.output], node.stage)
    if rows:
        a, b, share = a.double(), b.double(), share.double()
    if rows or (shape[-3] > 1 and shape[-1] > 1):
        full = a.unsqueeze(-1) * b.unsqueeze(-3) * share.unsqueeze(-2)
        axes = [axis for axis, size in enumerate(shape) if size == 1]
        if not axes:
            return full, full.square(), full
        return full.sum(axes, keepdim=True), full.square().sum(axes, keepdim=True), full
    if shape[-1] == 1:  # about the rows of a: sums over k
        summed = (a * (share @ b.transpose(-1, -2))).unsqueeze(-1)
        square = (a.square() * (share.square() @ b.square().transpose(-1, -2))).unsqueeze(-1)
    else:
        summed = (b * (a.transpose(-1, -2) @ share)).unsqueeze(-3)
        square = (b.square() * (a.square().transpose(-1, -2) @ share.square())).unsqueeze(-3)
    axes = [axis for axis, size in enumerate(shape[:-3]) if size == 1]
    if axes:
        summed, square = summed.sum(axes, keepdim=True), square.sum(axes, keepdim=True)
    return summed, square, None


class _Set(NamedTuple):
    """The edges of one jet from one group to another. order: their places among the pairs"""

    name: str
    order: Tensor
    edge_index: np.ndarray
    groups: tuple[str, str]


def _by_jet(
    terms: _Terms, message: Message, given: Given, kind: str, path: str
) -> list[dict[str, EdgeSet]]:
    """Add up by pair, and sort the pairs by jet and by the groups of their ends."""
    n_places = sum(given.lengths.values()) * len(given.jets)
    pairs, at = message.pairs(n_places)
    sums = torch.zeros(len(pairs), dtype=torch.float64)
    squares = torch.zeros_like(sums).index_add_(0, at, terms.squares.double().cpu())
    sums = sums.index_add_(0, at, terms.sums.double().cpu())
    lines = None
    if terms.rows is not None:
        lines = torch.zeros(len(pairs), terms.rows.shape[1], dtype=torch.float64)
        lines = lines.index_add_(0, at, terms.rows.cpu())
        squares = lines.square().sum(1)
    norms = squares.sqrt()
    own = [jet[group].edge_index for jet in given.jets for group in given.inputs.groups]
    sizes = tuple(jet[group].n_tracks for jet in given.jets for group in given.inputs.groups)
    known = message.sorted.get((path, sizes, *given.lengths.values()))
    if known is None or not all(map(np.array_equal, known[0], own)):
        known = own, _sorted(pairs, n_places, given, path)
        message.sorted[path, sizes, *given.lengths.values()] = known
    return [
        {
            one.name: EdgeSet(
                one.edge_index,
                sums[one.order].numpy(),
                shares_of(norms[one.order].numpy()),
                kind,
                None if lines is None else lines[one.order].numpy(),
                one.groups,
            )
            for one in sets
        }
        for sets in known[1]
    ]


def _sorted(pairs: Tensor, n_places: int, given: Given, path: str) -> list[list[_Set]]:
    """For each jet the sets of edges that pairs of places are."""
    receiver, sender = pairs // n_places, pairs % n_places
    main = given.inputs.groups[0]
    found = []
    for number, jet in enumerate(given.jets):
        sets = []
        for source in given.inputs.groups:
            for destination in given.inputs.groups:
                ends = []
                chosen = torch.ones(len(pairs), dtype=torch.bool)
                for group, places in ((source, sender), (destination, receiver)):
                    start = int(given.ids(group)[number, 0])
                    chosen &= (places >= start) & (places < start + jet[group].n_tracks)
                    ends.append(places - start)
                if not bool(chosen.any()):
                    continue
                order = chosen.nonzero()[:, 0]
                edge_index = torch.stack([end[order] for end in ends]).numpy()
                if source == destination:
                    own = _as_in(jet[source].edge_index, edge_index, jet[source].n_tracks)
                    if own is not None:
                        order, edge_index = order[own], jet[source].edge_index
                name = path if source == destination == main else f"{path}:{source}→{destination}"
                sets.append(_Set(name, order, edge_index, (source, destination)))
        found.append(sets)
    return found


def _as_in(own: np.ndarray, found: np.ndarray, n_tracks: int) -> np.ndarray | None:
    """Where each of the jet's own edges is among the found ones, if they are the same."""
    wanted, there = own[0] * n_tracks + own[1], found[0] * n_tracks + found[1]
    order = np.argsort(there)
    if len(wanted) != len(there) or not np.array_equal(np.sort(wanted), there[order]):
        return None
    result: np.ndarray = order[np.searchsorted(there[order], wanted)]
    return result


# ------------------------------------------------- columns read at the ends of the jet's edges


class Ends(NamedTuple):
    """The places of gathers that read input columns at the edges' sources and destinations."""

    source: list[int]
    destination: list[int]


def column_ends(tape: Tape, given: Given) -> Ends | None:
    """Where a network reads the columns of the jet's own edges' ends; None if it does not."""
    spec = given.inputs.edges
    leaves = [
        name for name, leaf in given.inputs.leaves.items() if leaf.group == given.inputs.groups[0]
    ]
    if spec is None or len(leaves) != 1:
        return None
    (name,) = [key for key, value in given.inputs.arguments.items() if value is spec]
    source, destination = given.arguments[name]
    leaf = tape.leaves[leaves[0]]
    ends = Ends([], [])
    for place, node in enumerate(tape.nodes):
        if node.name == "index_select" and node.args[1] == 0:
            index = tape.value(node.args[2])
        elif node.name == "index" and len(node.args[1]) == 1:
            index = tape.value(node.args[1][0])
        else:
            continue
        if index.shape != source.shape or not _only_scaled(tape, node.args[0], leaf):
            continue
        if torch.equal(index, source):
            ends.source.append(place)
        elif torch.equal(index, destination):
            ends.destination.append(place)
    return ends if ends.source or ends.destination else None


def _only_scaled(tape: Tape, argument: Ref, leaf: int) -> bool:
    """Whether a value is the input's columns, each changed by itself at most."""
    while argument.number != leaf:
        node = tape.producer(argument)
        plain = ("native_batch_norm", "clone", "detach", "alias", "to_copy", "relu")
        if node is None or node.name not in plain:
            return False
        argument = node.args[0]
    return True


def end_relevance(tape: Tape, ends: Ends, flow: Flow, given: Given) -> list[Tensor]:
    """For each jet [n_edges, 2 n_columns]: what reached the columns of source and destination."""
    main = given.inputs.groups[0]
    sizes = [jet[main].n_edges for jet in given.jets]
    (leaf,) = [name for name, spec in given.inputs.leaves.items() if spec.group == main]
    value = tape.values[tape.leaves[leaf]]
    halves = []
    for side in ends:
        total = value.new_zeros(sum(sizes), value.shape[1])
        for place in side:
            if place in flow.reached:
                total = total + flow.reached[place]
        halves.append(total)
    return list(torch.cat(halves, dim=1).split(sizes))
