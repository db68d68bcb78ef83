"""Explain jets from the tape of what the network ran on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

import numpy as np
import torch
from torch import Tensor

from lrp_core.edge_set import EdgeSet
from lrp_core.errors import NetworkError, PropagationError
from lrp_core.explanation import Array, Explanation, Ledger, LedgerRow, significance
from lrp_core.jets import Jet
from lrp_core.model import Target
from lrp_core.rules import AnyRule
from lrp_core.tape import pairs
from lrp_core.tape.edges import PAIR_FEATURES, column_ends, edge_sets, end_relevance, pair_sets
from lrp_core.tape.inputs import Given, groups_of
from lrp_core.tape.ledger import MixedJets, ledgers
from lrp_core.tape.network import TapeModel
from lrp_core.tape.operations import is_linearised
from lrp_core.tape.report import linearised_warnings, operations_of
from lrp_core.tape.tape import Tape
from lrp_core.tape.walk import Flow, Stages, walk

version_of = cache(version)

AT_ONCE = 512  # tracks on one tape
EDGES = ("full", "auto", "summary", "rows")


@dataclass(frozen=True)
class Asked:
    """What was asked for. edges: "full", "summary", "rows" or the path of a module"""

    model: TapeModel
    target: Target
    rule: AnyRule
    dtype: torch.dtype
    attention: str
    edges: str


def logits_of(model: TapeModel, jet: Jet | Mapping[str, Jet]) -> Array:
    """The network's own logits for one jet, [n_classes] float64."""
    given = model.given([groups_of(model.inputs, jet)])
    tape = model.record(given, model.dtype)
    number = model.start(tape, 1)
    found: Array = tape.values[number].double().reshape(-1).cpu().numpy()
    return found


def explain_tapes(asked: Asked, jets: Sequence[Jet | Mapping[str, Jet]]) -> list[Explanation]:
    """Explain jets; those of one size share a tape where the network allows it."""
    groups = [groups_of(asked.model.inputs, jet) for jet in jets]
    found: dict[int, Explanation] = {}
    for positions in _packs(asked.model, groups):
        some = [groups[position] for position in positions]
        try:
            explanations = _explain(asked, some)
        except (MixedJets, PropagationError):
            if len(some) == 1:
                raise
            explanations = [one for jet in some for one in _explain(asked, [jet])]
        found.update(zip(positions, explanations, strict=True))
    return [found[position] for position in range(len(groups))]


