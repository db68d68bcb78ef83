"""Explain jets: the network runs forwards, its output is shared out backwards, nothing is kept."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import version
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lrp_core import fast_path
from lrp_core.errors import JetError, PropagationError, RuleError, SettingsError, Told, told
from lrp_core.explanation import Array, Explanation, Ledger, LedgerRow, significance
from lrp_core.jets import Jet
from lrp_core.model import Model, Target
from lrp_core.propagation import Row, propagate, run
from lrp_core.rules import RULES, AnyRule, Composite, Epsilon, Gamma, Rule, parse_rule
from lrp_core.steps import Graph
from lrp_core.tape import explaining as tape
from lrp_core.tape.attention import ATTENTION
from lrp_core.tape.network import TapeModel

DTYPES = {"float32": torch.float32, "float64": torch.float64}
DTYPE = Told("dtype", "--dtype")
ENGINES = ("auto", "general")
EDGES = ("full", "summary")
ROWS_AT_ONCE = 30_000  # tracks and edges that go through the general engine together
LOOK_AHEAD = 250_000  # tracks and edges among which jets of the same size are sought

_NOT_FINITE = (
    "the network's output is not finite in {}; "
    "its inputs are far outside what the network was made for"
)


@dataclass(frozen=True)
class Preset:
    """A rule and a target that belong together, and why."""

    rule: AnyRule
    target: str
    summary: str


PRESETS: dict[str, Preset] = {
    "default": Preset(
        Gamma(1.0),
        "margin",
        "Why Hbb rather than QCD, by the rule that finds the edges that matter most.",
    ),
    "hin-lrp": Preset(
        Epsilon(1e-9),
        "hbb",
        "The choice of the original HIN study: LRP-ε on the Hbb logit, done right.",
    ),
}


def choose(rule: AnyRule | str | None = None, target: str | None = None) -> tuple[AnyRule, str]:
    """A rule and a target as people ask for them.

    rule    a rule, text such as "gamma(1.0)", or the name of a preset, which also brings its
            target; None is the preset "default": Gamma(1.0) on the margin
    target  what was asked for besides, or None
    Raises RuleError listing presets and rules.
    """
    if rule is not None and not isinstance(rule, str):
        return rule, target or PRESETS["default"].target
    rule = rule or "default"
    if rule in PRESETS:
        return PRESETS[rule].rule, target or PRESETS[rule].target
    if rule.replace("-", "_").isidentifier() and rule not in RULES:
        raise RuleError(
            f"there is no rule or preset {rule!r}; the rules are {', '.join(RULES)}, "
            f"the presets {', '.join(PRESETS)}"
        )
    return parse_rule(rule), target or PRESETS["default"].target


def explain(
    model: Model,
    jet: Jet,
    *,
    target: str | None = None,
    rule: AnyRule | str | None = None,
    dtype: str = "float32",
    edges: str = "full",
    engine: str = "auto",
    attention: str = "constant",
) -> Explanation:
    """Share the network's output for one jet out over its tracks, features and edges.

    target  a class, "margin" (of hbb over the rest) or "margin:CLASS"; by default that of the
            preset, if ``rule`` names one, else "margin"
    rule    a rule or a Composite, by default Gamma(1.0); or text, such as "epsilon(0.01)" or the
            name of one of PRESETS
    dtype   "float32" or "float64"; rules that lose digits in float32 (``needs_float64``) are
            computed in float64 always
    edges   "full": the relevance of every edge for every column; "summary": only significance and
            signed sum of every edge, for less time and much less memory. A network explained from
            a tape also takes "rows" (``Explanation.edges`` by channel as well), or the path of the
            module whose messages are to be the edges
    engine  "auto": the fast path where it applies (fast_path.py), else the general engine;
            "general": always the general engine, which gives the same up to rounding
    attention  "constant": the weights of attention are constants and values take all relevance;
            "attnlrp": they get their share by AttnLRP. Only for networks explained from a tape
    jet     of a network that reads several groups of rows: a jet for each, by name

    Positive relevance speaks for the target. Nothing is cached and the model is left as it was.
    Raises TargetError, RuleError, JetError (missing columns) or PropagationError.
    """
    (explanation,) = explain_batch(
        model,
        [jet],
        target=target,
        rule=rule,
        dtype=dtype,
        edges=edges,
        engine=engine,
        attention=attention,
    )
    return explanation


def explain_batch(
    model: Model,
    jets: Iterable[Jet],
    *,
    target: str | None = None,
    rule: AnyRule | str | None = None,
    dtype: str = "float32",
    edges: str = "full",
    engine: str = "auto",
    attention: str = "constant",
) -> list[Explanation]:
    """Explain several jets; the same as one by one, up to rounding. Arguments as ``explain``.

    Jets run together up to a bounded number of tracks and edges, so that beyond the explanations
    themselves memory does not grow with their number. Jets of the same number of tracks share the
    fast path's tables; large ones run through them alone.
    """
    rule, target = choose(rule, target)
    wanted = model.target(target)
    _check_rule(model, rule)
    number = _dtype(dtype)
    if rule.needs_float64:
        number = "float64"
    if engine not in ENGINES:
        raise SettingsError(f"engine is one of {', '.join(ENGINES)}, found {engine!r}")
    if attention not in ATTENTION:
        raise SettingsError(f"attention is one of {', '.join(ATTENTION)}, found {attention!r}")
    if isinstance(model, TapeModel):
        tapes = tape.Asked(model, wanted, rule, DTYPES[number], attention, edges)
        return tape.explain_tapes(tapes, list(jets))
    if edges not in EDGES:
        raise SettingsError(f"edges is one of {', '.join(EDGES)}, found {edges!r}")
    asked = _Asked(model, wanted, rule, number, edges == "full")
    fast = None
    if engine == "auto" and model.interaction_network is not None:
        fast = fast_path.prepare(model.interaction_network, rule.for_stage, DTYPES[number])
    explanations: list[Explanation] = []
    for some in _packs(jets, LOOK_AHEAD):
        found = _explain_fast(asked, fast, some) if fast else {}
        rest = [position for position in range(len(some)) if position not in found]
        others = iter(rest)
        for few in _packs([some[position] for position in rest], ROWS_AT_ONCE):
            for explanation in _explain_together(asked, few):
                found[next(others)] = explanation
        explanations.extend(found[position] for position in range(len(some)))
    return explanations


def predict(
    model: Model,
    jets: Iterable[Jet],
    *,
    on_error: str = "raise",
    dtype: str = "float32",
) -> npt.NDArray[np.float64]:
    """The logits of many jets, [n_jets, n_classes], by the plain network, with bounded memory.

    on_error  "raise": a jet that cannot be used raises JetError naming it; "nan": its row is NaN
    """
    if on_error not in ("raise", "nan"):
        raise SettingsError(f"on_error is 'raise' or 'nan', found {on_error!r}")
    number = DTYPES[_dtype(dtype)]
    if isinstance(model, TapeModel):
        return _predict_tapes(model, jets, on_error)
    network = model.network
    training = any(module.training for module in network.modules())
    if training or next(network.parameters()).dtype != number:
        network = copy.deepcopy(network).to(number).eval()
    # A sequence is read jet by jet, so that it can name a bad one and go on with the next.
    ordered = cast("Sequence[Jet]", jets) if hasattr(jets, "__getitem__") else list(jets)
    logits = np.full((len(ordered), len(model.classes)), np.nan)
    usable: list[int] = []
    pack: list[Jet] = []

    def flush() -> None:
        if pack:
            x, graph = _tensors(model, pack, number)
            edge_index = torch.stack([graph.source, graph.destination])
            with torch.no_grad():
                found = network(x, edge_index, graph.jet).double().cpu().numpy()
            for index, jet, row in zip(usable, pack, found, strict=True):
                if np.isfinite(row).all():
                    logits[index] = row
                elif on_error == "raise":
                    raise JetError(f"{jet.jet_id}: {_NOT_FINITE.format(dtype)}")
            usable.clear()
            pack.clear()

    rows = 0
    for index in range(len(ordered)):
        try:
            jet = ordered[index]
            jet.select(model.columns)
        except JetError:
            if on_error == "raise":
                raise
            continue
        if rows + _rows(jet) > ROWS_AT_ONCE:
            flush()
            rows = 0
        usable.append(index)
        pack.append(jet)
        rows += _rows(jet)
    flush()
    return logits


def _predict_tapes(model: TapeModel, jets: Iterable[Jet], on_error: str) -> npt.NDArray[np.float64]:
    """``predict`` for a network with arguments of its own: jet by jet, in its own precision."""
    rows = []
    for jet in jets:
        try:
            row = tape.logits_of(model, jet)
            if not np.isfinite(row).all():
                raise JetError(f"{jet.jet_id}: {_NOT_FINITE.format(model.dtype)}")
        except JetError:
            if on_error == "raise":
                raise
            row = np.full(len(model.classes), np.nan)
        rows.append(row)
    return np.array(rows).reshape(len(rows), len(model.classes))


def _dtype(name: str) -> str:
    if name not in DTYPES:
        raise SettingsError(told(DTYPE, f" is one of {', '.join(DTYPES)}, found {name!r}"))
    return name


def _check_rule(model: Model, rule: AnyRule) -> None:
    """Refuse what is no rule, and patterns that fit no stage."""
    if isinstance(rule, Composite):
        for pattern in rule.rules:
            if not any(fnmatchcase(stage, pattern) for stage in model.stages):
                raise RuleError(
                    f"composite: the pattern {pattern!r} fits no stage; "
                    f"the stages are {', '.join(model.stages)}"
                )
    elif not isinstance(rule, Rule):
        raise RuleError(f"expected a rule such as lrp_core.Gamma(1.0), found {rule!r}")


def check_placement(model: Model, rule: AnyRule) -> None:
    """Refuse rules that do not look at the input where a stage reads more than the input.

    Flat and w² give relevance also to what is nearly zero, such as a mean of edges, which makes it
    many times larger than the output before it cancels again: all adds up, and means nothing. The
    service and the commands refuse that; ``explain`` itself does as it is told.
    Raises RuleError naming the stages, and what to ask for instead.
    """
    may = model.input_stages
    where = f" ({', '.join(may)})" if may else ""
    by_rule: dict[str, list[str]] = {}
    for stage in model.rule_stages:
        one = rule.for_stage(stage)
        if not one.looks_at_input and stage not in may:
            by_rule.setdefault(one.name, []).append(stage)
    for name, stages in by_rule.items():
        instead = (
            f"ask for composite({may[-1]}: {name}, default: gamma(1.0)) instead"
            if may
            else "this network has none, so ask for another rule"
        )
        found = (
            ", ".join(stages) if len(stages) < 4 else f"{stages[0]} and {len(stages) - 1} others"
        )
        raise RuleError(
            f"{name} does not look at what a stage reads, so it is only for stages that read "
            f"nothing but the input{where}, found it for {found}; {instead}"
        )


def _rows(jet: Jet) -> int:
    """What a jet adds to a batch: rows at tracks and at edges."""
    return jet.n_tracks + jet.n_edges


def _packs(jets: Iterable[Jet], at_once: int) -> Iterator[list[Jet]]:
    """The jets in order, in lists of a bounded number of tracks and edges."""
    pack: list[Jet] = []
    rows = 0
    for jet in jets:
        if pack and rows + _rows(jet) > at_once:
            yield pack
            pack, rows = [], 0
        pack.append(jet)
        rows += _rows(jet)
    if pack:
        yield pack


def _tensors(model: Model, jets: Sequence[Jet], dtype: torch.dtype) -> tuple[Tensor, Graph]:
    """Several jets as one graph: columns [n_tracks, n_columns] and who belongs to whom."""
    sizes = [jet.n_tracks for jet in jets]
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    tracks = np.concatenate([jet.select(model.columns) for jet in jets])
    edges = np.concatenate(
        [jet.edge_index + offset for jet, offset in zip(jets, offsets, strict=True)], axis=1
    )
    edge_index = torch.from_numpy(edges).to(model.device)
    jet_of = torch.from_numpy(np.repeat(np.arange(len(jets)), sizes)).to(model.device)
    return (
        torch.from_numpy(np.ascontiguousarray(tracks)).to(model.device, dtype),
        Graph(edge_index[0], edge_index[1], jet_of, len(jets)),
    )


@dataclass(frozen=True)
class _Asked:
    """What was asked for. rows: with every edge's row"""

    model: Model
    target: Target
    rule: AnyRule
    dtype: str
    rows: bool


