"""Pictures over HTTP: what the page's panels show, computed here and only shown there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Literal

from pydantic import BaseModel, Field

from lrp_core.explanation import Explanation
from lrp_core.figures.picture import Panel, Picture
from lrp_core.figures.river import picture_river
from lrp_core.figures.theme import theme_of
from lrp_core.figures.view import View
from lrp_core.jets import Jet
from lrp_core.service.figures import ViewQuery

PictureName = Literal["river"]

PICTURES: dict[str, Callable[[Jet, Explanation, View, Panel], Picture]] = {
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


class PicturePart(BaseModel):
    """Something in a picture that can be pointed at."""

    title: str
    note: str = Field(description="What the title means, or nothing.")
    code: str = Field(description="What it is called in code, or nothing.")
    lines: list[tuple[str, str | None, int]] = Field(
        description="What else there is to say: what, how much or null for a heading, its sign."
    )
    lit: list[str] = Field(description="Ids of all that lights with it.")
    next: dict[str, str] = Field(description="Ids that keys lead to, by the key: ArrowRight.")
    at: tuple[float, float] | None = Field(
        description="Where its words stand while the keyboard is there, in px; null: its middle."
    )


class PictureAnswer(BaseModel):
    """A picture: an SVG, and what can be pointed at in it."""

    name: str
    width: float
    height: float
    label: str = Field(description="What it says to whoever cannot see it.")
    svg: str = Field(
        description="An element svg. Within it data-id names a part, data-of what lights with one."
    )
    parts: dict[str, PicturePart] = Field(description="By data-id.")
    first: str | None = Field(description="The part that the Tab key leads to.")
    facts: dict[str, str] = Field(description="What else the page says beside it.")


def picture_answer(
    name: str, jet: Jet, explanation: Explanation, view: View, query: PictureQuery
) -> PictureAnswer:
    """A picture as it leaves."""
    theme = theme_of(query.theme or view.theme or "dark")
    panel = Panel(query.width, query.height, query.font, theme)
    made = PICTURES[name](jet, explanation, view, panel)
    return PictureAnswer(
        name=name,
        width=made.width,
        height=made.height,
        label=made.label,
        svg=made.svg(),
        parts={key: PicturePart.model_validate(asdict(part)) for key, part in made.parts.items()},
        first=made.first,
        facts=dict(made.facts),
    )
