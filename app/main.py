"""The page as a whole: ``create_app(client) -> dash.Dash``. Nothing is built when this is imported.

Everything the browser loads comes from this server: scripts, styles, fonts and Plotly.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from dash import Dash, dcc, html
from dash.development.base_component import Component
from flask import Response, g, has_request_context, request, send_file

from app import explaining, figure_data, ids, page_files, theme
from app.access.below import top_of_request
from app.access.headers import NOTHING, framed, hash_of, policy
from app.client import ServiceClient, ServiceError
from app.compression import compress_answers
from app.controls import again_mark, away_mark
from app.forwarding import forward_requests, refusal
from app.page_files import PageFile
from app.panels import (
    compare,
    conservation,
    dock,
    edge_card,
    features,
    header,
    jets,
    library,
    prediction,
    prongs,
    question,
    scene,
    truth,
)
from app.plotly_js import fingerprint, plotly_js
from app.standalone import PICTURES, document, theme_in
from app.visit import watch_requests
from lrp_core.errors import SettingsError
from lrp_core.service.schemas import Choices, Health

logger = logging.getLogger("jetlrp.app")

TITLE = "jetlrp – relevance in jets"
PLOTLY_PATH = "_jetlrp/plotly.min.js"
NEEDLESS = ("/deps/polyfill@", "/dash_table/", "/dash/dcc/")  # of the scripts that Dash brings
ALIVE_PATH = "_jetlrp/alive"
STANDALONE_PATH = "_jetlrp/figure.html"
TOP = "/_jetlrp-top/"  # stands in the page for the top of the server, wherever that is
YEAR_SECONDS = 31_536_000
SPOKEN: dict[str, Any] = {"aria-live": "polite"}  # what comes there is read aloud

NOTHING_HERE = (
    "There is nothing at /{path}. Where a proxy serves the page below a path and keeps it, the "
    "server has to be told that path as JETLRP_ROOT_PATH."
)
INDEX = """<!DOCTYPE html>
<html lang="en" data-theme="dark">
<head>
{%metas%}
<title>{%title%}</title>
<link rel="icon" type="image/svg+xml" href="{icon}">
<link rel="preload" as="font" type="font/woff2" crossorigin
      href="{top}assets/fonts/inter-latin-wght-normal.woff2">
