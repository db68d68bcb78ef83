"""Walk a tape backwards: every operation shares its relevance out, a ledger notes each division.

The main idea of this folder on one screen, as ``propagation`` is for written steps. Operations that
hand on the one thing they read, whole, have no row of their own: the ledger looks through them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from lrp_core.rules import Rule
from lrp_core.tape.affine import folds, share_affine
from lrp_core.tape.context import KEEPS, Context
from lrp_core.tape.operations import WHOLE, rule_of
from lrp_core.tape.tape import Node, Tape

THROUGH = KEEPS | WHOLE | {"index_select", "index", "select", "slice", "gather"}


@dataclass
class Row:
    """One operation's line of the ledger, before its sums are taken.

    received       the numbers of its outputs, with their relevance
    passed         the numbers of what took a part, their parts and the stage that made them
    bias, epsilon  the accounts' own terms; all of ``output``'s shape, or 1 where they are sums
    constants      what constants earned, with their numbers: the bias's as well
    """

    stage: str
    output: int
    received: list[tuple[int, Tensor]]
    passed: list[tuple[int, Tensor, str]]
    bias: Tensor | None
    epsilon: Tensor | None
    constants: list[tuple[int, Tensor]]


@dataclass
class Flow:
    """Where relevance went.

    leaves   relevance of each leaf, by its name
    rows     the ledger's, in the order in which relevance met them
    reached  for each node that was watched, by its place: relevance of its output
    parts    likewise: relevance of what it read, by number
    stopped  relevance of the values where it stays, by number
    """

    leaves: dict[str, Tensor]
    rows: list[Row]
    reached: dict[int, Tensor]
    parts: dict[int, dict[int, Tensor]]
    stopped: dict[int, Tensor]


def walk(
    tape: Tape,
    start: Tensor,
    rule_for: Callable[[str], Rule],
    attention: str = "constant",
    *,
    at: int | None = None,
    watched: Collection[int] = (),
    called: Mapping[str, str] = MappingProxyType({}),
    stops: Mapping[int, str] = MappingProxyType({}),
) -> Flow:
    """Share ``start``, relevance of the value ``at`` (by default the output), out over the leaves.

    watched  places of nodes whose relevance is kept, for the edges
    called   what the ledger calls the leaves, if not by their arguments' names
    stops    the numbers of values where relevance stays, and what the ledger calls them
    Raises PropagationError naming the stage that cannot share its relevance out.
    """
    context = Context(tape, rule_for, attention)
    stages = tape.once(
        ("stages", *called.items(), *stops.items()), lambda: Stages(tape, called, stops)
    )
    shares = tape.once("rules", lambda: [rule_of(tape, node) for node in tape.nodes])
    relevance: dict[int, Tensor] = {tape.output if at is None else at: start}
    flow = Flow({}, [], {}, {}, {})
    for place in reversed(range(len(tape.nodes))):
        node = tape.nodes[place]
        received = [None if n is None else relevance.pop(n, None) for n in node.outputs]
        if all(part is None for part in received):
            continue
        first = received[0]
        folded = stages.folded.get(place)
        if folded is None:
            division = shares[place](context, node, received)
        else:
            assert first is not None
            division = share_affine(context, folded.affine, first, folded)
        passed: list[tuple[int, Tensor, str]] = []
        constants: list[tuple[int, Tensor]] = []
        for number, part in division.parts:
            if number in stops:
                flow.stopped[number] = (
                    flow.stopped[number] + part if number in flow.stopped else part
                )
                passed.append((number, part, stops[number]))
            elif number in tape.active:
                relevance[number] = relevance[number] + part if number in relevance else part
                passed.append((number, part, stages.making(number)))
            else:
                constants.append((number, part))
        if place in watched and first is not None:
            flow.reached[place] = first
            flow.parts[place] = dict(division.parts)
        if folded is not None or not stages.passes(node):
            arrived = [
                (number, part)
                for number, part in zip(node.outputs, received, strict=True)
                if number is not None and part is not None
            ]
            flow.rows.append(
                Row(
                    stages.of(place),
                    node.output,
                    arrived,
                    passed,
                    division.bias,
                    division.epsilon,
                    constants,
                )
            )
    for number, part in flow.stopped.items():
        flow.rows.append(Row(stops[number], number, [(number, part)], [], part, None, []))
    for name, number in tape.leaves.items():
        nothing = torch.zeros_like(tape.values[number])
        flow.leaves[name] = relevance.get(number, nothing)
    return flow


class Stages:
    """The names under which a tape's operations stand in the ledger.

    called  other names for leaves than those of the arguments
    stops   what values where relevance stays are called, by number
    folded  layers that are more than one operation, by the place of their last
    """

    def __init__(
        self,
        tape: Tape,
        called: Mapping[str, str] = MappingProxyType({}),
        stops: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        self.tape = tape
        self.folded = folds(tape)
        self._passing: dict[int, bool] = {}
        self.inside = {id(node) for layer in self.folded.values() for node in layer.inside}
        self._leaves = {number: called.get(name, name) for name, number in tape.leaves.items()}
        self._making: dict[int, str] = dict(stops)

    def of(self, place: int) -> str:
        """The stage of the node at ``place``."""
        layer = self.folded.get(place)
        return self.tape.nodes[place].stage if layer is None else layer.affine.stage

    def passes(self, node: Node) -> bool:
        """Whether an operation hands on, whole, the one thing that it reads."""
        found = self._passing.get(id(node))
        if found is None:
            found = node.name in THROUGH and self.tape.is_active(node.args[0])
            found = found and sum(number in self.tape.active for number in node.inputs()) == 1
            self._passing[id(node)] = found
        return found

    def making(self, number: int) -> str:
        """The stage that made a value, looking through what only hands on; else the leaf."""
        if number not in self._making:
            place = self.tape.made_by.get(number)
            if place is None:
                self._making[number] = self._leaves[number]
            elif self.passes(node := self.tape.nodes[place]):
                self._making[number] = self.making(node.args[0].number)
            else:
                self._making[number] = self.of(place)
        return self._making[number]

    def all(self) -> tuple[str, ...]:
        """Every stage that has a row, in the order in which relevance meets them."""
        return tuple(
            self.of(place)
            for place in reversed(range(len(self.tape.nodes)))
            if not self.passes(node := self.tape.nodes[place]) and id(node) not in self.inside
        )
