"""The list of jets: rows come page by page from the service, which sorts and filters them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app import ids
from app.client import ServiceClient, ServiceError
from app.controls import data, segments, tool
from app.heading import heading
from lrp_core.figures.numbers import label_text, plural, thousands, with_labels
from lrp_core.service.schemas import Health, PickChoice

MANY = 100_000  # jets that another file may have
PAGE = 100  # rows the grid asks for at once
WAITING = 40  # rows that stand as skeletons until it is known how many there are
HEARTBEAT_MS = 1200
Source = dict[str, Any] | None
FILTERED = ("score", "pt", "sdmass", "n_tracks")

THEME = (
    "themeQuartz.withParams({"
    "backgroundColor:'var(--panel)',foregroundColor:'var(--text)',"
    "headerBackgroundColor:'var(--panel)',headerTextColor:'var(--muted)',"
    "borderColor:'var(--line)',accentColor:'var(--accent)',"
    "rowHoverColor:'var(--raised)',selectedRowBackgroundColor:'var(--selected)',"
    "menuBackgroundColor:'var(--raised)',inputBackgroundColor:'var(--panel)',"
    "wrapperBorder:false,wrapperBorderRadius:0,headerColumnBorder:false,columnBorder:false,"
    "fontFamily:'inherit',fontSize:13,headerFontSize:12,headerFontWeight:500,"
    "rowHeight:30,headerHeight:34,cellHorizontalPadding:8,spacing:5,iconSize:13})"
)


def _number(
    name: str, title: str, tip: str, digits: int, width: int, **more: Any
) -> dict[str, Any]:
    return {
        "field": name,
        "headerName": title,
        "headerTooltip": tip,
        "type": "rightAligned",
        "valueFormatter": {"function": f"jetFixed(params, {digits})"},
        "minWidth": width,
        "flex": width,
        "filter": "agNumberColumnFilter",
        "filterParams": {
            "filterOptions": ["inRange", "greaterThanOrEqual", "lessThanOrEqual"],
            "maxNumConditions": 1,
            "inRangeInclusive": True,
            "buttons": ["reset"],
        },
        **more,
    }


COLUMNS = [
    {
        "field": "index",
        "headerName": "Jet",
        "headerTooltip": "Number of the jet in the file",
        "type": "rightAligned",
        "filter": False,
        "cellClass": ["ag-right-aligned-cell", "jet-number"],
    },
    {
        "field": "label",
        "headerName": "Label",
        "headerTooltip": "What the simulation says the jet is",
        "valueFormatter": {"function": "jetLabel(params)"},
        "minWidth": 58,
        "flex": 60,
        "filter": "agTextColumnFilter",
        "filterParams": {"filterOptions": ["equals"], "maxNumConditions": 1},
        "suppressHeaderMenuButton": True,
        "suppressHeaderFilterButton": True,
    },
    _number(
        "score", "Score", "Probability of H→bb̄ according to the network", 3, 60,
        valueFormatter={"function": "jetScore(params)"},
        cellStyle={"function": "jetScoreStyle(params)"},
        cellClass=["ag-right-aligned-cell", "jet-score"],
    ),
    _number("pt", "pT", "Transverse momentum of the jet (GeV)", 0, 54),
    _number("sdmass", "Mass", "Soft-drop mass of the jet (GeV)", 0, 52),
    _number("n_tracks", "Tracks", "Number of tracks", 0, 56),
]  # fmt: skip


def columns(n_jets: int) -> list[dict[str, Any]]:
    """The columns of the list, the first wide enough for the number of the last jet."""
    width = max(46, 12 + 9 * len(str(n_jets - 1)))
    return [{**COLUMNS[0], "minWidth": width, "flex": width}, *COLUMNS[1:]]


def layout(health: Health, picks: Sequence[PickChoice] = ()) -> Component:
    """The list, and above it what finds jets: by label, number and limits, or at random."""
    classes = [name for name in ("hbb", "qcd") if name in health.model.classes]
    return html.Aside(
        [
            heading(
                "Jets",
                "jets",
                html.Span(plural(health.jets.n_jets, "jet"), id=ids.JETS_COUNT, className="muted"),
                segments(
                    "Label",
                    "label",
                    [("all", ""), *((label_text(name), name) for name in classes)],
                    "",
                ),
            ),
            html.Div(
                [
                    html.Div(id=ids.JETS_FIND),
                    tool(ids.JETS_PREVIOUS, "Previous jet of the list", "up", **data(step="-1")),
                    tool(ids.JETS_NEXT, "Next jet of the list", "down", **data(step="1")),
                    _picks(picks),
                    html.Button(
                        "Limits",
                        id=ids.JETS_LIMITS_BUTTON,
                        type="button",
                        className="button",
                        title="Only jets within limits of score, pT, mass and tracks",
                        **{"aria-expanded": "false"},
                    ),
                ],
                className="jets-tools",
            ),
            html.Div(id=ids.JETS_LIMITS, className="jets-limits", hidden=True),
            dag.AgGrid(
                id=ids.JETS_GRID,
                columnDefs=columns(max(health.jets.n_jets, MANY if health.is_choice else 0)),
                defaultColDef={
                    "sortable": True,
                    "resizable": False,
                    "suppressMovable": True,
                    "tooltipValueGetter": {"function": "jetProblem(params)"},
                    "sortingOrder": ["desc", "asc", None],
                },
                rowModelType="infinite",
                getRowId="jetRowId(params)",
                rowClassRules={
                    "bad-jet": "params.data && params.data.problem",
                    "jet-waiting": "!params.data",
                },
                dashGridOptions={
                    "theme": {"function": THEME},
                    "rowSelection": {
                        "mode": "singleRow",
                        "checkboxes": False,
                        "enableClickSelection": True,
                    },
                    "cacheBlockSize": PAGE,
                    "infiniteInitialRowCount": WAITING,
                    "maxConcurrentDatasourceRequests": 1,
                    "navigateToNextCell": {"function": "jetNavigate(params)"},
                    "tabToNextCell": {"function": "jetLeave(params)"},
                    "tabToNextHeader": {"function": "jetLeave(params)"},
                    "tooltipShowDelay": 300,
                    "animateRows": False,
                },
                eventListeners={
                    "selectionChanged": ["jetSelected(params)"],
                    "modelUpdated": ["jetsLoaded(params)"],
                    "sortChanged": ["jetsArranged(params)"],
                    "filterChanged": ["jetsArranged(params)"],
                },
                className="jets-grid",
            ),
            html.Div(id=ids.JETS_NOTICE, className="jets-notice"),
            dcc.Store(id=ids.PICK),
            dcc.Store(id=ids.PICKED),
            dcc.Store(id=ids.SCORES_DONE, data=health.scores.done),
            dcc.Interval(
                id=ids.HEARTBEAT,
                interval=HEARTBEAT_MS,
                disabled=health.scores.done >= health.scores.total,
            ),
        ],
        className="panel jets",
    )


def _picks(picks: Sequence[PickChoice]) -> Component:
    """A menu of kinds of jets, one of which is opened at random."""
    return html.Details(
        [
            html.Summary("Random", title="Open a random jet of a kind"),
            html.Div(
                [
                    html.Button(
                        [pick.title, html.Small(with_labels(pick.summary))],
                        type="button",
                        **data(pick=pick.name),
                    )
                    for pick in picks
                ]
            ),
        ],
        className="pick-menu",
    )


def query(request: dict[str, Any]) -> dict[str, Any]:
    """What the grid asks for -> what the service is asked: a page, a sort and limits."""
    start, end = int(request.get("startRow") or 0), int(request.get("endRow") or PAGE)
    asked: dict[str, Any] = {"offset": start, "limit": max(1, end - start)}
    for sort in (request.get("sortModel") or [])[:1]:
        asked["sort"] = f"{'-' if sort['sort'] == 'desc' else ''}{sort['colId']}"
    model = request.get("filterModel") or {}
    if model.get("label"):
        asked["label"] = model["label"]["filter"]
    for name in FILTERED:
        limit = model.get(name)
        if not limit:
            continue
        if limit["type"] in ("inRange", "greaterThanOrEqual"):
            asked[f"min_{name}"] = limit["filter"]
        if limit["type"] == "inRange":
            asked[f"max_{name}"] = limit["filterTo"]
        if limit["type"] == "lessThanOrEqual":
            asked[f"max_{name}"] = limit["filter"]
    return asked


def rows(client: ServiceClient, request: dict[str, Any] | None) -> dict[str, Any]:
    """One page for the grid; without a service an empty one, and the heartbeat starts again."""
    if not request:
        return dict.fromkeys(("response", "count", "notice", "silent", "scored"), no_update)
    try:
        page = client.jets(**query(request))
    except ServiceError as error:
        return {
            "response": {"rowData": [], "rowCount": 0},
            "count": "no jets",
            "notice": error.message,
            "silent": False,
            "scored": None,
        }
    return {
        "response": {
            "rowData": [row.model_dump() for row in page.jets],
            "rowCount": page.matching,
        },
        "count": plural(page.total, "jet")
        if page.matching == page.total
        else f"{thousands(page.matching)} of {thousands(page.total)}",
        "notice": "" if page.scores_done >= page.total else no_update,
        "silent": no_update,
        "scored": no_update,
    }


def picked(
    client: ServiceClient, asked: dict[str, Any] | None, index: int | None
) -> tuple[Any, Any]:
    """A random jet of the kind asked for, other than the one that is open -> (it, notice)."""
    if not asked:
        return no_update, no_update
    try:
        row = client.pick(asked["kind"], exclude=index)
    except ServiceError as error:
        return no_update, error.message
    return {"index": row.index, "at": asked["at"]}, ""


def heartbeat(client: ServiceClient, said: Any, scored: int | None) -> tuple[Any, bool, Any]:
    """How far the scores are -> (words, whether to stop asking, jets scored if that is news)."""
    try:
        scores = client.health().scores
    except ServiceError:
        return no_update, False, no_update
    news = no_update if scores.done == scored else scores.done
    if scores.problem:
        return f"Scores stopped at {thousands(scores.done)}: {scores.problem}", True, news
    if scores.done >= scores.total:
        return "", True, news
    words = f"Scoring the jets: {thousands(scores.done)} of {thousands(scores.total)}"
    return (no_update if words == said else words), False, news


def register_callbacks(app: Dash, client: ServiceClient) -> None:
    """Rows on demand, the filter by label, and scores as they come in."""

    @app.callback(
        output={
            "response": Output(ids.JETS_GRID, "getRowsResponse"),
            "count": Output(ids.JETS_COUNT, "children"),
            "notice": Output(ids.JETS_NOTICE, "children"),
            "silent": Output(ids.HEARTBEAT, "disabled"),
            "scored": Output(ids.SCORES_DONE, "data"),
        },
        inputs={
            "request": Input(ids.JETS_GRID, "getRowsRequest"),
            "source": State(ids.SOURCE, "data"),
        },
    )
    def _rows(request: dict[str, Any] | None, source: Source) -> dict[str, Any]:
        return rows(client.of(source), request)

    @app.callback(
        Output(ids.JETS_NOTICE, "children", allow_duplicate=True),
        Output(ids.HEARTBEAT, "disabled", allow_duplicate=True),
        Output(ids.SCORES_DONE, "data", allow_duplicate=True),
        Input(ids.HEARTBEAT, "n_intervals"),
        State(ids.JETS_NOTICE, "children"),
        State(ids.SCORES_DONE, "data"),
        State(ids.SOURCE, "data"),
        prevent_initial_call=True,
    )
    def _heartbeat(_: int, said: Any, scored: int | None, source: Source) -> tuple[Any, bool, Any]:
        return heartbeat(client.of(source), said, scored)

    @app.callback(
        Output(ids.PICKED, "data"),
        Output(ids.JETS_NOTICE, "children", allow_duplicate=True),
        Input(ids.PICK, "data"),
        State(ids.CHOSEN, "data"),
        State(ids.SOURCE, "data"),
        prevent_initial_call=True,
    )
    def _pick(asked: dict[str, Any] | None, index: int | None, source: Source) -> tuple[Any, Any]:
        return picked(client.of(source), asked, index)

    app.clientside_callback(
        ClientsideFunction("jetlrp", "picked"),
        Input(ids.PICKED, "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("jetlrp", "refresh"),
        Input(ids.SCORES_DONE, "data"),
        prevent_initial_call=True,
    )
