"""`jetlrp export`: what is asked for, and the files it writes."""

from __future__ import annotations

import base64
import errno
import io
import re
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pptx import Presentation
from typer.testing import CliRunner

from app.cli import cli
from app.export.animation import parts_of_turn
from app.export.asked import ExportError, Figure, Look, figures, formats_of, link_text, numbers_of
from app.export.chromium import Chromium, ChromiumError, find_chromium
from app.export.command import Studio, run
from app.export.extra import check_extra
from lrp_core.figures.presets import PRESETS
from lrp_core.settings import read_settings
from tests.service.library_files import write_jets, write_model


def test_numbers_of_jets_are_read_as_people_write_them():
    assert numbers_of(["12"]) == [12]
    assert numbers_of(["1,5,9", "3-5", "5"]) == [1, 5, 9, 3, 4]
    for wrong in ("", "a", "-1", "5-3", "1,,2", "0-9999999"):
        with pytest.raises(ExportError, match="--jet"):
            numbers_of([wrong])


def test_formats_are_those_there_are():
    assert formats_of("png, SVG,png") == ["png", "svg"]
    with pytest.raises(ExportError, match=r"'eps' is none; there are png, svg"):
        formats_of("png,eps")
    with pytest.raises(ExportError, match="one or more"):
        formats_of(" ")


def test_every_jet_has_every_view():
    made = figures(["3-4"], ["all"], theme="light")
    assert [(one.jet, one.view) for one in made] == [
        (jet, view) for jet in (3, 4) for view in ("network", "heatmap", "river")
    ]
    assert made[0].search == "?jet=3&theme=light"
    with pytest.raises(ExportError, match="which jet"):
        figures([], ["network"])
    with pytest.raises(ExportError, match="'tree' is none"):
        figures(["1"], ["tree"])


def test_a_link_stays_what_it_is():
    link = "?jet=5&target=margin&rule=gamma(gamma=1,bias=account)&camera=1,-0.5,2&theme=dark"
    (made,) = figures([], ["network"], link=f"http://127.0.0.1:8050/{link}")
    assert (made.jet, made.search) == (5, link)
    assert figures([], ["river"], link=link)[0].search == link
    other = figures(["7"], ["network"], link=link, theme="light", target=None)
    assert other[0].search == link.replace("jet=5", "jet=7").replace("dark", "light")
    assert link_text({"rule": "gamma(1.0, bias=account)"}) == "?rule=gamma(1.0,+bias=account)"
    with pytest.raises(ExportError, match="copy one from the page"):
        figures([], ["network"], link="http://127.0.0.1:8050/")


@pytest.mark.parametrize(
    ("preset", "theme"), [("slide", "dark"), ("square", "dark"), ("paper", "light")]
)
def test_the_theme_suits_what_the_figure_is_for(preset, theme):
    assert figures(["1"], ["network"], preset=preset)[0].search == f"?jet=1&theme={theme}"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--jet", "1", "--format", "eps"], "--format"),
        (["--jet", "one"], "--jet"),
        (["--jet", "1", "--preset", "wall"], "--preset"),
        (["--jet", "1", "--scale", "5"], "--scale"),
        (["--jet", "1", "--theme", "blue"], "--theme"),
        (["--jet", "1", "--camera", "1,2,3"], "--camera"),
        (["--jet", "1", "--camera", "1,2,3,4,5,6,7,8,up"], "--camera"),
        ([], "which jet"),
    ],
)
def test_what_cannot_be_asked_for_is_told_in_one_line(words, part, tmp_path):
    done = CliRunner().invoke(cli, ["export", *words, "--out", str(tmp_path)])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert part in done.stderr


def test_without_a_chromium_it_is_said_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setenv("JETLRP_CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(ChromiumError, match=r"JETLRP_CHROMIUM names .*none, which is no program"):
        find_chromium()
    monkeypatch.delenv("JETLRP_CHROMIUM")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ChromiumError, match="install one, or set JETLRP_CHROMIUM"):
        find_chromium()


def test_a_driver_that_does_not_start_is_told_in_words(monkeypatch):
    def closed():
        raise RuntimeError("Connection closed while reading from the driver")

    monkeypatch.setattr("playwright.sync_api.sync_playwright", closed)
    with pytest.raises(ChromiumError, match=r"closed while reading.*package libatomic1"):
        Chromium(sys.executable).__enter__()


def test_what_needs_the_extra_names_the_command(monkeypatch):
    monkeypatch.setattr("app.export.extra.find_spec", lambda name: None)
    check_extra(["png", "svg", "pdf", "html"])
    with pytest.raises(ExportError, match=r"mp4 and pptx need more packages: pip install 'jetlrp"):
        check_extra(["mp4", "png", "pptx"])


