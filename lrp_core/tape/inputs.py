"""What a network is given: which of a jet's columns, edges and numbers go into which argument.

    lrp_core.Inputs(x=Columns("tracks", columns), edge_index=Edges(), batch=JetIndex())
    lrp_core.Inputs(
        points=Columns("tracks", ("eta", "phi"), layout="jet column track", relevance=False),
        features=Columns("tracks", columns, layout="jet column track", pad_to=17),
        mask=Mask("tracks", layout="jet 1 track"),
    )

A group is a kind of rows: "tracks", and where a network reads them, others such as "sv". Rows stand
one below the other, or in a padded array with an axis for the jets.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lrp_core.errors import JetError, NetworkError
from lrp_core.jets import Jet
from lrp_core.tape.places import NONE, Label, ordered

TRACKS = "tracks"
PAIRS = "pairs"
PAIR_LAYOUTS = ("jet feature track track", "jet track track feature", "edge feature")
LAYOUTS = ("track column", "jet track column", "jet column track")
MASK_LAYOUTS = ("jet track", "jet 1 track", "jet track 1", "track")

Jets = Mapping[str, Jet]


@dataclass(frozen=True)
class Columns:
    """The values of some columns.

    group      the rows they are of
    columns    their names, in order
    layout     "track column": [n_tracks, n_columns], the jets one below the other;
               "jet track column" and "jet column track": padded with zeros to the longest jet
    relevance  whether they are to be explained; else they are a constant. "pairs": what the network
               makes of them for pairs of tracks (ln Δ, ln kT) is explained, as edges
    pad_to     padded to as many tracks at least, as networks with k neighbours want
    """

    group: str = TRACKS
    columns: tuple[str, ...] = ()
    layout: str = "track column"
    relevance: bool | str = True
    pad_to: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        _one_of("Columns", self.layout, LAYOUTS)
        if isinstance(self.relevance, str):
            _one_of("Columns", self.relevance, (PAIRS,))


@dataclass(frozen=True)
class Edges:
    """edge_index [2, n_edges]: row 0 the source, row 1 the destination.

    group        of both ends: the jet's own edges, by default every track to every other
    destination  another group: every row of ``group`` to every row of it
    """

    group: str = TRACKS
    destination: str | None = None


@dataclass(frozen=True)
class Pairs:
    """Numbers for pairs of tracks: attributes of edges, or what biases attention.

    make      a function of a jet -> [n_tracks, n_tracks, n_features]: at [i, j] for what track i
              gets from track j
    layout    "jet feature track track" or "jet track track feature", padded with zeros like the
              group, or "edge feature": [n_edges, n_features] for the jet's own edges, whose
              destination is i
    What relevance they get is edges of their own, ``Explanation.edges`` by the argument's name.
    """

    make: Callable[[Jet], Any]
    group: str = TRACKS
    layout: str = PAIR_LAYOUTS[0]

    def __post_init__(self) -> None:
        _one_of("Pairs", self.layout, PAIR_LAYOUTS)


@dataclass(frozen=True)
class JetIndex:
    """[n_tracks] int64: the jet of every row of a group."""

    group: str = TRACKS


@dataclass(frozen=True)
class Mask:
    """Which places of a padded array are tracks.

    layout  "jet track", "jet 1 track", "jet track 1"; "track" is all ones, for rows without padding
    of      "tracks": tracks are 1 (True), padding 0; "padding": the other way round
    dtype   "float" or "bool"
    """

    group: str = TRACKS
    layout: str = "jet 1 track"
    of: str = TRACKS
    dtype: str = "float"

    def __post_init__(self) -> None:
        _one_of("Mask", self.layout, MASK_LAYOUTS)
        _one_of("Mask", self.of, (TRACKS, "padding"))
        _one_of("Mask", self.dtype, ("float", "bool"))


@dataclass(frozen=True)
class Constant:
    """Something that is the same for every jet, handed over as it is."""

    value: Any


Spec = Columns | Edges | Pairs | JetIndex | Mask | Constant


def _one_of(what: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise NetworkError(f"{what}: expected one of {', '.join(choices)}, found {value!r}")


class Inputs:
    """What each argument of a network's ``forward`` is, by its name.

    Raises NetworkError where nothing carries relevance, or an argument is none of Columns, Edges,
    Pairs, JetIndex, Mask and Constant.
    """

    def __init__(self, **arguments: Spec) -> None:
        for name, spec in arguments.items():
            if not isinstance(spec, Columns | Edges | Pairs | JetIndex | Mask | Constant):
                raise NetworkError(
                    f"inputs: {name} must be Columns, Edges, Pairs, JetIndex, Mask or Constant, "
                    f"found {spec!r:.80}"
                )
        self.arguments = arguments
        if not self.leaves:
            raise NetworkError("inputs: no argument is Columns with relevance; nothing to explain")

    def __repr__(self) -> str:
        parts = ", ".join(f"{name}={spec!r}" for name, spec in self.arguments.items())
        return f"Inputs({parts})"

    @property
    def leaves(self) -> dict[str, Columns]:
        """The arguments that carry relevance, by name."""
        return {
            name: spec
            for name, spec in self.arguments.items()
            if isinstance(spec, Columns) and spec.relevance is True
        }

    @property
    def pairs(self) -> dict[str, Columns | Pairs]:
        """The arguments that carry relevance for pairs of tracks, by name."""
        return {
            name: spec
            for name, spec in self.arguments.items()
            if isinstance(spec, Pairs) or (isinstance(spec, Columns) and spec.relevance == PAIRS)
        }

    @property
    def carrying(self) -> list[str]:
        """The names of all arguments that carry relevance."""
        return [*self.leaves, *self.pairs]

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of rows, the one that is explained first."""
        others = [
            group
            for spec in self.arguments.values()
            if not isinstance(spec, Constant)
            for group in (spec.group, getattr(spec, "destination", None))
            if group is not None
        ]
        return tuple(dict.fromkeys([*(spec.group for spec in self.leaves.values()), *others]))

    def columns_of(self, group: str) -> tuple[str, ...]:
        """The columns of a group that carry relevance, those of one argument after another's."""
        return tuple(
            column
            for spec in self.leaves.values()
            if spec.group == group
            for column in spec.columns
        )

    @property
    def edges(self) -> Edges | None:
        """The argument that takes the jet's own edges, if there is one."""
        for spec in self.arguments.values():
            if (
                isinstance(spec, Edges)
                and spec.destination is None
                and spec.group == self.groups[0]
            ):
                return spec
        return None

    def padded(self, group: str) -> bool:
        """Whether a group stands in padded arrays."""
        return any(
            isinstance(spec, Columns) and spec.group == group and spec.layout != LAYOUTS[0]
            for spec in self.arguments.values()
        )

    def length(self, group: str, jets: Sequence[Jets]) -> int:
        """The number of places for the rows of one jet in a padded array."""
        least = [
            spec.pad_to
            for spec in self.arguments.values()
            if isinstance(spec, Columns) and spec.group == group
        ]
        return max([*least, *(jet[group].n_tracks for jet in jets)])


