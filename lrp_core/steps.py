"""The steps a graph network takes from its input columns to its logits, one kind per operation.

A network lists its steps with ``Steps``; each step can run forward (``run``) and share relevance
out backwards (``share``). The kinds: ``Affine`` (a Linear, with the BatchNorm behind it folded
in), ``Norm`` (a BatchNorm on its own), ``ReLU``, ``Gather``, ``Concatenate`` and ``Aggregate`` (a
mean or a sum over an index). A network made of these needs no code of its own to be explained:

    def steps(self):
        s = Steps()
        h = s.norm("input_norm", self.bn, s.tracks)
        pair = s.concatenate(source=s.gather(h, "source"), destination=s.gather(h, "destination"))
        e = s.mlp("edge_mlp", self.edge_mlp, pair)
        m = s.mean("mean", e, over="destination")
        return s.returns(s.mlp("global_mlp", self.global_mlp, s.mean("pool", m, over="jet")))

Affine, norm and aggregation steps have a name, the stage under which the ledger reports them.
"""

from __future__ import annotations

import copy
import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from lrp_core.errors import NetworkError
from lrp_core.rules import Layer, Rule, quotient

Place = Literal["tracks", "edges", "jets"]
Index = Literal["source", "destination", "jet"]


@dataclass(frozen=True)
class Graph:
    """Which track belongs to which jet, and which tracks the edges join.

    source, destination [n_edges] and jet [n_tracks] int64; every jet has a number below ``n_jets``
    """

    source: Tensor
    destination: Tensor
    jet: Tensor
    n_jets: int

    def jet_of(self, place: Place) -> Tensor:
        """The jet of every row of a value that stands at tracks, edges or jets."""
        if place == "tracks":
            return self.jet
        if place == "edges":
            return self.jet[self.source]
        return torch.arange(self.n_jets, device=self.jet.device)

    def index(self, name: Index) -> Tensor:
        """The index that ``gather`` reads from and ``mean`` and ``sum`` write to."""
        return {"source": self.source, "destination": self.destination, "jet": self.jet}[name]

    def size(self, name: Index) -> int:
        """How many rows that index can point at: the number of jets or of tracks."""
        return self.n_jets if name == "jet" else int(self.jet.shape[0])


@dataclass(frozen=True)
class Value:
    """What a step returns: a tensor with a row per track, edge or jet."""

    number: int
    place: Place


@dataclass(frozen=True, eq=False)
class Step(ABC):
    """One step: it makes ``output`` out of ``inputs``.

    stage  the name the ledger reports it by; "" for steps that pass relevance on unchanged
    ports  a name for each input, as the ledger calls them
    """

    stage: str
    inputs: tuple[Value, ...]
    output: Value
    ports: tuple[str, ...] = ("input",)

    @abstractmethod
    def run(self, inputs: Sequence[Tensor], graph: Graph) -> Tensor:
        """Compute the output."""

    @abstractmethod
    def share(
        self, inputs: Sequence[Tensor], output: Tensor, relevance: Tensor, graph: Graph, rule: Rule
    ) -> tuple[list[Tensor], Tensor | None, Tensor | None]:
        """Share the output's relevance out: one tensor per input, the bias and the ε account.

        The accounts are [n_rows] float64, or None where the step can have none.
        """


@dataclass(frozen=True, eq=False)
class Affine(Step):
    """z = a W^T + b, with the BatchNorm that follows the Linear folded into W and b."""

    linear: nn.Linear = field(kw_only=True)
    norm: nn.BatchNorm1d | None = field(default=None, kw_only=True)
    layer: Layer = field(init=False)

    def bound(self, layer: Layer) -> Affine:
        """The same step with the weights it runs with."""
        step = copy.copy(self)
        object.__setattr__(step, "layer", layer)
        return step

    def run(self, inputs: Sequence[Tensor], graph: Graph) -> Tensor:
        return torch.addmm(self.layer.bias, inputs[0], self.layer.weight.T)

    def share(
        self, inputs: Sequence[Tensor], output: Tensor, relevance: Tensor, graph: Graph, rule: Rule
    ) -> tuple[list[Tensor], Tensor | None, Tensor | None]:
        shares = rule.share(inputs[0], self.layer, output, relevance)
        return [shares.inputs], shares.bias, shares.epsilon


