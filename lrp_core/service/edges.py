"""One edge of an explanation: its two tracks, how much it matters, and through which features."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from lrp_core.errors import FigureError
from lrp_core.explanation import Explanation
from lrp_core.features import feature
from lrp_core.figures.part_words import kind_of, origin_words, stance
from lrp_core.figures.scene import Scene
from lrp_core.jets import Jet
from lrp_core.service.problems import Problem
from lrp_core.service.schemas import EdgeAnswer, EdgeEnd, FeatureInfo


def edge_answer(index: int, jet: Jet, explanation: Explanation, edge: int) -> EdgeAnswer:
    """What is known of one edge of the explanation of ``jet``, whose number is ``index``.

    Raises Problem if there is no such edge.
    """
    significance = explanation.edge_significance
    n_edges = len(significance)
    if not 0 <= edge < n_edges:
        there = f"numbered 0 to {n_edges - 1}" if n_edges else "so there is none to ask for"
        raise Problem(
            422,
            "unknown_edge",
            f"There is no edge {edge}: {explanation.jet_id} has {n_edges} edges, {there}.",
        )
    source, destination = explanation.edge_index[:, edge]
    ends = explanation.edge_feature_relevance(edge)
    own = significance[edge]
    before = int((significance > own).sum() + (significance[:edge] == own).sum())
    names = list(dict.fromkeys(explanation.edge_columns))
    signed = float(ends.sum())
    speaks, tracks = "", []
    with suppress(FigureError):  # relevance that is not finite
        scene = Scene.of(jet, explanation)
        speaks = stance(scene, signed)
        tracks = [edge_end(scene, int(source)), edge_end(scene, int(destination))]
    return EdgeAnswer(
        index=index,
        edge=edge,
        source=int(source),
        destination=int(destination),
        significance=float(own),
        rank=before + 1 if np.isfinite(own) else None,
        n_edges=n_edges,
        signed_relevance=signed,
        features=names,
        source_relevance=ends[0].tolist(),
        destination_relevance=ends[1].tolist(),
        feature_info=[feature_info(name) for name in names],
        speaks=speaks,
        ends=tracks,
    )


def feature_info(name: str) -> FeatureInfo:
    """What a feature is."""
    return FeatureInfo(**{key: getattr(feature(name), key) for key in FeatureInfo.model_fields})


def edge_end(scene: Scene, track: int) -> EdgeEnd:
    """What is known of the track at an end of an edge."""
    return EdgeEnd(
        track=track,
        kind=kind_of(scene, track),
        pt=float(scene.pt[track]),
        displaced=bool(scene.displaced[track]),
        origin=origin_words(scene, track),
        relevance=float(scene.relevance[track]),
    )
