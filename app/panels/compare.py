"""Two explanations beside each other: what pins one, the pane it stands in, and both in numbers.

assets/panels/compare.js pins, unpins and swaps, and says which two the panel "Compared" is to show.
"""

from __future__ import annotations

import math
from pathlib import PurePosixPath
from typing import Any

from dash import Dash, Input, Output, html
from dash.development.base_component import Component

from app import ids
from app.client import ServiceClient, ServiceError
from app.controls import again_mark, away_mark, data, segments
from app.words import symbol
from lrp_core.figures.numbers import (
    fixed,
    label_text,
    minus,
    signed,
    significant,
    thousands,
)
from lrp_core.service.schemas import (
    ComparedChange,
    ComparedFeature,
    ComparedValue,
    ComparisonAnswer,
)


def tools() -> Component:
    """What pins the explanation on screen, and says how the two are drawn."""
    return html.Div(
        [
            segments(
                "Draw",
                "difference",
                [("side by side", "0"), ("difference", "1")],
                "0",
                tip="Two pictures with one camera, or one picture of what changed",
                className="compare-mode",
            ),
            html.Button(
                [html.Span(className="icon", **{"data-icon": "pin"}), html.Span("Pin")],
                id=ids.PIN,
                type="button",
                className="toggle with-icon",
                title="Keep this explanation on screen, to put another beside it",
                **{"aria-pressed": "false"},
            ),
        ],
        className="compare-tools",
    )


def pane() -> Component:
    """Where the pinned jet is drawn: its caption, and its states beside the picture."""
    return html.Div(
        [
            html.Div(id=ids.SCENE_PINNED, className="scene"),
            html.Div(
                [
                    html.Span(id=ids.PINNED_CAPTION),
                    html.Button(
                        "swap",
                        id=ids.SWAP,
                        type="button",
                        className="link",
                        title="The pinned explanation takes the place of the other",
                    ),
                    html.Button(
                        "unpin",
                        type="button",
                        className="link",
                        title="Take the pinned explanation away",
                        **{"data-unpin": ""},
                    ),
                ],
                className="caption",
            ),
            html.Div(
                [
                    html.Div(id=ids.PINNED_ERROR),
                    html.Div(
                        [
                            html.Button(
                                "Try again", id=ids.PINNED_RETRY, type="button", className="button"
                            ),
                            html.Button(
                                "Unpin", type="button", className="button", **{"data-unpin": ""}
                            ),
                        ],
                        className="ways-out",
                    ),
                ],
                className="state error",
                role="alert",
            ),
            html.Div(
                [html.Span(className="spinner"), html.Span("Propagating relevance…")],
                id=ids.PINNED_BUSY,
                className="state busy",
                role="status",
            ),
        ],
        className="pane pinned",
    )


def failure(error: ServiceError, pinned: dict[str, Any]) -> list[Component]:
    """Why the pinned jet is not there, in the service's words."""
    heading = "The service is away" if error.away else f"Jet {pinned['jet']} cannot stand here"
    if error.again is not None:
        heading = f"Jet {pinned['jet']} has to wait a moment"
    parts: list[Component] = [html.H3(heading), html.P(error.message)]
    if error.request_id:
        parts.append(
            html.P(["Request ", html.Code(error.request_id)], className="muted request-id")
        )
    if error.away:
        parts.append(away_mark())
    if error.again is not None:
        parts.insert(2, again_mark(error.again, error.request_id))
    return parts


# ---------------------------------------------------------------- the panel "Compared"


def register_callbacks(app: Dash, client: ServiceClient) -> None:
    """Fill the panel with the two explanations that assets/panels/compare.js names."""

    @app.callback(
        Output(ids.COMPARED, "children"),
        Input(ids.COMPARED_ASKED, "data"),
        prevent_initial_call=True,
    )
    def _compare(asked: dict[str, Any] | None) -> list[Component]:
        return compared(client, asked or {})


def compared(client: ServiceClient, asked: dict[str, Any]) -> list[Component]:
    """What the panel shows.

    asked  {"jet", "target", "rule", "file", "model", "pin"}, the latter as in the page's address;
           or {"waits"}: whether what is pinned is not there yet
    """
    if "pin" not in asked:
        return [_empty(waits=bool(asked.get("waits")))]
    source = {key: asked.get(key) or None for key in ("file", "model")}
    try:
        found = client.of(source).comparison(
            asked["jet"], target=asked["target"], rule=asked["rule"], pin=asked["pin"]
        )
    except ServiceError as error:
        words = html.P(
            error.message, className="hint compare-empty", role="alert", **data(failed="")
        )
        return [words]
    return [html.Div([_table(found), _features(found), _changes(found)], className="compared")]


def _empty(*, waits: bool) -> Component:
    words: list[Component | str] = ["The pinned explanation is not there yet."]
    if not waits:
        words = [
            "Nothing is pinned. Press ",
            html.B("Pin"),
            " above the picture (or P), then open another jet, rule or target: both stand side by "
            "side, and their difference here.",
        ]
    return html.P(words, className="hint compare-empty")


