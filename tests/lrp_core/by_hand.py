"""Relevance propagation in slow plain algebra, number by number, to hold the fast code against.

Written from the method alone, with Python loops and no torch: nothing here is shared with
``lrp_core``. Numbers may be floats or fractions. A rule is what its ``to_dict`` gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Numbers = Sequence[Any]
Description = Mapping[str, Any]

BATCH_NORM_EPS = 1e-5


class Stranded(Exception):
    """Relevance stands on an output that is exactly zero."""


def portions(terms: Numbers, relevance: Any, divisor: Any = None) -> list[Any]:
    """Divide ``relevance`` in proportion to the terms; 0/0 is 0, anything else over 0 is Stranded.

    divisor  what to divide by, where it is not the sum of the terms
    """
    whole = sum(terms) if divisor is None else divisor
    if whole == 0:
        if relevance != 0:
            raise Stranded
        return [0 * term for term in terms]
    return [term * relevance / whole for term in terms]


def share(
    rule: Description, a: Numbers, weight: Sequence[Numbers], offset: Numbers, relevance: Numbers
) -> tuple[list[Any], Any, Any]:
    """Share the relevance of the outputs z = W a + b of one row out -> inputs, bias, epsilon."""
    n_in = len(a)
    outputs = [
        sum(weight[v][u] * a[u] for u in range(n_in)) + offset[v] for v in range(len(offset))
    ]
    inputs, bias, epsilon = [0 * a[u] for u in range(n_in)], 0, 0
    for v, z in enumerate(outputs):
        # The bias is a term like any other, the last one.
        terms = [weight[v][u] * a[u] for u in range(n_in)] + [offset[v]]
        sign = 1 if z >= 0 else -1
        taken = 0
        match rule["name"]:
            case "zero":
                got = portions(terms, relevance[v])
            case "epsilon":
                size = rule["epsilon"]
                if rule["relative"]:
                    size *= math.sqrt(sum(one * one for one in outputs) / len(outputs))
                *got, taken = portions([*terms, size * sign], relevance[v])
            case "gamma":
                favoured = [
                    term + rule["gamma"] * (max(term, 0) if sign > 0 else min(term, 0))
                    for term in terms
                ]
                got = portions(favoured, relevance[v])
            case "z_plus":
                got = portions(
                    [term if term * sign > 0 else 0 * term for term in terms], relevance[v]
                )
            case "alpha_beta":
                own = [term if term * sign > 0 else 0 * term for term in terms]
                other = [term if term * sign < 0 else 0 * term for term in terms]
                alpha, beta = rule["alpha"], rule["beta"]
                if not any(other):
                    alpha, beta = 1, 0
                elif not any(own):
                    alpha, beta = 0, -1
                got = [
                    one - two
                    for one, two in zip(
                        portions(own, alpha * relevance[v]),
                        portions(other, beta * relevance[v]),
                        strict=True,
                    )
                ]
            case "flat":
                got = [*portions([1] * n_in, relevance[v]), 0]
            case "w_square":
                got = [*portions([weight[v][u] ** 2 for u in range(n_in)], relevance[v]), 0]
            case name:
                raise NotImplementedError(name)
        *to_inputs, to_bias = got
        if rule["bias"] == "spread":
            to_inputs = [one + to_bias / n_in for one in to_inputs]
            to_bias = 0
        inputs = [one + more for one, more in zip(inputs, to_inputs, strict=True)]
        bias, epsilon = bias + to_bias, epsilon + taken
    return inputs, bias, epsilon


@dataclass
class Stage:
    """One stage of the ledger, filled row by row."""

    received: float = 0.0
    bias: float = 0.0
    epsilon: float = 0.0
    passed: dict[str, float] = field(default_factory=dict)

    def add(self, received: Numbers, bias: float, epsilon: float, /, **passed: Numbers) -> None:
        self.received += sum(received)
        self.bias += bias
        self.epsilon += epsilon
        for name, part in passed.items():
            self.passed[name] = self.passed.get(name, 0.0) + sum(part)


@dataclass
class ByHand:
    """What the slow walk through the interaction network found."""

    logits: list[float]
    tracks: list[list[float]]
    direct: list[list[float]]
    edges: list[list[float]]
    ledger: dict[str, Stage]


def affine(weight: Sequence[Numbers], offset: Numbers, a: Numbers) -> list[float]:
    return [sum(weight[v][u] * a[u] for u in range(len(a))) + offset[v] for v in range(len(offset))]


class Perceptron:
    """Linear, BatchNorm, ReLU, Linear, its BatchNorm folded into the first Linear."""

    def __init__(self, name: str, weights: Mapping[str, Any], prefix: str) -> None:
        self.name = name
        part = {key: weights[f"{prefix}.{key}"] for key in _KEYS}
        self.first: list[list[float]] = []
        self.first_offset: list[float] = []
        for v in range(len(part["0.bias"])):
            scale = part["1.weight"][v] / math.sqrt(part["1.running_var"][v] + BATCH_NORM_EPS)
            self.first.append([scale * w for w in part["0.weight"][v]])
            self.first_offset.append(
                scale * (part["0.bias"][v] - part["1.running_mean"][v]) + part["1.bias"][v]
            )
        self.last, self.last_offset = part["3.weight"], part["3.bias"]

    def hidden(self, a: Numbers) -> list[float]:
        return [max(z, 0.0) for z in affine(self.first, self.first_offset, a)]

    def __call__(self, a: Numbers) -> list[float]:
        return affine(self.last, self.last_offset, self.hidden(a))

    def share(
        self,
        rule_of: Callable[[str], Description],
        a: Numbers,
        relevance: Numbers,
        ledger: dict[str, Stage],
        /,
        **ports: int,
    ) -> list[list[float]]:
        """Relevance of the inputs, cut into ports of so many columns each."""
        stage = f"{self.name}.3"
        middle, bias, epsilon = share(
            rule_of(stage), self.hidden(a), self.last, self.last_offset, relevance
        )
        ledger[stage].add(relevance, bias, epsilon, input=middle)
        stage = f"{self.name}.0"
        inputs, bias, epsilon = share(rule_of(stage), a, self.first, self.first_offset, middle)
        pieces, start = {}, 0
        for port, width in ports.items():
            pieces[port] = inputs[start : start + width]
            start += width
        assert start == len(inputs)
        ledger[stage].add(middle, bias, epsilon, **pieces)
        return list(pieces.values())


_KEYS = (
    "0.weight",
    "0.bias",
    "1.weight",
    "1.bias",
    "1.running_mean",
    "1.running_var",
    "3.weight",
    "3.bias",
)
STAGES = (
    "global_mlp.3",
    "global_mlp.0",
    "pool",
    "node_mlp_2.3",
    "node_mlp_2.0",
    "mean",
    "node_mlp_1.3",
    "node_mlp_1.0",
    "edge_mlp.3",
    "edge_mlp.0",
    "input_norm",
)


def explain_network(
    weights: Mapping[str, Any],
    tracks: Sequence[Numbers],
    edges: Sequence[tuple[int, int]],
    target: Numbers,
    rule_of: Callable[[str], Description],
) -> ByHand:
    """Walk through the whole interaction network and back.

    weights  its state dict as nested lists
    target   weight of each logit in the explained output
    """
    n_tracks, n_columns = len(tracks), len(tracks[0])
    blocks = "interactionnetwork"
    edge_mlp = Perceptron("edge_mlp", weights, f"{blocks}.edge_model.edge_mlp")
    node_mlp_1 = Perceptron("node_mlp_1", weights, f"{blocks}.node_model.node_mlp_1")
    node_mlp_2 = Perceptron("node_mlp_2", weights, f"{blocks}.node_model.node_mlp_2")
    global_mlp = Perceptron("global_mlp", weights, f"{blocks}.global_model.global_mlp")
    width = len(global_mlp.first[0])

    # Forwards.
    h = []
    for track in tracks:
        row = []
        for column in range(n_columns):
            scale = weights["bn.weight"][column] / math.sqrt(
                weights["bn.running_var"][column] + BATCH_NORM_EPS
            )
            centred = track[column] - weights["bn.running_mean"][column]
            row.append(scale * centred + weights["bn.bias"][column])
        h.append(row)
    e = [edge_mlp([*h[source], *h[destination]]) for source, destination in edges]
    q = [node_mlp_1([*h[source], *e[k]]) for k, (source, _) in enumerate(edges)]
    m, arriving = [], []
    for j in range(n_tracks):
        into = [k for k, (_, destination) in enumerate(edges) if destination == j]
        arriving.append(into)
        m.append([sum(q[k][c] for k in into) / max(len(into), 1) for c in range(width)])
    v = [node_mlp_2([*h[j], *m[j]]) for j in range(n_tracks)]
    pool = [sum(v[j][c] for j in range(n_tracks)) / n_tracks for c in range(width)]
    logits = global_mlp(pool)

    # And back.
    ledger = {stage: Stage() for stage in STAGES}
    start = [logit * weight for logit, weight in zip(logits, target, strict=True)]
    (on_pool,) = global_mlp.share(rule_of, pool, start, ledger, input=width)
    on_v = [[0.0] * width for _ in range(n_tracks)]
    for c in range(width):
        for j, part in enumerate(portions([v[j][c] for j in range(n_tracks)], on_pool[c])):
            on_v[j][c] = part
    ledger["pool"].add(on_pool, 0.0, 0.0, input=[sum(row) for row in on_v])

    direct, on_q = [], [[0.0] * width for _ in edges]
    for j in range(n_tracks):
        own, on_m = node_mlp_2.share(
            rule_of, [*h[j], *m[j]], on_v[j], ledger, self=n_columns, mean=width
        )
        direct.append(own)
        if not arriving[j]:  # the mean over nothing is a constant
            ledger["mean"].add(on_m, sum(on_m), 0.0, input=[])
            continue
        for c in range(width):
            for k, part in zip(
                arriving[j], portions([q[k][c] for k in arriving[j]], on_m[c]), strict=True
            ):
                on_q[k][c] = part
        ledger["mean"].add(on_m, 0.0, 0.0, input=[sum(on_q[k]) for k in arriving[j]])

    rows = []
    for k, (source, destination) in enumerate(edges):
        as_source, on_e = node_mlp_1.share(
            rule_of, [*h[source], *e[k]], on_q[k], ledger, source=n_columns, edge=width
        )
        first, second = edge_mlp.share(
            rule_of,
            [*h[source], *h[destination]],
            on_e,
            ledger,
            source=n_columns,
            destination=n_columns,
        )
        rows.append([one + two for one, two in zip(as_source, first, strict=True)] + second)

    total = [list(row) for row in direct]
    for k, (source, destination) in enumerate(edges):
        for c in range(n_columns):
            total[source][c] += rows[k][c]
            total[destination][c] += rows[k][n_columns + c]
    everything = [sum(row) for row in total]
    ledger["input_norm"].add(everything, 0.0, 0.0, input=everything)
    return ByHand(logits, total, direct, rows, ledger)