@dataclass(frozen=True, eq=False)
class Norm(Step):
    """A BatchNorm on its own: one affine map per column, which keeps its relevance whole."""

    norm: nn.BatchNorm1d = field(kw_only=True)

    def run(self, inputs: Sequence[Tensor], graph: Graph) -> Tensor:
        with torch.no_grad():
            ((scale, shift),) = scales_and_shifts([self.norm], inputs[0].dtype)
        return torch.addcmul(shift, inputs[0], scale)

    def share(
        self, inputs: Sequence[Tensor], output: Tensor, relevance: Tensor, graph: Graph, rule: Rule
    ) -> tuple[list[Tensor], Tensor | None, Tensor | None]:
        return [relevance], None, None


@dataclass(frozen=True, eq=False)
class ReLU(Step):
    """max(z, 0), which passes relevance on unchanged."""

    def run(self, inputs: Sequence[Tensor], graph: Graph) -> Tensor:
        return inputs[0].clamp(min=0)

    def share(
        self, inputs: Sequence[Tensor], output: Tensor, relevance: Tensor, graph: Graph, rule: Rule
    ) -> tuple[list[Tensor], Tensor | None, Tensor | None]:
        return [relevance], None, None


@dataclass(frozen=True, eq=False)
class Gather(Step):
    """Copy each row to wherever the index points at it; relevance of the copies is added up."""

    index: Index = field(kw_only=True)

    def run(self, inputs: Sequence[Tensor], graph: Graph) -> Tensor:
        return inputs[0].index_select(0, graph.index(self.index))

    def share(
        self, inputs: Sequence[Tensor], output: Tensor, relevance: Tensor, graph: Graph, rule: Rule
    ) -> tuple[list[Tensor], Tensor | None, Tensor | None]:
        return [add_up(relevance, graph.index(self.index), inputs[0].shape[0])], None, None


@dataclass(frozen=True, eq=False)
class Concatenate(Step):
    """Several inputs side by side; each takes back the relevance of its own columns."""

    def run(self, inputs: Sequence[Tensor], graph: Graph) -> Tensor:
        return torch.cat(list(inputs), dim=1)

    def share(
        self, inputs: Sequence[Tensor], output: Tensor, relevance: Tensor, graph: Graph, rule: Rule
    ) -> tuple[list[Tensor], Tensor | None, Tensor | None]:
        return list(relevance.split([part.shape[1] for part in inputs], dim=1)), None, None


@dataclass(frozen=True, eq=False)
class Aggregate(Step):
    """Mean or sum of the rows that the index sends to the same place; over no rows it is 0.

    Relevance is split in proportion to the terms, whatever the rule. A mean or a sum over no rows
    is a constant, so what it earns is the bias's. Raises PropagationError naming the stage where
    terms that add up to exactly zero carry relevance.
    """

    index: Index = field(kw_only=True)
    mean: bool = field(kw_only=True)

    def run(self, inputs: Sequence[Tensor], graph: Graph) -> Tensor:
        index, size = graph.index(self.index), graph.size(self.index)
        total = add_up(inputs[0], index, size)
        if not self.mean:
            return total
        return total / torch.bincount(index, minlength=size).clamp(min=1)[:, None]

    def share(
        self, inputs: Sequence[Tensor], output: Tensor, relevance: Tensor, graph: Graph, rule: Rule
    ) -> tuple[list[Tensor], Tensor | None, Tensor | None]:
        index, size = graph.index(self.index), graph.size(self.index)
        empty = (torch.bincount(index, minlength=size) == 0)[:, None]
        constant = relevance.where(empty, relevance.new_zeros(())).double().sum(dim=1)
        total = add_up(inputs[0], index, size)
        s = quotient(relevance.masked_fill(empty, 0.0), total, self.stage)
        return [inputs[0] * s.index_select(0, index)], constant, None


def own(module: nn.Module, name: str) -> Tensor | None:
    """A module's parameter as it is now.

    Looked up where the module keeps its own, which is ten times as fast as asking the module.
    """
    kept = module._parameters
    return kept[name] if name in kept else getattr(module, name)