def test_a_turn_has_frames_enough_and_no_seam():
    parts = list(parts_of_turn(60))
    assert parts[0] == 0
    assert np.allclose(np.diff([*parts, 1.0]), 1 / 60)
    with pytest.raises(ExportError, match="60 or more, found 12"):
        parts_of_turn(12)


def test_without_a_chromium_there_are_still_figures(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("JETLRP_CHROMIUM", str(tmp_path / "none"))
    link = "http://jets.example/lrp/?marks=1"
    asked = figures(["0"], ["network"], preset="paper", link=link)
    formats = ["png", "svg", "pdf", "html"]
    look = Look("paper", scale=1)
    assert run(read_settings(), asked, formats, look, str(tmp_path / "out")) == 0
    assert "PNG is made from the vector drawing" in capsys.readouterr().err
    made = {path.suffix: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert set(made) == {".png", ".svg", ".pdf", ".html"}
    assert Image.open(io.BytesIO(made[".png"])).size == (1200, 900)
    assert made[".svg"].count(b'class="edge"') == 130, "a path for every edge that is drawn"
    assert f'<a href="{link}&amp;jet=0&amp;theme=light"><text'.encode() in made[".svg"]
    assert b"/Image" not in made[".pdf"]
    assert b"simulated_jets.root, jet 0" in made[".html"]
    with pytest.raises(ExportError, match=r"pptx: .*none, which is no program.*svg, pdf, html"):
        run(read_settings(), asked, ["png", "pptx"], look, str(tmp_path))


def test_what_cannot_be_written_is_told_in_one_line(monkeypatch, tmp_path):
    asked = figures(["0"], ["river"])
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match=r"--out: expected a folder .* found .*file: File exists"):
        run(read_settings(), asked, ["svg"], Look(), str(tmp_path / "file"))

    def refuse(self: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", refuse)
        with pytest.raises(ExportError, match=r"svg cannot be written: No space .*; 0 of 1"):
            run(read_settings(), asked, ["svg"], Look(), str(tmp_path))

    def closed(**where: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("app.export.command.TemporaryFile", closed)
    monkeypatch.setattr("app.serve.serving", None)  # nothing is started before
    with pytest.raises(ExportError, match=r"--out: expected a folder .*: Permission denied"):
        run(read_settings(), asked, ["svg"], Look(), str(tmp_path))


def test_a_network_that_does_not_fit_is_told_as_explain_does(tmp_path):
    write_jets(tmp_path / "jets.root", columns=("track_pt", "track_dz"))
    model = str(write_model(tmp_path / "net.pth"))
    given = [str(tmp_path / "jets.root"), "--jet", "0", "--model", model]
    for words in (["explain", *given], ["export", *given, "--out", str(tmp_path / "out")]):
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 2
        assert done.stderr.startswith("jetlrp: ")
        assert done.stderr.count("\n") == 1
        assert "track_etarel, track_phirel" in done.stderr


def test_only_the_network_plot_turns(tmp_path):
    with pytest.raises(ExportError, match="only the network plot turns"):
        run(read_settings(), figures(["0"], ["river"]), ["mp4"], Look(), str(tmp_path))


def test_no_figure_takes_the_place_of_one_of_another_file(tmp_path, capsys):
    model = write_model(tmp_path / "IN.pth", classes=["qcd", "hbb"])
    files = [write_jets(tmp_path / folder / "jets.root", seed=seed) for seed, folder in
             enumerate(("a", "b"))]  # fmt: skip
    n_jets = 6

    def made(out: str, jets: list[Path], *numbers: int) -> dict[str, bytes]:
        settings = read_settings(jets=[str(path) for path in jets], model=str(model))
        asked = figures([str(number) for number in numbers], ["river"])
        assert run(settings, asked, ["svg"], Look(), str(tmp_path / out)) == 0
        return {path.name: path.read_bytes() for path in (tmp_path / out).iterdir()}

    together = made("together", files, 1, n_jets + 1)
    assert "2 of 2 figures" in capsys.readouterr().out
    assert len(together) == 2, "both are jet 1 of a file jets.root"
    assert all(re.match(r"jets-[0-9a-f]{6}_1_river_", name) for name in together)
    made("apart", files[:1], 1)
    assert made("apart", files[1:], 1).keys() == together.keys(), "the name is that of the figure"
    copy = tmp_path / "c" / "jets.root"
    copy.parent.mkdir()
    shutil.copy(files[1], copy)
    again = made("apart", [copy], 1)
    assert again.keys() == together.keys(), "a copy is the same file"


@pytest.mark.browser
def test_the_command_writes_what_it_is_asked_for(monkeypatch, tmp_path, chromium, capsys):
    monkeypatch.setenv("JETLRP_CHROMIUM", chromium)
    monkeypatch.setenv("JETLRP_AUTH", "token")  # of a server for others: not of this one
    monkeypatch.setenv("JETLRP_TOKEN", "a-token-that-is-long-enough-for-anybody")
    asked = figures(["0", "9999"], ["network"], link="?theme=light&edges=40")
    assert run(read_settings(), asked, ["png", "svg"], Look(scale=1), str(tmp_path)) == 1
    said = capsys.readouterr()
    assert "2 of 4 figures written" in said.out
    assert "jet 9999, network, png: " in said.out
    stem = r"simulated_jets-[0-9a-f]{6}_0_network_margin_gamma-gamma-1.0-bias-account_"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert all(re.match(stem, name) for name in names)
    picture = Image.open(tmp_path / names[0])
    assert picture.size == (1920, 1080)
    assert picture.text["link"] == "?theme=light&edges=40&jet=0"
    assert (tmp_path / names[1]).read_bytes().count(b'class="edge"') == 40


@pytest.mark.parametrize("preset", ["slide", "portrait"])
def test_a_slide_has_the_picture_and_its_words_as_text(toy_site, monkeypatch, preset):
    size = (PRESETS[preset].width, PRESETS[preset].height)
    given = io.BytesIO()
    Image.new("RGBA", size).save(given, "PNG")
    asked = []

    class Painter:
        def call(self, function, wanted):
            asked.append((function, wanted["words"], wanted["transparent"]))
            return {"name": "any", "png": base64.b64encode(given.getvalue()).decode()}

    monkeypatch.setattr(Studio, "chromium", lambda self: Painter())
    link = "?jet=5&theme=light"
    figure, look = Figure(5, link, "network", "http://127.0.0.1:8050/"), Look(preset, scale=1)
    with Studio(toy_site.address) as studio:
        name, content = studio.make(figure, "pptx", look)
        assert studio.make(figure, "pptx", look)[1] == content, "the same figure again"
    size_word = "" if preset == "slide" else f"{preset}_"
    assert name == f"toy_5_network_margin_{size_word}light_1x.pptx"
    assert set(asked) == {("pngText", False, True)}
    deck = Presentation(io.BytesIO(content))
    (slide,) = deck.slides
    shapes = {shape.name: shape for shape in slide.shapes}
    picture = shapes["Figure"]
    assert (picture.left, picture.top) == (0, 0)
    assert (picture.width, picture.height) == (deck.slide_width, deck.slide_height)
    assert picture.image.blob == given.getvalue()
    assert deck.slide_width / deck.slide_height == pytest.approx(size[0] / size[1], rel=1e-3)
    for part in ("Jet 5", "H→bb̄ 96.8 %", "LRP-γ(1)"):
        assert part in slide.shapes.title.text_frame.text
    assert "accounted for" in shapes["Account"].text_frame.text
    runs = {run.text.strip(): run.font for shape in slide.shapes if shape.has_text_frame
            for run in shape.text_frame.paragraphs[0].runs}  # fmt: skip
    assert all(font.size and font.color.rgb for font in runs.values()), "whatever reads it"
    points = {"slide": 15.75, "portrait": 19.2}[preset]
    assert runs["Jet 5"].size.pt == runs["96.8 %"].size.pt == pytest.approx(points, abs=0.1)
    assert runs["96.8 %"].bold
    assert not runs["H→bb̄"].bold
    assert runs["T"]._element.get("baseline") == "-25000"
    boxes = [shape for shape in slide.shapes if shape is not picture and shape.has_text_frame]
    assert len(boxes) == 4
    for box in boxes:
        assert 0 < box.left < box.left + box.width < deck.slide_width, box.name
        assert 0 < box.top < box.top + box.height < deck.slide_height, box.name
        for other in boxes:
            beside = (
                box.left + box.width <= other.left + 1 or other.left + other.width <= box.left + 1
            )
            below = box.top + box.height <= other.top + 1 or other.top + other.height <= box.top + 1
            assert beside or below or other is box, f"{box.name} meets {other.name}"
    assert "conservation error" in shapes["Provenance"].text_frame.text
    assert "7 tracks" in shapes["What it shows"].text_frame.text
    notes = slide.notes_slide.notes_text_frame.text
    assert f"http://127.0.0.1:8050/{link}" in notes
    assert deck.core_properties.author == "jetlrp 0.0.0"
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert {part.date_time[0] for part in parts.infolist()} == {1980}
