"""A drawing as SVG: paths and text, nothing else; equal drawings give equal bytes."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr
from zlib import crc32

from lrp_core.figures.drawing import (
    Command,
    Data,
    Drawing,
    Gradient,
    Group,
    Item,
    Paint,
    Path,
    Text,
)
from lrp_core.figures.typeset import FAMILY, FILES, INDEX_DROP, INDEX_SIZE, MIDDLE, runs

MANY = "rest"  # a kind of path of which there are thousands, drawn alike
Commands = tuple[Command, ...]
FALLBACK = f"{FAMILY}, 'Helvetica Neue', Arial, sans-serif"


@dataclass
class _Gradients:
    """The gradients that were met, by the name that each has in the document.

    panel  whose picture it is: several stand in one page, so there a name tells what it names
    """

    panel: str = ""
    names: dict[Gradient, str] = field(default_factory=dict)

    def name_of(self, one: Gradient) -> str:
        name = f"g{len(self.names)}"
        if self.panel:
            name = f"{self.panel}-{crc32(repr(one).encode()):08x}"
        return self.names.setdefault(one, name)

    def definitions(self) -> str:
        return "".join(_gradient(one, name) for one, name in self.names.items())


def to_svg(drawing: Drawing, *, embed_fonts: bool = False) -> str:
    """The drawing as an SVG document.

    embed_fonts  with the two fonts inside (70 kB), so that a browser without Inter shows it too
    """
    gradients = _Gradients()
    body = "\n".join(_body(drawing.items, gradients))
    width, height = number(drawing.width), number(drawing.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" font-family="{FALLBACK}" role="img">'
    ]
    for name, text in (("title", drawing.title), ("desc", drawing.description)):
        if text:
            lines.append(f"<{name}>{escape(text)}</{name}>")
    if drawing.metadata:
        lines.append(_metadata(drawing.metadata))
    definitions = gradients.definitions()
    if embed_fonts:
        definitions = f"<style>{_faces()}</style>{definitions}"
    if definitions:
        lines.append(f"<defs>{definitions}</defs>")
    if drawing.background is not None:
        lines.append(
            f'<path d="M0 0H{width}V{height}H0Z" fill="{drawing.background}" class="ground"/>'
        )
    return "\n".join([*lines, body, "</svg>"]) + "\n"


def inline_svg(
    items: Iterable[Item | Group], width: float, height: float, *, name: str, label: str
) -> str:
    """Items as an SVG that stands within a page, where they can be pointed at.

    name   its class, and the start of every id in it, so that panels do not take each other's
    label  what a screen reader says of it
    """
    gradients = _Gradients(name)
    body = "".join(_live(items, gradients))
    wide, high = number(width), number(height)
    definitions = gradients.definitions()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture {name}"'
        f' width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
        f' font-family="{FALLBACK}" role="group"'
        f" aria-label={quoteattr(label)}>"
        f"{f'<defs>{definitions}</defs>' if definitions else ''}{body}</svg>"
    )


def _live(items: Iterable[Item | Group], gradients: _Gradients) -> Iterator[str]:
    """The items with all that the page needs to point at them."""
    for item in items:
        if isinstance(item, Text):
            yield _text(item, _data(item.data))
        elif isinstance(item, Path):
            own = f'd="{path_data(item.commands)}" {_look(item, gradients)}{_data(item.data)}'
            yield (
                f"<path {own}><title>{escape(item.title)}</title></path>"
                if item.title
                else (f"<path {own}/>")
            )
        else:
            attributes = _data(item.data)
            if item.kind:
                attributes += f" class={quoteattr(item.kind)}"
            if item.label:
                attributes += f' role="img" aria-label={quoteattr(item.label)}'
            if item.stop:
                attributes += ' tabindex="-1"'
            if item.hidden:
                attributes += ' aria-hidden="true"'
            yield f"<g{attributes}>{''.join(_live(item.items, gradients))}</g>"


def _data(data: Data) -> str:
    return "".join(f" data-{name}={quoteattr(value)}" for name, value in data)


def number(value: float) -> str:
    """At most two decimals, and no needless zero."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def path_data(commands: Commands) -> str:
    """Commands as the attribute d."""
    return "".join(letter + " ".join(map(number, values)) for letter, values in commands)


def _paint(paint: Paint, gradients: _Gradients) -> str:
    if isinstance(paint, Gradient):
        return f"url(#{gradients.name_of(paint)})"
    return paint or "none"


