"""What an operation's rule may ask: the values of the tape, and what was chosen for the walk."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lrp_core.errors import PropagationError
from lrp_core.rules import Rule, quotient
from lrp_core.tape.tape import Node, Ref, Tape, is_real, listed

# Operations that hand elements on as they are, wherever to: nothing is added, nothing is lost.
KEEPS = frozenset(
    [
        "view",
        "reshape",
        "unsafe_view",
        "transpose",
        "t",
        "permute",
        "squeeze",
        "unsqueeze",
        "expand",
        "clone",
        "alias",
        "detach",
        "to_copy",
        "contiguous",
        "lift_fresh",
        "movedim",
        "swapaxes",
        "flatten",
        "unflatten",
        "broadcast_to",
    ]
)

PRODUCTS = ("mm", "bmm", "addmm", "baddbmm", "mv", "dot")


class Division(NamedTuple):
    """What the relevance that an operation received was divided into.

    parts          for each value that takes a part, its number and relevance of its shape
    bias, epsilon  the accounts' own terms: of the output's shape, or 1 where they are added up
    """

    parts: list[tuple[int, Tensor]]
    bias: Tensor | None = None
    epsilon: Tensor | None = None


@dataclass(eq=False)
class Context:
    """A tape on its way back.

    rule_for   the rule of an affine operation, by the path of its module
    attention  "constant" or "attnlrp": what the weights of attention are
    softmaxes  the nodes that divide exp by a sum of exp: the last step of a softmax, by its output
    """

    tape: Tape
    rule_for: Callable[[str], Rule]
    attention: str
    softmaxes: dict[int, SpelledSoftmax] = field(init=False)

    def __post_init__(self) -> None:
        self.softmaxes = self.tape.once("softmaxes", lambda: spelled_softmaxes(self.tape))

    def value(self, argument: Any) -> Any:
        """An argument as the operation got it."""
        return self.tape.value(argument)

    def output(self, node: Node) -> Tensor:
        """What the operation made."""
        return self.tape.values[node.output]

    def shares(self, node: Node, relevance: Tensor, divisor: Tensor | None = None) -> Tensor:
        """Relevance over the output (or ``divisor``), 0/0 = 0, as ``rules.quotient``."""
        return quotient(relevance, self.output(node) if divisor is None else divisor, node.stage)

    def pulled_back(self, node: Node, received: Sequence[Tensor | None]) -> dict[int, Tensor]:
        """The vector-Jacobian product of an operation, for every real value that it read."""
        numbers = [n for n in node.inputs() if is_real(self.tape.values[n])]
        with torch.enable_grad():
            fresh = {n: self.tape.values[n].detach().requires_grad_() for n in numbers}
            made = listed(node.again(lambda n: fresh.get(n, self.tape.values[n])))
            pairs = [
                (one, part.to(one.dtype))
                for one, part in zip(made, received, strict=False)
                if part is not None and isinstance(one, Tensor) and one.requires_grad
            ]
            if not pairs:
                return {}
            back: Sequence[Tensor | None] = torch.autograd.grad(
                [one for one, _ in pairs],
                list(fresh.values()),
                [part for _, part in pairs],
                allow_unused=True,
            )
        return {n: part for n, part in zip(numbers, back, strict=True) if part is not None}

    def terms_share(self, node: Node, relevance: Tensor) -> tuple[Tensor, Tensor | None]:
        """Relevance over the output of a sum, for its terms; and what is the bias's, if anything.

        What stands on sums of no terms, or of zeros alone, is the bias's: those are constants.
        Raises PropagationError where terms that are not zero add up to zero and carry relevance.
        """
        output = self.output(node)
        share = relevance / output
        if math.isfinite(share.sum().item()):
            return share, None
        stranded = (output == 0) & (relevance != 0)
        if not bool(stranded.any()):
            return self.shares(node, relevance), None
        values = self.tape.values
        sizes = node.again(lambda n: values[n].abs() if is_real(values[n]) else values[n])
        if bool((sizes[stranded] != 0).any()):
            self.shares(node, relevance)  # says so
        rest = relevance.masked_fill(stranded, 0.0)
        return self.shares(node, rest), relevance.masked_fill(~stranded, 0.0)

    def reads_leaf(self, argument: Any) -> bool:
        """Whether an argument is an input of the network, whole or only moved."""
        return self.tape.once(("reads leaf", argument), lambda: self._reads_leaf(argument))

    def _reads_leaf(self, argument: Any) -> bool:
        while isinstance(argument, Ref):
            if argument.number in self.tape.leaves.values():
                return True
            node = self.tape.producer(argument)
            if node is None or node.name not in KEEPS:
                return False
            argument = node.args[0]
        return False

    def is_softmax(self, argument: Any) -> bool:
        """Whether an argument holds the weights of a softmax, only moved, masked or scaled."""
        return self.tape.once(("is softmax", argument), lambda: self._is_softmax(argument))

    def _is_softmax(self, argument: Any) -> bool:
        while (node := self.tape.producer(argument)) is not None:
            if node.name in ("softmax", "safe_softmax") or node.output in self.softmaxes:
                return True
            if node.name == "mul":
                live = [one for one in node.args if self.tape.is_active(one)]
                if len(live) != 1:
                    return False
                argument = live[0]
            elif node.name in (*KEEPS, "index_select", "select", "slice", "masked_fill", "index"):
                argument = node.args[0]
            else:
                return False
        return False


class SpelledSoftmax(NamedTuple):
    """A softmax written out: e = exp(scores - largest), e / sum of e.

    scores  what the softmax is of
    summed  the node that adds up: a sum, or a scatter_add over an index
    """

    scores: Ref
    summed: Node


def spelled_softmaxes(tape: Tape) -> dict[int, SpelledSoftmax]:
    """All softmaxes of a tape that are written out, by the number of what they make."""
    return {
        node.output: found
        for node in tape.nodes
        if node.name == "div" and (found := spelled_softmax(tape, node)) is not None
    }


_BETWEEN = (*KEEPS, "index_select", "index", "gather", "add", "clamp", "clamp_min")
_ADDS_UP = ("sum", "scatter_add", "index_add")


def spelled_softmax(tape: Tape, node: Node) -> SpelledSoftmax | None:
    """The softmax whose last step ``node`` is, as PyTorch Geometric writes it; else None."""
    if not all(map(tape.is_active, node.args[:2])):
        return None
    exponential = tape.producer(node.args[0])
    if exponential is None or exponential.name != "exp":
        return None
    summed = tape.producer(node.args[1])
    while summed is not None and summed.name in _BETWEEN:
        summed = tape.producer(summed.args[0])
    if summed is None or summed.name not in _ADDS_UP:
        return None
    added: Any = summed.args[0] if summed.name == "sum" else summed.args[3]
    while added != node.args[0]:
        moved = tape.producer(added)
        if moved is None or moved.name not in KEEPS:
            return None
        added = moved.args[0]
    scores = exponential.args[0]
    shifted = tape.producer(scores)
    if shifted is not None and shifted.name == "sub":
        scores = shifted.args[0]
    return SpelledSoftmax(scores, summed)


def finite(values: Tensor, node: Node) -> Tensor:
    """The values, 0 where a mask made them infinite; NaN raises PropagationError."""
    if math.isfinite(values.sum().item()):
        return values
    if bool(values.isnan().any()):
        raise PropagationError(f"stage {node.stage}: relevance is not a number")
    return values.masked_fill(values.isinf(), 0.0)


def reduced_to(values: Tensor, shape: Sequence[int]) -> Tensor:
    """Undo broadcasting: add up along the axes in which ``shape`` is 1 or shorter."""
    if values.shape == torch.Size(shape):
        return values
    lead = values.dim() - len(shape)
    axes = list(range(lead))
    axes += [lead + at for at, size in enumerate(shape) if size == 1 != values.shape[lead + at]]
    return values.sum(axes).reshape(tuple(shape)) if axes else values.reshape(tuple(shape))
