"""The page as a whole: ids, assets, and everything from this server."""

from __future__ import annotations

import gzip
import re

import brotli
import pytest
from plotly.offline import get_plotlyjs_version

from app import ids, main
from app.main import assets_folder, create_app, page
from app.plotly_js import plotly_js
from lrp_core.checkpoint import load_model
from lrp_core.explainer import explain
from lrp_core.reading import open_jets


@pytest.fixture
def app(service):
    with service.client() as client:
        yield create_app(client)


@pytest.fixture
def web(app):
    return app.server.test_client()


def all_ids(component) -> list:
    found = []
    for each in [component, *component._traverse()]:
        if getattr(each, "id", None) is not None:
            found.append(each.id)
    return found


def test_every_id_is_on_the_page_once(service):
    with service.client() as client:
        found = [str(each) for each in all_ids(page(client, client.choices))]
    assert len(found) == len(set(found))
    later = {"PRESET", "EDGES_SLIDER"}  # ids of one kind, and what a script makes
    plain = {value for name, value in vars(ids).items() if name.isupper() and name not in later}
    assert plain <= set(found)
    assert str(ids.rule_parameter("gamma", "bias")) in found


def test_making_the_app_asks_nobody(service):
    with service.client() as client:
        create_app(client)
    assert service.requests == []


def test_a_page_without_a_service_says_so_and_recovers(service):
    service.away = True
    with service.client() as client:
        app = create_app(client)
        assert "does not answer" in str(app.layout())
        service.away = False
        assert ids.JETS_GRID in str(app.layout())


def test_index_names_the_page_and_asks_no_other_host(web):
    index = web.get("/").text
    assert "<title>jetlrp" in index
    assert 'rel="icon" type="image/svg+xml" href="data:image/svg+xml;base64,' in index
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', index)
    addresses = re.findall(r'(?:src|href)="(?!data:)([^"]+)"', index)
    assert len(addresses) > 8
    for address in addresses:
        assert address.startswith("./"), address  # holds below whatever path a proxy takes away
        assert web.get(address[1:], buffered=True).status_code == 200, address


def test_scripts_and_styles_come_as_one_file_each(web):
    index = web.get("/").text
    (script,) = re.findall(r'src="\.(/_jetlrp/page\.js\?v=\w+)"', index)
    (styles,) = re.findall(r'href="\.(/_jetlrp/page\.css\?v=\w+)"', index)
    assert index.index(script) < index.index("new DashRenderer")
    for address, ending in ((script, "js"), (styles, "css")):
        answer = web.get(address)
        assert "max-age" in answer.headers["Cache-Control"]
        for file in assets_folder().glob(f"*.{ending}"):
            own = file.read_text("utf-8").splitlines()[0]
            assert (own in answer.text) == (file.name != "standalone.js"), file
    for address in re.findall(r'url\("(?!data:)([^"]+)"\)', web.get(styles).text):
        assert (
            web.get(f"/_jetlrp/{address}".replace("/_jetlrp/..", ""), buffered=True).status_code
            == 200
        ), address


def test_the_first_visit_is_light(web):
    """What a browser loads before the first jet; data of jets are a few ten kB more."""
    taken = {"Accept-Encoding": "br"}
    index = web.get("/", headers=taken)
    text = brotli.decompress(index.data).decode()
    addresses = re.findall(r'(?:src|href)="\.(?!data:)([^"]+)"', text)
    addresses += [
        "/_dash-component-suites/dash_ag_grid/async-community.js",
        *(f"/assets/fonts/{file.name}" for file in assets_folder().glob("fonts/*.woff2")),
    ]
    answers = [web.get(one, headers=taken, buffered=True) for one in set(addresses)]
    assert {answer.status_code for answer in answers} == {200}
    assert len(index.data) + sum(len(answer.data) for answer in answers) < 1_220_000


def test_the_page_needs_no_component_that_it_does_not_have(service):
    with service.client() as client:
        layout = page(client, client.choices)
    used = {
        (each._namespace, each._type)
        for each in layout._traverse()
        if getattr(each, "_namespace", "dash_html_components") != "dash_html_components"
    }
    script = (assets_folder() / "page" / "components.js").read_text()
    given = re.search(r"dash_core_components = \{ (.*) \}", script)[1]
    stand_ins = {("dash_core_components", name.split(":")[0]) for name in given.split(", ")}
    assert used == {*stand_ins, ("dash_ag_grid", "AgGrid")}


@pytest.mark.parametrize(
    ("taken", "coding", "unpack", "most"),
    [
        ("gzip, deflate, br, zstd", "br", brotli.decompress, 470_000),
        ("gzip, br;q=0", "gzip", gzip.decompress, 560_000),
    ],
)
def test_plotly_comes_from_this_server_compressed(web, taken, coding, unpack, most):
    path = f"/{main.PLOTLY_PATH}"
    answer = web.get(path, headers={"Accept-Encoding": taken}, buffered=True)
    kept = web.get(path, headers={"Accept-Encoding": taken}, buffered=True)
    assert kept.data == answer.data
    assert answer.headers["Content-Encoding"] == coding
    assert "max-age" in answer.headers["Cache-Control"]
    assert len(answer.data) < most
    plain = web.get(path, buffered=True)
    assert "Content-Encoding" not in plain.headers
    assert unpack(answer.data) == plain.data
    known = {"Accept-Encoding": taken, "If-None-Match": answer.headers["ETag"]}
    again = web.get(path, headers=known, buffered=True)
    assert again.status_code == 304


def test_the_part_of_plotly_is_as_new_as_the_whole_and_draws_what_is_drawn():
    script = plotly_js(assets_folder()).read_text("utf-8")
    assert f"(gl3d - minified) v{get_plotlyjs_version()}" in script[:200]
    assert "Permission is hereby granted" in (assets_folder() / "plotly" / "LICENSE").read_text()
    jet = open_jets()[96]
    drawn = {trace.type for trace in explain(load_model(), jet).plot3d().data}  # as the page's
    assert drawn == {"scatter3d"}
    assert all(f'"{kind}"' in script or f"'{kind}'" in script for kind in drawn)


def test_assets_are_found_and_hold_the_font_s_licence():
    folder = assets_folder()
    assert (folder / "page" / "main.js").is_file()
    assert "SIL OPEN FONT LICENSE" in (folder / "fonts" / "LICENSE-Inter.txt").read_text()


def test_the_app_is_never_asynchronous(app):
    assert app._use_async is False