#: Names under which networks take edges, jets and columns.
KNOWN: dict[str, Spec] = {"edge_index": Edges(), "batch": JetIndex()}
PADDED = frozenset(("points", "features", "lorentz_vectors", "mask", "fts", "v"))


def inputs_of(network: nn.Module, columns: Sequence[str]) -> Inputs:
    """What a network's arguments are, where their names tell: (x, edge_index, batch), or fewer.

    The first is the columns [n_tracks, n_columns]. Raises NetworkError naming those that need more.
    """
    found: dict[str, Spec] = {}
    unknown = []
    for parameter in inspect.signature(network.forward).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if not found and parameter.name not in (*KNOWN, *PADDED):
            found[parameter.name] = Columns(TRACKS, tuple(columns))
        elif parameter.name in KNOWN:
            found[parameter.name] = KNOWN[parameter.name]
        elif parameter.default is parameter.empty:
            unknown.append(parameter.name)
    if unknown or not found:
        name = type(network).__name__
        raise NetworkError(
            f"{name}.forward takes {', '.join(unknown) or 'no argument of a known name'}, of which "
            "it is not known what to give it; say so with inputs=lrp_core.Inputs(...), such as "
            'Inputs(x=Columns("tracks", columns), edge_index=Edges(), batch=JetIndex())'
        )
    return Inputs(**found)


def check_arguments(network: nn.Module, inputs: Inputs) -> None:
    """Raise NetworkError for arguments that forward does not take, or needs and does not get."""
    parameters = inspect.signature(network.forward).parameters
    name = type(network).__name__
    if not any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        strange = [argument for argument in inputs.arguments if argument not in parameters]
        if strange:
            raise NetworkError(
                f"{name}.forward has no argument {', '.join(strange)}; "
                f"it has {', '.join(parameters)}"
            )
    missing = [
        argument
        for argument, one in parameters.items()
        if one.default is one.empty
        and one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY, one.POSITIONAL_ONLY)
        and argument not in inputs.arguments
    ]
    if missing:
        raise NetworkError(
            f"{name}.forward needs {', '.join(missing)}, which inputs does not give; "
            "name it, or give it a Constant"
        )


