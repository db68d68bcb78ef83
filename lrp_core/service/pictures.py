"""Pictures over HTTP: what the page's panels show, computed here and only shown there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Literal

from pydantic import Field

from lrp_core.figures.picture import Panel, Picture, Shown
from lrp_core.figures.plane import picture_plane
from lrp_core.figures.river import picture_river
from lrp_core.figures.theme import theme_of
from lrp_core.figures.view import View
from lrp_core.service.figures import ViewQuery
from lrp_core.service.schemas import PictureAnswer, PicturePart

PictureName = Literal["plane", "river"]

PICTURES: dict[str, Callable[[Shown, View, Panel, Shown | None], Picture]] = {
    "plane": picture_plane,
    "river": picture_river,
}


class PictureQuery(ViewQuery):
    """Which picture, and for how much room. What is not said of the question is as in the view."""

    width: float = Field(888, ge=1, le=8192, description="CSS px")
    height: float = Field(267, ge=1, le=8192, description="CSS px")
    font: float = Field(14, ge=4, le=100, description="px of the type around it")
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
        parts={key: PicturePart.model_validate(asdict(part)) for key, part in made.parts.items()},
        first=made.first,
        facts=dict(made.facts),
        data=dict(made.data),
    )
