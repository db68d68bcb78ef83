"""The ROC curve of a network as an HTML file that opens anywhere, offline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import plotly.graph_objects as go

from lrp_core.errors import TrainingError


def roc_figure(efficiency: Sequence[float], rate: Sequence[float], title: str) -> go.Figure:
    """Background rate (logarithmic) against signal efficiency, one point for each threshold.

    Thresholds that keep no background have no point: their rate has no logarithm.
    """
    kept = [(e, r) for e, r in zip(efficiency, rate, strict=True) if r > 0]
    figure = go.Figure(
        go.Scatter(
            x=[e for e, _ in kept],
            y=[r for _, r in kept],
            mode="lines",
            line={"shape": "hv", "width": 2},
            hovertemplate="signal kept %{x:.3f}<br>background kept %{y:.3g}<extra></extra>",
        )
    )
    figure.update_layout(
        title=title,
        template="plotly_white",
        xaxis={"title": "signal efficiency (H→bb kept)", "range": [0, 1]},
        yaxis={"title": "background rate (QCD kept)", "type": "log"},
    )
    return figure


def write_roc(efficiency: Sequence[float], rate: Sequence[float], title: str, path: str) -> None:
    """Draw the curve into an HTML file. Raises TrainingError if it cannot be written."""
    try:
        roc_figure(efficiency, rate, title).write_html(Path(path), include_plotlyjs=True)
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written ({error.strerror})") from error
