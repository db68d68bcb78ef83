"""The table of all jets as people ask for it: filtered, sorted, a page at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_core.service.schemas import JetPage, JetQuery, JetRow

NUMBERS = ("score", "pt", "sdmass", "n_tracks")


class JetTable:
    """What is known of every jet without reading its tracks, as columns.

    summary  a row per jet in file order: index, label, pt, sdmass, n_tracks, problem
    """

    def __init__(self, summary: pd.DataFrame) -> None:
        self.n_jets = len(summary)
        self._label = _texts(summary["label"])
        self._problem = _texts(summary["problem"])
        self._numbers = {name: _numbers(summary[name]) for name in ("pt", "sdmass", "n_tracks")}

    def page(self, query: JetQuery, scores: npt.NDArray[np.float64], scores_done: int) -> JetPage:
        """The jets that ``query`` asks for; ``scores`` [n_jets], NaN where there is none."""
        numbers = {**self._numbers, "score": scores}
        chosen = np.flatnonzero(self._matching(query, numbers))
        chosen = chosen[self._order(query.sort, chosen, numbers)]
        rows = [
            JetRow(
                index=int(index),
                label=self._label[index],
                score=_number(scores[index]),
                pt=_number(self._numbers["pt"][index]),
                sdmass=_number(self._numbers["sdmass"][index]),
                n_tracks=_count(self._numbers["n_tracks"][index]),
                problem=self._problem[index],
            )
            for index in chosen[query.offset : query.offset + query.limit]
        ]
        return JetPage(total=self.n_jets, matching=len(chosen), scores_done=scores_done, jets=rows)

    def _matching(
        self, query: JetQuery, numbers: dict[str, npt.NDArray[np.float64]]
    ) -> npt.NDArray[np.bool_]:
        matching = np.ones(self.n_jets, dtype=bool)
        if query.label is not None:
            wanted = None if query.label == "none" else query.label
            matching &= np.fromiter(
                (label == wanted for label in self._label), dtype=bool, count=self.n_jets
            )
        for name in NUMBERS:
            least, most = getattr(query, f"min_{name}"), getattr(query, f"max_{name}")
            if least is not None:
                matching &= numbers[name] >= least
            if most is not None:
                matching &= numbers[name] <= most
        return matching

    def _order(
        self,
        sort: str,
        chosen: npt.NDArray[np.intp],
        numbers: dict[str, npt.NDArray[np.float64]],
    ) -> npt.NDArray[np.intp]:
        """The order of the chosen jets: nulls last either way, equal ones in file order."""
        name, backwards = sort.removeprefix("-"), sort.startswith("-")
        if name == "index":
            order = np.arange(len(chosen))
            return order[::-1] if backwards else order
        if name == "label":
            labels = sorted({label for label in self._label if label is not None})
            rank = {label: float(place) for place, label in enumerate(labels)}
            values = np.array(
                [rank.get(self._label[index] or "", np.nan) for index in chosen], dtype=np.float64
            )
        else:
            values = numbers[name][chosen]
        return np.argsort(-values if backwards else values, kind="stable")  # NaN goes last


def _numbers(column: pd.Series[Any]) -> npt.NDArray[np.float64]:
    """The values [n_jets]; NaN where there is none or it is not finite."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def _texts(column: pd.Series[Any]) -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in column]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _count(value: float) -> int | None:
    return int(value) if np.isfinite(value) else None
