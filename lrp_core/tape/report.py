"""What is known of a network from its tape, as data and as a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lrp_core.tape.operations import affine, is_linearised, rule_of, title_of
from lrp_core.tape.tape import Tape
from lrp_core.tape.walk import Stages


@dataclass(frozen=True)
class Operation:
    """One kind of operation that the network ran.

    name        torch's, such as "addmm"
    count       how many times
    rule        what is done with relevance, in words
    source      where that rule is from
    linearised  whether it has no rule of its own, so that its tangent stands for it
    stages      its names in the ledger
    """

    name: str
    count: int
    rule: str
    source: str
    linearised: bool
    stages: tuple[str, ...]


@dataclass(frozen=True)
class EdgesFound:
    """A place where the network passes messages between tracks: its module, its operation."""

    path: str
    operation: str


@dataclass(frozen=True)
class Report:
    """What the tape of one run showed.

    hidden         share of the answer to a small change that goes ways the tape cannot see;
                   0 where it is too small to tell from rounding
    measured       the same as measured
    edges          where it passes messages, the nearest to the input first
    before_softmax whether it ends with a softmax, before which relevance starts
    batched        whether several jets can share a tape
    """

    network: str
    operations: tuple[Operation, ...]
    hidden: float
    measured: float
    edges: tuple[EdgesFound, ...]
    before_softmax: bool
    batched: bool

    @property
    def linearised(self) -> tuple[Operation, ...]:
        """The operations whose tangent stands for them."""
        return tuple(one for one in self.operations if one.linearised)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What every explanation of this network should be read with."""
        found = list(linearised_warnings(self.operations))
        if self.hidden:
            found.append(
                f"{self.hidden:.0%} of the network's answer to a small change of its columns goes "
                "ways that the tape does not see (numpy, .item(), code outside torch); what goes "
                "there stands in the bias accounts"
            )
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "network": self.network,
            "operations": [
                {
                    "name": one.name,
                    "count": one.count,
                    "rule": one.rule,
                    "source": one.source,
                    "linearised": one.linearised,
                    "stages": list(one.stages),
                }
                for one in self.operations
            ],
            "hidden": self.hidden,
            "edges": [{"path": one.path, "operation": one.operation} for one in self.edges],
            "before_softmax": self.before_softmax,
            "batched": self.batched,
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        n_operations = sum(one.count for one in self.operations)
        lines = [f"{self.network}: {n_operations} operations"]
        for one in self.operations:
            mark = "!" if one.linearised else " "
            lines.append(f"{mark} {one.count:4d} × {one.name:24s} {one.rule}")
        lines.append("")
        if self.edges:
            found = ", ".join(f"{one.path} ({one.operation})" for one in self.edges)
            lines.append(f"messages between tracks: {found}")
        else:
            lines.append("messages between tracks: none; only tracks are explained")
        lines.append(
            "ways the tape does not see: "
            + (f"{self.hidden:.0%} of the answer" if self.hidden else "none found")
        )
        if self.before_softmax:
            lines.append("the softmax at its end is left out: logits are explained")
        together = "can share a tape" if self.batched else "are explained one by one"
        lines.append(f"several jets {together}")
        lines += [f"warning: {warning}" for warning in self.warnings]
        return "\n".join(lines)


def linearised_warnings(operations: Sequence[Operation]) -> tuple[str, ...]:
    """A warning for each kind of operation that was linearised."""
    return tuple(
        f"{one.name} ({', '.join(one.stages[:3])}{', …' if len(one.stages) > 3 else ''}) has no "
        "rule of its own and is linearised at this jet"
        for one in operations
        if one.linearised
    )


def operations_of(tape: Tape, stages: Stages) -> tuple[Operation, ...]:
    """The operations of a tape by kind, the most frequent rules' as they come."""
    found: dict[tuple[str, str, str, bool], list[str]] = {}
    for place, node in enumerate(tape.nodes):
        if id(node) in stages.inside:
            continue
        layer = stages.folded.get(place)
        share = affine if layer is not None else rule_of(tape, node)
        name = node.name if layer is None else f"{layer.affine.name} + {node.name}"
        linearised = layer is None and is_linearised(tape, node)
        found.setdefault((name, *title_of(share), linearised), []).append(stages.of(place))
    return tuple(
        Operation(name, len(names), rule, source, linearised, tuple(names))
        for (name, rule, source, linearised), names in found.items()
    )