def _explain_fast(
    asked: _Asked, network: fast_path.Prepared, jets: list[Jet]
) -> dict[int, Explanation]:
    """The explanations, by position, of the jets that the fast path can explain.

    What it cannot, it leaves to the general engine, whose errors say whose they are and why.
    """
    model = asked.model
    explanations: dict[int, Explanation] = {}
    complete = [place for place, jet in enumerate(jets) if jet.complete and jet.n_tracks > 1]
    sizes = [jets[position].n_tracks for position in complete]
    for group in fast_path.groups(sizes):
        positions = [complete[number] for number in group]
        tracks = np.array([jets[position].select(model.columns) for position in positions])
        with torch.inference_mode():
            x = torch.from_numpy(tracks).to(network.scale)
            weights = torch.tensor(asked.target.weights, dtype=x.dtype, device=x.device)
            try:
                found = fast_path.explain_equals(network, x, weights, rows=asked.rows)
            except PropagationError:
                continue
            result = _Result(
                logits=found.logits,
                values=[ledger[0].received for ledger in found.ledgers],
                tracks=_read(found.tracks),
                edges=None if found.edges is None else _read(found.edges),
                sums=None if found.sums is None else _read(found.sums),
                significance=_read(found.significance),
                ledgers=found.ledgers,
            )
            some = [jets[position] for position in positions]
            explanations.update(zip(positions, result.explanations(asked, some), strict=True))
    return explanations


