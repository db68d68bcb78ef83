"""Explain whole files of jets into one file of relevance: read ahead, explain, write, go on later.

The next jets are read, and the last ones written, by threads of their own while a batch is being
explained. No more than one batch waits on either side, so memory does not grow with the files.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lrp_core.errors import (
    JetError,
    JetIndexError,
    PropagationError,
    SettingsError,
    Told,
    told,
)
from lrp_core.explainer import DTYPE, DTYPES, choose, explain_batch
from lrp_core.features import feature
from lrp_core.jets import Jet
from lrp_core.model import Model
from lrp_core.reading import BadJet, JetFiles
from lrp_core.relevance_file import EDGES, JetRelevance, Problem, RelevanceWriter
from lrp_core.root_file import GIVE_COLUMNS
from lrp_core.rules import AnyRule

JETS_AT_ONCE = 128
ROWS_AT_ONCE = 250_000  # tracks and edges of a batch
FULL_ROWS_AT_ONCE = 50_000  # where each is written with all its columns
READ_AT_ONCE = 256  # jets

Progress = Callable[[int, int], None]
Numbered = tuple[int, Jet | BadJet]


@dataclasses.dataclass(frozen=True)
class Streamed:
    """What became of a run: its file, how many jets are in it, and those not explained.

    n_before      jets that an earlier run had explained
    was_complete  whether the file was there already, with all of them
    """

    path: Path
    n_jets: int
    n_before: int
    was_complete: bool
    problems: tuple[Problem, ...]


def explain_files(
    model: Model,
    jets: JetFiles,
    out: str | Path,
    *,
    target: str | None = None,
    rule: AnyRule | str | None = None,
    dtype: str = "float32",
    edges: str = "summary",
    first: int = 0,
    last: int | None = None,
    jets_at_once: int = JETS_AT_ONCE,
    progress: Progress | None = None,
    words: Callable[[str], str] = str,
) -> Streamed:
    """Explain the jets ``first`` to ``last`` of ``jets`` into the Parquet file ``out``.

    target, rule, dtype  as for ``explain``
    edges     "summary": significance and signed sum of every edge; "full": also its whole row of
              relevance; "none": no edges
    last      number of the last jet, by default that of the files
    jets_at_once  jets explained together, and made safe on the disk together
    progress  is told how many jets are done and how many there are, at first and after each batch
    words     how a reason is written, such as ``errors.in_command`` for people at a command line

    Where a run of the same kind stopped, however it did, this one goes on; where it is complete,
    nothing is done. A jet that cannot be read or explained has its row too, which says why. Where
    what the files are on fails, that is no word about their jets: the run stops with SourceError.
    Raises RelevanceFileError where the file cannot be written or what is there is of another run,
    and as ``explain`` and ``open_jets`` do for what concerns all jets.
    """
    asked = _run(model, jets, target, rule, dtype, edges, first, last)
    if jets_at_once < 1:
        raise SettingsError(
            told(
                f"at least one jet is explained at once, found {jets_at_once} as ",
                Told("jets_at_once", "--batch"),
            )
        )
    rule, target = choose(rule, target)

    def tell() -> None:
        if progress is not None:
            progress(writer.next - writer.first, n_jets)

    def explain(batch: Sequence[Numbered]) -> list[JetRelevance]:
        return _rows(model, batch, target, rule, dtype, edges, words)

    with RelevanceWriter(out, asked) as writer:
        n_jets, n_before = writer.stop - writer.first, writer.next - writer.first
        was_complete = writer.complete
        tell()
        rows_at_once = FULL_ROWS_AT_ONCE if edges == "full" else ROWS_AT_ONCE
        batches = _batches(jets, writer.next, writer.stop, jets_at_once, rows_at_once)
        try:
            # One thread each: what they do is in order, and one batch at most waits for them.
            with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as scribe:
                reading = reader.submit(next, batches, None)
                writing: Future[None] | None = None
                while (batch := reading.result()) is not None:
                    reading = reader.submit(next, batches, None)
                    rows = explain(batch)
                    if writing is not None:
                        writing.result()
                        tell()
                    writing = scribe.submit(writer.write, rows)
                if writing is not None:
                    writing.result()
        finally:
            tell()  # also of what was written while an interrupt was on its way
        problems = tuple(writer.problems())
        writer.finish()
    return Streamed(Path(out), n_jets, n_before, was_complete, problems)


def check_columns(model: Model, jets: JetFiles) -> None:
    """Raise JetError, naming them, if the files lack columns that the network reads."""
    missing = [name for name in model.features if name not in jets.features]
    if missing:
        raise JetError(
            told(
                f"{jets.name}: the network needs {', '.join(missing)}, which the jets do not have"
                f"{jets.why_not(missing)}; they have {', '.join(jets.features)}; if some are named "
                "otherwise, ",
                GIVE_COLUMNS,
            )
        )


def _run(
    model: Model,
    jets: JetFiles,
    target: str | None,
    rule: AnyRule | str | None,
    dtype: str,
    edges: str,
    first: int,
    last: int | None,
) -> dict[str, Any]:
    """What the numbers of a run depend on, checked: stands in the file, and must not change."""
    rule, target = choose(rule, target)
    if dtype not in DTYPES:
        raise SettingsError(told(DTYPE, f" is one of {', '.join(DTYPES)}, found {dtype!r}"))
    if edges not in EDGES:
        raise SettingsError(
            told(Told("edges", "--edges"), f" is one of {', '.join(EDGES)}, found {edges!r}")
        )
    last = len(jets) - 1 if last is None else last
    if not 0 <= first <= last < len(jets):
        raise JetIndexError(
            f"there are no jets {first} to {last} in {jets.name}; it has {len(jets)} jets"
            + (f", numbered 0 to {len(jets) - 1}" if len(jets) else "")
        )
    check_columns(model, jets)
    explain_batch(model, [], target=target, rule=rule, dtype=dtype)  # refuses what cannot be
    return {
        "version": version("jetlrp"),
        "jets": [dataclasses.asdict(source) for source in jets.sources],
        "tree": jets.tree,
        "column_map": jets.columns,
        "padding": str(jets.padding) or None,
        "first": first,
        "last": last,
        "model": model.name,
        "checkpoint_hash": model.checkpoint_hash,
        "device": model.device.type,
        "classes": model.classes,
        "columns": model.columns,
        "features": model.features,
        "feature_units": [feature(name).unit for name in model.features],
        "target": model.target(target).name,
        "rule": rule.to_dict(),
        "dtype": "float64" if rule.needs_float64 else dtype,
        "edges": edges,
        "units": "relevance, value and logits in units of the logit; pt and sdmass in GeV",
    }


def _batches(
    jets: JetFiles, first: int, stop: int, at_once: int, rows_at_once: int
) -> Iterator[list[Numbered]]:
    """The jets with their numbers, in lists of a bounded number of jets, and of tracks and edges.

    Where a list ends depends on what it holds alone, so a run that goes on makes the same ones.
    """
    batch: list[Numbered] = []
    size = 0
    for number, jet in _numbered(jets, first, stop):
        rows = jet.n_tracks + jet.n_edges if isinstance(jet, Jet) else 0
        if batch and (len(batch) == at_once or size + rows > rows_at_once):
            yield batch
            batch, size = [], 0
        batch.append((number, jet))
        size += rows
    if batch:
        yield batch


def _numbered(jets: JetFiles, first: int, stop: int) -> Iterator[Numbered]:
    """Every jet with its number, or what is wrong with it."""
    for start in range(first, stop, READ_AT_ONCE):
        end = min(start + READ_AT_ONCE, stop)
        found = jets.read(start, end, on_error="keep")
        bad: dict[int, BadJet] = {}
        if not all(isinstance(jet, Jet) for jet in found):
            bad = {jet.index: jet for jet in jets.problems(start, end)}
        for number, jet in enumerate(found, start):
            yield number, jet if isinstance(jet, Jet) else bad[number]


def _rows(
    model: Model,
    batch: Sequence[Numbered],
    target: str,
    rule: AnyRule,
    dtype: str,
    edges: str,
    words: Callable[[str], str],
) -> list[JetRelevance]:
    """A row for every jet of a batch, explained or not."""
    good = {number: jet for number, jet in batch if isinstance(jet, Jet)}
    explained: dict[int, JetRelevance] = {}
    failures = {number: words(jet.message) for number, jet in batch if isinstance(jet, BadJet)}

    def explain(numbers: Sequence[int]) -> None:
        some = [good[number] for number in numbers]
        rows = "full" if edges == "full" else "summary"
        found = explain_batch(model, some, target=target, rule=rule, dtype=dtype, edges=rows)
        for number, jet, explanation in zip(numbers, some, found, strict=True):
            explained[number] = JetRelevance.of(number, jet, explanation, edges)

    try:
        explain(list(good))
    except (JetError, PropagationError):
        for number in good:  # find out whose it is
            try:
                explain([number])
            except (JetError, PropagationError) as error:
                failures[number] = words(error.words)
    for number, jet in batch:
        if number in failures:
            text = failures[number]
            explained[number] = JetRelevance.failed(number, jet, text, target, str(rule))
    return [explained[number] for number, _ in batch]
