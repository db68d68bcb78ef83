"""From the service's answer to what assets/scene.js draws: numbers, never a figure."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt

from app.words import label_text
from lrp_core.service.schemas import Base64Array, ExplanationAnswer, JetDetail

DELTA_ETA = "track_etarel"  # sign(eta_jet) * (eta - eta_jet)
DELTA_PHI = "track_phirel"
PT = "track_pt"
HOVER = ("track_charge", "trackBTag_Sip2dSig", "trackBTag_Sip3dSig", "track_dxy", "track_dz")
HOVER_TITLES = {
    "track_charge": "charge",
    "trackBTag_Sip2dSig": "2D impact significance",
    "trackBTag_Sip3dSig": "3D impact significance",
    "track_dxy": "d₀",
    "track_dz": "d_z",
}
UNITS_HIDDEN = ("", "1", "–", "-")


def values(vector: Base64Array | list[float | None]) -> npt.NDArray[np.float64]:
    """The numbers of an answer's vector, [n]; null becomes NaN."""
    if isinstance(vector, Base64Array):
        return np.asarray(vector.numpy(), dtype=np.float64)
    return np.array([np.nan if value is None else value for value in vector], dtype=np.float64)


def pack(numbers: npt.ArrayLike, dtype: str = "float32") -> dict[str, Any]:
    """An array for the browser: {"dtype", "shape", "data"}, little-endian base64."""
    array = np.ascontiguousarray(numbers, dtype=np.dtype(dtype).newbyteorder("<"))
    data = base64.b64encode(array.tobytes()).decode("ascii")
    return {"dtype": dtype, "shape": list(array.shape), "data": data}


def stands_for(target: str, classes: list[str]) -> str:
    """What positive relevance speaks for: "margin" -> "H→bb̄", "qcd" -> "QCD"."""
    kind, _, of = target.partition(":")
    if kind != "margin":
        return label_text(target)
    return label_text(of or ("hbb" if "hbb" in classes else classes[-1]))


def scene_data(jet: JetDetail, explanation: ExplanationAnswer) -> dict[str, Any]:
    """All that the scene shows of one jet, ready for JSON.

    tracks: angles in radian, pT in GeV, relevance in units of the network's output.
    edges: significance and signed relevance as base64 float32, [n_edges]; index is None where
    every track is joined to every other, source by source.
    truth: where the tracks come from and where the b-hadrons fly; None for jets without one.
    """
    tracks = np.array(jet.tracks, dtype=np.float64).reshape(jet.n_tracks, len(jet.features))

    def column(name: str) -> npt.NDArray[np.float64]:
        if name in jet.features:
            return tracks[:, jet.features.index(name)]
        return np.zeros(jet.n_tracks)

    units = {info.name: info.unit for info in jet.feature_info}
    index = explanation.edge_index
    if isinstance(index, Base64Array):
        index = pack(index.numpy(), "int32")  # type: ignore[assignment]
    return {
        "jet": {"index": jet.index, "jet_id": jet.jet_id, "n_tracks": jet.n_tracks},
        "words": {"stands_for": stands_for(explanation.target, explanation.classes)},
        "tracks": {
            "delta_eta": column(DELTA_ETA).tolist(),
            "delta_phi": column(DELTA_PHI).tolist(),
            "pt": column(PT).tolist(),
            "relevance": pack(values(explanation.track_relevance_sum)),
            "more": [
                {
                    "title": HOVER_TITLES[name],
                    "unit": "" if units.get(name, "") in UNITS_HIDDEN else units[name],
                    "values": [float(f"{value:.4g}") for value in column(name)],
                }
                for name in HOVER
                if name in jet.features
            ],
        },
        "edges": {
            "significance": pack(values(explanation.edge_significance)),
            "signed": pack(values(explanation.signed_edge_relevance)),
            "index": index,
        },
        "truth": jet.truth.model_dump() if jet.truth else None,
    }