<style id="jetlrp-colours">{colours}</style>
<link rel="stylesheet" href="{styles}">
{%css%}
<script>{choose}</script>
<link id="jetlrp-plotly" rel="preload" as="script" href="{plotly}">
</head>
<body>
<div class="opening" role="status">
<div class="bar"><h1><span class="mark"></span>jetlrp</h1></div>
<div class="columns">
<div class="panel"></div>
<div class="panel"><p><span class="spinner"></span>Waiting for the jets and the network…</p></div>
<div class="results">
<div class="panel"></div><div class="panel"></div><div class="panel"></div>
</div>
</div>
</div>
{%app_entry%}
{%config%}
{%scripts%}
{%renderer%}
</body>
</html>
"""


def assets_folder() -> Path:
    """The folder of scripts, styles and fonts: inside the installed package, or of the checkout.

    Raises SettingsError naming both places if neither holds them.
    """
    here = Path(__file__).resolve().parent
    places = (here / "assets", here.parent / "assets")
    for place in places:
        if (place / "page" / "main.js").is_file():
            return place
    raise SettingsError(
        f"the page's scripts are neither in {places[0]} nor in {places[1]}; "
        "the package was installed without its assets: install it again"
    )


def create_app(
    client: ServiceClient,
    *,
    title: str = TITLE,
    metrics_from: Sequence[str] = (),
    frames: Sequence[str] = (),
) -> Dash:
    """The dashboard, asking ``client`` for all it shows.

    metrics_from  addresses and networks that may read /metrics, beside this machine
    frames        origins whose pages may show the page in a frame
    """
    script, styles = page_files.script(assets_folder()), page_files.styles(assets_folder())
    app = _Page(
        "jetlrp",
        assets_folder=str(assets_folder()),
        assets_path_ignore=["plotly"],  # not before the first picture
        assets_ignore=page_files.APART,
        title=title,
        update_title="",
        index_string=_index(styles),
        requests_pathname_prefix=TOP,
        routes_pathname_prefix="/",
        serve_locally=True,
        use_async=False,
        suppress_callback_exceptions=True,
        add_log_handler=False,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    choices = _asked_once(client)
    app.layout = lambda: page(client, choices) if _is_asked_for() else html.Div()
    jets.register_callbacks(app, client)
    scene.register_callbacks(app)
    edge_card.register_callbacks(app, client)
    question.register_callbacks(app, choices)
    conservation.register_callbacks(app, client)
    explaining.register_callbacks(app, client)
    compare.register_callbacks(app, client)
    library.register_callbacks(app, client, choices)
    app.script = script
    page_files.serve(app, script, styles)
    _serve_plotly(app)
    _serve_service(app, client)
    watch_requests(app.server, metrics_from)
    _serve_figures(app, client)
    compress_answers(app.server)
    _restrict(app, frames)
    return app


class _Page(Dash):
    """Dash, with addresses below the path where the browser that asks finds the server.

    Without the scripts that this page has no use for: stand-ins for what browsers lacked until
    2018, DataTable, and Dash Core Components, in whose place is assets/page/components.js.
    """

    script: PageFile

    def index(self, path: str = "", **_: Any) -> Any:
        """The page itself, at the top alone: elsewhere its relative addresses would not hold."""
        if path:
            return refusal(404, ServiceError(NOTHING_HERE.format(path=path), code="not_found"))
        return super().index()

    def interpolate_index(self, **parts: str) -> str:  # type: ignore[override]
        """The page as text; its configuration is JSON in which slashes are escaped."""
        scripts = [
            line
            for line in parts["scripts"].splitlines()
            if not any(name in line for name in NEEDLESS)
        ]
        own = f'<script src="{TOP}{self.script.address}"></script>'
        parts["scripts"] = "\n".join([*scripts, own])
        text = str(super().interpolate_index(**parts))
        for slash in ("/", r"\u002f"):
            text = text.replace(TOP.replace("/", slash), top_of_request().replace("/", slash))
        return text


def page(client: ServiceClient, choices: Callable[[], Choices]) -> Component:
    """The layout, made anew for each visitor; without a service it says so."""
    try:
        health, all_choices = client.health(), choices()
    except ServiceError as error:
        logger.warning("the page was opened without a service: %s", error)
        return html.Div([_header(None), _away(error)], className="page")
    return html.Div(
        [
            dcc.Location(id=ids.ADDRESS, refresh=False),
            dcc.Store(id=ids.CHOSEN),
            dcc.Store(id=ids.SCENE_DATA),
            dcc.Store(id=ids.PINNED),
            dcc.Store(id=ids.PINNED_DATA),
            dcc.Store(id=ids.COMPARED_ASKED),
            dcc.Store(id=ids.WANTED),
            dcc.Store(id=ids.SOURCE, data=library.source(health)),
            dcc.Store(id=ids.SOURCE_FACTS),
            dcc.Store(id=ids.LIBRARY_ASKED),
            dcc.Store(id=ids.LIBRARY_DATA),
            html.A("Skip to the plot", href=f"#{ids.SCENE}", className="skip"),
            _header(health, library.pickers(health)),
            header.talk(),
            html.Main(
                [
                    jets.layout(health, all_choices.picks),
                    html.Div(
                        [
                            scene.layout(compare.tools(), compare.pane(), edge_card.layout()),
                            *dock.layout(),
                        ],
                        className="centre",
                    ),
                    html.Div(
                        [
                            prediction.layout(),
                            question.layout(all_choices),
                            conservation.layout(),
                            prongs.layout(),
                            truth.layout(),
                            features.layout(),
                        ],
                        className="results",
                    ),
                ],
                className="columns",
            ),
            *library.popovers(health),
            html.Div(id=ids.TOOLTIP, className="tooltip", hidden=True, role="status"),
            html.Div(id=ids.SAID, className="unseen", **SPOKEN),
        ],
        className="page",
    )


def _header(health: Health | None, pickers: Sequence[Component] = ()) -> Component:
    """The bar, with the name of who is logged in."""
    known: Any = g if has_request_context() else {}
    can_leave = bool(known.get("can_leave", False))
    return header.layout(health, top_of_request(), pickers, known.get("user"), can_leave=can_leave)


def _is_asked_for() -> bool:
    """Whether this request wants the layout.

    Dash also looks at it on its very first request, whatever that wants; the page and its scripts
    would then wait for the service, which may still be loading its network.
    """
    return not has_request_context() or request.path.endswith("/_dash-layout")


def _away(error: ServiceError) -> Component:
    return html.Main(
        html.Div(
            [
                html.H3("The service is away" if error.away else "The service cannot be used"),
                html.P(error.message),
                html.P(["Request ", html.Code(error.request_id)], className="muted request-id")
                if error.request_id
                else None,
                html.A("Try again", href="", className="button"),
                away_mark() if error.away else None,
                None if error.again is None else again_mark(error.again, error.request_id),
            ],
            className="state error on",
            role="alert",
        ),
        className="away",
    )


def _asked_once(client: ServiceClient) -> Callable[..., Choices]:
    """What can be asked of a file and a network; answers are remembered, but not failures."""

    @lru_cache(maxsize=32)
    def ask(file: str | None, model: str | None) -> Choices:
        return client.of({"file": file, "model": model}).choices()

    def choices(source: Mapping[str, Any] | None = None) -> Choices:
        given = source or {}
        return ask(given.get("file"), given.get("model"))

    return choices


def _index(styles: PageFile) -> str:
    return (
        INDEX.replace("{top}", TOP)
        .replace("{icon}", _icon())
        .replace("{styles}", TOP + styles.address)
        .replace("{colours}", theme.css_variables())
        .replace("{choose}", theme.CHOOSE)
        .replace("{plotly}", f"{TOP}{PLOTLY_PATH}?v={fingerprint(assets_folder())}")
    )


def _icon() -> str:
    """The page's icon, inside the page: else it is asked for whenever the address changes."""
    picture = (assets_folder() / "favicon.svg").read_bytes()
    return f"data:image/svg+xml;base64,{base64.b64encode(picture).decode()}"


