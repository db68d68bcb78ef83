"""Jets of one's own: Pythia 8 with a parametrised CMS-like tracker, never CMS's own simulation.

The way of the data: ``generator`` -> ``particles`` -> ``material`` -> ``tracker`` (with
``covariance``, ``helix``) -> ``pileup`` -> ``association`` and ``secondary_vertices`` ->
``fat_jets`` -> ``flavour`` and ``track_features`` -> ``block`` -> ``shaping`` -> ``jet_file``;
``simulate`` drives it.

Needs the optional extra ``simulate``: pythia8mc and fastjet, which are under the GNU GPL (version 2
or later). Nothing else in jetlrp imports them, and nothing needs them to explain jets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrp_core.simulation.jet_file import content_hash
    from lrp_core.simulation.simulate import Sample, simulate

__all__ = ["Sample", "content_hash", "simulate"]

_HOMES = {
    "Sample": "simulate",
    "content_hash": "jet_file",
    "simulate": "simulate",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
