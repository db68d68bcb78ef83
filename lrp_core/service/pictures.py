"""Pictures over HTTP: what the page's panels show, computed here and only shown there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lrp_core.figures.heatmap import picture_heatmap
from lrp_core.figures.legend_column import picture_legend
from lrp_core.figures.picture import Panel, Picture, Shown
from lrp_core.figures.plane import picture_plane
from lrp_core.figures.plot import USUAL_TYPE, first_cameras, picture_network
from lrp_core.figures.river import picture_river
from lrp_core.figures.theme import theme_of
from lrp_core.figures.view import View
from lrp_core.service.figures import ViewQuery
from lrp_core.service.schemas import PictureAnswer, PicturePart

PictureName = Literal["heatmap", "legend", "network", "plane", "river"]

PICTURES: dict[str, Callable[[Shown, View, Panel, Shown | None], Picture]] = {
    "heatmap": picture_heatmap,
    "legend": picture_legend,
    "network": picture_network,
    "plane": picture_plane,
    "river": picture_river,
}


class Room(BaseModel):
    """How much room there is for a picture."""

    model_config = ConfigDict(extra="forbid")

    width: float = Field(888, ge=1, le=8192, description="CSS px")
    height: float = Field(267, ge=1, le=8192, description="CSS px")
    font: float = Field(14, ge=4, le=100, description="px of the type around it")


class PictureQuery(ViewQuery, Room):
    """Which picture, and for how much room. What is not said of the question is as in the view."""

    theme: Literal["dark", "light"] | None = Field(
        None, description="Left out: that of the view, or dark."
    )


def picture_answer(
    name: str, shown: Shown, view: View, query: PictureQuery, pinned: Shown | None = None
) -> PictureAnswer:
    """A picture as it leaves."""
    theme = theme_of(query.theme or view.theme or "dark")
    panel = Panel(query.width, query.height, query.font, theme)
    made = PICTURES[name](shown, view, panel, pinned)
    return PictureAnswer(
        name=name,
        width=made.width,
        height=made.height,
        label=made.label,
        svg=made.svg(),
        parts={key: PicturePart.model_validate(vars(part)) for key, part in made.parts.items()},
        first=made.first,
        facts=dict(made.facts),
        data=dict(made.data),
    )


def cameras_answer(room: Room) -> dict[str, Any]:
    """Where the camera of the network plot stands at first in a room, by projection."""
    return first_cameras(room.width, room.height, room.font / USUAL_TYPE)
