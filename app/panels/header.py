"""The bar at the top: what is being looked at, and what concerns the page as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from app import figure_form, ids
from app.controls import tool
from lrp_core.figures.numbers import plural
from lrp_core.service.schemas import Health

FILES = (  # ending of the service's address, title, what is in it
    ("explanation.json", "Explanation, JSON", "all of it; lrp_core.load_explanation reads it"),
    ("explanation.npz", "Explanation, NPZ", "the same as arrays for NumPy"),
    ("explanation/tracks.csv", "Tracks, CSV", "relevance, and every feature's value and relevance"),
    ("explanation/edges.csv", "Edges, CSV", "significance and signed relevance, by rank"),
)


def layout(
    health: Health | None,
    top: str,
    pickers: Sequence[Component] = (),
    user: str | None = None,
    *,
    can_leave: bool = False,
) -> Component:
    """The bar; without ``health`` the service is away.

    top        where the server's own addresses begin, with a slash at its end
    pickers    what one chooses file and network with, where there is a choice
    user       name of who looks at the page, None where nobody logs in
    can_leave  whether it is here that people log out
    """
    facts: list[Component] = []
    tools: list[Component] = []
    if health is not None:
        facts = list(pickers) or [
            html.Span(
                [html.B(health.jets.name), plural(health.jets.n_jets, "jet")], className="fact"
            ),
            html.Span(
                [html.B(health.model.name), f"{health.model.n_columns} inputs"],
                className="fact",
                title=f"SHA-256 {health.model.checkpoint_hash}",
            ),
        ]
        tools = [
            tool(
                "list-fold", "Jets list: show or fold away (L)", "list", **{"data-toggle": "list"}
            ),
            tool(ids.COPY_LINK, "Copy a link to this view (C)", "link"),
            _save(),
            tool("talk-switch", "Talk mode: large type (M)", "talk", **{"data-toggle": "talk"}),
            tool(ids.HELP, "Keyboard shortcuts (?)", "keyboard", **{"aria-haspopup": "dialog"}),
        ]
    return html.Header(
        [
            html.H1([html.Span(className="mark"), "jetlrp"]),
            html.Span("Which tracks made the network say so?", className="motto"),
            html.Div(facts, className="facts pickers" if pickers else "facts"),
            html.A(
                "API",
                href=f"{top}docs",
                target="_blank",
                className="quiet",
                title="The service's REST API",
            ),
            html.Div(
                [
                    *tools,
                    html.Button(
                        html.Span(className="icon"),
                        id=ids.THEME_SWITCH,
                        type="button",
                        title="Light or dark (D)",
                        **{"aria-label": "Switch between light and dark"},
                    ),
                    *([] if user is None else [_who(user, top, can_leave=can_leave)]),
                ],
                className="tools",
            ),
        ],
        className="bar",
    )


def _who(user: str, top: str, *, can_leave: bool) -> Component:
    """Who is logged in, and the way out; a form, so that no link can log anybody out."""
    name = html.Span(user, className="who-name", title=f"Logged in as {user}")
    if not can_leave:
        return html.Div(name, className="who")
    leave = html.Button(
        html.Span(className="icon", **{"data-icon": "leave"}),
        type="submit",
        className="tool",
        title="Log out",
        **{"aria-label": f"Log out {user}"},
    )
    return html.Form([name, leave], action=f"{top}logout", method="post", className="who")


def talk() -> Component:
    """What stands above the picture in talk mode: the jet in one line, and the way out."""
    return html.Div(
        [
            html.Div(id=ids.TALK_LINE),
            html.Button(
                "Leave talk mode",
                id=ids.TALK_END,
                type="button",
                className="button",
                title="Escape",
                **{"data-toggle": "talk"},
            ),
        ],
        className="talk-head",
    )


def _save() -> Component:
    """Figures and files to take away, which export.js and link.js in assets/page see to."""
    return html.Details(
        [
            html.Summary(
                html.Span(className="icon", **{"data-icon": "save"}),
                className="tool",
                title="Take this away: figures and files",
                **{"aria-label": "Take this away: figures and files"},
            ),
            html.Div(
                [
                    html.P("Open a jet first.", className="muted save-none"),
                    figure_form.layout(),
                    html.H3("Files"),
                    *(
                        html.A(
                            [html.B(title), html.Span(what, className="muted")],
                            href="#",
                            download="",
                            **{"data-file": ending},
                        )
                        for ending, title, what in FILES
                    ),
                ],
                className="menu",
            ),
        ],
        id=ids.SAVE,
        className="save is-empty",
    )
