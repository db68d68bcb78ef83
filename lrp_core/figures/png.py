"""A drawing as PNG, without a browser: resvg renders its SVG, with Inter from this package."""

from __future__ import annotations

import struct
import zlib

from lrp_core.errors import FigureError
from lrp_core.figures.drawing import Drawing
from lrp_core.figures.svg import to_svg
from lrp_core.figures.typeset import FAMILY, FILES

MOST_PIXELS = 16_384 * 16_384 // 4  # of one picture
SIGNATURE = 8  # bytes before the first chunk
HEADER = SIGNATURE + 25  # bytes up to the end of the first chunk, IHDR


def to_png(drawing: Drawing, scale: float = 1.0) -> bytes:
    """The drawing as PNG of ``scale`` times its size, its metadata as text chunks.

    Raises FigureError if that were more than 67 million pixels, or none.
    """
    width, height = round(drawing.width * scale), round(drawing.height * scale)
    if not (0 < width * height <= MOST_PIXELS):
        raise FigureError(
            f"a picture of {width} × {height} pixels: at most {MOST_PIXELS:,} pixels are made; "
            "take a smaller scale"
        )
    import resvg_py

    picture = bytes(
        resvg_py.svg_to_bytes(
            svg_string=to_svg(drawing),
            zoom=scale,
            skip_system_fonts=True,
            font_files=[str(file) for file in FILES.values()],
            font_family=FAMILY,
            sans_serif_family=FAMILY,
        )
    )
    notes = {"Title": drawing.title, "Description": drawing.description, **drawing.metadata}
    chunks = b"".join(_text_chunk(name, value) for name, value in notes.items() if value)
    return picture[:HEADER] + chunks + picture[HEADER:]


def _text_chunk(name: str, text: str) -> bytes:
    """A chunk iTXt: UTF-8, not compressed."""
    body = name.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8")
    check = zlib.crc32(b"iTXt" + body)
    return struct.pack(">I", len(body)) + b"iTXt" + body + struct.pack(">I", check)
