"""The bar at the top: what is being looked at, and the switch between light and dark."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from app import ids
from app.words import plural
from lrp_core.service.schemas import Health


def layout(health: Health | None, docs: str) -> Component:
    """The bar; without ``health`` the service is away. docs: address of the service's own pages."""
    facts: list[Component] = []
    if health is not None:
        facts = [
            html.Span(
                [html.B(health.jets.name), plural(health.jets.n_jets, "jet")], className="fact"
            ),
            html.Span(
                [html.B(health.model.name), f"{health.model.n_columns} inputs"],
                className="fact",
                title=f"SHA-256 {health.model.checkpoint_hash}",
            ),
        ]
    return html.Header(
        [
            html.H1([html.Span(className="mark"), "jetlrp"]),
            html.Span("Which tracks made the network say so?", className="motto"),
            html.Div(facts, className="facts"),
            html.A(
                "API", href=docs, target="_blank", className="quiet", title="The service's REST API"
            ),
            html.Button(
                html.Span(className="icon"),
                id=ids.THEME_SWITCH,
                type="button",
                title="Light or dark",
                **{"aria-label": "Switch between light and dark"},
            ),
        ],
        className="bar",
    )
