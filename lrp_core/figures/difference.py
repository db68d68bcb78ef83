"""What changed between two explanations of one jet, as a scene: one explanation minus another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lrp_core.figures.scene import Array, Scene


def same_jet(scene: Scene, other: Scene) -> bool:
    """Whether two scenes are of one jet: of one name, with the same tracks."""
    shared = scene.values.keys() & other.values.keys()
    return (
        scene.jet_id == other.jet_id
        and scene.n_tracks == other.n_tracks
        and all(np.array_equal(scene.values[name], other.values[name]) for name in shared)
    )


def can_subtract(scene: Scene, other: Scene) -> bool:
    """Whether two scenes are of one jet with the same edges, so that there is a difference."""
    return (
        same_jet(scene, other)
        and np.array_equal(scene.source, other.source)
        and np.array_equal(scene.destination, other.destination)
    )


def difference(scene: Scene, pinned: Scene) -> Scene:
    """``scene`` minus ``pinned``, of which ``can_subtract`` is true.

    relevance, by_feature  the change of each
    significance, signed   the size of the change of significance, and the change itself
    """
    change = scene.significance - pinned.significance
    features = tuple(dict.fromkeys((*scene.features, *pinned.features)))
    return replace(
        scene,
        relevance=scene.relevance - pinned.relevance,
        features=features,
        by_feature=_by(features, scene) - _by(features, pinned),
        significance=np.abs(change),
        signed=change,
        difference=(scene, pinned),
    )


def _by(features: tuple[str, ...], scene: Scene) -> Array:
    """Relevance [n_tracks, n_features] by these features; 0 for one that a network has not got."""
    given = dict(zip(scene.features, scene.by_feature.T, strict=True))
    return np.stack([given.get(name, np.zeros(scene.n_tracks)) for name in features], axis=1)
