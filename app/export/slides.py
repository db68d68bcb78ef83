"""A figure as a PowerPoint slide: the picture at full size, its words as text to be edited."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

WIDTH_INCHES = 13.333
POINTS = 72
LONGEST = 255  # letters of a property; the notes have all
DATE = datetime(2000, 1, 1, tzinfo=UTC)  # no time of day: the same figure is the same file
ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def to_pptx(
    picture: bytes,
    *,
    size: tuple[int, int],
    words: Mapping[str, Any],
    metadata: Mapping[str, str],
    link: str,
) -> bytes:
    """One slide as PPTX.

    picture  PNG, without the words
    size     of the figure in CSS pixels; the slide has its proportions
    words    title: its parts; subtitle, caption; colours: page, text, muted, accent as "#rrggbb"
    link     opens the same view; it stands in the notes
    """
    from pptx import Presentation
    from pptx.dml.color import RGBColor
    from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE
    from pptx.util import Inches, Pt

    width, height = size
    unit = WIDTH_INCHES / width  # inches to a CSS pixel
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(width * unit), Inches(height * unit)
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    colour = {
        name: RGBColor.from_string(text.lstrip("#")) for name, text in words["colours"].items()
    }
    slide.background.fill.solid()
    slide.background.fill.fore_color.rgb = colour["page"]

    picture_shape = slide.shapes.add_picture(
        io.BytesIO(picture), 0, 0, deck.slide_width, deck.slide_height
    )
    picture_shape.name = "Figure"
    picture_shape._element.nvPicPr.cNvPr.set("descr", f"{words['subtitle']}. {words['caption']}")
    first = slide.shapes._spTree[2]  # behind the text
    first.addprevious(picture_shape._element)

    def write(shape: Any, place: tuple[float, float, float, float], pixels: float) -> Any:
        left, top, wide, high = (Inches(one * unit) for one in place)
        shape.left, shape.top, shape.width, shape.height = left, top, wide, high
        frame = shape.text_frame
        frame.word_wrap, frame.auto_size = True, MSO_AUTO_SIZE.NONE
        frame.vertical_anchor = MSO_ANCHOR.MIDDLE
        frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
        paragraph = frame.paragraphs[0]
        paragraph.font.size = Pt(round(pixels * unit * POINTS, 1))
        paragraph.alignment = 1
        return paragraph

    zoom = words["zoom"]
    left, across = 28 * zoom, width - 56 * zoom
    title = write(slide.shapes.title, (left, 16 * zoom, across, 30 * zoom), 19 * zoom)
    looks = (("text", True), ("accent", True), ("muted", False), ("muted", False))
    for place, (text, (name, bold)) in enumerate(zip(words["title"], looks, strict=False)):
        run = title.add_run()
        run.text = text if place == 0 else f"   {text}"
        run.font.bold, run.font.color.rgb = bold, colour[name]
    box = slide.shapes.add_textbox(0, 0, 0, 0)
    box.name = "What it shows"
    line = write(box, (left, 46 * zoom, across, 20 * zoom), 13 * zoom)
    line.text, line.font.color.rgb = words["subtitle"], colour["muted"]
    box = slide.shapes.add_textbox(0, 0, 0, 0)
    box.name = "Provenance"
    line = write(box, (left, height - 34 * zoom, across, 24 * zoom), 9.5 * zoom)
    line.text, line.font.color.rgb = words["caption"], colour["muted"]

    slide.notes_slide.notes_text_frame.text = "\n".join(
        [f"Open this view: {link}", *(f"{key}: {text}" for key, text in metadata.items())]
    )
    about = deck.core_properties
    about.title, about.subject = metadata["Title"][:LONGEST], words["caption"][:LONGEST]
    about.author = about.last_modified_by = metadata["Software"]
    about.comments = link[:LONGEST]
    about.keywords, about.revision = "layer-wise relevance propagation", 1
    about.created = about.modified = about.last_printed = DATE
    out = io.BytesIO()
    deck.save(out)
    return _dated(out.getvalue())


def _dated(content: bytes) -> bytes:
    """A ZIP file whose parts all have the same date."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as given,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for part in given.infolist():
            entry = zipfile.ZipInfo(part.filename, ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = part.external_attr
            made.writestr(entry, given.read(part.filename))
    return out.getvalue()