def scales_and_shifts(
    norms: Sequence[nn.BatchNorm1d], dtype: torch.dtype, biases: Sequence[Tensor | None] = ()
) -> list[tuple[Tensor, Tensor]]:
    """The affine map each BatchNorm is in evaluation: scale and shift [n_columns] in ``dtype``.

    biases  what is added to the input of each BatchNorm, if anything is: the shift includes it
    All at once, for it takes as long as one. Raises NetworkError where one is no fixed map.
    """
    if not norms:
        return []
    kept = []
    for norm, offset in itertools.zip_longest(norms, biases):
        buffers = norm._buffers
        mean, variance = buffers["running_mean"], buffers["running_var"]
        if mean is None or variance is None:
            raise NetworkError(
                "a BatchNorm without running statistics is no fixed map, so it cannot be "
                "explained; build it with track_running_stats=True and train it"
            )
        weight, bias = own(norm, "weight"), own(norm, "bias")
        weight = torch.ones_like(mean) if weight is None else weight
        bias = torch.zeros_like(mean) if bias is None else bias
        kept.append(
            (mean, variance, weight, bias, torch.zeros_like(mean) if offset is None else offset)
        )
    sizes = [norm.num_features for norm in norms]
    epsilon: Tensor | float = norms[0].eps
    if any(norm.eps != epsilon for norm in norms):
        each = [
            torch.full_like(values[0], norm.eps) for values, norm in zip(kept, norms, strict=True)
        ]
        epsilon = torch.cat(each).to(dtype)
    all_of_them = torch.cat([values[kind] for kind in range(5) for values in kept]).to(dtype)
    mean, variance, weight, bias, offset = all_of_them.view(5, -1).unbind()
    scale = (variance + epsilon).rsqrt_().mul_(weight)
    shift = torch.addcmul(bias, offset - mean, scale)
    both = scale.split_with_sizes(sizes), shift.split_with_sizes(sizes)
    return list(zip(*both, strict=True))


def norms_of(
    steps: Sequence[Affine],
) -> tuple[list[nn.BatchNorm1d], list[Tensor | None]]:
    """The BatchNorms behind the layers, and the biases of the layers in front of them."""
    followed = [(step.norm, own(step.linear, "bias")) for step in steps if step.norm is not None]
    return [norm for norm, _ in followed], [bias for _, bias in followed]


def fold(
    steps: Sequence[Affine], maps: Sequence[tuple[Tensor, Tensor]], dtype: torch.dtype
) -> list[Layer]:
    """The layers with their weights as they are now, BatchNorm included, in ``dtype``.

    maps  ``scales_and_shifts`` of ``norms_of`` the layers
    """
    each = iter(maps)
    layers = []
    tracked = not torch.is_inference_mode_enabled()
    for step in steps:
        weight, bias = own(step.linear, "weight"), own(step.linear, "bias")
        assert weight is not None
        if weight.dtype != dtype:
            weight = weight.to(dtype)
        if step.norm is not None:
            scale, bias = next(each)
            weight = weight * scale[:, None]
        elif bias is None:
            bias = weight.new_zeros(len(weight))
        elif bias.dtype != dtype:
            bias = bias.to(dtype)
        if tracked:
            weight, bias = weight.detach(), bias.detach()
        layers.append(Layer(step.stage, weight, bias))
    return layers


def add_up(rows: Tensor, index: Tensor, size: int) -> Tensor:
    """Add up the rows [n, ...] that the index sends to the same place -> [size, ...]."""
    return rows.new_zeros((size, *rows.shape[1:])).index_add_(0, index, rows)