def _restrict(app: Dash, frames: Sequence[str]) -> None:
    """Tell browsers what the page may load. The scripts within it are known now, all of them."""
    hashes = [*(found.strip("'") for found in app.csp_hashes()), hash_of(theme.CHOOSE)]
    allowed, nothing = policy(hashes, frames=frames), framed(NOTHING, frames)

    @app.server.after_request
    def _allow(response: Response) -> Response:
        own = allowed if response.mimetype == "text/html" else nothing
        response.headers.setdefault("Content-Security-Policy", own)
        return response


def _serve_plotly(app: Dash) -> None:
    """Plotly, of which the page loads the part that draws 3D scenes, when it draws the first."""
    source = plotly_js(assets_folder())

    @app.server.route(f"/{PLOTLY_PATH}")
    def _plotly() -> Response:
        return send_file(source, mimetype="text/javascript", max_age=YEAR_SECONDS)


def _serve_service(app: Dash, client: ServiceClient) -> None:
    """What the browser itself asks: whether the service is there, and /api/v1 and /docs.

    Where page and service are one process, the latter never come here.
    """
    forward_requests(app.server, client)

    @app.server.route("/health")
    def _health() -> dict[str, str]:
        return {"status": "ok"}

    @app.server.route("/ready")
    def _ready() -> Response:
        try:
            answer = client.ready()
        except ServiceError as error:
            return refusal(503, error)
        return Response(answer.content, answer.status_code, mimetype="application/json")

    @app.server.route(f"/{ALIVE_PATH}")
    def _alive() -> dict[str, bool]:
        try:
            client.health()
        except ServiceError as error:
            return {"away": error.away}
        return {"away": False}


def _serve_figures(app: Dash, client: ServiceClient) -> None:
    """What assets/picture/figure.js asks the page for: a figure that needs no server."""

    @app.server.route(f"/{STANDALONE_PATH}")
    def _standalone() -> Any:
        view, link = request.args.get("view", "network"), request.args.get("link", "")
        try:
            query = figure_data.query_of(link)
            jets = figure_data.jets_of(client, query)
            own, asked = jets["a"]["jet"], jets["a"]["question"]
            says = client.figure_parts(
                own["index"],
                view,
                view=link,
                target=asked["target"],
                rule=asked["rule"],
                theme=theme_in(link),
                fonts="false",
            )
            service = client.of(query)
            how = {"target": asked["target"], "rule": asked["rule"], "theme": theme_in(link)}
            pictures = {
                name: service.picture(own["index"], name, view=link, **how, **room)
                for name, room in PICTURES[view].items()
            }
            text = document(jets, view, link, says, assets_folder(), pictures)
        except ServiceError as error:
            return refusal(502, error)
        headers = {"Content-Disposition": f'attachment; filename="{says.name}.html"'}
        return Response(text, headers=headers, mimetype="text/html")