def _explain_together(asked: _Asked, jets: list[Jet]) -> list[Explanation]:
    model, dtype = asked.model, asked.dtype
    x, graph = _tensors(model, jets, DTYPES[dtype])
    with torch.no_grad():
        steps = model.steps.bind(DTYPES[dtype])
        values = run(steps, x, graph)
        assert steps.output is not None  # the model has checked it
        logits = values[steps.output]
        if not bool(torch.isfinite(logits).all()):
            first = int((~torch.isfinite(logits)).any(dim=1).nonzero()[0])
            raise PropagationError(f"{jets[first].jet_id}: {_NOT_FINITE.format(dtype)}")
        start = logits * logits.new_tensor(asked.target.weights)
        try:
            flow = propagate(steps, values, graph, start, asked.rule.for_stage)
        except PropagationError as error:
            if len(jets) > 1:  # find out whose it is
                return [_explain_together(asked, [jet])[0] for jet in jets]
            raise PropagationError(f"{jets[0].jet_id}: {error}") from error
    sizes, edges = [jet.n_tracks for jet in jets], [jet.n_edges for jet in jets]
    by_stage = {stage: values.split(edges) for stage, values in flow.edges.items()}
    nearest, *deeper = by_stage
    rows = by_stage[nearest]
    return _Result(
        logits=logits,
        values=start.double().sum(dim=1).tolist(),
        tracks=[_read(one) for one in flow.tracks.split(sizes)],
        edges=[_read(one) for one in rows] if asked.rows else None,
        sums=None if asked.rows else [_read(one.sum(dim=1)) for one in rows],
        significance=[significance(_read(one)) for one in rows],
        ledgers=_ledgers(flow.ledger, len(jets)),
        deeper={stage: [_read(one) for one in by_stage[stage]] for stage in deeper}
        if asked.rows
        else {},
    ).explanations(asked, jets)


