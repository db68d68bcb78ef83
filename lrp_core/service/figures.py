"""Figures over HTTP: the vector figures of lrp_core.figures for a view and a live camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
from lrp_core.figures.naming import told_apart
from lrp_core.figures.picture import Shown
from lrp_core.figures.sheet import LONGEST_LINK
from lrp_core.figures.stage import Stage
from lrp_core.service.schemas import FigureProvenance, FileQuery

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
    frames: int | None = Field(
        None, ge=1, le=10_000, description="Of an animation drawn elsewhere, for its name."
    )

    def words(self, name: FigureName, view: View, scale: float | None) -> list[str]:
        """What tells the figure from others of the same explanation; scale: None without pixels."""
        return told_apart(
            name,
            view,
            width=self.width,
            height=self.height,
            theme=self.theme or view.theme or "light",
            scale=scale,
            transparent=self.transparent,
            frames=self.frames,
        )


def check_size(query: FigureQuery, ending: FigureFormat) -> None:
    """Raises FigureError if a PNG were larger than is made here."""
    pixels = query.width * query.height * (query.scale or 1.0) ** 2
    if ending == "png" and pixels > MOST_PIXELS:
        raise FigureError(
            f"a PNG of {pixels / 1e6:.0f} million pixels: at most {MOST_PIXELS / 1e6:.0f} million "
            "are made here; take a smaller scale, or SVG or PDF"
        )


def provenance_answer(
    shown: Shown,
    pinned: Shown | None,
    provenance: Provenance,
    view: View,
    query: FigureQuery,
    name: FigureName,
) -> FigureProvenance:
    """The same provenance as that of the vector figure."""
    both = Stage.of(shown, view, pinned).scene.difference
    if both is not None:
        provenance = provenance.subtracting(both[1].explanation)
    words = query.words(name, view, query.scale)
    return FigureProvenance(
        name=provenance.file_name(name, "", words).rstrip("."),
        title=provenance.title(),
        caption=provenance.caption(),
        metadata=provenance.metadata(),
    )


def figure_answer(
    shown: Shown,
    pinned: Shown | None,
    provenance: Provenance,
    view: View,
    query: FigureQuery,
    name: FigureName,
    ending: FigureFormat,
) -> Response:
    """The figure as a file to be saved."""
    beside = {"pinned": pinned} if name in WITH_PINNED else {}
    drawing = DRAW[name](
        *shown,
        view,
        **beside,
        width=query.width,
        height=query.height,
        theme=query.theme,
        provenance=provenance,
        transparent=query.transparent,
        link=query.link,
    )
    if ending == "svg":
        body = to_svg(drawing, embed_fonts=query.fonts).encode("utf-8")
    elif ending == "pdf":
        body = to_pdf(drawing)
    else:
        body = to_png(drawing, query.scale or 1.0)
    words = query.words(name, view, (query.scale or 1.0) if ending == "png" else None)
    saved = provenance.file_name(name, ending, words)
    headers = {"Content-Disposition": f'attachment; filename="{saved}"'}
    return Response(body, media_type=MEDIA[ending], headers=headers)