@dataclass(frozen=True)
class Given:
    """What a network is given for some jets.

    arguments  of forward, by name
    starts     by group: the number of the first row of each jet among the rows of that group
    base       by group: what is added to the number of a row to make the number of a place
    """

    arguments: dict[str, Any]
    inputs: Inputs
    jets: list[dict[str, Jet]]
    lengths: dict[str, int]
    bases: dict[str, int]

    def ids(self, group: str) -> Tensor:
        """[n_jets, length]: the numbers of the places for the rows of a group."""
        n_jets, length = len(self.jets), self.lengths[group]
        return self.bases[group] + torch.arange(n_jets * length).view(n_jets, length)

    def rows(self, group: str) -> Tensor:
        """The numbers of a group's rows, the jets one below the other."""
        ids = self.ids(group)
        return torch.cat([ids[k, : jet[group].n_tracks] for k, jet in enumerate(self.jets)])

    def labels(self, *, of_jets: bool = False) -> dict[str, Label]:
        """The labels that the leaves begin with: their tracks, or their jets."""
        found = {}
        for name in self.inputs.carrying:
            spec = self.inputs.arguments[name]
            assert isinstance(spec, Columns | Pairs)
            ids = self.ids(spec.group)
            if isinstance(spec, Pairs):
                receiver, sender = self.ends(name)
                found[name] = ordered(receiver, sender)
                if of_jets:
                    a = receiver.sub(self.bases[spec.group]).div(
                        ids.shape[1], rounding_mode="floor"
                    )
                    found[name] = Label(a, torch.full_like(a, NONE))
                continue
            if of_jets:
                ids = torch.arange(len(self.jets))[:, None].expand(ids.shape)
            if spec.layout == "track column":
                a = torch.cat(
                    [ids[k, : jet[spec.group].n_tracks] for k, jet in enumerate(self.jets)]
                )
                a = a[:, None]
            else:
                a = ids[:, :, None] if spec.layout == "jet track column" else ids[:, None]
            found[name] = Label(a, torch.full_like(a, NONE))
        return found

    def ends(self, name: str) -> tuple[Tensor, Tensor]:
        """Who receives and who sends, for every element of an argument that is Pairs."""
        spec = self.inputs.arguments[name]
        assert isinstance(spec, Pairs)
        ids = self.ids(spec.group)
        if spec.layout == "edge feature":
            parts = [
                ids[k][torch.tensor(jet[spec.group].edge_index)] for k, jet in enumerate(self.jets)
            ]
            source, destination = torch.cat(parts, 1)
            return destination[:, None], source[:, None]
        receiver, sender = torch.broadcast_tensors(ids[:, :, None], ids[:, None, :])
        axis = 1 if spec.layout == "jet feature track track" else 3
        return receiver.unsqueeze(axis), sender.unsqueeze(axis)

    def by_size(self) -> dict[int, Tensor]:
        """Numbers of rows by how many there are, for values that have a row for each."""
        found: dict[int, Tensor] = {}
        for group in reversed(self.inputs.groups):
            if not self.inputs.padded(group):
                rows = self.rows(group)
                found[len(rows)] = rows
            elif len(self.jets) == 1:
                found[self.lengths[group]] = self.ids(group)[0]
            found[self.ids(group).numel()] = self.ids(group).reshape(-1)
        return found

    def per_jet(self, name: str, values: Tensor) -> list[Tensor]:
        """A leaf's array as each jet's [n_tracks, n_columns], with padding behind."""
        spec = self.inputs.leaves[name]
        if spec.layout == "track column":
            return list(values.split([jet[spec.group].n_tracks for jet in self.jets]))
        if spec.layout == "jet column track":
            values = values.transpose(1, 2)
        return list(values.unbind(0))


def groups_of(inputs: Inputs, jet: Jet | Jets) -> dict[str, Jet]:
    """The rows of every group of one jet. Raises JetError naming a group that is missing."""
    groups = inputs.groups
    if isinstance(jet, Jet):
        if len(groups) > 1:
            raise JetError(
                f"{jet.jet_id}: the network reads {', '.join(groups)}; give a jet for each, "
                f"as in {{{groups[0]!r}: tracks, {groups[1]!r}: others}}"
            )
        return {groups[0]: jet}
    missing = [group for group in groups if group not in jet]
    if missing:
        raise JetError(
            f"the network reads {', '.join(groups)}; {', '.join(missing)} is missing among "
            f"{', '.join(jet)}"
        )
    return dict(jet)


