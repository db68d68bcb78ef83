"""Controls that change the view in the browser alone; assets/controls.js binds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component


def segments(
    title: str, key: str, options: Sequence[tuple[str, str]], usual: str, *, tip: str = "",
    className: str = "",
) -> Component:  # fmt: skip
    """A row of buttons of which one is pressed.

    key      what of the view they set, as in assets/view.js
    options  (text, value); an empty value stands for what is usual
    usual    the value that is pressed at first
    """
    return html.Div(
        [
            html.Span(title, className="control-title"),
            html.Div(
                [
                    html.Button(
                        text,
                        type="button",
                        **{
                            "data-view": key,
                            "data-value": value,
                            "aria-pressed": str(value == usual).lower(),
                        },
                    )
                    for text, value in options
                ],
                className="segments",
                role="group",
                **{"aria-label": title},
            ),
        ],
        className=f"control {className}".strip(),
        title=tip or None,
    )


def toggle(text: str, key: str, *, on: bool, tip: str = "", className: str = "") -> Component:
    """A button that turns ``key`` of the view on and off."""
    return html.Button(
        text,
        type="button",
        className=f"toggle {className}".strip(),
        title=tip or None,
        **{"data-toggle": key, "aria-pressed": str(on).lower()},
    )


def axis(title: str, key: str) -> Component:
    """A list of the features that the axis ``key`` can have; filled when a jet is there."""
    return html.Div(
        [
            html.Label(title, htmlFor=f"axis-{key}"),
            html.Select(id=f"axis-{key}", **{"data-view": key, "data-axis": key}),
        ],
        className="control row",
    )


def tool(name: str, title: str, icon: str, **more: str) -> Component:
    """A button with a picture; ``icon`` is the name of a file in assets/icons."""
    named: Any = {"aria-label": title, **more}
    return html.Button(
        html.Span(className="icon", **{"data-icon": icon}),
        id=name,
        type="button",
        className="tool",
        title=title,
        **named,
    )
