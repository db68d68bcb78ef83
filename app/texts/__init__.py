"""The plain words beside each panel: Markdown files of paragraphs, lists and **bold**."""

from __future__ import annotations

import re
from importlib.resources import files

from dash import html
from dash.development.base_component import Component


def text(name: str) -> list[Component]:
    """The text ``name``.md of this folder as components: paragraphs, "- " lists, **bold**."""
    source = files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    return [_block(block) for block in re.split(r"\n\s*\n", source.strip())]


def _block(block: str) -> Component:
    if block.startswith("- "):
        items = re.split(r"\n- ", block[2:])
        return html.Ul([html.Li(_inline(item)) for item in items])
    return html.P(_inline(block))


def _inline(line: str) -> list[Component | str]:
    parts = re.split(r"\*\*(.+?)\*\*", " ".join(line.split()))
    return [html.Strong(part) if place % 2 else part for place, part in enumerate(parts) if part]