def _packs(model: TapeModel, jets: Sequence[Mapping[str, Jet]]) -> list[list[int]]:
    """Positions of jets that go on one tape: of one size, so that none is padded for another."""
    if not model.batched:
        return [[position] for position in range(len(jets))]
    by_size: dict[tuple[int, ...], list[int]] = {}
    for position, jet in enumerate(jets):
        sizes = tuple(one.n_tracks for one in jet.values())
        by_size.setdefault(sizes, []).append(position)
    packs = []
    for sizes, positions in by_size.items():
        at_once = max(1, AT_ONCE // max(sizes))
        packs += [positions[first : first + at_once] for first in range(0, len(positions), at_once)]
    return packs


@torch.no_grad()
def _explain(asked: Asked, jets: list[dict[str, Jet]]) -> list[Explanation]:
    model = asked.model
    main = model.inputs.groups[0]
    name = jets[0][main].jet_id
    given = model.given(jets)
    tape = model.record(given, asked.dtype)
    number = model.start(tape, len(jets))
    logits = tape.values[number].reshape(len(jets), len(model.classes))
    if not bool(torch.isfinite(logits).all()):
        raise PropagationError(
            f"{name}: the network's output is not finite in {str(asked.dtype).partition('.')[2]}; "
            "its inputs are far outside what the network was made for"
        )
    start = logits * logits.new_tensor(asked.target.weights)
    places = model.places(tape, given)
    messages = places.messages
    stopping = pairs.stops(tape, given)
    ends = column_ends(tape, given)
    watched = {*messages, *(place for side in ends or () for place in side)}
    try:
        flow = walk(
            tape,
            start.reshape(tape.values[number].shape),
            asked.rule.for_stage,
            asked.attention,
            at=number,
            watched=watched,
            called=_names(model),
            stops=pairs.called(stopping),
        )
        several = model.jets(tape, given) if len(jets) > 1 else None
        books = ledgers(flow.rows, len(jets), several)
        in_full = asked.edges == "rows"
        sets = edge_sets(tape, messages, flow, given, rows=in_full)
        if flow.stopped:
            of_pairs = pairs.messages(stopping, places.labels, given)
            more = pair_sets(of_pairs, stopping, flow, given, rows=in_full)
            for one, other in zip(sets, more, strict=True):
                one.update(other)
    except PropagationError as error:
        raise PropagationError(f"{name}: {error}") from error
    columns = None if ends is None else end_relevance(tape, ends, flow, given)
    warnings = dict.fromkeys((*model.report().warnings, *_linearised(tape)))
    result = []
    for place, jet in enumerate(jets):
        relevance, of_padding = _relevance(given, flow, place)
        said, book = list(warnings), books[place]
        if bool((of_padding != 0).any()):
            padding = float(of_padding.sum())
            said.append(
                f"padding received relevance ({padding:.3g}), so the network sees it; "
                "give it a mask, or pad less"
            )
            row = LedgerRow("padding", padding, {}, padding, 0.0, {})
            book = Ledger((*book.rows, row))
        rows = None if columns is None else columns[place].cpu().numpy()
        tracks = jet[main]
        drawn = _drawn(asked, tracks, sets[place], rows)
        result.append(
            Explanation(
                logits=logits[place].double().cpu().numpy(),
                probabilities=logits[place].double().softmax(0).cpu().numpy(),
                classes=model.classes,
                target=asked.target.name,
                rule=asked.rule,
                dtype=str(asked.dtype).partition(".")[2],
                value=float(start[place].sum(dtype=torch.float64)),
                track_relevance=relevance.pop(main),
                edge_index=drawn.edge_index,
                edge_relevance=drawn.rows,
                edge_significance=drawn.significance,
                ledger=book,
                columns=model.columns,
                jet_id=tracks.jet_id,
                model_name=model.name,
                checkpoint_hash=model.checkpoint_hash,
                version=version_of("jetlrp"),
                jet=tracks,
                edge_sums=drawn.sums,
                edges=sets[place],
                group_relevance=relevance,
                warnings=tuple(said),
                attention=asked.attention,
                group=main,
            )
        )
    return result


def _linearised(tape: Tape) -> tuple[str, ...]:
    """Warnings of this jet's own, where its tape has operations without a rule."""

    def found() -> tuple[str, ...]:
        if not any(is_linearised(tape, node) for node in tape.nodes):
            return ()
        return linearised_warnings(operations_of(tape, Stages(tape)))

    return tape.once("linearised", found)


def _names(model: TapeModel) -> dict[str, str]:
    """What the ledger calls the columns: "tracks" those that are explained, others their group."""
    main = model.inputs.groups[0]
    return {
        name: "tracks" if spec.group == main else spec.group
        for name, spec in model.inputs.leaves.items()
    }


def _relevance(given: Given, flow: Flow, place: int) -> tuple[dict[str, Array], Tensor]:
    """Relevance of each group's rows of one jet [n_rows, n_columns], and what padding got."""
    parts: dict[str, list[Tensor]] = {group: [] for group in given.inputs.groups}
    padding = []
    for name, spec in given.inputs.leaves.items():
        values = given.per_jet(name, flow.leaves[name])[place]
        n_rows = given.jets[place][spec.group].n_tracks
        parts[spec.group].append(values[:n_rows])
        padding.append(values[n_rows:].reshape(-1).double())
    return {
        group: torch.cat(found, dim=1).cpu().numpy() for group, found in parts.items() if found
    }, torch.cat(padding)


@dataclass(frozen=True)
class _Drawn:
    """The edges that an explanation shows first."""

    edge_index: Array
    rows: Array
    significance: Array
    sums: Array | None


def _drawn(asked: Asked, jet: Jet, sets: dict[str, EdgeSet], rows: Array | None) -> _Drawn:
    """Of all sets of edges the one that was hinted at; else columns at edges; else the first."""
    none = np.zeros((0, 2 * len(asked.model.columns)))
    hint = asked.edges if asked.edges not in EDGES else asked.model.edges
    if hint is None and rows is not None:
        full = asked.edges != "summary"
        return _Drawn(
            jet.edge_index,
            rows if full else none,
            significance(rows),
            None if full else rows.sum(axis=1),
        )
    if hint is not None and hint not in sets:
        known = ", ".join(sets) or "none"
        raise NetworkError(
            f"{asked.model.name}: no messages between tracks at edges={hint!r}; there are {known}"
        )
    own = [
        one for one in sets.values() if one.groups[0] == one.groups[1] and one.kind != PAIR_FEATURES
    ]
    if hint is None and not own:
        return _Drawn(np.zeros((2, 0), np.int64), none, np.zeros(0), np.zeros(0))
    drawn = (sets[hint] if hint is not None else own[0]).between_different()
    return _Drawn(drawn.edge_index, none, drawn.significance, drawn.sums)