class Steps:
    """The list of steps of one network, written down in the order they are taken.

    tracks  the value the network starts from: the input columns of every track
    Each method adds steps and returns the value they make; ``returns`` names the logits.
    Raises NetworkError where a step does not fit what it is given.
    """

    def __init__(self) -> None:
        self.tracks = Value(0, "tracks")
        self.steps: list[Step] = []
        self.output: Value | None = None
        self._n_values = 1

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __reversed__(self) -> Iterator[Step]:
        return reversed(self.steps)

    def bind(self, dtype: torch.dtype) -> Steps:
        """The same steps with the network's weights, as they are now, in ``dtype``."""
        affine = [step for step in self.steps if isinstance(step, Affine)]
        norms, biases = norms_of(affine)
        with torch.no_grad():
            layers = iter(fold(affine, scales_and_shifts(norms, dtype, biases), dtype))
        bound = copy.copy(self)
        bound.steps = [
            step.bound(next(layers)) if isinstance(step, Affine) else step for step in self.steps
        ]
        return bound

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the stages in the order in which relevance meets them."""
        return tuple(step.stage for step in reversed(self.steps) if step.stage)

    @property
    def rule_stages(self) -> tuple[str, ...]:
        """The stages that follow rules, those of affine layers, in the order of ``stages``."""
        return tuple(step.stage for step in reversed(self.steps) if isinstance(step, Affine))

    @property
    def input_stages(self) -> tuple[str, ...]:
        """Those of ``rule_stages`` that read the network's input columns and nothing else.

        Columns may be standardised, copied to edges and put side by side on their way there; a
        stage that also reads what another one, a mean or a sum computed does not count.
        """
        columns, found = {self.tracks}, []
        for step in self.steps:
            if not columns.issuperset(step.inputs):
                continue
            if isinstance(step, Affine):
                found.append(step.stage)
            elif isinstance(step, Norm | Gather | Concatenate):
                columns.add(step.output)
        return tuple(reversed(found))

    def affine(
        self, stage: str, linear: nn.Linear, value: Value, norm: nn.BatchNorm1d | None = None
    ) -> Value:
        """A Linear, and the BatchNorm behind it where there is one."""
        output = self._value(value.place)
        return self._add(Affine(self._new(stage), (value,), output, linear=linear, norm=norm))

    def norm(self, stage: str, norm: nn.BatchNorm1d, value: Value) -> Value:
        """A BatchNorm that follows no Linear."""
        return self._add(Norm(self._new(stage), (value,), self._value(value.place), norm=norm))

    def relu(self, value: Value) -> Value:
        """max(value, 0)."""
        return self._add(ReLU("", (value,), self._value(value.place)))

    def mlp(self, name: str, layers: nn.Sequential, value: Value) -> Value:
        """A Sequential of Linear, BatchNorm1d, ReLU, Dropout and Identity.

        Its stages are called ``name`` and the position of the Linear: "edge_mlp.0", "edge_mlp.3".
        """
        waiting = [
            (position, layer)
            for position, layer in enumerate(layers)
            if not isinstance(layer, nn.Dropout | nn.Identity)
        ]
        while waiting:
            position, layer = waiting.pop(0)
            stage = f"{name}.{position}"
            if isinstance(layer, nn.Linear):
                norm = waiting[0][1] if waiting else None
                if isinstance(norm, nn.BatchNorm1d):
                    waiting.pop(0)
                    value = self.affine(stage, layer, value, norm)
                else:
                    value = self.affine(stage, layer, value)
            elif isinstance(layer, nn.BatchNorm1d):
                value = self.norm(stage, layer, value)
            elif isinstance(layer, nn.ReLU):
                value = self.relu(value)
            else:
                raise NetworkError(
                    f"{stage} is a {type(layer).__name__}, for which there is no rule; "
                    "an mlp may hold Linear, BatchNorm1d, ReLU, Dropout and Identity"
                )
        return value

    def gather(self, value: Value, index: Index) -> Value:
        """Each edge's source or destination track, or each track's jet."""
        if value.place != ("jets" if index == "jet" else "tracks"):
            raise NetworkError(
                f"gather by {index!r} cannot read a value that stands at {value.place}"
            )
        output = self._value("tracks" if index == "jet" else "edges")
        return self._add(Gather("", (value,), output, index=index))

    def concatenate(self, /, **parts: Value) -> Value:
        """Values side by side, each under the name that the ledger shall call it by."""
        places = {value.place for value in parts.values()}
        if len(places) != 1:
            raise NetworkError(f"concatenate needs values at one place, found {sorted(places)}")
        output = self._value(places.pop())
        return self._add(Concatenate("", tuple(parts.values()), output, tuple(parts)))

    def mean(self, stage: str, value: Value, over: Index) -> Value:
        """The mean of each track's incoming (outgoing) edges, or of each jet's tracks."""
        return self._aggregate(stage, value, over, mean=True)

    def sum(self, stage: str, value: Value, over: Index) -> Value:
        """The sum of each track's incoming (outgoing) edges, or of each jet's tracks."""
        return self._aggregate(stage, value, over, mean=False)

    def returns(self, value: Value) -> Steps:
        """Say that ``value`` holds the logits, a row per jet."""
        if value.place != "jets":
            raise NetworkError(
                f"the logits must stand at jets, found {value.place}; add a mean or sum"
            )
        used = {value, *(one for step in self.steps for one in step.inputs)}
        for step in self.steps:
            if step.output not in used:
                name = step.stage or f"a {type(step).__name__}"
                raise NetworkError(f"nothing uses what the step {name} computes; leave it out")
        if self.tracks not in used:
            raise NetworkError("no step reads the tracks; start from the steps' own .tracks")
        self.output = value
        return self

    def _aggregate(self, stage: str, value: Value, over: Index, *, mean: bool) -> Value:
        if value.place != ("tracks" if over == "jet" else "edges"):
            raise NetworkError(f"{stage}: a value at {value.place} cannot be added up by {over!r}")
        output = self._value("jets" if over == "jet" else "tracks")
        return self._add(Aggregate(self._new(stage), (value,), output, index=over, mean=mean))

    def _value(self, place: Place) -> Value:
        self._n_values += 1
        return Value(self._n_values - 1, place)

    def _add(self, step: Step) -> Value:
        self.steps.append(step)
        return step.output

    def _new(self, stage: str) -> str:
        if not stage or stage in self.stages or stage == "tracks":
            raise NetworkError(
                f"the stage name {stage!r} is empty or taken; give each stage its own"
            )
        return stage
