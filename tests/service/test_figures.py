"""Figures over HTTP: of the view that was sent, bounded, and refused in the one shape."""

from __future__ import annotations

import html
import struct

import pytest

from lrp_core.figures.sheet import WORDS

PATH = "/api/v1/jets/11/figures/"


@pytest.mark.parametrize("name", ["network", "heatmap", "river"])
@pytest.mark.parametrize(
    ("ending", "media", "start"),
    [
        ("svg", "image/svg+xml", b"<svg"),
        ("pdf", "application/pdf", b"%PDF-1.7"),
        ("png", "image/png", b"\x89PNG"),
    ],
)
def test_every_figure_in_every_format(toy, name, ending, media, start):
    answer = toy.get(f"{PATH}{name}.{ending}", params={"width": 400, "height": 300})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(media)
    assert answer.content.startswith(start)
    stem = f"toy_11_{name}_margin_gamma-gamma-1.0-bias-account_ab12_400x300_light"
    saved = f"{stem}{'_1x' if ending == 'png' else ''}.{ending}"
    assert answer.headers["content-disposition"] == f'attachment; filename="{saved}"'
    again = toy.get(f"{PATH}{name}.{ending}", params={"width": 400, "height": 300})
    assert again.content == answer.content


def test_the_view_is_drawn(toy):
    look = "?jet=11&target=qcd&rule=epsilon(0.01)&edges=7&theme=dark&camera=0,-2,1,0,0,0,0,0,1"
    answer = toy.get(f"{PATH}network.svg", params={"view": look, "fonts": False})
    assert answer.text.count('class="edge"') == 7
    assert "#0f162b" in answer.text
    assert "epsilon(epsilon=0.01" in answer.text
    assert "logit of QCD" in answer.text
    assert "@font-face" not in answer.text
    linked = toy.get(f"{PATH}network.svg", params={"view": look, "link": "http://a.b/?jet=11"})
    assert '<a href="http://a.b/?jet=11"><text' in linked.text
    more = {"theme": "light", "rule": "gamma(2)", "transparent": True, "fonts": False}
    other = toy.get(f"{PATH}network.svg", params={"view": look, **more})
    assert "#0f162b" not in other.text
    assert "gamma(gamma=2.0" in other.text
    assert 'class="ground"' not in other.text


def test_a_png_is_as_large_as_wanted(toy):
    answer = toy.get(f"{PATH}river.png", params={"width": 400, "height": 200, "scale": 2})
    assert struct.unpack(">II", answer.content[16:24]) == (800, 400)


@pytest.mark.parametrize(
    ("name", "query", "code", "says"),
    [
        ("network.svg", {"view": "?colour=x"}, "bad_figure", "'colour' is no key of a view"),
        ("network.svg", {"view": "?jet=3"}, "bad_figure", "the view is of jet 3"),
        ("network.svg", {"view": "?track=99"}, "bad_figure", "has 12 tracks"),
        ("network.png", {"width": 8000, "height": 8000}, "bad_figure", "64 million pixels"),
        ("network.png", {"width": 9000}, "invalid_request", "width"),
        ("network.png", {"scale": "nan"}, "invalid_request", "scale"),
        ("network.gif", {}, "invalid_request", "ending"),
        ("drawing.svg", {}, "invalid_request", "name"),
        ("network.svg", {"view": "x" * 3000}, "invalid_request", "view"),
        ("network.svg", {"target": "top"}, "unknown_target", "top"),
        ("river.pdf", {"link": "javascript:alert(1)"}, "bad_figure", "from http:// or https:// on"),
    ],
)
def test_what_cannot_be_drawn_is_told(toy, name, query, code, says):
    answer = toy.get(f"{PATH}{name}", params=query)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == code
    assert says in error["message"]


def test_a_jet_that_cannot_be_used_has_no_figure(toy):
    assert toy.get("/api/v1/jets/7/figures/network.svg").json()["error"]["code"] == "bad_jet"
    assert toy.get("/api/v1/jets/999/figures/network.svg").status_code == 404
    single = toy.get("/api/v1/jets/0/figures/network.svg")  # one track, no edges
    assert single.status_code == 200
    assert single.text.count('class="track"') == 1


def test_where_a_figure_comes_from_is_told_for_one_that_is_drawn_elsewhere(toy):
    view = {"view": "?jet=11&target=qcd&theme=dark"}
    says = toy.get(f"{PATH}river/parts", params=view).json()
    assert says["name"] == "toy_11_river_qcd_gamma-gamma-1.0-bias-account_ab12"
    vector = toy.get(f"{PATH}river.svg", params={**view, "fonts": False})
    assert f'filename="{says["name"]}.svg"' in vector.headers["content-disposition"]
    for scale, ending in ((4, "_4x"), (2, "")):
        large = {**view, "width": 1200, "height": 900, "scale": scale}
        name = toy.get(f"{PATH}river/parts", params=large).json()["name"]
        assert name == f"{says['name']}_paper{ending}"
        drawn = toy.get(f"{PATH}river.png", params={**large, "width": 1200})
        assert f'filename="{name}.png"' in drawn.headers["content-disposition"]
    assert "toy.root, jet 11" in says["caption"]
    assert says["metadata"]["target"] == "qcd"
    assert [one["kind"] for one in says["words"]] == list(WORDS)
    for one in says["words"]:
        shown = one["text"].partition("_")[0]  # an index stands in an element of its own
        assert f'fill="{one["colour"]}"' in vector.text
        assert shown in html.unescape(vector.text)
    assert toy.get(f"{PATH}tree/parts").status_code == 422
    assert toy.get(f"{PATH}river/parts", params={"view": "?jet=3"}).status_code == 422
