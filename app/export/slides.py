"""A figure as a PowerPoint slide: the picture at full size, its words as text to be edited."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from lrp_core.figures.sheet import RISE, TALL
from lrp_core.figures.typeset import runs
from lrp_core.service.schemas import FigureParts, FigureText

WIDTH_INCHES = 13.333
POINTS = 72
INDEX = "-25000"  # thousandths of a per cent of the line below it
TITLE, ACCOUNT = "Title", "Account"
BOXES = {  # name of a shape: kinds of the words in it
    TITLE: ("jet", "says", "share", "asked"),
    ACCOUNT: ("kept",),
    "What it shows": ("facts",),
    "Provenance": ("provenance",),
}
APART = {"says": "   ", "asked": "   ", "facts": " ", "provenance": " · "}  # what stands before
ROOM = 0.2  # of its width, for another font
LONGEST = 255  # letters of a property; the notes have all
DATE = datetime(2000, 1, 1, tzinfo=UTC)  # no time of day: the same figure is the same file
ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def to_pptx(
    picture: bytes, says: FigureParts, *, size: tuple[int, int], ground: str, link: str
) -> bytes:
    """One slide as PPTX.

    picture  PNG, without the words
    says     where it comes from, and the words around it
    size     of the figure in CSS pixels; the slide has its proportions
    ground   "#rrggbb" behind it
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
    slide.background.fill.solid()
    slide.background.fill.fore_color.rgb = RGBColor.from_string(ground.lstrip("#"))

    words = {
        name: [one for one in says.words if one.kind in kinds] for name, kinds in BOXES.items()
    }
    picture_shape = slide.shapes.add_picture(
        io.BytesIO(picture), 0, 0, deck.slide_width, deck.slide_height
    )
    picture_shape.name = "Figure"
    told = " ".join(one.text for one in words["What it shows"]).replace("_", "")
    picture_shape._element.nvPicPr.cNvPr.set("descr", f"{told}. {says.caption}")
    first = slide.shapes._spTree[2]  # behind the text
    first.addprevious(picture_shape._element)

    boxes = _boxes(words, width)
    for name, texts in words.items():
        if name == TITLE:
            shape = slide.shapes.title
        else:
            shape = slide.shapes.add_textbox(0, 0, 0, 0)
            shape.name = name
        shape.left, shape.top, shape.width, shape.height = (
            Inches(one * unit) for one in boxes[name]
        )
        frame = shape.text_frame
        frame.word_wrap, frame.auto_size = True, MSO_AUTO_SIZE.NONE
        frame.vertical_anchor = MSO_ANCHOR.TOP
        frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
        paragraph = frame.paragraphs[0]
        paragraph.alignment = PP_ALIGN.RIGHT if name == ACCOUNT else PP_ALIGN.LEFT
        for at, one in enumerate(texts):
            apart = APART.get(one.kind, "") if at else ""
            for text, low in runs(apart + one.text, plain=one.plain):
                run = paragraph.add_run()
                run.text = text
                # size and colour stand at each run: PowerPoint reads no others
                run.font.size = Pt(round(one.size * unit * POINTS, 1))
                run.font.bold = one.bold
                run.font.color.rgb = RGBColor.from_string(one.colour.lstrip("#"))
                if low:
                    run.font._element.set("baseline", INDEX)

    metadata = {"Title": says.title, "Description": says.caption, **says.metadata}
    slide.notes_slide.notes_text_frame.text = "\n".join(
        [f"Open this view: {link}", *(f"{key}: {text}" for key, text in metadata.items())]
    )
    about = deck.core_properties
    about.title, about.subject = says.title[:LONGEST], says.caption[:LONGEST]
    about.author = about.last_modified_by = f"jetlrp {says.metadata['jetlrp']}"
    about.comments = link[:LONGEST]
    about.keywords, about.revision = "layer-wise relevance propagation", 1
    about.created = about.modified = about.last_printed = DATE
    out = io.BytesIO()
    deck.save(out)
    return _dated(out.getvalue())


def _boxes(
    words: Mapping[str, Sequence[FigureText]], width: float
) -> dict[str, tuple[float, float, float, float]]:
    """Where the words stand: left, top, width and height in CSS pixels.

    What is accounted for stands beside or below what comes before it, and has room to its left, for
    fonts that are wider than the page's.
    """
    left = words[TITLE][0].x
    boxes = {}
    for name, texts in words.items():
        size = texts[0].size
        top = texts[0].y - RISE * size
        high = texts[-1].y - RISE * size + TALL * size - top
        boxes[name] = (left, top, width - 2 * left, high)
    account, (x, top, wide, high) = words[ACCOUNT][0], boxes[ACCOUNT]
    start = account.x - ROOM * (width - left - account.x)
    boxes[ACCOUNT] = (start, top, width - left - start, high)
    x, above, wide, high = boxes[TITLE]
    beside = account.y == words[TITLE][0].y
    boxes[TITLE] = (x, above, start - x, high) if beside else (x, above, wide, top - above)
    return boxes


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