def give(
    inputs: Inputs, jets: Sequence[Mapping[str, Jet]], dtype: torch.dtype, device: torch.device
) -> Given:
    """Make the arguments for some jets. Raises JetError naming columns that a jet has not."""
    lengths = {group: inputs.length(group, jets) for group in inputs.groups}
    bases, total = {}, 0
    for group, length in lengths.items():
        bases[group], total = total, total + length * len(jets)
    given = Given({}, inputs, [dict(jet) for jet in jets], lengths, bases)
    for name, spec in inputs.arguments.items():
        value = spec.value if isinstance(spec, Constant) else _value(spec, given, dtype)
        given.arguments[name] = value.to(device) if isinstance(value, Tensor) else value
    return given


def _value(
    spec: Columns | Edges | Pairs | JetIndex | Mask, given: Given, dtype: torch.dtype
) -> Tensor:
    jets, length = given.jets, given.lengths[spec.group]
    sizes = [jet[spec.group].n_tracks for jet in jets]
    if isinstance(spec, Columns):
        arrays = [jet[spec.group].select(spec.columns) for jet in jets]
        if spec.layout == "track column":
            return torch.from_numpy(np.concatenate(arrays)).to(dtype, copy=True)
        padded = np.zeros((len(jets), length, len(spec.columns)))
        for place, array in zip(padded, arrays, strict=True):
            place[: len(array)] = array
        tensor = torch.from_numpy(padded).to(dtype)
        if spec.layout == "jet column track":
            return tensor.transpose(1, 2).contiguous()
        return tensor
    if isinstance(spec, JetIndex):
        return torch.repeat_interleave(torch.arange(len(jets)), torch.tensor(sizes))
    if isinstance(spec, Edges):
        return _edges(spec, given)
    if isinstance(spec, Pairs):
        return _pairs(spec, given, dtype)
    if spec.layout == "track":
        mask = torch.ones(sum(sizes), dtype=torch.bool)
    else:
        mask = torch.arange(length)[None] < torch.tensor(sizes)[:, None]
    if spec.of == "padding":
        mask = ~mask
    mask = mask.unsqueeze(1) if spec.layout == "jet 1 track" else mask
    mask = mask.unsqueeze(2) if spec.layout == "jet track 1" else mask
    return mask if spec.dtype == "bool" else mask.to(dtype)


def _edges(spec: Edges, given: Given) -> Tensor:
    parts, start, end = [], 0, 0
    for jet in given.jets:
        n_source = jet[spec.group].n_tracks
        if spec.destination is None:
            parts.append(torch.from_numpy(jet[spec.group].edge_index + start))
        else:
            n_destination = jet[spec.destination].n_tracks
            source, destination = torch.meshgrid(
                torch.arange(n_source), torch.arange(n_destination), indexing="ij"
            )
            ends = source.reshape(-1) + start, destination.reshape(-1) + end
            parts.append(torch.stack(ends))
            end += n_destination
        start += n_source
    return torch.cat(parts, dim=1)


def _pairs(spec: Pairs, given: Given, dtype: torch.dtype) -> Tensor:
    jets, length = given.jets, given.lengths[spec.group]
    made = []
    for jet in jets:
        values, n_tracks = np.asarray(spec.make(jet[spec.group])), jet[spec.group].n_tracks
        if values.ndim != 3 or values.shape[:2] != (n_tracks, n_tracks):
            raise JetError(
                f"{jet[spec.group].jet_id}: Pairs makes an array of shape {values.shape}; expected "
                f"[{n_tracks}, {n_tracks}, n_features]"
            )
        made.append(values)
    if spec.layout == "edge feature":
        parts = []
        for values, jet in zip(made, jets, strict=True):
            source, destination = jet[spec.group].edge_index
            parts.append(values[destination, source])
        return torch.from_numpy(np.concatenate(parts)).to(dtype)
    padded = np.zeros((len(jets), length, length, made[0].shape[2]))
    for place, values in zip(padded, made, strict=True):
        place[: len(values), : len(values)] = values
    tensor = torch.from_numpy(padded).to(dtype)
    if spec.layout == "jet track track feature":
        return tensor
    return tensor.permute(0, 3, 1, 2).contiguous()


def with_columns(inputs: Inputs, columns: Sequence[str]) -> Inputs:
    """The inputs, with ``columns`` for those that name none."""
    return Inputs(
        **{
            name: replace(spec, columns=tuple(columns))
            if isinstance(spec, Columns) and not spec.columns
            else spec
            for name, spec in inputs.arguments.items()
        }
    )
