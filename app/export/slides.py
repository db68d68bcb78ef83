"""A figure as a PowerPoint slide: the picture at full size, its words as text to be edited."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

WIDTH_INCHES = 13.333
POINTS = 72
INDEX = "-25000"  # thousandths of a per cent of the line below it
BOXES = {"kept": "Account", "subtitle": "What it shows", "caption": "Provenance"}
ROOM = 0.2  # of its width, for another font
HEADING = 2  # parts of the title in the colour of text: jet, and what the network says
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
    words    title: its parts, each as pieces (text, stressed), the last one apart; subtitle, with
             an index behind "_"; caption; places: of title, kept (that last part), subtitle and
             caption, each with its box (left, top, width, height) and type in px at zoom 1;
             colours: page, text, muted, accent as "#rrggbb"
    link     opens the same view; it stands in the notes
    """
    from pptx import Presentation
    from pptx.dml.color import RGBColor
    from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE, PP_ALIGN
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
    told = words["subtitle"].replace("_", "")
    picture_shape._element.nvPicPr.cNvPr.set("descr", f"{told}. {words['caption']}")
    first = slide.shapes._spTree[2]  # behind the text
    first.addprevious(picture_shape._element)

    boxes = _apart({name: one["box"] for name, one in words["places"].items()})

    def line(shape: Any, name: str) -> Any:
        """Put a shape where the words of a name stand; -> its one paragraph."""
        shape.left, shape.top, shape.width, shape.height = (
            Inches(one * words["zoom"] * unit) for one in boxes[name]
        )
        frame = shape.text_frame
        frame.word_wrap, frame.auto_size = True, MSO_AUTO_SIZE.NONE
        frame.vertical_anchor = MSO_ANCHOR.TOP
        frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
        frame.paragraphs[0].alignment = PP_ALIGN.RIGHT if name == "kept" else PP_ALIGN.LEFT
        return frame.paragraphs[0]

    def write(place: Any, name: str, text: str, ink: str, *, bold: bool = False) -> Any:
        """Add text to a line. Size and colour stand at each run: PowerPoint reads no others."""
        run = place.add_run()
        run.text = text
        pixels = words["places"][name]["type"] * words["zoom"]
        run.font.size = Pt(round(pixels * unit * POINTS, 1))
        run.font.bold, run.font.color.rgb = bold, colour[ink]
        return run

    def box(name: str) -> Any:
        shape = slide.shapes.add_textbox(0, 0, 0, 0)
        shape.name = BOXES[name]
        return line(shape, name)

    *parts, kept = words["title"]
    title = line(slide.shapes.title, "title")
    for number, pieces in enumerate(parts):
        for at, (text, stressed) in enumerate(pieces):
            ink = "accent" if stressed else "text" if number < HEADING else "muted"
            apart = "   " if number and at == 0 else ""
            write(title, "title", apart + text, ink, bold=stressed or number == 0)
    account = box("kept")
    for text, _ in kept:
        write(account, "kept", text, "muted")
    below = box("subtitle")
    for number, piece in enumerate(re.split(r"_(\w)", words["subtitle"])):
        run = write(below, "subtitle", piece, "muted")
        if number % 2:
            run.font._element.set("baseline", INDEX)
    write(box("caption"), "caption", words["caption"], "muted")

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


def _apart(boxes: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    """Boxes of the words, that of the title's last part beside or below what comes before it.

    That part has room to its left, for fonts that are wider than the page's.
    """
    left, top, width, height = boxes["title"]
    x, y, wide, high = boxes["kept"]
    room = min(ROOM * wide, x - left)
    if y < top + high / 2:
        title = (left, top, x - room - left, height)
    else:
        title = (left, top, width, y - top)
    return {**boxes, "title": title, "kept": (x - room, y, wide + room, high)}


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
