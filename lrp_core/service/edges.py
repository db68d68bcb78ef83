"""One edge of an explanation: its two tracks, how much it matters, and through which features."""

from __future__ import annotations

import numpy as np

from lrp_core.explanation import Explanation
from lrp_core.service.problems import Problem
from lrp_core.service.schemas import EdgeAnswer


def edge_answer(index: int, explanation: Explanation, edge: int) -> EdgeAnswer:
    """What is known of one edge of the explanation of jet ``index``.

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
    return EdgeAnswer(
        index=index,
        edge=edge,
        source=int(source),
        destination=int(destination),
        significance=float(own),
        rank=before + 1 if np.isfinite(own) else None,
        n_edges=n_edges,
        signed_relevance=float(ends.sum()),
        features=list(dict.fromkeys(explanation.edge_columns)),
        source_relevance=ends[0].tolist(),
        destination_relevance=ends[1].tolist(),
    )
