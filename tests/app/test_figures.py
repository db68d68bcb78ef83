"""Figures that leave the page: from the save menu and from the command, the same for one link."""

from __future__ import annotations

import io
import itertools
import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image, ImageSequence

from app.export.asked import Figure, Look
from app.export.chromium import ChromiumError
from app.export.command import Studio
from app.figure_data import jets_of
from app.main import create_app
from lrp_core.figures.presets import PRESETS
from tests.app.test_page import eventually, still, turn, wait_for_jet, written

browser_test = pytest.mark.browser


@pytest.fixture
def studio(toy_site, chromium, monkeypatch):
    """The command's own Chromium, at work on the toy site."""
    monkeypatch.setenv("JETLRP_CHROMIUM", chromium)
    with Studio(toy_site.address) as made:
        yield made


def opened(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def save(page, **wanted):
    """Ask the save menu for a figure -> its name and what is in it."""
    menu = page.locator("#save")
    if not menu.evaluate("(one) => one.open"):
        menu.locator("summary").click()
    for name, value in wanted.items():
        if name == "transparent":
            button = page.locator("#figure-transparent")
            if button.get_attribute("aria-pressed") != str(value).lower():
                button.click()
        else:
            page.locator(f"#figure-{name}").select_option(value)
    with page.expect_download() as download:
        page.locator("#figure-save").click()
    page.locator("#figure-save:enabled").wait_for()
    return download.value.suggested_filename, download.value.path().read_bytes()


@browser_test
def test_the_figure_of_the_page_is_that_of_the_command(toy_site, page, studio):
    page.goto(f"{toy_site.address}/?jet=5&edges=12&theme=light")
    wait_for_jet(page, 5)
    turn(page)
    assert "camera" in written(page)
    name, content = save(page, scale="1")
    picture = opened(content)
    assert picture.size == (1920, 1080)
    link = page.evaluate("window.location.search")
    other, same = studio.make(Figure(5, link, "network"), "png", Look(scale=1))
    assert other == name
    assert np.array_equal(np.asarray(opened(same)), np.asarray(picture))
    again = studio.make(Figure(5, link, "network"), "png", Look(scale=1))[1]
    assert again == same, "a figure made twice is the same figure"
    # what was turned is turned in the figure, and what it is of stands in the file
    straight = studio.make(
        Figure(5, "?jet=5&edges=12&theme=light", "network"), "png", Look(scale=1)
    )
    assert np.mean(np.asarray(opened(straight[1])) != np.asarray(picture)) > 0.01
    assert picture.text["link"] == link
    assert picture.text["target"] == "margin"
    assert picture.text["jet"] == "5"
    assert picture.text["Software"].startswith("jetlrp ")
    assert "conservation error" in picture.text["Description"]
    assert name.startswith("toy_5_network_margin_light_1x_edges-12_camera-")
    assert name != straight[0] == "toy_5_network_margin_light_1x_edges-12.png"


@browser_test
def test_each_control_of_the_menu_changes_the_figure(toy_site, page):
    page.goto(f"{toy_site.address}/?jet=5&theme=dark")
    wait_for_jet(page, 5)
    page.locator("#save summary").click()
    page.locator("#figure-size", has_text="3840 × 2160 pixels").wait_for()  # a slide has 4K
    first, portrait = save(page, preset="portrait", scale="1")
    assert opened(portrait).size == (PRESETS["portrait"].width, PRESETS["portrait"].height)
    assert np.asarray(opened(portrait).convert("RGBA"))[..., 3].min() == 255
    second, content = save(page, preset="paper", scale="2", transparent=True)
    assert (first, second) == (
        "toy_5_network_margin_portrait_1x.png",
        "toy_5_network_margin_paper_transparent.png",
    )
    assert opened(content).size == (2 * PRESETS["paper"].width, 2 * PRESETS["paper"].height)
    alpha = np.asarray(opened(content).convert("RGBA"))[..., 3]
    assert alpha[0, 0] == alpha[-1, -1] == 0
    assert np.mean(alpha > 0) > 0.01
    names = set()
    for view in ("heatmap", "river"):
        name, content = save(page, view=view, scale="1", transparent=False)
        names.add(name)
        assert len(np.unique(np.asarray(opened(content).convert("L")))) > 50, "it is not empty"
    assert len(names) == 2


@browser_test
def test_a_figure_that_cannot_be_made_says_why(toy_site, page, studio):
    page.goto(f"{toy_site.address}/?jet=5")
    wait_for_jet(page, 5)
    page.evaluate(
        "() => { window.jetlrp.figure.png = async () => { throw new Error('no room'); }; }"
    )
    page.locator("#save summary").click()
    page.locator("#figure-save").click()
    page.locator("#figure-error", has_text="no room").wait_for()
    page.locator("#figure-save:enabled").wait_for()
    page.locator("#figure-progress").wait_for(state="hidden")
    with pytest.raises(ChromiumError, match="no tracks"):
        studio.make(Figure(4, "?jet=4", "network"), "png", Look(scale=1))


@browser_test
def test_the_figure_of_a_difference_says_what_was_subtracted(studio):
    link = "?jet=5&pin=5~hbb~gamma(gamma=1)&difference=1"
    texts = opened(studio.make(Figure(5, link, "network"), "png", Look(scale=1))[1]).text
    assert "gamma(gamma=1" in texts["minus"]
    assert texts["Description"].endswith(f" · minus {texts['minus']}")
    alone = opened(studio.make(Figure(5, link, "river"), "png", Look(scale=1))[1]).text
    assert "minus" not in alone, "a river is of one explanation"


def test_what_a_figure_asks_the_page_for(service):
    with service.client() as client:
        server = create_app(client).server.test_client()
        both = jets_of(client, {"jet": "5", "pin": "0~hbb~gamma(gamma=1)"})
        assert (both["a"]["jet"]["index"], both["b"]["jet"]["index"]) == (5, 0)
        assert both["a"]["question"]["target"] == "margin", "the service's default"
        assert both["b"]["question"]["target"] == "hbb"
        alone = jets_of(client, {"jet": "5"})
        assert alone["b"] is None
        for link, differs in (
            ("?jet=5&pin=5~qcd~gamma(gamma=1)&difference=1", True),
            ("?jet=5&pin=5~qcd~gamma(gamma=1)", False),
            ("?jet=5&pin=0~qcd~gamma(gamma=1)&difference=1", False),
        ):
            for view in ("network", "river"):
                query = {"view": view, "link": link}
                text = server.get("/_jetlrp/figure.html", query_string=query).text
                caption = text.partition("<footer>")[2].partition("</footer>")[0]
                assert (" · minus " in caption) == (differs and view == "network"), caption
        for link in ("", "?jet=no", "?jet=4"):
            refused = server.get("/_jetlrp/figure.html", query_string={"link": link})
            assert refused.status_code == 502
            assert refused.json["error"]["message"]


@browser_test
def test_vectors_come_from_the_service_with_what_is_seen(toy_site, page):
    page.goto(f"{toy_site.address}/?jet=5&edges=12&theme=light")
    wait_for_jet(page, 5)
    turn(page)
    assert "camera" in written(page)
    for form in ("svg", "pdf"):
        name, _ = save(page, format=form, view="heatmap", preset="paper", transparent=True)
        assert name == f"toy_5_heatmap_margin_paper_light_transparent.{form}"
        asked = next(query for _, path, query in reversed(toy_site.service.requests)
                     if path == f"/jets/5/figures/heatmap.{form}")  # fmt: skip
        assert asked["view"] == page.evaluate("window.location.search")
        assert (asked["width"], asked["height"]) == ("1200", "900")
        assert asked["transparent"] == "true"
        assert asked["link"] == f"{toy_site.address}/{asked['view']}"
        page.locator("#figure-scale:disabled").wait_for(state="attached")


@pytest.fixture
def offline(browser, tmp_path):
    """Opens a file as a colleague does who has no network -> its tab."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 720})
    complaints, asked = [], []

    def show(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        tab = context.new_page()
        tab.set_default_timeout(60_000)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(path.as_uri())
        return tab

    yield show
    context.close()
    assert complaints == []
    assert {url.split(":")[0] for url in asked} <= {"file", "data", "blob"}
    assert len([url for url in asked if url.startswith("file")]) == len(list(tmp_path.iterdir()))


@browser_test
def test_the_stand_alone_figure_turns_tells_and_has_its_slider_without_a_network(
    toy_site, page, studio, offline
):
    page.goto(f"{toy_site.address}/?jet=5&edges=12&theme=light&color=charge")
    wait_for_jet(page, 5)
    written(page)
    name, content = save(page, format="html")
    link = page.evaluate("window.location.search")
    assert (name, content) == studio.make(Figure(5, link, "network"), "html", Look())
    assert len(content) < 3_000_000
    tab = offline(name, content)
    wait_for_jet(tab, 5, edges=12)
    assert "Jet 5" in tab.locator(".figure-title").inner_text()
    assert "toy.root, jet 5" in tab.locator("footer").inner_text()
    assert tab.locator("meta[name=link]").get_attribute("content") == link
    assert "Track charge" in tab.locator("#network-legend").text_content()
    assert tab.evaluate("document.documentElement.dataset.theme") == "light"
    tab.locator("#edges-slider").press("End")
    wait_for_jet(tab, 5, edges=42)
    turn(tab)
    told = tab.locator("#scene-tooltip", has_text="Track")

    def pointed():
        """Plotly looks for what is under the pointer when it draws a frame."""
        x, y = tab.evaluate(
            """() => { const where = window.jetlrp.scene.stateOf('network').made.figure.tracks;
            const div = document.getElementById('network'), box = div.getBoundingClientRect();
            const point = [where.x[0], where.y[0], where.z[0]];
            const [[x, y]] = window.jetlrp.highlight.project(div, [point]);
            return [box.left + x, box.top + y]; }"""
        )
        tab.mouse.move(x - 30, y)
        tab.mouse.move(x, y, steps=4)
        tab.wait_for_timeout(300)
        return told.is_visible()

    eventually(tab, pointed)


ON = """
(part) => [...document.querySelectorAll(part)].flatMap((one) => {
  const {left, top, width, height} = one.getBoundingClientRect();
  return [0.5, 0.3, 0.7].flatMap((across) => [0.5, 0.3, 0.7].map(
    (down) => [left + across * width, top + down * height]));
}).filter(([x, y]) => document.elementFromPoint(x, y)?.closest(part))
"""


def point(tab, part, says):
    """Move the pointer over some elements, where they can be met, until they answer.

    What is there may be drawn anew at any time, and a river flows in first.
    """

    def answered():
        for where in tab.evaluate(ON, part):
            tab.mouse.move(*where)
            if tab.locator(says).is_visible():
                return True
        return False

    eventually(tab, answered, seconds=60)


@browser_test
def test_the_other_stand_alone_figures_answer_the_pointer(studio, offline):
    for view, part, says in (
        ("heatmap", ".heatmap .cells", "#heat-tooltip"),
        ("river", ".river .ribbon.way", "#river-tooltip"),
    ):
        name, content = studio.make(Figure(5, "?jet=5&theme=dark", view), "html", Look())
        assert len(content) < 600_000, "no Plotly in it"
        tab = offline(name, content)
        tab.wait_for_function("document.querySelector('.figure-subtitle').textContent.length > 9")
        still(tab)
        point(tab, part, says)
        # a pointer that rests is answered by the figure in another size, too
        words = tab.locator(says).inner_text()
        tab.evaluate(
            "() => { const drawn = document.querySelector('svg.picture');"
            " drawn.classList.add('before'); window.dispatchEvent(new Event('resize')); }"
        )
        tab.wait_for_function("!document.querySelector('.before')")
        tab.wait_for_function(
            "([says, words]) => document.querySelector(says).innerText === words",
            arg=[says, words],
        )
        tab.locator(says).wait_for()


@browser_test
def test_a_turn_is_a_loop_of_frames_that_all_differ(studio, tmp_path):
    """Both formats of one turn: its frames are made once."""
    figure = Figure(3, "?jet=3&theme=dark", "network")
    look = Look(preset="paper", frames=60)
    name, content = studio.make(figure, "gif", look)
    assert name == "toy_3_network_margin_paper_60frames.gif"
    gif = Image.open(io.BytesIO(content))
    assert (gif.n_frames, gif.size, gif.info["loop"]) == (60, (960, 720), 0)
    assert "toy.root, jet 3" in gif.info["comment"].decode()
    frames = [np.asarray(frame.convert("L"), dtype=float) for frame in ImageSequence.Iterator(gif)]
    steps = [np.abs(a - b).mean() for a, b in itertools.pairwise([*frames, frames[0]])]
    assert min(steps) > 0
    assert steps[-1] < 3 * np.median(steps), "the last frame leads to the first"

    name, video = studio.make(figure, "mp4", look)
    assert name == "toy_3_network_margin_paper_60frames.mp4"
    path = tmp_path / name
    path.write_bytes(video)
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
    assert (frames, seconds) == (60, 2.5)
    shown = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path),
         "-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "-"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert opened(shown.stdout).size == (1200, 900)
    assert b"toy.root, jet 3" in video
    assert studio.make(figure, "mp4", look)[1] == video
