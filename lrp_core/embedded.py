"""The jets and the network that come with the package, so that everything works without a file.

The jets are Pythia 8 with a parametrised CMS-like tracker, no simulation of CMS; the network was
trained on such jets. MODEL_CARD.md beside them says how both were made and how good they are.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "sample"
JETS = FOLDER / "simulated_jets.root"
CHECKPOINT = FOLDER / "interaction_network.pth"
DEFINITIONS = FOLDER / "definitions.yml"
MODEL_CARD = FOLDER / "MODEL_CARD.md"
