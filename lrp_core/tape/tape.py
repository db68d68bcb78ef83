"""A tape: the operations that a network really ran on one input, with every value on the way.

Values are numbered; a ``Node`` is one operation of torch's own set (aten), such as ``addmm`` or
``scatter_add``, out of place, with the numbers of what it read and made and the module that ran it.
Only what the inputs that carry relevance flow through is written down; all else is a constant.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from torch import Tensor

Found = TypeVar("Found")

AFFINE = frozenset({"addmm", "mm", "linear", "convolution"})


class Ref(NamedTuple):
    """Where an argument of an operation is a value of the tape: its number."""

    number: int


@dataclass(eq=False)
class Node:
    """One operation.

    name     what it does, such as "addmm", without namespace, overload and underscores
    op       called with ``args`` and ``kwargs``, their Refs replaced by values, runs it again
    outputs  numbers of the values it made, None for what is no tensor
    module   path of the module that ran it, "" for the network itself
    leaf     whether that module has no modules of its own
    stage    its name in the ledger; unique on the tape
    """

    name: str
    op: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: tuple[int | None, ...]
    module: str
    leaf: bool = False
    stage: str = ""

    @property
    def output(self) -> int:
        """Number of the first value it made."""
        first = self.outputs[0]
        assert first is not None
        return first

    def inputs(self) -> tuple[int, ...]:
        """Numbers of the values it read, each once."""
        return self._read

    @cached_property
    def _read(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(_refs((*self.args, *self.kwargs.values()))))

    def again(self, replaced: Callable[[int], Any], **changed: Any) -> Any:
        """Run it again, with ``replaced(number)`` for every value."""
        args = [substitute(argument, replaced) for argument in self.args]
        kwargs = {key: substitute(value, replaced) for key, value in self.kwargs.items()}
        return self.op(*args, **{**kwargs, **changed})


def substitute(argument: Any, replaced: Callable[[int], Any]) -> Any:
    """An argument with values for its Refs."""
    if isinstance(argument, Ref):
        return replaced(argument.number)
    if isinstance(argument, list | tuple):
        return [substitute(item, replaced) for item in argument]
    return argument


def _refs(arguments: Any) -> Iterator[int]:
    for argument in arguments:
        if isinstance(argument, Ref):
            yield argument.number
        elif isinstance(argument, list | tuple):
            yield from _refs(argument)


@dataclass(eq=False)
class Tape:
    """What a network ran.

    nodes      in the order in which they ran; every one leads to the output
    values     by number
    active     numbers of the values that relevance can reach
    leaves     by name, the values where relevance stops: the network's inputs
    output     the logits
    constants  what made the constants that the nodes read, such as 1 + a parameter
    arguments  by name, all arrays of numbers that the network was given
    """

    nodes: list[Node]
    values: list[Tensor]
    active: set[int]
    leaves: dict[str, int]
    output: int
    constants: list[Node]
    arguments: dict[str, int]
    made_by: dict[int, int] = field(init=False)
    used_by: dict[int, list[int]] = field(init=False)
    _once: dict[object, Any] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.made_by, self.used_by = {}, {}
        for place, node in enumerate(self.nodes):
            for number in node.outputs:
                if number is not None:
                    self.made_by[number] = place
            for number in node.inputs():
                self.used_by.setdefault(number, []).append(place)

    def with_values(self, values: list[Tensor]) -> Tape:
        """The same operations with other values of the same shapes."""
        other = copy.copy(self)
        other.values = values
        return other

    def once(self, what: object, make: Callable[[], Found]) -> Found:
        """What follows from operations and shapes alone: made once for all tapes that share them.

        ``make`` may read shapes of values, and no numbers.
        """
        if what not in self._once:
            self._once[what] = make()
        found: Found = self._once[what]
        return found

    def value(self, argument: Any) -> Any:
        """An argument as the operation got it."""
        return substitute(argument, self.values.__getitem__)

    def is_active(self, argument: Any) -> bool:
        """Whether relevance can reach an argument."""
        return isinstance(argument, Ref) and argument.number in self.active

    def producer(self, argument: Any) -> Node | None:
        """The node that made an argument, None for an input or a constant."""
        if not isinstance(argument, Ref) or argument.number not in self.made_by:
            return None
        return self.nodes[self.made_by[argument.number]]


def leading_to(nodes: list[Node], real: Container[int], needed: set[int]) -> list[Node]:
    """The nodes that make what is ``needed``, as far as it is ``real`` and no index.

    ``needed`` becomes all that they read as well.
    """
    kept = []
    for node in reversed(nodes):
        if any(number in needed for number in node.outputs if number in real):
            needed.update(node.inputs())
            kept.append(node)
    return kept[::-1]


def name_stages(nodes: list[Node], active: Container[int]) -> None:
    """Give every node its own stage: the module's path, and what is done where that is more.

    Torch makes one product of a linear layer or another as the strides are; it is called linear.
    """
    seen: dict[str, int] = {}
    for node in nodes:
        done = node.name
        if done in ("mm", "addmm") and getattr(node.args[-1], "number", None) not in active:
            done = "linear"
        whole = node.leaf and node.name in (*AFFINE, "native_batch_norm", "native_layer_norm")
        name = node.module if whole else ".".join(filter(None, (node.module, done)))
        seen[name] = seen.get(name, 0) + 1
        node.stage = name if seen[name] == 1 else f"{name}@{seen[name]}"


def is_real(value: Any) -> bool:
    """Whether something is a tensor of real numbers, which alone can carry relevance."""
    return isinstance(value, Tensor) and value.is_floating_point()


def first_of(values: Any) -> Any:
    """The first of several results, or the only one."""
    return values[0] if isinstance(values, tuple | list) else values


def listed(values: Any) -> tuple[Any, ...]:
    """One or several results as a tuple."""
    return tuple(values) if isinstance(values, tuple | list) else (values,)
