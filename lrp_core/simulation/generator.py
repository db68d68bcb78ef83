"""The event generator: Pythia 8 (GPL-2.0-or-later, the optional extra ``simulate``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lrp_core.errors import SimulationError
from lrp_core.simulation.particles import Record
from lrp_core.simulation.samples import COMMON, Slice

CM_PER_MM = 0.1


def import_extra(name: str) -> Any:
    """One of the modules of the extra ``simulate``. Raises SimulationError that names the extra."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SimulationError(
            f"making jets needs {name}, which is not installed; "
            "install the extra: pip install 'jetlrp[simulate]'"
        ) from error


class Generator:
    """Pythia 8 set up for one slice, at 13 TeV with the default (Monash 2013) tune.

    Set up once with a fixed seed, then seeded anew for every block, so that a block holds the same
    events whatever was generated before it and by whichever process.
    """

    def __init__(self, piece: Slice) -> None:
        pythia8 = import_extra("pythia8mc")
        self.piece = piece
        self._pythia = pythia8.Pythia("", False)
        for line in (*COMMON, *piece.settings):
            if not self._pythia.readString(line):
                raise SimulationError(
                    f"Pythia does not know the setting {line!r}; install the pinned version: "
                    "pip install 'jetlrp[simulate]'"
                )
        if not self._pythia.init():
            raise SimulationError(f"Pythia could not be set up for {piece.name}")

    def generate(self, n_events: int, seed: int) -> Record:
        """``n_events`` events for a seed between 1 and 900,000,000."""
        self._pythia.rndm.init(seed)
        batch = self._pythia.nextBatch(n_events)
        record = read_batch(batch)
        self._check_vertices(record)
        return record

    def _check_vertices(self, record: Record) -> None:
        """Raise SimulationError unless the last event's vertices are those that Pythia holds.

        pythia8mc 8.316 hands back vertices shifted against the particles; a wrong vertex would
        spoil every lifetime without a sign.
        """
        event = self._pythia.event
        held = [(p.id(), p.xProd() * CM_PER_MM, p.zProd() * CM_PER_MM) for p in event]
        expected = np.array(held).reshape(-1, 3)
        last = slice(len(record.pdg) - len(held), None)
        found = np.stack([record.pdg[last], record.x[last], record.z[last]], axis=1)
        if found.shape != expected.shape or not np.allclose(found, expected, rtol=1e-9, atol=1e-12):
            raise SimulationError(
                "this version of pythia8mc hands back vertices that do not belong to their "
                "particles; install the pinned version: pip install 'jetlrp[simulate]'"
            )


def read_batch(batch: Any) -> Record:
    """The record of a batch of events as pythia8mc's ``nextBatch`` returns it, lengths in cm."""
    import awkward as ak

    particles = batch.prt
    counts = ak.to_numpy(ak.num(particles, axis=1)).astype(np.int64)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    flat = ak.flatten(particles, axis=1)
    rows = np.arange(len(flat))
    mother = starts + ak.to_numpy(flat.mother1)
    top = (ak.to_numpy(flat.mother1) <= 0) | (mother >= rows)
    vertex = {
        axis: ak.to_numpy(ak.fill_none(flat.vProd[f"p{axis}"], 0.0)) * CM_PER_MM for axis in "xyz"
    }
    return Record(
        event=np.repeat(np.arange(len(counts)), counts),
        pdg=ak.to_numpy(flat.id).astype(np.int64),
        status=ak.to_numpy(flat.status).astype(np.int64),
        mother=np.where(top, rows, mother),
        px=ak.to_numpy(flat.p.px),
        py=ak.to_numpy(flat.p.py),
        pz=ak.to_numpy(flat.p.pz),
        energy=ak.to_numpy(flat.p.e),
        x=vertex["x"],
        y=vertex["y"],
        z=vertex["z"],
    )
