"""Layer-wise relevance propagation: walk a network's steps backwards, each with its rule.

The main idea, on one screen: ``run`` takes the steps forwards and keeps every value; ``propagate``
takes them backwards. Each step divides the relevance of its output among its inputs, its bias and
ε, and what reaches one value along several ways is added up. The ledger notes every division.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lrp_core.errors import NetworkError, PropagationError
from lrp_core.rules import Rule
from lrp_core.steps import Concatenate, Gather, Graph, Norm, ReLU, Step, Steps, Value, add_up


@dataclass(frozen=True)
class Row:
    """One stage's line of the ledger for all jets of a batch; every tensor [n_jets] float64."""

    stage: str
    received: Tensor
    passed: dict[str, Tensor]
    inputs: dict[str, str]
    bias: Tensor
    epsilon: Tensor


@dataclass(frozen=True)
class Flow:
    """Where relevance went.

    tracks  relevance of the input columns [n_tracks, n_columns]
    edges   for each stage whose output edges read: the relevance that reached each edge's source
            columns and destination columns [n_edges, 2 n_columns], the one nearest the input first
    ledger  a row per stage, in the order in which relevance met them
    """

    tracks: Tensor
    edges: dict[str, Tensor]
    ledger: list[Row]


@dataclass
class _Ends:
    """Relevance that came back to the source and to the destination of every edge."""

    source: Tensor | None = None
    destination: Tensor | None = None
    reads_input: bool = field(default=False)


def run(steps: Steps, tracks: Tensor, graph: Graph) -> dict[Value, Tensor]:
    """Take bound steps forwards from ``tracks`` [n_tracks, n_columns]: every value on the way."""
    values = {steps.tracks: tracks}
    for step in steps:
        values[step.output] = step.run([values[value] for value in step.inputs], graph)
    return values


def propagate(
    steps: Steps,
    values: dict[Value, Tensor],
    graph: Graph,
    start: Tensor,
    rule_for: Callable[[str], Rule],
) -> Flow:
    """Share ``start`` [n_jets, n_logits] out over tracks and edges.

    values    what ``run`` gave
    rule_for  the rule of each affine stage, by its name
    Raises PropagationError naming the stage that cannot share its relevance out.
    """
    if steps.output is None:
        raise NetworkError("the steps do not say which value holds the logits; end with returns()")
    made_by = {step.output: step for step in steps}
    relevance: dict[Value, Tensor] = {steps.output: start}
    ends: dict[Value, _Ends] = {}
    ledger: list[Row] = []

    for step in reversed(steps):
        received = relevance.pop(step.output, None)
        if received is None:
            raise NetworkError(
                f"nothing uses what step {step.stage or type(step).__name__} computes"
            )
        inputs = [values[value] for value in step.inputs]
        parts, bias, epsilon = step.share(
            inputs, values[step.output], received, graph, rule_for(step.stage)
        )
        for value, part in zip(step.inputs, parts, strict=True):
            relevance[value] = relevance[value] + part if value in relevance else part
        if isinstance(step, Gather) and step.index != "jet":
            _collect(ends, step, received, steps, values, made_by)
        if step.stage:
            ledger.append(_row(step, parts[0], received, bias, epsilon, graph, made_by, values))

    tracks = relevance[steps.tracks]
    accounts = torch.stack([account for row in ledger for account in (row.bias, row.epsilon)])
    if not bool(torch.isfinite(tracks).all() & torch.isfinite(accounts).all()):
        raise PropagationError(
            f"relevance overflowed in {tracks.dtype}; explain this jet with dtype='float64'"
        )
    return Flow(tracks, _edges(ends, values, graph, steps, made_by), ledger)


