"""Subjets: where they are, by hand-made and real distances, and where nobody can tell."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrp_core.jets import Jet
from lrp_core.reading import open_jets
from lrp_core.subjets import nearest_subjet, subjet_axes

COLUMNS = ("track_etarel", "track_phirel", "track_drsubjet1", "track_drsubjet2")
ONE, TWO = np.array([0.25, -0.125]), np.array([-0.4, 0.3])


def jet_of(tracks: Any, one: Any = ONE, two: Any = TWO, dtype: Any = np.float64) -> Jet:
    """A jet with tracks [n, 2] at their distances from two points; None is no subjet."""
    tracks = np.asarray(tracks, np.float64)
    distances = [
        np.full(len(tracks), -1.0) if axis is None else np.linalg.norm(tracks - axis, axis=1)
        for axis in (one, two)
    ]
    return Jet.from_arrays(np.column_stack([tracks, *distances]).astype(dtype), COLUMNS)


def test_by_hand() -> None:
    jet = Jet.from_arrays([[0, 0, 0.5, 0.1], [0.3, 0, 0.4, 0.2], [0, 0.4, 0.3, -1]], COLUMNS)
    (one,) = subjet_axes(jet)  # two tracks are not enough for the other
    assert (one.number, one.etarel, one.phirel) == pytest.approx((1, 0.3, 0.4))
    assert one.residual < 1e-12
    assert nearest_subjet(jet).tolist() == [2, 2, 1]


@pytest.mark.parametrize(("dtype", "far"), [(np.float32, 3e-6), (np.float64, 1e-13)])
@pytest.mark.parametrize("n_tracks", [3, 4, 30])
def test_points_are_found_again(dtype: Any, far: float, n_tracks: int) -> None:
    draw = np.random.default_rng(n_tracks)
    for _ in range(20):
        tracks = draw.normal(0, 0.3, (n_tracks, 2))
        one, two = draw.normal(0, 0.3, (2, 2))
        if n_tracks == 3:
            tracks = np.array([[0, 0], [0.3, 0], [0, 0.3]]) + draw.normal(0, 0.03, (3, 2))
        axes = subjet_axes(jet_of(tracks, one, two, dtype))
        assert [axis.number for axis in axes] == [1, 2]
        for axis, wanted in zip(axes, (one, two), strict=True):
            assert (axis.etarel, axis.phirel) == pytest.approx(tuple(wanted), abs=far)
            assert axis.residual < far


def test_a_subjet_on_a_track() -> None:
    tracks = [[0.1, 0.2], [0.25, -0.125], [-0.3, 0.1], [0.0, 0.4]]
    one, _ = subjet_axes(jet_of(tracks))
    assert (one.etarel, one.phirel) == pytest.approx(tuple(ONE), abs=1e-12)


def test_where_phi_turns_over() -> None:
    tracks = np.array([[0.1, 3.1], [-0.2, 3.0], [0.0, 3.3], [0.2, 3.2]])
    jet = jet_of(tracks, [0.05, 3.2], [0.0, 3.05])
    values = jet.tracks.copy()
    values[:, 1] = np.where(values[:, 1] > np.pi, values[:, 1] - 2 * np.pi, values[:, 1])
    one, two = subjet_axes(Jet.from_arrays(values, COLUMNS))
    assert (one.etarel, one.phirel) == pytest.approx((0.05, 3.2 - 2 * np.pi))
    assert (two.etarel, two.phirel) == pytest.approx((0.0, 3.05))


def test_two_tracks_and_tracks_on_a_line_fix_no_point() -> None:
    assert subjet_axes(jet_of([[0, 0], [0.1, 0.2]])) == ()
    line = np.outer(np.linspace(-0.3, 0.5, 9), [1.0, 0.5]) + 0.1
    assert subjet_axes(jet_of(line)) == ()
    assert nearest_subjet(jet_of(line)) is not None
    assert subjet_axes(jet_of([[0.1, 0.2]] * 5)) == ()


def test_distances_that_no_point_has_are_no_subjet() -> None:
    draw = np.random.default_rng(0)
    jet = jet_of(draw.normal(0, 0.3, (10, 2)))
    values = jet.tracks.copy()
    values[3, 2] += 0.01
    assert [axis.number for axis in subjet_axes(Jet.from_arrays(values, COLUMNS))] == [2]
    values[:, 3] = draw.uniform(0, 1, 10)
    assert subjet_axes(Jet.from_arrays(values, COLUMNS)) == ()
    values[:, 3] = 1e30
    assert subjet_axes(Jet.from_arrays(values, COLUMNS)) == ()


def test_tracks_without_a_subjet_do_not_count() -> None:
    draw = np.random.default_rng(1)
    jet = jet_of(draw.normal(0, 0.3, (10, 2)))
    values = jet.tracks.copy()
    values[:4, 2:] = -1.0
    jet = Jet.from_arrays(values, COLUMNS)
    one, two = subjet_axes(jet)
    assert (one.etarel, one.phirel) == pytest.approx(tuple(ONE))
    assert (two.etarel, two.phirel) == pytest.approx(tuple(TWO))
    assert nearest_subjet(jet)[:4].tolist() == [0] * 4
    assert set(nearest_subjet(jet)[4:]) <= {1, 2}


def test_none_at_all() -> None:
    draw = np.random.default_rng(2)
    jet = jet_of(draw.normal(0, 0.3, (10, 2)), None, None)
    assert subjet_axes(jet) == ()
    assert nearest_subjet(jet).tolist() == [0] * 10


@pytest.mark.parametrize("left_out", COLUMNS)
def test_columns_that_are_missing(left_out: str) -> None:
    draw = np.random.default_rng(3)
    jet = jet_of(draw.normal(0, 0.3, (10, 2)))
    rest = [name for name in COLUMNS if name != left_out]
    part = Jet.from_arrays(jet.select(rest), rest)
    found = [axis.number for axis in subjet_axes(part)]
    if left_out.startswith("track_drsubjet"):
        assert found == [2 if left_out.endswith("1") else 1]
        assert nearest_subjet(part) is None
    else:
        assert found == []
        assert nearest_subjet(part) is not None


def test_equally_near_is_the_first() -> None:
    jet = Jet.from_arrays([[0, 0, 0.3, 0.3]], COLUMNS)
    assert nearest_subjet(jet).tolist() == [1]


def found_in(jets: Any) -> tuple[Counter[tuple[int, ...]], float]:
    found = [subjet_axes(jet) for jet in jets]
    counts = Counter(tuple(axis.number for axis in axes) for axes in found)
    return counts, max(axis.residual for axes in found for axis in axes)


def test_every_subjet_of_the_real_jets_is_found(cms_data: Path) -> None:
    counts, residual = found_in(open_jets(cms_data / "hbb_jets.root"))
    assert counts == {(1, 2): 897, (1,): 16, (): 4}
    assert residual < 1e-6


def test_every_subjet_of_the_simulated_jets_is_found() -> None:
    counts, residual = found_in(open_jets()[:200])
    assert set(counts) <= {(1, 2), (1,)}
    assert residual < 1e-6
