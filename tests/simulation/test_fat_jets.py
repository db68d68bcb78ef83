"""Clustering and grooming against FastJet called plainly, one event and one jet at a time."""

from __future__ import annotations

import numpy as np
import pytest

from lrp_core.simulation.fat_jets import MIN_PT, RADIUS, cluster, groom
from lrp_core.simulation.generator import Generator
from lrp_core.simulation.particles import read_record
from lrp_core.simulation.samples import SIGNAL, SLICES
from lrp_core.simulation.tracker import measure

pytestmark = pytest.mark.usefixtures("simulation_extra")


@pytest.fixture(scope="module")
def measurement(simulation_extra: None):
    particles, _ = read_record(Generator(SLICES[SIGNAL][4]).generate(10, 3))
    return measure(particles, np.random.default_rng(3))


def vectors(measurement) -> tuple[np.ndarray, np.ndarray]:
    """Event of each input [n], and px, py, pz, E [n, 4]: tracks, then deposits."""
    t, d = measurement
    tracks = [t.pt * np.cos(t.phi), t.pt * np.sin(t.phi), t.pt * np.sinh(t.eta), t.energy]
    both = [np.concatenate(pair) for pair in zip(tracks, (d.px, d.py, d.pz, d.energy), strict=True)]
    return np.concatenate([t.event, d.event]), np.stack(both, axis=1)


def test_jets_and_their_tracks_are_those_of_plain_fastjet(measurement) -> None:
    import fastjet

    clustering = cluster(*measurement)
    event, momenta = vectors(measurement)
    expected, members = [], []
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, RADIUS)
    for number in range(10):
        rows = np.flatnonzero(event == number)
        inputs = []
        for row in rows:
            particle = fastjet.PseudoJet(*(float(v) for v in momenta[row]))
            particle.set_user_index(int(row))
            inputs.append(particle)
        sequence = fastjet.ClusterSequence(inputs, definition)
        for jet in sequence.inclusive_jets(MIN_PT):
            if abs(jet.eta()) < 2.4 and jet.pt() < 5000:
                expected.append((number, jet.pt(), jet.eta(), jet.e()))
                inside = {one.user_index() for one in jet.constituents()}
                members.append({i for i in inside if i < len(measurement.tracks)})
    jets = clustering.jets
    found = sorted(zip(jets.event, jets.pt, jets.eta, jets.energy, range(len(jets)), strict=True))
    assert len(found) == len(expected) > 10
    order = sorted(range(len(expected)), key=lambda i: expected[i])
    for (*values, number), place in zip(found, order, strict=True):
        np.testing.assert_allclose(values, expected[place], rtol=1e-9)
        tracks = set(clustering.track_of[clustering.jet_of == number].tolist())
        assert tracks == members[place]


def test_soft_drop_subjets_are_exclusive_jets_of_what_it_leaves(measurement) -> None:
    import fastjet

    event, momenta = vectors(measurement)
    anti_kt = fastjet.JetDefinition(fastjet.antikt_algorithm, RADIUS)
    aachen = fastjet.JetDefinition(fastjet.cambridge_algorithm, 100.0)
    tested = 0
    for number in range(10):
        inputs = [fastjet.PseudoJet(*map(float, m)) for m in momenta[event == number]]
        sequence = fastjet.ClusterSequence(inputs, anti_kt)
        for jet in sequence.inclusive_jets(MIN_PT):
            parts = list(jet.constituents())
            p = np.array([[c.px(), c.py(), c.pz(), c.e()] for c in parts])
            groomed = groom(fastjet, *p.T)
            # by hand: undo the last steps of Cambridge/Aachen until the softer branch has z > 0.1
            tree = fastjet.ClusterSequence(parts, aachen)
            branch = tree.inclusive_jets(0.0)[0]
            while True:
                one, two = fastjet.PseudoJet(), fastjet.PseudoJet()
                if not branch.has_parents(one, two):
                    break
                if min(one.pt(), two.pt()) / (one.pt() + two.pt()) > 0.1:
                    break
                branch = one if one.pt() > two.pt() else two
            left = list(branch.constituents())
            assert groomed.mass == pytest.approx(max(branch.m(), 0), rel=1e-6, abs=1e-6)
            if len(left) < 2:
                assert len(groomed.subjets) == 1
                continue
            again = fastjet.ClusterSequence(left, aachen)
            subjets = fastjet.sorted_by_pt(again.exclusive_jets(2))
            for mine, plain in zip(groomed.subjets, subjets, strict=True):
                np.testing.assert_allclose(
                    mine, (plain.pt(), plain.eta(), plain.phi_std()), rtol=1e-6, atol=1e-9
                )
            tested += 1
    assert tested > 10
