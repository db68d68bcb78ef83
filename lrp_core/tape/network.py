"""A network of anybody's as a model: its module, what it is given, and what its tape showed."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lrp_core.errors import DefinitionsError, NetworkError, PropagationError
from lrp_core.jets import Jet
from lrp_core.model import SIGNAL, Model
from lrp_core.rules import Gamma
from lrp_core.tape.edges import edge_paths
from lrp_core.tape.inputs import (
    Given,
    Inputs,
    check_arguments,
    give,
    groups_of,
    inputs_of,
    with_columns,
)
from lrp_core.tape.ledger import MixedJets, ledgers
from lrp_core.tape.pairs import stops
from lrp_core.tape.places import Places, indices_of, same_indices
from lrp_core.tape.program import Differs, Program
from lrp_core.tape.recording import check_kind, record
from lrp_core.tape.replay import hidden_share, replay
from lrp_core.tape.report import EdgesFound, Report, operations_of
from lrp_core.tape.tape import Tape
from lrp_core.tape.walk import Stages, walk

HIDDEN = 0.1  # a share above which ways around the tape are reported; float32 attention has 0.02
EXAMPLE_TRACKS = 8  # of a jet that is made up to see what a network runs
KEPT = 64  # sizes of jets for which it is kept where messages are


class TapeModel(Model):
    """A plain PyTorch module that is explained from a tape of what it runs.

    network  the module, used as it is
    inputs   what each argument of its ``forward`` is
    example  a jet, or a jet for each group, that it runs on
    classes  names of the logits; columns are those of ``inputs`` that carry relevance
    edges    path of the module whose messages are the edges of an explanation; None: the first
    batched  whether several jets on one tape give what they give one by one

    Raises NetworkError for a network that no tape can follow, or whose arguments are not known;
    DefinitionsError where names and widths do not fit.
    """

    def __init__(
        self,
        network: nn.Module,
        inputs: Inputs,
        example: Jet | Mapping[str, Jet],
        classes: Sequence[str] = ("qcd", SIGNAL),
        *,
        edges: str | None = None,
        name: str = "",
    ) -> None:
        check_kind(network)
        check_arguments(network, inputs)
        self.network = network
        self.inputs = inputs
        self.interaction_network = None
        self.columns = inputs.columns_of(inputs.groups[0])
        self.features = tuple(dict.fromkeys(self.columns))
        self.classes = tuple(classes)
        self.name = name or type(network).__name__
        self.checkpoint_hash = ""
        self.edges = edges
        self.example = groups_of(inputs, example)
        self._programs: dict[object, Program] = {}
        self._repeats = True
        self._messages: dict[object, tuple[list[Tensor], Places]] = {}
        self._check_classes()
        self._look()

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the stages of the example, in the order in which relevance meets them."""
        return self._stages

    @property
    def dtype(self) -> torch.dtype:
        """What the network computes in."""
        for tensor in itertools.chain(self.network.parameters(), self.network.buffers()):
            if tensor.is_floating_point():
                return tensor.dtype
        return torch.float32

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        for tensor in self.network.parameters():
            return tensor.device
        return torch.device("cpu")

    def given(self, jets: Sequence[Mapping[str, Jet]]) -> Given:
        """The network's arguments for some jets."""
        return give(self.inputs, jets, self.dtype, self.device)

    def record(self, given: Given, dtype: torch.dtype) -> Tape:
        """The tape of a run, in ``dtype``. Raises NetworkError naming what does not fit."""
        leaves = given.inputs.carrying
        try:
            tape = self._run(given.arguments, leaves)
        except (RuntimeError, TypeError, ValueError, IndexError, KeyError) as error:
            shapes = ", ".join(
                f"{name} {list(value.shape)}" if isinstance(value, Tensor) else f"{name} {value!r}"
                for name, value in given.arguments.items()
            )
            raise NetworkError(
                f"{self.name} does not run on {shapes} ({type(error).__name__}: {error}); check "
                "columns and inputs, and pad_to where it wants at least so many tracks"
            ) from error
        if dtype == self.dtype and tape.values[tape.output].dtype == dtype:
            return tape
        exact = give(self.inputs, given.jets, dtype, self.device)
        return replay(tape, exact.arguments, dtype)

    def _run(self, arguments: Mapping[str, Any], leaves: list[str]) -> Tape:
        """The tape of a run: of the operations of one before, where that is the same."""
        key = (
            self.dtype,
            self.device,
            torch.get_default_dtype(),
            torch.is_autocast_enabled(),
            *(value.shape for value in arguments.values() if isinstance(value, Tensor)),
        )
        program = self._programs.get(key)
        if program is not None:
            try:
                return program.run(arguments)
            except Differs:
                pass
        tape, program = record(self.network, arguments, leaves)
        if program is not None and self._repeats:
            if len(self._programs) >= KEPT:
                self._programs.pop(next(iter(self._programs)), None)
            self._programs[key] = program
        return tape

    def start(self, tape: Tape, n_jets: int) -> int:
        """The value that holds the logits: the output, or what a softmax at the end reads.

        Raises DefinitionsError if its shape is not [n_jets, n_classes].
        """
        number = tape.output
        last = tape.nodes[tape.made_by[number]] if number in tape.made_by else None
        if last is not None and last.name in ("softmax", "log_softmax"):
            number = last.args[0].number
        shape, n_classes = tuple(tape.values[number].shape), len(self.classes)
        fits = {(n_jets, n_classes)} | ({(n_classes,)} if n_jets == 1 else set())
        fits |= {(n_jets,)} if n_classes == 1 else set()
        if shape not in fits:
            raise DefinitionsError(
                f"{self.name}: the network gives {shape} for {n_jets} jet(s), but {n_classes} "
                f"classes are named: {', '.join(self.classes)}; expected [n_jets, n_classes]"
            )
        return number

    def places(self, tape: Tape, given: Given) -> Places:
        """Which tracks the values are about, and who passes messages between tracks.

        What was found is kept for jets that run the same operations with the same indices, as
        those of one size do where nothing depends on the tracks' values.
        """
        ran = tape.once("ran", lambda: tuple((n.name, n.inputs(), n.outputs) for n in tape.nodes))
        sizes = tuple(jet[group].n_tracks for jet in given.jets for group in self.inputs.groups)
        before = self._messages.get((sizes, ran))
        indices = indices_of(tape)
        if before is not None and same_indices(before[0], indices):
            return before[1]
        found = Places(
            tape,
            given.labels(),
            given.by_size(),
            before=None if before is None else before[1],
            also=stops(tape, given),
        )
        if len(self._messages) >= KEPT:
            self._messages.pop(next(iter(self._messages)), None)
        self._messages[sizes, ran] = indices, found
        return found

    def jets(self, tape: Tape, given: Given) -> Places:
        """Which jet the tape's values are of."""
        return Places(tape, given.labels(of_jets=True), {}, mix=True)

    def report(self) -> Report:
        """What the tape of the example showed: operations and their rules, hidden ways, edges."""
        return self._report

    def _look(self) -> None:
        """Run the example, and note what its tape shows."""
        given = self.given([self.example])
        tape = self.record(given, torch.float64)
        number = self.start(tape, 1)
        stages = Stages(tape)
        self._stages = stages.all()
        paths = edge_paths(tape, self.places(tape, given).messages)
        value = tape.values[number]
        with contextlib.suppress(PropagationError):  # another jet may do; NetworkError may not
            walk(tape, value, lambda _: Gamma(), "attnlrp", at=number)
        found = tuple(EdgesFound(path, tape.nodes[place].name) for place, path in paths.items())
        if self.edges is not None and self.edges not in [one.path for one in found]:
            known = ", ".join(one.path for one in found) or "none"
            raise NetworkError(
                f"{self.name}: edges={self.edges!r} passes no messages between tracks; "
                f"those that do are {known}"
            )
        leaves = self.inputs.carrying
        hidden = hidden_share(self.network, given.arguments, leaves)
        if hidden > HIDDEN:  # what goes other ways is not among the operations
            self._repeats, self._programs = False, {}
        self.batched = self._runs_together(value)
        self._report = Report(
            self.name,
            operations_of(tape, stages),
            hidden if hidden > HIDDEN else 0.0,
            hidden,
            found,
            number != tape.output,
            self.batched,
        )

    def _runs_together(self, alone: Tensor) -> bool:
        """Whether two jets on one tape give what one gives alone, and each its own ledger."""
        given = self.given([self.example, self.example])
        try:
            tape = self.record(given, torch.float64)
            number = self.start(tape, 2)
            value = tape.values[number]
            same = torch.allclose(
                value,
                alone.reshape(1, -1).expand(value.reshape(2, -1).shape).reshape(value.shape),
                rtol=1e-6,
                atol=1e-9,
            )
            if not same:
                return False
            flow = walk(tape, value, lambda _: Gamma(), "attnlrp", at=number)
            ledgers(flow.rows, 2, self.jets(tape, given))
        except (NetworkError, DefinitionsError, MixedJets):
            return False
        return True

    def _check_classes(self) -> None:
        if len(set(self.classes)) != len(self.classes) or "margin" in self.classes:
            raise DefinitionsError(
                f"{self.name}: class names must differ and none may be 'margin', "
                f"found {', '.join(self.classes)}"
            )
        if not self.columns:
            raise DefinitionsError(f"{self.name}: no columns are named; give columns=")


