"""What a picture shows where two explanations may be on the page: a jet, and the scales it has."""

from __future__ import annotations

from dataclasses import dataclass

from lrp_core.figures.picture import Shown
from lrp_core.figures.scene import Scales, Scene
from lrp_core.figures.view import View


@dataclass(frozen=True, eq=False)
class Stage:
    """A scene to be drawn, how it is looked at, and the values its colours and sizes refer to."""

    scene: Scene
    view: View
    scales: Scales

    @classmethod
    def of(cls, shown: Shown, view: View, pinned: Shown | None = None) -> Stage:
        """The scene of a jet; with another that is pinned, on the scales of both.

        Raises FigureError if an explanation is not of its jet.
        """
        scene = Scene.of(*shown)
        scenes = [scene] if pinned is None else [scene, Scene.of(*pinned)]
        return cls(scene, view, Scales.of(*scenes))
