"""What is generated: the processes, their slices in hardness, and the pT spectrum to arrive at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIGNAL, BACKGROUND, PILEUP = "signal", "background", "pileup"

PT_BINS = (200, 300, 400, 500, 600, 800, 1000, 1250, 1500, 1750, 2000, 2500, 5000)
"""Edges of the bins of jet pT in GeV. Nothing above 5 TeV is kept."""

PT_SHAPE = {
    BACKGROUND: (177, 234, 184, 159, 230, 192, 95, 65, 48, 45, 66, 124),
    SIGNAL: (3, 14, 25, 13, 42, 47, 45, 37, 8, 4, 3, 1),
}
"""Jets per bin of pT that the sample follows.

Measured on 1,861 jets of CERN Open Data record 12102 (DOI 10.7483/OPENDATA.CMS.JGJX.MS7Q).
"""

COMMON = (
    "Print:quiet = on",
    "Beams:eCM = 13000.",
    "Random:setSeed = on",
    "Random:seed = 1",
)


@dataclass(frozen=True)
class Slice:
    """One way to generate events: a name, its Pythia settings and the jets one event yields.

    jets_per_event: jets that could be kept, expected in each bin of ``PT_BINS`` per event; only a
    guess to plan the first blocks with, later ones are planned with what was seen.
    """

    name: str
    process: str
    settings: tuple[str, ...]
    jets_per_event: tuple[float, ...]


def _graviton(mass: int) -> Slice:
    """gg -> G* -> HH -> 4b at one mass in GeV, m_H = 125 GeV."""
    peak = 0.45 * mass
    centres = np.array([250, 350, 450, 550, 700, 900, 1125, 1375, 1625, 1875, 2250, 3000])
    widths = np.diff(PT_BINS)
    shape = np.exp(-0.5 * ((centres - peak) / (0.22 * mass)) ** 2) * widths * (centres < 1.2 * peak)
    guess = 1.4 * shape / max(shape.sum(), 1e-9)
    return Slice(
        f"G*({mass})",
        SIGNAL,
        (
            "ExtraDimensionsG*:gg2G* = on",
            f"5100039:m0 = {mass}.",
            "5100039:onMode = off",
            "5100039:onIfMatch = 25 25",
            "25:m0 = 125.",
            "25:onMode = off",
            "25:onIfMatch = 5 -5",
        ),
        tuple(guess),
    )


def _qcd(pt_hat: int, power: float, jets_per_event: tuple[float, ...]) -> Slice:
    """All hard QCD processes above a transverse momentum in GeV, more of the hard ones by a power.

    The weights that would give the physical spectrum back are dropped: the spectrum is fixed by
    ``PT_SHAPE``.
    """
    return Slice(
        f"QCD({pt_hat})",
        BACKGROUND,
        (
            "HardQCD:all = on",
            f"PhaseSpace:pTHatMin = {pt_hat}.",
            "PhaseSpace:bias2Selection = on",
            f"PhaseSpace:bias2SelectionPow = {power}",
            f"PhaseSpace:bias2SelectionRef = {pt_hat}.",
        ),
        jets_per_event,
    )


SLICES = {
    SIGNAL: tuple(_graviton(mass) for mass in (600, 900, 1200, 1500, 1800, 2200, 2700, 3400, 4500)),
    BACKGROUND: (
        _qcd(170, 5.5, (0.5, 0.5, 0.35, 0.2, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.005, 0.001)),
        _qcd(600, 5.5, (0.1, 0.05, 0.05, 0.2, 0.7, 0.4, 0.25, 0.12, 0.05, 0.03, 0.03, 0.01)),
        _qcd(1700, 6.5, (0.1, 0.05, 0.03, 0.03, 0.03, 0.03, 0.03, 0.1, 0.4, 0.5, 0.6, 0.3)),
        _qcd(2400, 6.5, (0.1, 0.05, 0.03, 0.03, 0.03, 0.03, 0.03, 0.03, 0.05, 0.1, 0.6, 1.1)),
    ),
    PILEUP: (Slice("minimum bias", PILEUP, ("SoftQCD:inelastic = on",), ()),),
}
"""The slices of each process. Their numbers stand in the seeds: append, never reorder."""
