"""The ROC curve as a figure and as a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.roc_plot import roc_figure, write_roc
from lrp_core.errors import TrainingError


def test_points_without_background_are_left_out() -> None:
    figure = roc_figure([0.0, 0.2, 0.5, 1.0], [0.0, 0.0, 0.1, 1.0], "net: AUC 0.9")
    assert list(figure.data[0].x) == [0.5, 1.0]
    assert list(figure.data[0].y) == [0.1, 1.0]
    assert figure.layout.title.text == "net: AUC 0.9"
    assert figure.layout.yaxis.type == "log"


def test_the_file_needs_no_network(tmp_path: Path) -> None:
    path = tmp_path / "roc.html"
    write_roc([0.0, 1.0], [0.0, 1.0], "net", str(path))
    text = path.read_text("utf-8")
    assert "cdn.plot.ly/plotly" not in text.split("<script")[1][:300]
    assert len(text) > 1_000_000


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be written"):
        write_roc([0.0, 1.0], [0.0, 1.0], "net", str(tmp_path / "no" / "roc.html"))
