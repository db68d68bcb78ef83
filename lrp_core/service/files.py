"""An explanation as files to take away: all of it as JSON or NPZ, its tracks and edges as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from lrp_core.explanation import Explanation
from lrp_core.jets import Jet
from lrp_core.service.answers import by_significance

LONGEST_RULE = 80  # letters of it in a file's name


def file_name(explanation: Explanation, ending: str) -> str:
    """A name that tells the file, the jet, the target and the rule: letters, digits and - . _ +."""
    path, _, number = explanation.jet_id.rpartition(":")
    rule = str(explanation.rule).replace("(", "-", 1)
    parts = [PurePath(path).stem, number, explanation.target, rule[:LONGEST_RULE]]
    parts = [plain for part in parts if (plain := _plain(part))]
    return "_".join(parts) + ending


def track_table(explanation: Explanation, jet: Jet) -> Iterator[str]:
    """The tracks as CSV, a row each: relevance, and every feature's value and relevance."""
    names = ["track", "relevance"]
    for feature in explanation.features:
        names += [feature, f"{feature}_relevance"]
    relevance = explanation.feature_relevance.tolist()
    total = explanation.track_relevance.sum(axis=1).tolist()
    values = np.stack([jet.column(name) for name in explanation.features], axis=1).tolist()
    rows = (
        [track, total[track], *_alternating(values[track], relevance[track])]
        for track in range(jet.n_tracks)
    )
    return _lines(explanation, names, rows)


def edge_table(explanation: Explanation) -> Iterator[str]:
    """The edges as CSV, a row each, the most significant one first."""
    order = by_significance(explanation.edge_significance)
    columns = (
        explanation.edge_index[0],
        explanation.edge_index[1],
        explanation.edge_significance,
        explanation.signed_edge_relevance,
    )
    rows = zip(range(1, len(order) + 1), *(c[order].tolist() for c in columns), strict=True)
    names = ["rank", "source", "destination", "significance", "signed_relevance"]
    return _lines(explanation, names, rows)


def _lines(
    explanation: Explanation, names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterator[str]:
    """A table whose rows say what they are of. Numbers have every digit that they are told by."""
    which = [explanation.jet_id, explanation.target, str(explanation.rule)]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["jet_id", "target", "rule", *names])
    for row in rows:
        writer.writerow([*which, *row])
    yield text.getvalue()


def _alternating(values: Sequence[float], relevance: Sequence[float]) -> Iterator[float]:
    for pair in zip(values, relevance, strict=True):
        yield from pair


def _plain(text: str) -> str:
    """Only what every file system and every header takes."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", text).strip("-.")