def _origins(
    value: Value,
    part: Tensor,
    values: dict[Value, Tensor],
    made_by: dict[Value, Step],
    through: tuple[type[Step], ...],
) -> Iterator[tuple[str, Value, Tensor]]:
    """Follow columns back through concatenations and the steps ``through``, which keep them whole.

    part [n_rows, columns of value] -> the port each piece of it came in by ("" if there was no
    concatenation), the value whose columns they are, and the piece.
    """
    step = made_by.get(value)
    if isinstance(step, Concatenate):
        pieces = part.split([values[source].shape[1] for source in step.inputs], dim=1)
        for port, source, piece in zip(step.ports, step.inputs, pieces, strict=True):
            for inner, origin, rest in _origins(source, piece, values, made_by, through):
                yield (f"{port}.{inner}" if inner else port), origin, rest
    elif isinstance(step, through):
        yield from _origins(step.inputs[0], part, values, made_by, through)
    else:
        yield "", value, part


def _row(
    step: Step,
    part: Tensor,
    received: Tensor,
    bias: Tensor | None,
    epsilon: Tensor | None,
    graph: Graph,
    made_by: dict[Value, Step],
    values: dict[Value, Tensor],
) -> Row:
    """Write one division down; behind a concatenation, each of its parts is an input of its own."""
    (value,) = step.inputs
    pieces = {
        f"{step.stage}:{port or step.ports[0]}": (origin, piece)
        for port, origin, piece in _origins(value, part, values, made_by, (ReLU, Gather))
    }
    nothing = received.new_zeros(graph.n_jets).double()
    here, there = graph.jet_of(step.output.place), graph.jet_of(value.place)

    def per_jet(rows: Tensor, jets: Tensor) -> Tensor:
        if rows.dim() > 1:
            rows = rows.sum(dim=1, dtype=torch.float64)
        return add_up(rows, jets, graph.n_jets)

    return Row(
        stage=step.stage,
        received=per_jet(received, here),
        passed={name: per_jet(piece, there) for name, (_, piece) in pieces.items()},
        inputs={name: _stage_of(origin, made_by) for name, (origin, _) in pieces.items()},
        bias=nothing if bias is None else per_jet(bias, here),
        epsilon=nothing if epsilon is None else per_jet(epsilon, here),
    )


def _stage_of(value: Value, made_by: dict[Value, Step]) -> str:
    """The stage that makes a value; "tracks" for the input."""
    return made_by[value].stage if value in made_by else "tracks"


def _collect(
    ends: dict[Value, _Ends],
    gather: Gather,
    relevance: Tensor,
    steps: Steps,
    values: dict[Value, Tensor],
    made_by: dict[Value, Step],
) -> None:
    """Note what came back to one end of every edge, by the value whose columns the edges read."""
    (value,) = gather.inputs
    for _, origin, piece in _origins(value, relevance, values, made_by, (ReLU, Norm, Gather)):
        there = ends.setdefault(origin, _Ends(reads_input=origin == steps.tracks))
        before = there.source if gather.index == "source" else there.destination
        total = piece if before is None else before + piece
        if gather.index == "source":
            there.source = total
        else:
            there.destination = total


def _edges(
    ends: dict[Value, _Ends],
    values: dict[Value, Tensor],
    graph: Graph,
    steps: Steps,
    made_by: dict[Value, Step],
) -> dict[str, Tensor]:
    """Edge relevance by the stage whose output the edges read, the one nearest the input first."""
    n_edges = graph.source.shape[0]
    found: dict[str, Tensor] = {}
    for value in sorted(ends, key=lambda value: (not ends[value].reads_input, value.number)):
        columns = values[value].new_zeros(n_edges, values[value].shape[1])
        source, destination = ends[value].source, ends[value].destination
        found[_stage_of(value, made_by)] = torch.cat(
            [
                columns if source is None else source,
                columns if destination is None else destination,
            ],
            dim=1,
        )
    if not found:
        found[_stage_of(steps.tracks, made_by)] = values[steps.tracks].new_zeros(
            n_edges, 2 * values[steps.tracks].shape[1]
        )
    return found
