"""From the service's answer to what assets/scene.js draws: numbers, never a figure."""

from __future__ import annotations

import base64
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


def pack(numbers: npt.ArrayLike, dtype: str = "float32") -> dict[str, Any]:
    """An array for the browser: {"dtype", "shape", "data"}, little-endian base64."""
    array = np.ascontiguousarray(numbers, dtype=np.dtype(dtype).newbyteorder("<"))
    data = base64.b64encode(array.tobytes()).decode("ascii")
    return {"dtype": dtype, "shape": list(array.shape), "data": data}


def feature_sums(explanation: ExplanationAnswer) -> npt.NDArray[np.float64]:
    """Relevance of each feature, added up over the tracks, [n_features]."""
    given = explanation.feature_relevance
    table = given.numpy() if isinstance(given, Base64Array) else np.array(given, dtype=np.float64)
    return table.reshape(-1, len(explanation.features)).astype(np.float64).sum(axis=0)


def scene_data(jet: JetDetail, explanation: ExplanationAnswer) -> dict[str, Any]:
    """All that the page draws of one jet, ready for JSON; assets/jet.js reads it.

    tracks     values [n_tracks, features] of the jet's features in their units, relevance
               [n_tracks] and feature_relevance [n_tracks, relevance_features] in units of the
               network's output, as base64 float32
    edges      significance and signed relevance [edges] as base64 float32; index is None where
               every track is joined to every other, source by source, and numbers says which of
               these edges came where only the most significant ones did
    account    where the explained value went, and what the sum misses
    truth, subjets, prongs  None or empty for jets without them
    """
    values_of = np.array(jet.tracks, dtype=np.float64).reshape(jet.n_tracks, len(jet.features))
    relevance = explanation.feature_relevance
    table = relevance.numpy() if isinstance(relevance, Base64Array) else np.array(relevance)
    index, numbers = explanation.edge_index, explanation.edge_numbers
    if isinstance(index, Base64Array):
        index = pack(index.numpy(), "int32")  # type: ignore[assignment]
    return {
        "jet": {
            "index": jet.index,
            "jet_id": jet.jet_id,
            "label": jet.label,
            "pt": jet.pt,
            "sdmass": jet.sdmass,
            "n_tracks": jet.n_tracks,
            "n_edges": jet.n_edges,
        },
        "question": {
            "target": explanation.target,
            "rule": explanation.rule_text,
            "file": explanation.file,
            "model": explanation.model.name,
        },
        "words": {
            "label": label_text(jet.label),
            "stands_for": stands_for(explanation.target, explanation.classes),
            "value": value_words(explanation.target, explanation.classes),
        },
        "prediction": {
            "classes": [label_text(name) for name in explanation.classes],
            "probabilities": _finite(values(explanation.probabilities)),
            "logits": _finite(values(explanation.logits)),
        },
        "account": {
            **explanation.totals.model_dump(),
            "error": explanation.conservation_error,
        },
        "features": [info.model_dump() for info in jet.feature_info],
        "tracks": {
            "features": jet.features,
            "values": pack(values_of),
            "relevance": pack(values(explanation.track_relevance_sum)),
            "relevance_features": explanation.features,
            "feature_relevance": pack(table),
        },
        "edges": {
            "significance": pack(values(explanation.edge_significance)),
            "signed": pack(values(explanation.signed_edge_relevance)),
            "index": index,
            "numbers": None if numbers is None else pack(values(numbers), "int32"),
        },
        "truth": jet.truth.model_dump() if jet.truth else None,
        "subjets": [subjet.model_dump() for subjet in jet.subjets],
        "prongs": explanation.prongs.model_dump() if explanation.prongs else None,
    }


def _finite(numbers: npt.NDArray[np.float64]) -> list[float | None]:
    return [float(number) if np.isfinite(number) else None for number in numbers]