def _read(values: Tensor) -> Array:
    """A tensor's numbers, wherever they are."""
    found: Array = values.cpu().numpy()
    return found


@dataclass(frozen=True)
class _Result:
    """What either engine found for some jets.

    logits [n_jets, n_classes], values [n_jets] float64; tracks, edges' rows or their sums, and
    significance by jet, in arrays of numpy
    """

    logits: Tensor
    values: list[float]
    tracks: Sequence[Array] | Array
    edges: Sequence[Array] | Array | None
    sums: Sequence[Array] | Array | None
    significance: Sequence[Array] | Array
    ledgers: list[Ledger]
    deeper: dict[str, list[Array]] = field(default_factory=dict)

    def explanations(self, asked: _Asked, jets: list[Jet]) -> list[Explanation]:
        """What belongs to each jet."""
        model = asked.model
        none = np.zeros((0, 2 * len(model.columns)), asked.dtype)
        logits = self.logits.double()
        probabilities = _read(logits.softmax(dim=1))
        all_logits = _read(logits)
        return [
            Explanation(
                logits=all_logits[number],
                probabilities=probabilities[number],
                classes=model.classes,
                target=asked.target.name,
                rule=asked.rule,
                dtype=asked.dtype,
                value=self.values[number],
                track_relevance=self.tracks[number],
                edge_index=jet.edge_index,
                edge_relevance=none if self.edges is None else self.edges[number],
                edge_significance=self.significance[number],
                ledger=ledger,
                columns=model.columns,
                jet_id=jet.jet_id,
                model_name=model.name,
                checkpoint_hash=model.checkpoint_hash,
                version=_version(),
                deeper_edge_relevance={
                    stage: parts[number] for stage, parts in self.deeper.items()
                },
                jet=jet,
                edge_sums=None if self.sums is None else self.sums[number],
            )
            for number, (jet, ledger) in enumerate(zip(jets, self.ledgers, strict=True))
        ]


def _ledgers(rows: list[Row], n_jets: int) -> list[Ledger]:
    """Each jet's ledger, read in one go: a number at a time would take longer than the jet."""
    numbers = torch.stack(
        [
            values
            for row in rows
            for values in (row.received, row.bias, row.epsilon, *row.passed.values())
        ]
    ).T.tolist()
    ledgers = []
    for jet in range(n_jets):
        left = iter(numbers[jet])
        ledgers.append(
            Ledger(
                tuple(
                    LedgerRow(
                        stage=row.stage,
                        received=next(left),
                        bias=next(left),
                        epsilon=next(left),
                        passed={name: next(left) for name in row.passed},
                        inputs=dict(row.inputs),
                    )
                    for row in rows
                )
            )
        )
    return ledgers


@cache
def _version() -> str:
    """This package's version, which does not change while it runs."""
    return version("jetlrp")
