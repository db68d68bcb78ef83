"""Vector figures: what is drawn, as data, and the files that the writers make of it."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import xml.etree.ElementTree as ET
import zlib
from dataclasses import replace

import numpy as np
import pytest

from lrp_core.checkpoint import load_model
from lrp_core.errors import FigureError
from lrp_core.explainer import explain
from lrp_core.figures import (
    Camera,
    Drawing,
    Provenance,
    View,
    draw_heatmap,
    draw_network,
    draw_plane,
    draw_river,
    geometry,
    to_pdf,
    to_png,
    to_svg,
)
from lrp_core.figures.camera import Projector
from lrp_core.figures.drawing import Gradient, Path, Text
from lrp_core.figures.naming import told_apart
from lrp_core.figures.network import NetworkSheet
from lrp_core.figures.picture import Shown
from lrp_core.figures.plot import Plot, plot_on
from lrp_core.figures.presets import PRESETS, zoom_of
from lrp_core.figures.scene import Scene
from lrp_core.figures.sheet import WORDS
from lrp_core.figures.stream import flattened, hatched, stream
from lrp_core.figures.typeset import face, measure
from lrp_core.reading import open_jets

DRAW = {
    "network": draw_network,
    "heatmap": draw_heatmap,
    "plane": draw_plane,
    "river": draw_river,
}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def explained():
    """A simulated jet with both b-hadrons, and its explanation."""
    jet = open_jets()[96]
    return jet, explain(load_model(), jet)


def kinds(drawing: Drawing, kind: str) -> list:
    return [item for item in drawing.items if item.kind.split(" ")[0] == kind]


def texts(drawing: Drawing) -> list[str]:
    return [item.text for item in drawing.items if isinstance(item, Text)]


def test_every_edge_is_a_path_and_every_track_a_ball(explained):
    jet, explanation = explained
    drawing = draw_network(jet, explanation, View(edges=40))
    assert len(kinds(drawing, "edge")) == 40
    assert len(kinds(drawing, "rest")) == min(4000, jet.n_edges - 40)
    assert len(kinds(drawing, "track")) == jet.n_tracks
    assert len(kinds(drawing, "title")) == 3
    assert {f"{axis}" for axis in ("Δφ (rad)", "b_1", "b_2", "j_1", "j_2")} <= set(texts(drawing))
    assert {"Edge significance", "Track relevance", "Track size: p_T"} <= set(texts(drawing))
    root = ET.fromstring(to_svg(drawing))
    edges = [path for path in root.iter(f"{SVG}path") if path.get("class") == "edge"]
    assert len(edges) == 40
    assert not list(root.iter(f"{SVG}image"))


@pytest.mark.parametrize("preset", ["slide", "portrait"])
def test_the_sheet_for_a_plot_that_is_drawn_elsewhere_leaves_its_place_free(explained, preset):
    size = {"width": PRESETS[preset].width, "height": PRESETS[preset].height}
    whole = draw_network(*explained, View(), **size)
    on = NetworkSheet.of(Shown(*explained), View(), None, size)
    sheet = on.drawing()
    assert set(sheet.items) < set(whole.items), "the rest is the same"
    plot = plot_on(on)
    left, top, width, height = plot["stage"]
    assert plot["unit"] == zoom_of(**size)
    assert (plot["layout"]["width"], plot["layout"]["height"]) == (width, height)
    for item in whole.items:
        if isinstance(item, Path) and item.kind == "edge":
            (x, y), *_ = (values for _, values in item.commands)
            assert left < x < left + width
            assert top < y < top + height
    for item in sheet.items:
        if isinstance(item, Text):
            inside = left < item.x < left + width - 1
            assert not (inside and top < item.y < top + height), item.text


def test_a_plot_for_a_sheet_is_as_large_as_the_vector_figure(explained):
    view = View(edges=40, track=3, camera=Camera((1.2, -1.5, 0.9)))
    on = NetworkSheet.of(Shown(*explained), view, None, {"width": 2400, "height": 1800})
    plot = plot_on(on)
    usual = {one["name"]: one for one in Plot(on.stage, on.page.theme).traces()}
    assert [one["name"] for one in plot["data"]] == [name for name in usual if name != "leptons"]
    for one in plot["data"]:
        plain = usual[one["name"]]
        assert one["mode"] == plain["mode"]
        if "line" in one:
            assert one["line"]["width"] == pytest.approx(2.5 * plain["line"]["width"])
        if "marker" in one:
            sizes = 2.5 * np.asarray(plain["marker"]["size"])
            np.testing.assert_allclose(one["marker"]["size"], sizes)
        if "textfont" in one:
            assert one["textfont"]["size"] == 2.5 * plain["textfont"]["size"]
    camera = plot["layout"]["scene"]["camera"]
    assert camera["eye"]["z"] == pytest.approx(on.stage.view.camera.eye[2])
    axis = plot["layout"]["scene"]["xaxis"]
    assert axis["title"]["font"]["size"] == 2.5 * 13
    assert axis["linewidth"] == 2.5 * 1.25
    letters = {(one["text"], round(one["x"], 6)) for one in plot["letters"]}
    scene = on.stage.scene
    marked = np.flatnonzero(scene.muon | scene.electron)
    assert len(plot["letters"]) == len(marked)
    assert {text for text, _ in letters} <= {"μ", "e"}
    bare = NetworkSheet.of(Shown(*explained), View(marks=False), None, {})
    assert plot_on(bare)["letters"] == []


@pytest.mark.parametrize("name", DRAW)
def test_without_words_a_figure_leaves_room_for_them(explained, name):
    whole, bare = (DRAW[name](*explained, View(), words=words) for words in (True, False))
    missing = [item for item in whole.items if item not in bare.items]
    assert list(bare.items) == [item for item in whole.items if item not in missing]
    assert [item.kind for item in missing] == list(WORDS)
    assert bare.metadata == whole.metadata


def test_the_view_is_what_is_drawn(explained):
    jet, explanation = explained
    alone = draw_network(jet, explanation, View(track=3, edges=9, color="origin"))
    assert len(kinds(alone, "edge")) == 9
    assert "Track origin" in texts(alone)
    ring = [one for one in kinds(alone, "ring") if one.stroke == "#0b7a63"]
    assert len(ring) == 1
    dark = draw_network(jet, explanation, View(theme="dark", marks=False, edgecolor="relevance"))
    assert dark.background == "#0f162b"
    assert not kinds(dark, "lepton")
    assert "Marked tracks" not in texts(dark)
    assert "Edge relevance" in texts(dark)
    assert draw_network(jet, explanation, View(), transparent=True).background is None
    turned = draw_network(
        jet, explanation, View(camera=Camera((0, -2.2, 0), (0, 0, 0)), projection="orthographic")
    )
    assert len(kinds(turned, "title")) == 2  # looked along Δφ, which so has no words


def test_the_view_may_not_ask_for_what_there_is_not(explained):
    jet, explanation = explained
    for view, says in (
        (View(x="track_unheard_of"), "has no such feature; it has track_pt"),
        (View(track=999), "track=999 in the view.* has .* tracks"),
        (View(edge=10**6), "edge=1000000 in the view"),
        (View(camera=Camera((0, 0, 0.1), (0, 0, 0), (0, 1, 0))), "inside of the scene"),
        (View(camera=Camera((0, 0, 2), (0, 0, 0), (0, 0, 1))), "along its own upright"),
    ):
        with pytest.raises(FigureError, match=says):
            draw_network(jet, explanation, view)
    other = open_jets()[0]
    for draw in DRAW.values():
        with pytest.raises(FigureError, match="give the jet that was explained"):
            draw(other, explanation, View())
        with pytest.raises(FigureError, match="width 3 px"):
            draw(jet, explanation, View(), width=3)
        with pytest.raises(FigureError, match="no theme 'blue'"):
            draw(jet, explanation, View(), theme="blue")
    broken = replace(explanation, track_relevance=explanation.track_relevance * np.nan)
    with pytest.raises(FigureError, match="relevance not finite"):
        draw_network(jet, broken, View())


def test_nothing_of_the_scene_is_cut_off():
    """All of the box, with room for words around it, on every preset and beside the page's panels.

    The numbers of ROOM hold for a stage at type's usual size; where it is lower than 90 px or so,
    the box takes what there is.
    """
    sizes = [(preset.width / zoom_of(preset.width, preset.height),
              preset.height / zoom_of(preset.width, preset.height))
             for preset in PRESETS.values()]  # fmt: skip
    corners = np.array([[(n >> side) & 1 for side in range(3)] for n in range(8)]) * 2.0 - 1
    left, above, right, below = geometry.ROOM
    tight = 0
    for width, height in [*sizes, (560, 280), (460, 430), (1600, 700), (400, 900)]:
        for perspective in (True, False):
            camera = geometry.camera_for(width, height, perspective=perspective)
            size = 1.0 if perspective else geometry.orthographic_size(width, height)
            projector = Projector.of(
                camera, -np.ones(3), np.ones(3), size * geometry.LENGTH, (0, 0, width, height),
                perspective=perspective,
            )  # fmt: skip
            places = projector.project(corners)[0]
            low, high = places.min(axis=0), places.max(axis=0)
            free = np.array([low[0] - left, low[1] - above, width - high[0] - right,
                             height - high[1] - below])  # fmt: skip
            assert free.min() > -1, (width, height, perspective)
            tight += perspective and free.min() < 1
    assert tight == len(sizes) + 4, "and as large as that lets it be"


@pytest.mark.parametrize("name", DRAW)
def test_figures_say_where_they_come_from(explained, name):
    jet, explanation = explained
    drawing = DRAW[name](jet, explanation, View(jet=96))
    caption = Provenance.of(explanation).caption()
    small = " · ".join(item.text for item in reversed(kinds(drawing, "provenance")))
    assert small == caption
    for part in ("jet 96", explanation.checkpoint_hash[:8], "margin of H→bb̄", "gamma(gamma=1.0"):
        assert part in caption
    svg, pdf, png = to_svg(drawing), to_pdf(drawing), to_png(drawing, 0.25)
    inside = plain_pdf(pdf)
    for value in (explanation.checkpoint_hash, f"{explanation.conservation_error:.3g}"):
        assert value in svg
        assert value.encode() in inside
        assert value.encode() in png


def test_the_line_of_provenance_leads_to_the_view(explained):
    jet, explanation = explained
    link = 'https://jets.example/lrp/?jet=96&rule=gamma(1)&x="><b>é&z=log:track_pt'
    drawing = draw_river(jet, explanation, View(jet=96), width=700, link=link)
    lines = kinds(drawing, "provenance")
    assert len(lines) == 2
    tree = ET.fromstring(to_svg(drawing))
    anchors = tree.findall(f".//{SVG}a")
    assert [anchor.get("href") for anchor in anchors] == 2 * [
        "https://jets.example/lrp/?jet=96&rule=gamma(1)&x=%22%3E%3Cb%3E%C3%A9&z=log:track_pt"
    ]
    assert [anchor[0].text for anchor in anchors] == [line.text for line in lines]
    pdf = plain_pdf(to_pdf(drawing))
    assert pdf.count(b"/Subtype /Link") == 2
    assert b"jet=96&rule=gamma\\(1\\)&x=%22" in pdf
    boxes = [
        [float(one) for one in found.split()] for found in re.findall(rb"/Rect \[(.*?)\]", pdf)
    ]
    for (left, low, right, high), line in zip(boxes, lines, strict=True):
        wide = measure(line.text, line.size, plain=True)
        assert [left, right] == pytest.approx([0.75 * line.x, 0.75 * (line.x + wide)], abs=0.01)
        assert low < 0.75 * (1080 - line.y) < high
    plain = draw_river(jet, explanation, View(jet=96))
    assert "<a " not in to_svg(plain)
    assert b"/Annots" not in plain_pdf(to_pdf(plain))
    wrong = ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "/?jet=1", ""]
    wrong += ["https://me:secret@jets.example/", "http://", "https://[x", f"http://a/{'x' * 4000}"]
    for one in wrong:
        with pytest.raises(FigureError, match="from http:// or https:// on"):
            draw_river(jet, explanation, View(), link=one)


@pytest.mark.parametrize("name", DRAW)
def test_a_figure_made_twice_is_the_same(explained, name):
    jet, explanation = explained
    view = View.from_link("?edges=30&theme=dark")
    one, two = (DRAW[name](jet, explanation, view, width=900, height=600) for _ in range(2))
    assert to_svg(one) == to_svg(two)
    assert to_pdf(one) == to_pdf(two)
    assert to_png(one) == to_png(two)


def plain_pdf(pdf: bytes) -> bytes:
    """All of it, with its streams decompressed."""
    found = [pdf]
    for part in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            found.append(zlib.decompress(part))
        except zlib.error:
            continue
    return b"\n".join(found)


@pytest.mark.parametrize("name", DRAW)
def test_the_pdf_is_vector_with_its_fonts(explained, name, tmp_path):
    jet, explanation = explained
    drawing = DRAW[name](jet, explanation, View(), width=1600, height=900)
    pdf = to_pdf(drawing)
    inside = plain_pdf(pdf)
    assert pdf.startswith(b"%PDF-1.7")
    assert b"/Image" not in inside
    assert inside.count(b"/FontFile2") == 2
    assert b"[0 0 1200 675]" in inside  # 0.75 pt a px
    assert b"CreationDate" not in inside
    if shutil.which("pdfimages") and shutil.which("pdftotext"):
        path = tmp_path / "figure.pdf"
        path.write_bytes(pdf)
        run = {"capture_output": True, "encoding": "utf-8", "check": True}
        images = subprocess.run(["pdfimages", "-list", path], **run).stdout.splitlines()
        assert len(images) == 2  # its two lines of heading
        words = subprocess.run(["pdftotext", path, "-"], **run).stdout
        assert "H→bb̄" in words
        fonts = subprocess.run(["pdffonts", path], **run).stdout
        assert fonts.count(" yes ") >= 2


@pytest.mark.parametrize("times", [1.0, 0.004, 3e-7])
def test_the_ends_of_the_heat_maps_scale_do_not_meet(explained, times):
    jet, explanation = explained
    little = replace(explanation, track_relevance=explanation.track_relevance * times)
    drawing = draw_heatmap(jet, little, View())
    texts = [item for item in drawing.items if isinstance(item, Text)]
    at = next(n for n, item in enumerate(texts) if item.text == "for +")
    low, top = texts[at + 1 : at + 3]
    assert (low.text[0], top.text[0]) == ("−", "+")
    assert low.text[1:] == top.text[1:]
    assert (low.anchor, top.anchor) == ("start", "end")
    assert low.x + measure(low.text, low.size) < top.x - measure(top.text, top.size)


def test_a_png_is_as_large_as_wanted(explained):
    jet, explanation = explained
    drawing = draw_network(jet, explanation, View(), width=960, height=540, transparent=True)
    for scale in (1, 2):
        png = to_png(drawing, scale)
        assert struct.unpack(">II", png[16:24]) == (960 * scale, 540 * scale)
    with pytest.raises(FigureError, match="at most"):
        to_png(drawing, 100)


def test_names_of_files_are_plain(explained):
    _, explanation = explained
    name = Provenance.of(explanation).file_name("network", "svg")
    assert name == (
        "simulated_jets_96_network_margin_gamma-gamma-1.0-bias-account_"
        f"{explanation.checkpoint_hash[:8]}.svg"
    )


def test_different_figures_have_different_names(explained):
    """Nothing that is saved takes the place of another figure of the same jet."""
    _, explanation = explained
    slide = {"width": 1920, "height": 1080, "theme": "dark"}

    def words(link="", name="network", **how):
        return "_".join(told_apart(name, View.from_link(link), **{**slide, **how}))

    assert words() == words("?jet=3&theme=dark&rule=gamma(1)&dock=heat", scale=2) == ""
    assert words(width=1200, height=900, theme="light", scale=4) == "paper_light_4x"
    assert words(width=300, transparent=True, frames=60) == "300x1080_transparent_60frames"
    assert words(frames=96) == ""
    links = [
        *("?edges=40", "?edges=41", "?color=origin", "?marks=0", "?x=track_dxy", "?z=track_pt"),
        *("?camera=1,1,1,0,0,0,0,0,1", "?camera=1,1,2,0,0,0,0,0,1", "?projection=orthographic"),
        *("?track=4", "?track=4&ways=in", "?pin=5~hbb~gamma(gamma=1)", "?least=1e-05"),
        "?x=track_dxy&y=track_dz&z=log:track_pt&edges=100&color=charge&size=relevance",
        "?x=track_dxy&y=track_dz&z=log:track_pt&edges=101&color=charge&size=relevance",
    ]
    assert words("?edges=40&color=origin") == "edges-40_color-origin"
    told = {words(link) for link in links}
    assert len(told) == len(links)
    assert max(map(len, told)) < 60
    assert all(re.fullmatch(r"[A-Za-z0-9._+-]+", one) for one in told)
    assert words("?edges=40&camera=1,1,1,0,0,0,0,0,1&sort=pt", "heatmap") == "sort-pt"
    assert words("?sort=pt&rows=all") == words("?track=4&edges=2", "river") == ""
    origin = Provenance.of(explanation)
    long = [replace(origin, rule=f"map({'edge=gamma(1.0),' * 9}node={n})") for n in (1, 2)]
    assert len({one.file_name("network", "svg") for one in long}) == 2, "cut, but not the same"
    assert origin.file_name("river", "png", ["paper"]).endswith("_paper.png")
    other = Provenance.of(explanation, "1a2b3c4d5e6f")
    assert other.file_name("river", "png").startswith("simulated_jets-1a2b3c_96_river_")


def test_type_is_measured_with_its_indices():
    assert measure("p_T", 10) == pytest.approx(
        10 * face(False).width("p") + 7.4 * face(False).width("T")
    )
    assert measure("p_T", 10, plain=True) == pytest.approx(10 * face(False).width("p_T"))
    assert measure("wide", 12, bold=True) > measure("wide", 12)
    for sign in "−→φ⁻²Σ×·b\u0304":  # what figures write is in the font
        assert 0 not in face(False).glyphs(sign), sign


def test_indices_gradients_and_halos_are_written():
    gradient = Gradient((0, 0), (10, 0), ((0, "#000000"), (0.5, "#888888"), (1, "#ffffff")))
    line = (("M", (0.0, 0.0)), ("C", (1.0, 1.0, 2.0, 2.0, 3.0, 0.0)), ("Z", ()))
    items = (
        Path(line, stroke=gradient, width=2, dash=(1, 2)),
        Text(5, 5, "p_T & <sign>", 10, "#123456", halo="#ffffff", degrees=30),
    )
    drawing = Drawing(20, 10, items, background="#ffffff")
    svg = to_svg(drawing, embed_fonts=True)
    root = ET.fromstring(svg)
    (text,) = root.iter(f"{SVG}text")
    assert "".join(text.itertext()) == "pT & <sign>"
    assert text.get("paint-order") == "stroke"
    assert "font/ttf;base64" in svg
    assert b"/ShadingType 2" in plain_pdf(to_pdf(drawing))
    assert to_png(drawing).startswith(b"\x89PNG")


def test_a_scene_knows_its_jet(explained):
    jet, explanation = explained
    scene = Scene.of(jet, explanation)
    assert scene.n_edges == jet.n_edges
    assert scene.significance[scene.order[0]] == scene.significance.max()
    assert scene.stands_for == "H→bb̄"


def test_hatches_stay_inside():
    square = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]
    lines = hatched(square, 4.0)
    assert len(lines) == 5  # x + y = 0, 4, 8, 12, 16
    for (x0, y0), (x1, y1) in lines:
        assert x0 + y0 == pytest.approx(x1 + y1)
        assert min(x0, y0, x1, y1) >= -1e-9
        assert max(x0, y0, x1, y1) <= 10 + 1e-9
    notch = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (5.0, 1.0), (0.0, 10.0)]
    assert len(hatched(notch, 9.0)) == 4  # 0, 18, and 9, which leaves it and comes back


def test_a_branch_is_equally_thick_all_along():
    outline, middle = stream([(0.0, 50.0), (60.0, 20.0), (100.0, 20.0)], 12.0)
    corners = flattened(outline, 40)
    for x, y in flattened(middle, 8)[1:-1]:
        nearest = min(np.hypot(x - a, y - b) for a, b in corners if abs(b - y) < 12)
        assert nearest == pytest.approx(6.0, abs=0.8) or x >= 60  # straight: corners are far
    assert corners[0] == (0.0, 44.0)
    assert corners[-1] == (0.0, 56.0)
