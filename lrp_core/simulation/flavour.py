"""Labels of jets, by the heavy quarks and hadrons that lie in them, and where those are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrp_core.kinematics import delta_r
from lrp_core.simulation.fat_jets import FatJets
from lrp_core.simulation.particles import Hadrons
from lrp_core.simulation.table import Table

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LABELS = ("QCD_b", "QCD_bb", "QCD_c", "QCD_cc", "QCD_others", "H_bb")

HIGGS_DISTANCE = 0.6
"""Both b-quarks of a Higgs lie closer than this to the axis of its jet."""

HADRON_DISTANCE = 0.8
HADRON_MIN_PT = 1.0


@dataclass(frozen=True, eq=False)
class Flavours(Table):
    """Label and b-hadrons of each jet [n].

    label: number in ``LABELS``, -1 for a jet of the signal that holds no whole Higgs; n_b, n_c:
    weakly decaying hadrons within 0.8; b1, b2: rows in ``Hadrons`` of the two b-hadrons of highest
    pT, or -1.
    """

    label: Integers
    n_b: Integers
    n_c: Integers
    b1: Integers
    b2: Integers


def find_flavours(jets: FatJets, hadrons: Hadrons, *, signal: bool) -> Flavours:
    """Label the jets of a block by what lies near their axes."""
    n = len(jets)
    label = np.full(n, -1, dtype=np.int64)
    n_b, n_c = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    leading = np.full((n, 2), -1, dtype=np.int64)
    first = np.searchsorted(hadrons.event, np.arange(int(jets.event.max(initial=-1)) + 2))
    for j in range(n):
        start, stop = first[jets.event[j]], first[jets.event[j] + 1]
        rows = np.arange(start, stop)
        distance = delta_r(
            hadrons.eta[start:stop], hadrons.phi[start:stop], jets.eta[j], jets.phi[j]
        )
        kind = hadrons.kind[start:stop]
        near = (distance < HADRON_DISTANCE) & (hadrons.pt[start:stop] > HADRON_MIN_PT)
        bottom = rows[near & (kind == 5)]
        bottom = bottom[np.argsort(-hadrons.pt[bottom], kind="stable")]
        n_b[j], n_c[j] = len(bottom), int((near & (kind == 4)).sum())
        leading[j, : min(len(bottom), 2)] = bottom[:2]
        if signal:
            quarks = hadrons.parent[start:stop][(kind == 25) & (distance < HIGGS_DISTANCE)]
            whole = np.unique(quarks, return_counts=True)[1].max(initial=0) >= 2
            label[j] = LABELS.index("H_bb") if whole else -1
        else:
            name = (
                ("QCD_b" if n_b[j] == 1 else "QCD_bb")
                if n_b[j]
                else ("QCD_c" if n_c[j] == 1 else "QCD_cc")
                if n_c[j]
                else "QCD_others"
            )
            label[j] = LABELS.index(name)
    return Flavours(label, n_b, n_c, leading[:, 0], leading[:, 1])
