"""Decay lengths of generated hadrons against the Particle Data Group."""

from __future__ import annotations

import numpy as np
import pytest

from lrp_core.simulation.generator import Generator
from lrp_core.simulation.samples import BACKGROUND, SIGNAL, SLICES

# PDG code -> c tau in cm. Source: Particle Data Group, Review of Particle Physics,
# Phys. Rev. D 110, 030001 (2024): mean lives 1.638, 1.517 ps; 1.033, 0.4103 ps; 89.54, 261.7 ps.
CTAU_CM = {521: 0.04911, 511: 0.04548, 411: 0.03097, 421: 0.01230, 310: 2.6844, 3122: 7.845}
TOLERANCE = {521: 0.10, 511: 0.10, 411: 0.12, 421: 0.10, 310: 0.06, 3122: 0.12}


@pytest.fixture(scope="module")
def ctau_cm(simulation_extra: None) -> dict[int, tuple[float, int]]:
    """PDG code -> mean of L m / p over the hadrons that decay, in cm, and their number."""
    found: dict[int, list[np.ndarray]] = {code: [] for code in CTAU_CM}
    for piece, seed in ((SLICES[SIGNAL][3], 11), (SLICES[BACKGROUND][1], 12)):
        record = Generator(piece).generate(500, seed)
        rows = np.arange(len(record.pdg))
        child = np.zeros(len(rows), dtype=np.int64)
        child[record.mother[::-1]] = rows[::-1]  # the first child of each
        for code, lengths in found.items():
            here = np.flatnonzero((np.abs(record.pdg) == code) & (child > 0) & (record.status < 0))
            here = here[np.abs(record.pdg[child[here]]) != code]  # no copies, no oscillation
            step = [getattr(record, x)[child[here]] - getattr(record, x)[here] for x in "xyz"]
            p = np.sqrt(sum(getattr(record, f"p{x}")[here] ** 2 for x in "xyz"))
            mass = np.sqrt(np.maximum(record.energy[here] ** 2 - p**2, 0.0))
            lengths.append(np.sqrt(sum(x**2 for x in step)) * mass / p)
    joined = {code: np.concatenate(lengths) for code, lengths in found.items()}
    return {code: (float(values.mean()), len(values)) for code, values in joined.items()}


@pytest.mark.parametrize("code", CTAU_CM)
def test_hadrons_live_as_long_as_they_should(code: int, ctau_cm) -> None:
    mean, number = ctau_cm[code]
    assert number > 300
    # the error of the mean of an exponential is its mean over sqrt(n)
    assert mean == pytest.approx(CTAU_CM[code], rel=max(TOLERANCE[code], 4 / np.sqrt(number)))
