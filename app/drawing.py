"""From the service's answers to what the page's scripts know of a jet."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lrp_core.figures.numbers import label_text, stands_for, value_words
from lrp_core.service.schemas import Base64Array, ExplanationAnswer, JetDetail


def values(vector: Base64Array | Sequence[float | None]) -> npt.NDArray[np.float64]:
    """The numbers of an answer's vector, [n]; null becomes NaN."""
    if isinstance(vector, Base64Array):
        return np.asarray(vector.numpy(), dtype=np.float64)
    return np.array([np.nan if value is None else value for value in vector], dtype=np.float64)


def feature_sums(explanation: ExplanationAnswer) -> npt.NDArray[np.float64]:
    """Relevance of each feature, added up over the tracks, [n_features]."""
    given = explanation.feature_relevance
    table = given.numpy() if isinstance(given, Base64Array) else np.array(given, dtype=np.float64)
    return table.reshape(-1, len(explanation.features)).astype(np.float64).sum(axis=0)


def scene_data(jet: JetDetail, explanation: ExplanationAnswer) -> dict[str, Any]:
    """What the page's scripts know of an explained jet beside its pictures, ready for JSON.

    axes      the features that an axis can have; log: whether all are positive
    colours   what tracks can be coloured by
    tracks_id  the same for the same tracks, also in a copy of the file
    account   where the explained value went, and what the sum misses
    """
    given = np.array(jet.tracks, dtype=np.float64).reshape(jet.n_tracks, len(jet.features))
    known = {"charge": "track_charge" in jet.features, "origin": jet.truth is not None}
    return {
        "jet": {
            "index": jet.index,
            "jet_id": jet.jet_id,
            "label": jet.label,
            "pt": jet.pt,
            "sdmass": jet.sdmass,
            "n_tracks": jet.n_tracks,
            "n_edges": jet.n_edges,
            "tracks_id": hashlib.sha256(given.tobytes()).hexdigest()[:16],
        },
        "question": {
            "target": explanation.target,
            "rule": explanation.rule_text,
            "file": explanation.file,
            "model": explanation.model.name,
        },
        "words": {
            "label": label_text(jet.label),
            "stands_for": stands_for(explanation.target, tuple(explanation.classes)),
            "value": value_words(explanation.target, tuple(explanation.classes)),
        },
        "prediction": {
            "classes": [label_text(name) for name in explanation.classes],
            "probabilities": _finite(values(explanation.probabilities)),
        },
        "account": {
            **explanation.totals.model_dump(),
            "error": explanation.conservation_error,
        },
        "axes": [
            {
                "name": about.name,
                "title": about.title,
                "group": about.group,
                "log": bool((given[:, at] > 0).all()),
            }
            for at, about in enumerate(jet.feature_info)
        ],
        "colours": ["relevance", *(name for name, there in known.items() if there)],
    }


def _finite(numbers: npt.NDArray[np.float64]) -> list[float | None]:
    return [float(number) if np.isfinite(number) else None for number in numbers]
