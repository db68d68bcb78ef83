"""Controls that change the view in the browser alone; assets/page/controls.js binds them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component


def data(**named: str) -> Any:
    """Attributes for the scripts: data(view="size") is data-view="size" in the page."""
    return {f"data-{name.replace('_', '-')}": value for name, value in named.items()}


def pressed(on: bool) -> Any:
    """Whether a button is pressed, for those who cannot see it."""
    return {"aria-pressed": str(on).lower()}


def label(text: str) -> Any:
    """What a control is called, for those who cannot see it."""
    return {"aria-label": text}


def row_of_buttons(title: str, buttons: Sequence[tuple[str, Any, bool]]) -> list[Component]:
    """A title and its buttons, each with what it says, its attributes and whether it is pressed."""
    return [
        html.Span(title, className="control-title"),
        html.Div(
            [
                html.Button(text, type="button", **attributes, **pressed(on))
                for text, attributes, on in buttons
            ],
            className="segments",
            role="group",
            **label(title),
        ),
    ]


def segments(
    title: str, key: str, options: Sequence[tuple[str, str]], usual: str, *, tip: str = "",
    className: str = "",
) -> Component:  # fmt: skip
    """A row of buttons of which one is pressed.

    key      what of the view they set, as in assets/page/view.js
    options  (text, value); an empty value stands for what is usual
    usual    the value that is pressed at first
    """
    return html.Div(
        [
            *row_of_buttons(
                title,
                [(text, data(view=key, value=value), value == usual) for text, value in options],
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
        **data(toggle=key),
        **pressed(on),
    )


def choice(
    text: str | Component, change: Mapping[str, Any], *, tip: str = "", className: str = "chip"
) -> Component:
    """A button that sets several keys of the view at once, pressed while all of them are so.

    tip  what it does; its name, where ``text`` is a picture
    """
    return html.Button(
        text,
        type="button",
        className=className,
        title=tip or None,
        **data(set=json.dumps(change)),
        **({} if isinstance(text, str) else label(tip)),
    )


def opener(text: str, box: str, icon: str, *, tip: str = "") -> Component:
    """A button that opens the popover ``box``; Escape and a click beside it close it."""
    return html.Button(
        [html.Span(className="icon", **data(icon=icon)), text],
        id=f"{box}-button",
        type="button",
        className="button opener",
        title=tip or None,
        **data(opens=box),
    )


def axis(title: str, key: str) -> Component:
    """A list of the features that the axis ``key`` can have; filled when a jet is there."""
    return html.Div(
        [
            html.Label(title, htmlFor=f"axis-{key}"),
            html.Select(id=f"axis-{key}", **data(view=key, axis=key)),
        ],
        className="control row",
    )


def tool(name: str, title: str, icon: str, **more: Any) -> Component:
    """A button with a picture; ``icon`` is the name of a file in assets/icons."""
    return html.Button(
        html.Span(className="icon", **data(icon=icon)),
        id=name,
        type="button",
        className="tool",
        title=title,
        **label(title),
        **more,
    )


def away_mark() -> Component:
    """Says to assets/page/away.js that somebody waits for the service to come back."""
    return html.Span(hidden=True, **data(away=""))


def again_mark(seconds: int, request_id: str | None) -> Component:
    """Says when it is tried again; assets/page/away.js counts, and does it."""
    return html.P(
        f"Trying again by itself in {seconds} s …",
        className="again",
        **data(again=str(seconds), request=request_id or ""),
    )
