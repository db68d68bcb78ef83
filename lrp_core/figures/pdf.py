"""A drawing as PDF: vector paths and text with Inter inside; equal drawings give equal bytes.

No raster, no time of day. One px is 0.75 pt, as everywhere on paper and in print from a browser.
"""

from __future__ import annotations

import io
from itertools import pairwise
from math import cos, radians, sin
from typing import Any

import pydyf

from lrp_core.figures.colours import channels
from lrp_core.figures.drawing import Command, Drawing, Gradient, Paint, Path, Text
from lrp_core.figures.typeset import INDEX_DROP, INDEX_SIZE, MIDDLE, Face, face, measure, runs

POINTS = 0.75  # of one px


def to_pdf(drawing: Drawing) -> bytes:
    """The drawing as a PDF of one page of its size."""
    return _Page(drawing).written()


class _Page:
    """The page while it is written, and what it refers to by name."""

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing
        self.pdf = pydyf.PDF()
        self.stream = pydyf.Stream(compress=True)
        self.fonts: dict[bool, str] = {}
        self.states: dict[float, str] = {}
        self.gradients: dict[Gradient, str] = {}

    def written(self) -> bytes:
        drawing, stream = self.drawing, self.stream
        height = drawing.height * POINTS
        self.matrix = (POINTS, 0.0, 0.0, -POINTS, 0.0, height)
        stream.push_state()
        stream.set_matrix(*self.matrix)
        if drawing.background is not None:
            self.paint(drawing.background, stroke=False)
            stream.rectangle(0, 0, drawing.width, drawing.height)
            stream.fill()
        for item in drawing.items:
            stream.push_state()
            if item.opacity != 1:
                stream.set_state(self.state(item.opacity))
            if isinstance(item, Path):
                self.path(item)
            else:
                self.text(item)
            stream.pop_state()
        stream.pop_state()
        pdf = self.pdf
        pdf.add_object(stream)
        page = {
            "Type": "/Page",
            "Parent": pdf.pages.reference,
            "MediaBox": pydyf.Array([0, 0, drawing.width * POINTS, height]),
            "Contents": stream.reference,
            "Resources": self.resources(),
        }
        if links := [self.link(item) for item in drawing.items
                     if isinstance(item, Text) and item.link is not None]:  # fmt: skip
            page["Annots"] = pydyf.Array(links)
        pdf.add_page(pydyf.Dictionary(page))
        pdf.catalog["Lang"] = pydyf.String("en")
        details = "; ".join(f"{name}: {value}" for name, value in drawing.metadata.items())
        notes = {"Title": drawing.title, "Subject": details, "Creator": "jetlrp"}
        for name, value in notes.items():
            if value:
                pdf.info[name] = pydyf.String(value)
        file = io.BytesIO()
        pdf.write(file, version=b"1.7", compress=True)
        return file.getvalue()

    def resources(self) -> Any:
        """Everything that the page names."""
        kinds: dict[str, dict[str, Any]] = {
            "ExtGState": {
                name: pydyf.Dictionary({"CA": opacity, "ca": opacity})
                for opacity, name in self.states.items()
            },
            "Font": {
                name: _font(self.pdf, face(bold)).reference for bold, name in self.fonts.items()
            },
            "Pattern": {name: self.pattern(one) for one, name in self.gradients.items()},
        }
        return pydyf.Dictionary(
            {kind: pydyf.Dictionary(named) for kind, named in kinds.items() if named}
        )

    def state(self, opacity: float) -> str:
        return self.states.setdefault(round(opacity, 4), f"s{len(self.states)}")

    def paint(self, paint: Paint, *, stroke: bool) -> None:
        """Choose a colour, or a gradient, to stroke or to fill with."""
        if isinstance(paint, Gradient):
            name = self.gradients.setdefault(paint, f"p{len(self.gradients)}")
            self.stream.set_color_space("Pattern", stroke=stroke)
            self.stream.set_color_special(name, stroke=stroke)
        elif paint is not None:
            self.stream.set_color_rgb(*(channels(paint) / 255).round(4).tolist(), stroke=stroke)

    def path(self, path: Path) -> None:
        stream = self.stream
        if path.fill is not None:
            self.paint(path.fill, stroke=False)
        if path.stroke is not None:
            self.paint(path.stroke, stroke=True)
            stream.set_line_width(_round(path.width))
            if path.dash:
                stream.set_dash([_round(length) for length in path.dash], 0)
            if path.round:
                stream.set_line_cap(1)
                stream.set_line_join(1)
        self.follow(path.commands)
        if path.fill is not None and path.stroke is not None:
            stream.fill_and_stroke()
        elif path.fill is not None:
            stream.fill()
        elif path.stroke is not None:
            stream.stroke()
        else:
            stream.end()

    def follow(self, commands: tuple[Command, ...]) -> None:
        """The way of a path, which is then filled, stroked or clipped to."""
        stream = self.stream
        for letter, values in commands:
            numbers = [_round(value) for value in values]
            if letter == "M":
                stream.move_to(*numbers)
            elif letter == "L":
                stream.line_to(*numbers)
            elif letter == "C":
                stream.curve_to(*numbers)
            else:
                stream.close()

    def text(self, text: Text) -> None:
        stream = self.stream
        name = self.fonts.setdefault(text.bold, f"f{len(self.fonts)}")
        stream.push_state()
        stream.set_matrix(*_turn(text.degrees), _round(text.x), _round(text.y))
        if text.halo is not None:
            self.paint(text.halo, stroke=True)
            stream.set_line_width(_round(text.size / 4))
            stream.set_line_join(1)
            self.letters(text, name, mode=1)
        self.paint(text.colour, stroke=False)
        self.letters(text, name, mode=0)
        stream.pop_state()

    def link(self, text: Text) -> Any:
        """Where a text that stands straight leads to: its box, in the points of the page."""
        wide = measure(text.text, text.size, bold=text.bold, plain=text.plain)
        left, right = text.x * POINTS, (text.x + wide) * POINTS
        low, high = (
            (self.drawing.height - text.y + share * text.size) * POINTS for share in (-0.3, 1.0)
        )
        action = {"S": "/URI", "URI": pydyf.String(text.link)}
        link = pydyf.Dictionary(
            {
                "Type": "/Annot",
                "Subtype": "/Link",
                "Rect": pydyf.Array([_round(one) for one in (left, low, right, high)]),
                "Border": pydyf.Array([0, 0, 0]),
                "A": pydyf.Dictionary(action).data,
            }
        )
        self.pdf.add_object(link)
        return link.reference

    def letters(self, text: Text, name: str, *, mode: int) -> None:
        """The letters from the origin on: filled (mode 0), or their outlines (1)."""
        stream, type_ = self.stream, face(text.bold)
        share = {"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor]
        x = -share * measure(text.text, text.size, bold=text.bold, plain=text.plain)
        below = MIDDLE * text.size if text.centred else 0.0
        stream.begin_text()
        stream.set_text_rendering(mode)
        for part, low in runs(text.text, plain=text.plain):
            size = text.size * (INDEX_SIZE if low else 1.0)
            y = below + (INDEX_DROP * text.size if low else 0.0)
            stream.set_font_size(name, _round(size))
            stream.set_text_matrix(1, 0, 0, -1, _round(x), _round(y))
            codes = b"".join(b"%04x" % glyph for glyph in type_.glyphs(part))
            stream.stream.append(b"<" + codes + b"> Tj")
            x += size * type_.width(part)
        stream.end_text()

    def pattern(self, one: Gradient) -> Any:
        """A gradient as a pattern, in the px of the drawing."""
        stops = [(at, (channels(colour) / 255).round(4).tolist()) for at, colour in one.stops]
        pieces = [
            pydyf.Dictionary(
                {
                    "FunctionType": 2,
                    "Domain": pydyf.Array([0, 1]),
                    "C0": pydyf.Array(a),
                    "C1": pydyf.Array(b),
                    "N": 1,
                }
            )
            for (_, a), (_, b) in pairwise(stops)
        ]
        function = pieces[0]
        if len(pieces) > 1:
            function = pydyf.Dictionary(
                {
                    "FunctionType": 3,
                    "Domain": pydyf.Array([0, 1]),
                    "Functions": pydyf.Array(piece.data for piece in pieces),
                    "Bounds": pydyf.Array([at for at, _ in stops[1:-1]]),
                    "Encode": pydyf.Array([0, 1] * len(pieces)),
                }
            )
        ends = [_round(value) for value in (*one.start, *one.end)]
        shading = pydyf.Dictionary(
            {
                "ShadingType": 2,
                "ColorSpace": "/DeviceRGB",
                "Coords": pydyf.Array(ends),
                "Extend": "[true true]",
                "Function": function.data,
            }
        )
        pattern = pydyf.Dictionary(
            {
                "Type": "/Pattern",
                "PatternType": 2,
                "Matrix": pydyf.Array(self.matrix),
                "Shading": shading.data,
            }
        )
        self.pdf.add_object(pattern)
        return pattern.reference


def _round(value: float) -> float:
    return round(float(value), 3)


def _turn(degrees: float) -> tuple[float, float, float, float]:
    c, s = cos(radians(degrees)), sin(radians(degrees))
    return round(c, 5), round(s, 5), round(-s, 5), round(c, 5)


def _font(pdf: Any, type_: Face) -> Any:
    """A font as PDF has it: the whole file inside, glyphs by number, and which letters they are."""
    data = type_.file.read_bytes()
    file = pydyf.Stream([data], {"Length1": len(data)}, compress=True)
    pdf.add_object(file)
    name = f"/{type_.file.stem}"
    descriptor = pydyf.Dictionary(
        {
            "Type": "/FontDescriptor",
            "FontName": name,
            "Flags": 4,
            "FontBBox": pydyf.Array(type_.box),
            "ItalicAngle": 0,
            "Ascent": 969,
            "Descent": -242,
            "CapHeight": 728,
            "StemV": 80,
            "FontFile2": file.reference,
        }
    )
    pdf.add_object(descriptor)
    widths = pydyf.Array(round(1000 * advance) for advance in type_.advances)
    descendant = pydyf.Dictionary(
        {
            "Type": "/Font",
            "Subtype": "/CIDFontType2",
            "BaseFont": name,
            "CIDSystemInfo": "<</Registry (Adobe) /Ordering (Identity) /Supplement 0>>",
            "FontDescriptor": descriptor.reference,
            "W": pydyf.Array([0, widths.data]),
            "CIDToGIDMap": "/Identity",
        }
    )
    pdf.add_object(descendant)
    letters = pydyf.Stream([_letters(type_)], compress=True)
    pdf.add_object(letters)
    font = pydyf.Dictionary(
        {
            "Type": "/Font",
            "Subtype": "/Type0",
            "BaseFont": name,
            "Encoding": "/Identity-H",
            "DescendantFonts": pydyf.Array([descendant.reference]),
            "ToUnicode": letters.reference,
        }
    )
    pdf.add_object(font)
    return font


def _letters(type_: Face) -> bytes:
    """Which letter each glyph is, so that text can be searched and copied."""
    of_glyph: dict[int, int] = {}
    for code, glyph in sorted(type_.glyph_of.items()):
        of_glyph.setdefault(glyph, code)
    rows = [f"<{glyph:04x}> <{code:04x}>" for glyph, code in sorted(of_glyph.items())]
    blocks = "".join(
        f"{len(rows[at : at + 100])} beginbfchar\n"
        + "\n".join(rows[at : at + 100])
        + "\nendbfchar\n"
        for at in range(0, len(rows), 100)
    )
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
        f"{blocks}endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    ).encode("ascii")
