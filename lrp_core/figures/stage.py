"""What a picture shows where two explanations may be on the page: a scene, and its scales."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lrp_core.figures.difference import can_subtract, difference
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

        Where the view wants the difference and both are of one jet, the scene is the jet minus the
        pinned one, which has colours and scales of its own: colour shows the sign of the change.
        A picture that is of one explanation in any case asks with ``difference=False`` in the view.

        Raises FigureError if an explanation is not of its jet.
        """
        scene = Scene.of(*shown)
        if pinned is None:
            return cls(scene, view, Scales.of(scene))
        other = Scene.of(*pinned)
        if not (view.difference and can_subtract(scene, other)):
            return cls(scene, view, Scales.of(scene, other))
        changed = difference(scene, other)
        view = replace(view, color="relevance", edgecolor="relevance")
        return cls(changed, view, Scales.of(changed))