def _table(found: ComparisonAnswer) -> Component:
    one, other = found.here, found.pinned
    networks, files = _shortly(one.model, other.model), _shortly(one.file, other.file)
    words = [
        ("label", "What the simulation says", label_text(one.label), label_text(other.label)),
        ("explained", "The output that is explained", one.asked, other.asked),
        ("rule", "How relevance is shared at each step", one.rule_words, other.rule_words),
        ("network", "Whose output is explained", *networks),
        ("file", "Where the jet is", *files),
    ]
    rows = [
        _row("words", name, tip, here, there, "same" if here == there else "differs")
        for name, tip, here, there in words
        if name == "label" or here != there
    ]
    pinned = "" if found.same_jet else f"Jet {other.index} "
    head = [
        html.Td(),
        html.Th(f"Jet {one.index}", scope="col"),
        html.Th([pinned, html.I("pinned")], scope="col"),
        html.Th("difference", scope="col"),
    ]
    return html.Table(
        [html.Thead(html.Tr(head)), html.Tbody([*rows, *map(_number_row, found.values)])],
        className="compare-table",
    )


def _row(kind: str, name: str, tip: str, here: str, pinned: str, difference: str) -> Component:
    cells = [html.Td(text) for text in (here, pinned, difference)]
    return html.Tr([html.Th(name, scope="row"), *cells], className=kind, title=tip)


def _number_row(value: ComparedValue) -> Component:
    kind, here, pinned = value.kind, value.here, value.pinned
    if kind == "error":
        difference = ""
    elif here is None or pinned is None:
        difference = "–"
    elif here == pinned:
        difference = "0"
    else:
        sign = "+" if here > pinned else ""
        difference = f"{sign}{_number(kind, here - pinned)}".replace("%", "pp")
    row = _number(kind, here), _number(kind, pinned), difference
    return _row("number", value.name, value.meaning, *row)


def _number(kind: str, value: float | None) -> str:
    """A number of the table; shares in per cent."""
    if value is None or not math.isfinite(value):
        return "–"
    if kind == "error":
        return significant(value, 2)
    if kind == "count":
        return minus(thousands(int(value)))
    return f"{minus(fixed(100 * value, 1))} %" if kind == "share" else minus(fixed(value, 3))


def _shortly(one: str, other: str) -> tuple[str, str]:
    """Two names without their folders, unless these tell them apart."""
    short = PurePosixPath(one).name, PurePosixPath(other).name
    return (one, other) if one != other and short[0] == short[1] else short


def _features(found: ComparisonAnswer) -> Component:
    """Two bars for each feature, to the right where it speaks for what is explained."""
    most = max(
        (abs(value) for row in found.features for value in (row.here, row.pinned) if value),
        default=1.0,
    )
    one, other = found.here.stands_for, found.pinned.stands_for
    pinned = "" if one == other else f" (pinned: for {other})"
    return html.Div(
        [
            html.H3("Features that counted"),
            html.P(
                [
                    html.Span([html.I(className="here"), "here"]),
                    html.Span([html.I(className="other"), "pinned"]),
                ],
                className="key",
            ),
            *(_feature(row, most) for row in found.features),
            html.P(f"Right speaks for {one}{pinned}, left against.", className="hint"),
        ],
        className="compare-features",
    )


def _feature(row: ComparedFeature, most: float) -> Component:
    bars = [_bar(row.here, "here", most), _bar(row.pinned, "other", most)]
    figures = [signed(row.here, 2), html.Br(), signed(row.pinned, 2)]
    return html.Div(
        [
            html.Span(symbol(row.title), className="name"),
            html.Span(bars, className="pairs"),
            html.Span(figures, className="figures"),
        ],
        className="compare-feature",
        title=row.name,
    )


def _bar(value: float | None, which: str, most: float) -> Component:
    bar = None
    if value is not None:
        width = {"width": f"{50 * abs(value) / most:.2f}%"}
        bar = html.Span(className="negative" if value < 0 else "positive", style=width)
    return html.Span(bar, className=f"pair {which}")


def _changes(found: ComparisonAnswer) -> Component:
    heading = "What changed most"
    if found.tracks is None or found.edges is None:
        hint = (
            "The two networks join other tracks, so that their edges cannot be subtracted."
            if found.same_jet
            else "Tracks of different jets are different particles: there is no difference to "
            "draw, only one in numbers. Pin this jet and choose another rule or target to see "
            "what moves."
        )
        return html.Div(
            [html.H3(heading), html.P(hint, className="hint")], className="compare-changes"
        )
    return html.Div(
        [
            _list("Tracks: Δ relevance", "track", found.tracks),
            _list("Edges: Δ significance", "edge", found.edges),
        ],
        className="compare-changes two",
    )


def _list(heading: str, kind: str, rows: list[ComparedChange]) -> Component:
    """Buttons that assets/panels/compare.js answers: pressed and pointed at."""
    body = html.Ol([html.Li(_change(kind, row)) for row in rows])
    return html.Div(
        [html.H3(heading), body if rows else html.P("Nothing changed.", className="hint")]
    )


def _change(kind: str, row: ComparedChange) -> Component:
    here, pinned = row.rank_here, row.rank_pinned
    name = f"{row.ends[0]} → {row.ends[1]}" if row.ends else f"track {row.number}"
    side = "positive" if row.difference > 0 else "negative"
    return html.Button(
        [
            html.Span(name),
            html.Span(f"#{here}" if here == pinned else f"#{pinned}→{here}", className="muted"),
            html.Span(signed(row.difference, 2), className=f"signed {side}"),
        ],
        type="button",
        title=f"Rank {pinned} pinned, rank {here} here",
        **data(**{kind: str(row.number)}),
    )
