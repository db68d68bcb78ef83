"""The smaller parts of the simulation: packing, material, vertices, origins, the spectrum."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from lrp_core.errors import SimulationError
from lrp_core.simulation import simulate
from lrp_core.simulation.association import nearest_vertex
from lrp_core.simulation.block import Jets, Task
from lrp_core.simulation.covariance import (
    correlation_roots,
    draw_covariance,
    pack_covariance,
    pack_float16,
    pack_log,
)
from lrp_core.simulation.material import pass_material
from lrp_core.simulation.particles import (
    Particles,
    holds_quark,
    nearest_ancestor,
    weak,
)
from lrp_core.simulation.samples import BACKGROUND, PT_BINS, SIGNAL
from lrp_core.simulation.shaping import N_BINS, Shaper, spread_slots, wanted_per_bin
from lrp_core.simulation.table import ranges
from lrp_core.truth import Origin


def particles(n: int, pdg: int, pt: float, eta: float = 0.0) -> Particles:
    """n equal particles from the collision, along x."""
    values = {f.name: np.zeros(n) for f in fields(Particles)}
    values |= {
        "event": np.zeros(n, dtype=np.int64),
        "pdg": np.full(n, pdg),
        "charge": np.full(n, 0.0 if pdg == 22 else 1.0),
        "px": np.full(n, pt),
        "pz": np.full(n, pt * np.sinh(eta)),
        "energy": np.full(n, pt * np.cosh(eta)),
        "origin": np.zeros(n, dtype=np.int64),
        "b": np.full(n, -1),
        "group": np.full(n, -1),
    }
    return Particles(**values)


def test_packed_logarithms_lie_on_128_steps() -> None:
    values = -np.exp(np.linspace(-25, 2, 400))
    packed = pack_log(values, -17.0, -4.0)
    level = (np.log(-packed) + 17) * 128 / 13
    np.testing.assert_allclose(level, np.round(level), atol=1e-9)
    assert level.min() == pytest.approx(0)
    assert level.max() == pytest.approx(127)
    inside = (np.log(-values) > -17) & (np.log(-values) < -4.2)
    np.testing.assert_allclose(np.log(packed / values)[inside], 0, atol=13 / 256 + 1e-9)


def test_a_16_bit_float_overflows_to_zero() -> None:
    assert pack_float16(np.array([6.5]))[0] == pytest.approx(6.5, rel=1e-3)
    assert pack_float16(np.array([6.6]))[0] == 0.0


def test_correlations_are_possible_ones() -> None:
    for root in correlation_roots():
        matrix = root @ root.T
        np.testing.assert_allclose(np.diag(matrix), 1)
        assert np.linalg.eigvalsh(matrix).min() > -1e-12
        assert matrix[0, 2] > 0.7  # q/p and phi


def test_covariances_fall_with_pt_and_have_their_signs() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    pixel = np.repeat([0, 1, 2], n)
    soft = draw_covariance(np.full(3 * n, 1.0), np.zeros(3 * n), pixel, rng)
    hard = draw_covariance(np.full(3 * n, 30.0), np.zeros(3 * n), pixel, rng)
    assert np.median(hard.dxydxy) < 0.1 * np.median(soft.dxydxy)
    assert (soft.dlambdadz < 0).all()
    assert (soft.dphidxy < 0).all()
    by_class = [np.median(soft.dxydxy[pixel == c]) for c in (0, 1, 2)]
    assert by_class[0] < by_class[1] < by_class[2]
    assert (soft.dxydz**2 <= soft.dxydxy * soft.dzdz).all()
    packed = pack_covariance(soft, np.ones(3 * n))
    assert np.median(np.abs(np.log(packed.dptdpt / soft.dptdpt))) < 15 / 256


def test_photons_convert_as_often_as_the_material_says() -> None:
    before = particles(20_000, 22, 5.0)
    passage = pass_material(before, np.random.default_rng(1))
    converted = 1 - len(passage.particles) / 20_000
    expected = 1 - np.exp(-7 / 9 * 0.72 * 0.37)
    assert converted == pytest.approx(expected, abs=4 * np.sqrt(expected / 20_000))
    pairs = passage.products
    assert set(np.unique(pairs.origin)) == {Origin.CONVERSION}
    np.testing.assert_allclose(np.bincount(pairs.group, pairs.energy), 5.0)
    np.testing.assert_allclose(np.bincount(pairs.group, pairs.charge), 0.0)
    layers = (2.2, 4.4, 7.3, 10.2, 16.0, 25.5, 33.9, 41.8, 49.8)
    assert np.min(np.abs(pairs.radius[:, None] - np.array(layers)), axis=1).max() < 1e-9


def test_interactions_keep_two_thirds_of_the_momentum_in_charged_products() -> None:
    passage = pass_material(particles(20_000, 211, 20.0), np.random.default_rng(2))
    assert len(passage.particles) == 20_000
    products = passage.products
    along = np.bincount(products.group, products.px)
    assert along.mean() == pytest.approx(0.65 * 20, rel=0.03)
    assert np.isfinite(passage.stopped_at_cm).sum() == len(along)


def test_muons_and_soft_particles_pass() -> None:
    for pdg, pt in ((13, 20.0), (211, 1.0), (22, 1.0)):
        assert len(pass_material(particles(3000, pdg, pt), np.random.default_rng(3)).products) == 0


def test_heavy_hadrons_are_told_by_their_code() -> None:
    codes = np.array(
        [511, -521, 5122, 553, 443, 421, -411, 4122, 10411, 5, 21, 310, 3122, 541, 5332]
    )
    assert holds_quark(codes, 5).tolist() == [
        True, True, True, False, False, False, False, False, False, False, False, False, False,
        True, True,
    ]  # fmt: skip
    assert holds_quark(codes, 4)[[4, 5, 6, 7, 8]].tolist() == [False, True, True, True, True]


def test_ancestors() -> None:
    # 0 beam; 1 B*; 2 B of it; 3 D of the B; 4 pion of the D; 5 photon of the B*; 6 prompt pion
    mother = np.array([0, 0, 1, 2, 3, 1, 0])
    flavoured = np.array([False, True, True, False, False, False, False])
    decaying = weak(flavoured, mother)
    assert decaying.tolist() == [False, False, True, False, False, False, False]
    assert nearest_ancestor(decaying, mother).tolist() == [-1, -1, 2, 2, 2, -1, -1]


def test_nearest_vertex_against_trying_all() -> None:
    rng = np.random.default_rng(4)
    vertex_event = np.sort(rng.integers(0, 5, 40))
    vertex_z = rng.normal(0, 5, 40)
    order = np.lexsort((vertex_z, vertex_event))
    vertex_event, vertex_z = vertex_event[order], vertex_z[order]
    event, z = rng.integers(0, 6, 300), rng.normal(0, 6, 300)
    found = nearest_vertex(event, z, vertex_event, vertex_z)
    for e, at, distance in zip(event, z, found, strict=True):
        there = np.abs(vertex_z[vertex_event == e] - at)
        assert distance == (pytest.approx(there.min()) if len(there) else np.inf)


def test_ranges() -> None:
    assert ranges(np.array([5, 0, 9]), np.array([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]


@pytest.mark.parametrize("n_jets", [0, 1, 7, 1000, 1234])
def test_every_wanted_jet_has_a_bin(n_jets: int) -> None:
    for process in (SIGNAL, BACKGROUND):
        assert wanted_per_bin(n_jets, process).sum() == n_jets


def test_every_part_of_the_sample_has_all_kinds() -> None:
    wanted = np.array([500, 300, 150, 50, 0])
    slots = spread_slots(wanted)
    assert np.bincount(slots, minlength=5).tolist() == wanted.tolist()
    for start in range(0, 1000, 100):
        part = np.bincount(slots[start : start + 100], minlength=5)
        assert np.abs(part - wanted / 10).max() <= 1


def some_jets(pt: np.ndarray) -> Jets:
    n = len(pt)
    return Jets({"fj_pt": pt.astype(np.float32)}, {"track_pt": np.ones(3 * n)}, np.full(n, 3))


def test_the_shaper_hands_out_what_is_wanted() -> None:
    shaper = Shaper(60, 140, seed=1)
    rng = np.random.default_rng(0)
    handed: list[np.ndarray] = []
    rounds = 0
    while not shaper.done:
        rounds += 1
        for task in shaper.plan():
            shaper.add(task, some_jets(rng.uniform(200, 5000, 150)))
        while (chunk := shaper.next_chunk(50)) is not None:
            handed.append(np.asarray(chunk.per_jet["fj_pt"]))
        assert rounds < 100
    pt = np.concatenate(handed)
    expected = wanted_per_bin(60, SIGNAL) + wanted_per_bin(140, BACKGROUND)
    assert np.histogram(pt, PT_BINS)[0].tolist() == expected.tolist()
    assert shaper.next_chunk(50) is None


def test_the_plan_starts_with_the_likeliest_slices() -> None:
    tasks = Shaper(0, 50, seed=1).plan()
    assert all(isinstance(task, Task) and task.process == BACKGROUND for task in tasks)
    assert [task.number for task in tasks] == list(range(len(tasks)))
    assert len(PT_BINS) - 1 == N_BINS


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"n_signal": 0, "n_background": 0}, "at least one jet"),
        ({"n_signal": -1}, "none below zero"),
        ({"seed": -3}, "seed"),
        ({"processes": 0}, "processes"),
        ({"out": "nowhere/at/all.root"}, "no folder"),
    ],
)
def test_impossible_numbers_are_refused(changes, told, tmp_path) -> None:
    given = {"n_signal": 1, "n_background": 1, "seed": 0, "out": tmp_path / "x.root"} | changes
    with pytest.raises(SimulationError, match=told):
        simulate(**given)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_is_named(monkeypatch, tmp_path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(SimulationError, match=r"jetlrp\[simulate\]"):
        simulate(1, 1, 0, tmp_path / "x.root")
    assert list(tmp_path.iterdir()) == []