def _gradient(one: Gradient, name: str) -> str:
    (x1, y1), (x2, y2) = one.start, one.end
    stops = "".join(
        f'<stop offset="{number(at)}" stop-color="{colour}"/>' for at, colour in one.stops
    )
    return (
        f'<linearGradient id="{name}" gradientUnits="userSpaceOnUse" x1="{number(x1)}"'
        f' y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}">{stops}</linearGradient>'
    )


def _body(items: Iterable[Item], gradients: _Gradients) -> Iterator[str]:
    """The items one by one; the faint edges share a group that says how they are drawn."""
    for kind, alike in groupby(items, lambda item: item.kind):
        several = list(alike)
        if kind == MANY and isinstance(several[0], Path):
            paths = [f'<path d="{path_data(one.commands)}"/>' for one in several
                     if isinstance(one, Path)]  # fmt: skip
            yield f"<g {_look(several[0], gradients)}>{''.join(paths)}</g>"
            continue
        for one in several:
            if isinstance(one, Path):
                yield f'<path d="{path_data(one.commands)}" {_look(one, gradients)}/>'
            else:
                yield _text(one)


def _look(path: Path, gradients: _Gradients) -> str:
    """How a path is drawn. Opacity is that of stroke or fill, so that a group hands it on."""
    attributes = [f'fill="{_paint(path.fill, gradients)}"']
    if path.stroke is not None:
        attributes.append(f'stroke="{_paint(path.stroke, gradients)}"')
        attributes.append(f'stroke-width="{number(path.width)}"')
        if path.dash:
            attributes.append(f'stroke-dasharray="{" ".join(map(number, path.dash))}"')
        if path.round:
            attributes.append('stroke-linecap="round" stroke-linejoin="round"')
    if path.opacity != 1:  # that of a whole element is drawn apart first, which is slow
        for kind, paint in (("stroke", path.stroke), ("fill", path.fill)):
            if paint is not None:
                attributes.append(f'{kind}-opacity="{path.opacity:.3g}"')
    if path.kind:
        attributes.append(f"class={quoteattr(path.kind)}")
    return " ".join(attributes)


def _text(text: Text, more: str = "") -> str:
    """A text; more: attributes beside its own."""
    drop = MIDDLE * text.size if text.centred else 0.0
    attributes = [f'font-size="{number(text.size)}"', f'fill="{text.colour}"']
    if text.degrees:
        attributes.insert(
            0,
            f'transform="translate({number(text.x)} {number(text.y)})'
            f' rotate({number(text.degrees)})" y="{number(drop)}"',
        )
    else:
        attributes.insert(0, f'x="{number(text.x)}" y="{number(text.y + drop)}"')
    if text.anchor != "start":
        attributes.append(f'text-anchor="{text.anchor}"')
    if text.bold:
        attributes.append('font-weight="600"')
    if text.opacity != 1:
        attributes.append(f'opacity="{text.opacity:.3g}"')
    if text.kind:
        attributes.append(f"class={quoteattr(text.kind)}")
    body, shift = "", 0.0
    for part, low in runs(text.text, plain=text.plain):
        move = (INDEX_DROP * text.size if low else 0.0) - shift
        shift += move
        if not low and not move:
            body += escape(part)
            continue
        size = f' font-size="{number(INDEX_SIZE * text.size)}"' if low else ""
        body += f'<tspan dy="{number(move)}"{size}>{escape(part)}</tspan>'
    own = " ".join(attributes) + more
    if text.link is not None:
        return f"<a href={quoteattr(text.link)}><text {own}>{body}</text></a>"
    if text.halo is None:
        return f"<text {own}>{body}</text>"
    rim = (
        f'stroke="{text.halo}" stroke-width="{number(text.size / 4)}" stroke-linejoin="round"'
        ' paint-order="stroke"'
    )
    return f"<text {own} {rim}>{body}</text>"


def _metadata(metadata: dict[str, str]) -> str:
    rows = "".join(
        f"<jetlrp:item name={quoteattr(name)}>{escape(value)}</jetlrp:item>"
        for name, value in metadata.items()
    )
    return f'<metadata xmlns:jetlrp="urn:jetlrp:figure">{rows}</metadata>'


@cache
def _faces() -> str:
    faces = []
    for bold, file in FILES.items():
        data = base64.b64encode(file.read_bytes()).decode("ascii")
        faces.append(
            f"@font-face{{font-family:{FAMILY};font-weight:{600 if bold else 400};"
            f"src:url(data:font/ttf;base64,{data})}}"
        )
    return "".join(faces)
