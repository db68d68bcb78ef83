"""Run again what a network ran, without the network: the same operations on another jet.

Writing a tape costs Python for every operation, several times what the operations cost. So it is
done once for arguments of one shape, and afterwards the operations themselves are run: all of them,
those that choose neighbours and make masks too. What a network does may hang on numbers; therefore
numbers that it took out of torch (``.item()``, ``if x.max() > 0``) and sizes that hang on numbers
(``nonzero``) must come out as they did, else the network itself is run. One that looks at numbers
in other ways (numpy, ``.tolist()``) or changes itself while it runs is always run itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lrp_core.tape.tape import Node, Ref, Tape, listed

_SIZED = torch.Tag.dynamic_output_shape


class Differs(Exception):
    """On this jet the network goes another way than the one that was recorded."""


class State:
    """What a network's modules hold beside the numbers in their weights, to see it change."""

    def __init__(self, network: nn.Module) -> None:
        self._held = [(vars(module), _copied(vars(module))) for module in network.modules()]

    def holds(self) -> bool:
        """Whether every module still holds the same."""
        try:
            return all(now == then for now, then in self._held)
        except RuntimeError:  # another tensor, which does not compare as a truth
            return False


def _copied(held: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value.copy() if isinstance(value, dict | list | set) else value
        for key, value in held.items()
    }


class _Step(NamedTuple):
    """One operation. places: of its arguments that are values; None where they are nested.

    sizes   of its outputs, where they hang on numbers
    looked  the number that it gave the network, if it did
    """

    op: Any
    node: Node
    args: list[Any]
    places: tuple[tuple[int, int], ...] | None
    output: int | None
    sizes: tuple[torch.Size, ...] | None
    looked: Any


class Program:
    """The operations of a recording, to be run on other arguments of the same shapes.

    tape       the recording, whose own values are not kept
    looks      by the identity of its node, a number that the network took out of torch
    arguments  numbers of all tensors that the network is given, by name
    state      what the network's modules held
    """

    def __init__(
        self,
        tape: Tape,
        steps: Sequence[Node],
        looks: Mapping[int, Any],
        arguments: Mapping[str, int],
        state: State,
    ) -> None:
        needed = {tape.output, *arguments.values()}
        for node in (*tape.constants, *tape.nodes):
            needed.update(node.inputs())
        kept = []
        for node in reversed(steps):
            asked = id(node) in looks or _is_sized(node)  # the network may have looked at the size
            if asked or not needed.isdisjoint(n for n in node.outputs if n is not None):
                needed.update(node.inputs())
                kept.append(node)
        made = {number for node in kept for number in node.outputs}
        fixed = needed - made - set(arguments.values())
        values = tape.values
        self._steps = [_step(node, values, looks) for node in reversed(kept)]
        nothing = torch.empty(0)
        self._fixed = [v if n in fixed else nothing for n, v in enumerate(values)]
        self._arguments = arguments
        self.state = state
        self._tape = tape.with_values(self._fixed)

    @torch.no_grad()
    def run(self, arguments: Mapping[str, Any]) -> Tape:
        """The tape of other ``arguments``. Raises Differs where the network has to run itself."""
        if not self.state.holds():
            raise Differs
        values = self._fixed.copy()
        for name, number in self._arguments.items():
            values[number] = arguments[name]
        for op, node, template, places, output, sizes, looked in self._steps:
            if places is None:
                made = node.again(values.__getitem__)
            else:
                args = template.copy()
                for place, number in places:
                    args[place] = values[number]
                made = op(*args, **node.kwargs)
            if output is not None:
                values[output] = made
            elif looked is not None:
                if made != looked:
                    raise Differs
            else:
                for at, value in zip(node.outputs, made, strict=True):
                    if at is not None:
                        values[at] = value
            if sizes is not None and sizes != tuple(one.shape for one in listed(made)):
                raise Differs
        return self._tape.with_values(values)


def _is_sized(node: Node) -> bool:
    """Whether the sizes of what it makes hang on numbers."""
    return _SIZED in getattr(node.op, "tags", ()) or node.name in ("index", "repeat_interleave")


def _step(node: Node, values: Sequence[Tensor], looks: Mapping[int, Any]) -> _Step:
    args = [
        list(one) if isinstance(one, tuple) and not isinstance(one, Ref) else one
        for one in node.args
    ]
    direct = tuple((at, one.number) for at, one in enumerate(args) if isinstance(one, Ref))
    everything = len({number for _, number in direct}) == len(node.inputs())
    keyed = any(isinstance(one, Ref | list | tuple) for one in node.kwargs.values())
    sized = _is_sized(node)
    single = len(node.outputs) == 1 and node.outputs[0] is not None
    return _Step(
        getattr(node.op, "_op", node.op),  # without Python's own look at who takes the call
        node,
        args,
        direct if everything and not keyed else None,
        node.outputs[0] if single else None,
        tuple(values[n].shape for n in node.outputs if n is not None) if sized else None,
        looks.get(id(node)),
    )