def load_network(
    network: nn.Module,
    *,
    example: Jet | Mapping[str, Jet] | None = None,
    columns: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    inputs: Inputs | None = None,
    edges: str | None = None,
    name: str = "",
) -> TapeModel:
    """A module as a model. Arguments as ``lrp_core.load_model``."""
    check_kind(network)
    if example is None:
        raise NetworkError(
            f"{type(network).__name__}: give example=, a jet that the network can run on, so that "
            "its operations can be looked at"
        )
    if columns is None and isinstance(example, Jet):
        columns = example.columns
    if inputs is None:
        if isinstance(example, Mapping):
            raise NetworkError(
                f"{type(network).__name__} reads several groups of rows; say which argument "
                "gets which with inputs=lrp_core.Inputs(...)"
            )
        inputs = inputs_of(network, columns or ())
    elif columns is not None:
        inputs = with_columns(inputs, columns)
    return TapeModel(network, inputs, example, classes or ("qcd", SIGNAL), edges=edges, name=name)


def report_of(model: Model) -> Report:
    """What a network runs and what is done with it, also of one that is explained by its steps."""
    if isinstance(model, TapeModel):
        return model.report()
    tracks = np.random.default_rng(0).normal(size=(EXAMPLE_TRACKS, len(model.columns)))
    return load_network(
        model.network,
        example=Jet.from_arrays(tracks, model.columns),
        columns=model.columns,
        classes=model.classes,
        name=model.name,
    ).report()
