"""Figures over HTTP: the vector figures of lrp_core.figures for a view and a live camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Self

from fastapi.responses import Response
from pydantic import Field

from lrp_core.errors import FigureError
from lrp_core.figures import (
    Drawing,
    Provenance,
    View,
    draw_heatmap,
    draw_network,
    draw_plane,
    draw_river,
    to_pdf,
    to_png,
    to_svg,
)
from lrp_core.figures.drawing import Text
from lrp_core.figures.naming import told_apart
from lrp_core.figures.network import NetworkSheet
from lrp_core.figures.picture import Shown
from lrp_core.figures.plot import plot_on
from lrp_core.figures.sheet import LONGEST_LINK, WORDS, Paper
from lrp_core.service.schemas import FigureParts, FigureText, FileQuery

FigureName = Literal["network", "heatmap", "plane", "river"]
FigureFormat = Literal["svg", "pdf", "png"]
MOST_PIXELS = 34_000_000  # of one PNG: four times 3840 × 2160
LONGEST_VIEW = 2_000  # letters

DRAW: dict[str, Callable[..., Drawing]] = {
    "network": draw_network,
    "heatmap": draw_heatmap,
    "plane": draw_plane,
    "river": draw_river,
}
WITH_PINNED = ("network", "plane")  # figures in which it matters what is pinned beside the jet
MEDIA = {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png"}


class PinnedQuery(FileQuery):
    """An explanation, and one that is pinned beside it."""

    def of_pinned(self, view: View) -> tuple[int, Self] | None:
        """Jet and question that a view has pinned; None without one.

        What it does not say of file and network is as in the question itself.
        """
        other = view.pinned
        if other is None or other.jet is None:
            return None
        asked = {
            "file": other.file or self.file, "model": other.model or self.model,
            "target": other.target, "rule": other.rule,
        }  # fmt: skip
        return other.jet, self.model_copy(update=asked)


class ViewQuery(PinnedQuery):
    """An explanation and a view of it. What is not said of the question is as in the view."""

    view: str = Field(
        "",
        max_length=LONGEST_VIEW,
        description="The view as the page's address has it, with the camera: "
        "?edges=80&color=origin&camera=1.5,-1.8,0.7,0,0,-0.1,0,0,1",
    )

    def read_view(self, index: int) -> View:
        """The view, of this jet. Raises FigureError if it is none, or of another jet."""
        view = View.from_link(self.view if self.view.startswith("?") else f"?{self.view}")
        if view.jet not in (None, index):
            raise FigureError(f"the view is of jet {view.jet}, the figure was to be of jet {index}")
        return replace(view, jet=index)

    def filled(self, view: View) -> Self:
        """The same, with the file, network, target and rule of the view where it names none."""
        wanted = {"file": view.file, "model": view.model, "target": view.target, "rule": view.rule}
        left_out = {key: value for key, value in wanted.items() if getattr(self, key) is None}
        return self.model_copy(update=left_out)


class FigureQuery(ViewQuery):
    """What to draw, and how large. What is not said of the question is as in the view."""

    width: int = Field(1920, ge=200, le=8192, description="px")
    height: int = Field(1080, ge=200, le=8192, description="px")
    scale: float | None = Field(
        None,
        ge=0.1,
        le=8.0,
        allow_inf_nan=False,
        description="PNG: picture elements to a px; left out: 1.",
    )
    theme: Literal["dark", "light"] | None = Field(
        None, description="Left out: that of the view, or light."
    )
    transparent: bool = Field(False, description="Without a ground.")
    fonts: bool = Field(True, description="SVG: with Inter inside, 70 kB.")
    link: str | None = Field(
        None,
        max_length=LONGEST_LINK,
        description="Opens the view; the line of provenance leads there. http or https.",
    )
    words: bool = Field(True, description="With heading and provenance, or room for them.")
    frames: int | None = Field(
        None, ge=1, le=10_000, description="Of an animation drawn elsewhere, for its name."
    )


def check_size(query: FigureQuery, ending: FigureFormat) -> None:
    """Raises FigureError if a PNG were larger than is made here."""
    pixels = query.width * query.height * (query.scale or 1.0) ** 2
    if ending == "png" and pixels > MOST_PIXELS:
        raise FigureError(
            f"a PNG of {pixels / 1e6:.0f} million pixels: at most {MOST_PIXELS / 1e6:.0f} million "
            "are made here; take a smaller scale, or SVG or PDF"
        )


@dataclass(frozen=True)
class Drawn:
    """What a figure is drawn of, and how it leaves.

    pinned  what the view has pinned beside it
    """

    name: FigureName
    shown: Shown
    pinned: Shown | None
    provenance: Provenance
    view: View
    query: FigureQuery

    @property
    def _paper(self) -> Paper:
        query = self.query
        return {
            "width": query.width,
            "height": query.height,
            "theme": query.theme,
            "provenance": self.provenance,
            "transparent": query.transparent,
            "link": query.link,
            "words": query.words,
        }

    def _drawing(self) -> Drawing:
        beside = {"pinned": self.pinned} if self.name in WITH_PINNED else {}
        return DRAW[self.name](*self.shown, self.view, **beside, **self._paper)

    def file_name(self, ending: str, scale: float | None) -> str:
        """What it is called; scale: None without pixels."""
        query, view = self.query, self.view
        words = told_apart(
            self.name,
            view,
            width=query.width,
            height=query.height,
            theme=query.theme or view.theme or "light",
            scale=scale,
            transparent=query.transparent,
            frames=query.frames,
        )
        return self.provenance.file_name(self.name, ending, words).rstrip(".")

    def parts(self) -> FigureParts:
        """It, to be put together elsewhere. Raises FigureError as what draws it."""
        plot = None
        if self.name == "network":
            on = NetworkSheet.of(self.shown, self.view, self.pinned, self._paper)
            drawing, plot = on.drawing(), plot_on(on)
        else:
            drawing = self._drawing()
        return FigureParts(
            name=self.file_name("", self.query.scale),
            title=self.provenance.title(),
            caption=drawing.description,
            metadata=drawing.metadata,
            words=[
                FigureText.model_validate(item, from_attributes=True)
                for item in drawing.items
                if isinstance(item, Text) and item.kind in WORDS
            ],
            svg=to_svg(drawing, embed_fonts=self.query.fonts),
            plot=plot,
        )

    def answer(self, ending: FigureFormat) -> Response:
        """It as a file to be saved. Raises FigureError as what draws it."""
        drawing, scale = self._drawing(), self.query.scale or 1.0
        if ending == "svg":
            body = to_svg(drawing, embed_fonts=self.query.fonts).encode("utf-8")
        elif ending == "pdf":
            body = to_pdf(drawing)
        else:
            body = to_png(drawing, scale)
        saved = self.file_name(ending, scale if ending == "png" else None)
        headers = {"Content-Disposition": f'attachment; filename="{saved}"'}
        return Response(body, media_type=MEDIA[ending], headers=headers)
