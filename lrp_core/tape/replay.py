"""Run a tape again: in another precision, or on other numbers.

In float64 it gives the relevance of a network that itself only runs in float32. On inputs moved a
little it tells whether the tape saw all ways to the output: if a network goes around torch
(through numpy, or a factor taken by ``.item()``), its own answer moves and the tape's does not.
Indices, choices of the largest k and branches stay as recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from lrp_core.errors import NetworkError
from lrp_core.tape.recording import Plainly, positional, record
from lrp_core.tape.tape import Node, Tape, first_of, is_real, listed

NUDGE = 1e-3
TRIES = 3  # a choice of neighbours may change with a nudge, a hidden way is there at every one


def _cast(argument: Any, dtype: torch.dtype) -> Any:
    if isinstance(argument, torch.dtype) and argument.is_floating_point:
        return dtype
    return argument


@torch.no_grad()
def replay(tape: Tape, arguments: Mapping[str, Any], dtype: torch.dtype) -> Tape:
    """The same operations on other ``arguments``, everything in ``dtype``."""
    again, used = tape.once(("replay", dtype), lambda: _in(tape, dtype))
    values = [
        value.to(dtype) if number in used and is_real(value) else value
        for number, value in enumerate(tape.values)
    ]
    for name, number in tape.arguments.items():
        values[number] = arguments[name].to(dtype)
    for node in (*again.constants, *again.nodes):
        _run(node, values, dtype)
    return again.with_values(values)


def _in(tape: Tape, dtype: torch.dtype) -> tuple[Tape, set[int]]:
    """The tape's operations in ``dtype``, without values, and the constants that they begin with"""
    constants, nodes = (
        [
            replace(
                node,
                args=tuple(_cast(argument, dtype) for argument in node.args),
                kwargs={key: _cast(value, dtype) for key, value in node.kwargs.items()},
            )
            for node in some
        ]
        for some in (tape.constants, tape.nodes)
    )
    made = {number for node in (*constants, *nodes) for number in node.outputs}
    used = {number for node in (*constants, *nodes) for number in node.inputs()} - made
    again = Tape(nodes, [], tape.active, tape.leaves, tape.output, constants, tape.arguments)
    return again, used


def _run(node: Node, values: list[Tensor], dtype: torch.dtype) -> None:
    try:
        made = listed(node.again(values.__getitem__))
    except (RuntimeError, NotImplementedError) as error:
        raise NetworkError(
            f"{node.module or 'the network'} runs {node.name}, which cannot be run again in "
            f"{dtype} ({str(error).splitlines()[0]}); write it with other operations of torch"
        ) from error
    for number, value in zip(node.outputs, made, strict=True):
        if number is not None and is_real(value):
            values[number] = value


@torch.no_grad()
def hidden_share(network: nn.Module, arguments: Mapping[str, Any], leaves: list[str]) -> float:
    """How much of the network's answer to a small change of its columns the tape does not see.

    0 where it sees all of it, up to rounding; the smallest of several tries.
    """
    tape = record(network, arguments, leaves).tape
    before = tape.values[tape.output]
    draw = torch.Generator().manual_seed(0)
    found = []
    for _ in range(TRIES):
        moved = dict(arguments)
        for name in leaves:
            noise = torch.randn(arguments[name].shape, generator=draw).to(arguments[name])
            moved[name] = arguments[name] * (1 + NUDGE * noise)
        args, kwargs = positional(
            network,
            {k: v.clone() if isinstance(v, Tensor) else v for k, v in moved.items()},
        )
        with Plainly():
            theirs = first_of(network(*args, **kwargs))
        again = replay(tape, moved, before.dtype)
        ours = again.values[tape.output]
        change = (theirs - before).abs().max()
        floor = 1e-6 * before.abs().max().clamp(min=1e-30)  # the last digits are no answer
        found.append(float((theirs - ours).abs().max() / torch.maximum(change, floor)))
    return min(found)
