"""The table of all jets as people ask for it: filtered, sorted, a page at a time.

Nothing is sorted but the page: its first and last value are found by selection, which takes time in
proportion to the number of jets, and only what lies between them is put in order. So a million jets
need no index, and scores may change between two pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_core.service.schemas import JetPage, JetQuery, JetRow

FILTERED = ("score", "pt", "sdmass", "n_tracks")

UNKNOWN = -1  # the code of what is null

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


class JetTable:
    """What is known of every jet without reading its tracks, as columns.

    summary  a row per jet in file order: index, label, pt, sdmass, n_tracks, problem
    """

    def __init__(self, summary: pd.DataFrame) -> None:
        self.n_jets = len(summary)
        self._label, self._labels = _texts(summary["label"])
        self._problem, self._problems = _texts(summary["problem"])
        self._numbers = {name: _numbers(summary[name]) for name in ("pt", "sdmass", "n_tracks")}
        self._numbers["label"] = np.where(self._label < 0, np.nan, self._label)  # to sort by

    def page(self, query: JetQuery, scores: Floats, scores_done: int) -> JetPage:
        """The jets that ``query`` asks for; ``scores`` [n_jets], NaN where there is none."""
        chosen = self.chosen(query, scores)
        first, last = query.offset, query.offset + query.limit
        name, backwards = query.sort.removeprefix("-"), query.sort.startswith("-")
        if name == "index":
            page = chosen[::-1][first:last] if backwards else chosen[first:last]
        else:
            values = self._values(name, scores)
            values = values if len(chosen) == self.n_jets else values[chosen]
            page = chosen[ranked(-values if backwards else values, first, last)]
        return JetPage(
            total=self.n_jets,
            matching=len(chosen),
            scores_done=scores_done,
            jets=self.rows(page, scores),
        )

    def rows(self, jets: Iterable[int], scores: Floats) -> list[JetRow]:
        """What is known of some jets, by number."""
        return [
            JetRow(
                index=int(index),
                label=self._labels[self._label[index]],
                score=_number(scores[index]),
                pt=_number(self._numbers["pt"][index]),
                sdmass=_number(self._numbers["sdmass"][index]),
                n_tracks=_count(self._numbers["n_tracks"][index]),
                problem=self._problems[self._problem[index]],
            )
            for index in jets
        ]

    def labels(self) -> npt.NDArray[np.object_]:
        """The label of every jet [n_jets], None where nobody knows."""
        return np.array(self._labels, dtype=object)[self._label]

    def has_label(self, label: str) -> bool:
        """Whether any jet has it."""
        return label in self._labels

    def chosen(self, query: JetQuery, scores: Floats) -> Places:
        """The numbers of the jets that pass the filters of ``query``, in file order."""
        first = 0 if query.min_index is None else min(max(0, query.min_index), self.n_jets)
        last = self.n_jets if query.max_index is None else min(self.n_jets, query.max_index + 1)
        part = slice(first, max(first, last))
        masks = []
        if query.label is not None:
            known = query.label in self._labels
            code = self._labels.index(query.label) if known else UNKNOWN
            if known or query.label == "none":
                masks.append(self._label[part] == code)
            else:
                return np.zeros(0, np.intp)
        for name in FILTERED:
            least, most = getattr(query, f"min_{name}"), getattr(query, f"max_{name}")
            if least is not None:
                masks.append(self._values(name, scores)[part] >= least)
            if most is not None:
                masks.append(self._values(name, scores)[part] <= most)
        if not masks:
            return np.arange(part.start, part.stop)
        return np.flatnonzero(np.logical_and.reduce(masks)) + part.start

    def _values(self, name: str, scores: Floats) -> Floats:
        """A column to sort or filter by, [n_jets]; NaN for null."""
        return scores if name == "score" else self._numbers[name]


def ranked(values: Floats, first: int, last: int) -> Places:
    """Places ``first`` … ``last`` - 1 of the order of ``values`` [n]: where these stand in it.

    As ``np.argsort(values, kind="stable")[first:last]``: equal ones in the order given, NaN last;
    but without sorting more than lies there.
    """
    last = min(last, len(values))
    if first >= last:
        return np.zeros(0, np.intp)
    known = len(values) - int(np.isnan(values).sum())
    found = []
    if first < known:
        ends = np.partition(values, (first, min(last, known) - 1))
        least, most = ends[first], ends[min(last, known) - 1]
        between = np.flatnonzero((values >= least) & (values <= most))
        order = between
        if least < most:  # a page within one label, as most are, is in order already
            order = between[np.argsort(values[between], kind="stable")]
        before = int((values < least).sum())
        found.append(order[first - before : min(last, known) - before])
    if last > known:
        missing = np.flatnonzero(np.isnan(values))
        found.append(missing[max(first - known, 0) : last - known])
    return np.concatenate(found)


def _numbers(column: pd.Series[Any]) -> Floats:
    """The values [n_jets]; NaN where there is none or it is not finite."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def _texts(column: pd.Series[Any]) -> tuple[npt.NDArray[np.int64], list[str | None]]:
    """Codes [n_jets] and what they mean, in alphabetical order; UNKNOWN, the last one, is None."""
    codes, texts = pd.factorize(column.astype(object), sort=True)
    return codes.astype(np.int64), [*(str(text) for text in texts), None]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _count(value: float) -> int | None:
    return int(value) if np.isfinite(value) else None
