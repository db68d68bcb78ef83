"""The heat map: its rows, columns and sums, where they stand, and what is said of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from lrp_core.checkpoint import load_model
from lrp_core.errors import FigureError
from lrp_core.explainer import explain
from lrp_core.figures import draw_heatmap
from lrp_core.figures.arrangement import arrange
from lrp_core.figures.colours import css
from lrp_core.figures.drawing import Group, Item, Path, Text
from lrp_core.figures.heatmap import DASH, DASHED_FROM, colouring, gentle, picture_heatmap
from lrp_core.figures.numbers import signed
from lrp_core.figures.part_words import track_part
from lrp_core.figures.picture import Panel, Picture, Shown
from lrp_core.figures.scene import Scene
from lrp_core.figures.theme import DARK, LIGHT
from lrp_core.figures.typeset import measure
from lrp_core.figures.view import View
from lrp_core.reading import open_jets
from tests.lrp_core.examples import toy_jet, toy_model

DOCK, FULL, LOW = (596, 186), (1046, 1000), (888, 267)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def shown():
    """A simulated jet of 65 tracks, explained: relevance of both signs."""
    jet = open_jets()[200]
    return Shown(jet, explain(load_model(), jet))


def picture(shown, link="", size=FULL, *, font=13.0, theme=DARK) -> Picture:
    return picture_heatmap(shown, View.from_link(link), Panel(*size, font, theme))


def all_items(items: Iterable[Item | Group]) -> list[Item]:
    found = []
    for item in items:
        found += all_items(item.items) if isinstance(item, Group) else [item]
    return found


def texts(made: Picture, kind: str | None = None) -> list[Text]:
    return [
        one
        for one in all_items(made.items)
        if isinstance(one, Text) and kind in (None, one.kind.split(" ")[0])
    ]


def paths(made: Picture, kind: str) -> list[Path]:
    return [one for one in all_items(made.items) if isinstance(one, Path) and one.kind == kind]


def lines(one: Path) -> list[tuple[float, ...]]:
    """(x0, y0, x1, y1) of the lines of a path."""
    points = [values for _, values in one.commands]
    return [(*a, *b) for a, b in zip(points[::2], points[1::2], strict=True)]


# ------------------------------------------------------------------ what


def test_rows_and_columns_are_in_order_and_add_up(shown):
    scene, explanation = Scene.of(*shown), shown.explanation
    names, table = list(explanation.features), explanation.feature_relevance
    says = arrange(scene, View(rows="all"))
    columns = [column.name for column in says.columns]
    # every feature once, though some came twice as columns, in whole groups, the strongest first
    assert sorted(columns) == sorted(set(names))
    assert len({group.name for group in says.groups}) == len(says.groups)
    assert says.groups[-1].last == len(columns) - 1
    strength = dict(zip(names, np.abs(table).sum(axis=0), strict=True))
    for group in says.groups:
        inside = [strength[name] for name in columns[group.first : group.last + 1]]
        assert inside == sorted(inside, reverse=True)
    # rows by |relevance|, by pT, by a feature
    keys = {
        "relevance": np.abs(table.sum(axis=1)),
        "pt": scene.pt,
        "trackBTag_Sip3dSig": np.abs(table[:, names.index("trackBTag_Sip3dSig")]),
        "nothing": np.abs(table.sum(axis=1)),
    }
    for sort, key in keys.items():
        rows = arrange(scene, View(rows="all", sort=sort)).rows
        assert [row.track for row in rows] == np.argsort(-key, kind="stable").tolist()
        some = arrange(scene, View(sort=sort)).rows
        assert some == rows[:20]
    # cells, sums and the sum of all
    places = [names.index(name) for name in columns]
    order = [row.track for row in says.rows]
    np.testing.assert_allclose(says.cells, table[order][:, places], rtol=1e-6, atol=1e-12)
    for row in says.rows:
        assert row.sums.net == pytest.approx(table[row.track].sum(), abs=1e-6)
    for column in says.columns:
        values = table[:, names.index(column.name)]
        assert column.sums.net == pytest.approx(values.sum(), abs=1e-6)
        assert column.sums.plus == pytest.approx(values[values > 0].sum(), abs=1e-6)
        assert column.sums.minus == pytest.approx(values[values < 0].sum(), abs=1e-6)
    assert says.net == pytest.approx(explanation.totals.tracks, rel=1e-5)
    assert says.most == pytest.approx(np.abs(table).max(), rel=1e-6)
    assert says.adds_up


def test_it_says_where_cells_do_not_add_up(shown):
    made = picture(shown)
    tracks = shown.explanation.totals.tracks
    assert [one.text for one in texts(made, "total")] == [f"Σ {signed(tracks)}"]
    assert made.parts["total"].note in made.label
    assert "20 of 65 tracks" in made.label
    assert "The 20 shown hold" in made.label
    more = replace(shown.explanation, group_relevance={"others": np.ones((1, 1))})
    broken = picture(shown._replace(explanation=more))
    (total,) = texts(broken, "total")
    assert total.text.startswith("≠ Σ")
    assert total.colour == DARK.warning
    assert f"but the account gives {signed(tracks + 1, 4)}" in broken.parts["total"].note


def test_what_is_no_number_is_no_zero(shown):
    relevance = shown.explanation.track_relevance.copy()
    relevance[0, 0] = np.nan
    with pytest.raises(FigureError, match="relevance not finite"):
        picture(shown._replace(explanation=replace(shown.explanation, track_relevance=relevance)))


# ----------------------------------------------------------------- where


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_zero_is_the_panel_and_signs_have_their_colours(shown, theme):
    of = colouring(theme)
    assert [css(of(share)) for share in (-1, 0, 1)] == [
        theme.diverging[0], theme.panel, theme.diverging[-1],
    ]  # fmt: skip
    made, says = picture(shown, theme=theme), arrange(Scene.of(*shown), View())
    data = made.data
    drawn = {}
    for one in paths(made, "cell"):
        for x, y, *_ in lines(one):
            column = int(np.argmin(np.abs(np.array(data["xs"]) - x)))
            drawn[int((y - data["top"]) // data["step"]), column] = one.stroke
    shares = says.shares
    assert set(drawn) == {
        tuple(at) for at in np.argwhere(np.abs(gentle(shares)) > 1 / 256).tolist()
    }
    for at, ink in drawn.items():
        wanted, found = (
            [int(text[n : n + 2], 16) for n in (1, 3, 5)] for text in (css(of(shares[at])), ink)
        )
        assert max(abs(a - b) for a, b in zip(wanted, found, strict=True)) <= 3


def test_what_speaks_strongly_against_has_one_dash_everywhere(shown):
    """On the page, in a vector and in a notebook."""
    from lrp_core.figures.notebook import heatmap_figure

    says = arrange(Scene.of(*shown), View())
    places = np.argwhere(says.shares < -DASHED_FROM)
    assert len(places)
    made = picture(shown)
    (dash,) = paths(made, "dash")
    pitch, step = made.data["pitch"], made.data["step"]
    wide = pitch - 1  # there is a seam between cells
    wanted = [
        (x + DASH[0] * wide, y, x + DASH[1] * wide, y)
        for row, column in places.tolist()
        for x, y in [(made.data["xs"][column], made.data["top"] + row * step + (step - 1) / 2)]
    ]
    np.testing.assert_allclose(lines(dash), wanted, atol=0.05)
    drawing = draw_heatmap(*shown, View(), width=1920, height=1080)
    (vector,) = [one for one in drawing.items if one.kind == "dash"]
    cells = [one for one in drawing.items if one.kind == "cell"]
    length = {round(x1 - x0, 4) for one in cells for x0, _, x1, _ in lines(one)}
    (cell,) = length
    across = [x1 - x0 for x0, _, x1, _ in lines(vector)]
    np.testing.assert_allclose(across, (DASH[1] - DASH[0]) * cell, atol=1e-3)
    assert len(lines(vector)) == len(places)
    (trace,) = [one for one in heatmap_figure(*shown, View()).data if one.name == "against"]
    ends = np.asarray(trace.x, dtype=float).reshape(-1, 3)[:, :2] + 0.5
    np.testing.assert_allclose(ends, places[:, 1:] + np.array(DASH))
    np.testing.assert_array_equal(np.asarray(trace.y)[::3], places[:, 0])
    assert not paths(picture(shown, size=DOCK), "dash"), "there is no room"


@pytest.mark.parametrize("size", [DOCK, LOW, FULL, (360, 150)])
@pytest.mark.parametrize("rows", ["top", "all"])
def test_all_stands_within_the_panel_and_apart(shown, size, rows):
    made = picture(shown, f"?rows={rows}", size)
    data, (width, height) = made.data, size
    xs = np.array(data["xs"])
    groups = arrange(Scene.of(*shown), View()).groups
    wide = [0 if at in [group.first for group in groups] else 5 for at in range(1, len(xs))]
    np.testing.assert_allclose(np.diff(xs), data["pitch"] + 5 - np.array(wide), atol=0.02)
    assert data["left"] == pytest.approx(xs[0])
    assert data["right"] == pytest.approx(xs[-1] + data["pitch"], abs=0.05)
    assert data["bottom"] == pytest.approx(
        data["top"] + data["step"] * len(data["tracks"]), abs=0.7
    )
    assert 1 <= data["step"] <= 26
    if height > 200 or rows == "top":
        assert max(one.y for one in texts(made)) <= height
    for one in texts(made):
        reach = measure(one.text, one.size, bold=one.bold)
        if not one.degrees:
            start = one.x - {"start": 0, "middle": reach / 2, "end": reach}[one.anchor]
            assert start >= -1
            assert start + reach <= width + 1
    # slanted names and numbers of tracks do not lie over each other
    names = texts(made, "feature")
    assert names
    for one, other in itertools.pairwise(names):
        slant = np.sin(np.radians(-one.degrees))
        assert (other.x - one.x) * slant >= one.size * 1.04
    numbers = [one.y for one in texts(made, "row")]
    assert np.diff(numbers).min() >= 0.89 * texts(made, "row")[0].size
    ET.fromstring(made.svg())


def test_a_tall_panel_has_numbers_and_a_sentence_a_low_one_neither(shown):
    full, dock = picture(shown), picture(shown, size=DOCK)
    said, short = ([one.text for one in texts(made)] for made in (full, dock))
    says = arrange(Scene.of(*shown), View())
    assert {signed(row.sums.net, 2) for row in says.rows} <= set(said)
    assert any(text.startswith("All 65 tracks add up to") for text in said)
    assert "relative to the jet" in said
    assert "all tracks" in said
    assert "all tracks" not in short
    assert not any(text.startswith("All 65") for text in short)
    assert not {signed(row.sums.net, 2) for row in says.rows[:5]} & set(short)
    assert {"− against", "for +", "sum", "track", "GeV"} <= set(said) & set(short)
    larger = picture(shown, size=(2 * FULL[0], 2 * FULL[1]), font=26)
    np.testing.assert_allclose(larger.data["xs"], 2 * np.array(full.data["xs"]), atol=0.05)
    assert {one.size for one in texts(larger, "row")} == {23.0}


def test_sums_are_two_sided_bars(shown):
    made, says = picture(shown), arrange(Scene.of(*shown), View())
    theme, data = DARK, made.data
    bars = paths(made, "sum")
    columns = {
        (one.stroke, one.opacity): lines(one) for one in bars if lines(one)[0][1] < data["top"]
    }
    rows = {(one.stroke, one.opacity): lines(one) for one in bars if lines(one)[0][1] > data["top"]}
    for drawn, several, along in ((columns, says.columns, 1), (rows, says.rows, 0)):
        lengths = {}
        for (ink, opacity), found in drawn.items():
            lengths[ink == theme.positive, opacity] = sum(
                abs(line[along + 2] - line[along]) for line in found
            )
        plus, minus = lengths[True, 0.32], lengths[False, 0.32]
        sums = [one.sums for one in several]
        assert plus / minus == pytest.approx(
            sum(one.plus for one in sums) / -sum(one.minus for one in sums)
        )
        for sign in (True, False):
            net = sum(abs(one.net) for one in sums if (one.net > 0) is sign)
            scale = plus / sum(one.plus for one in sums)
            assert lengths.get((sign, 1.0), 0.0) == pytest.approx(net * scale)


def test_marks_are_those_of_the_view_and_the_page_frames_the_track(shown):
    made = picture(shown)
    scene, rows = Scene.of(*shown), [row.track for row in arrange(Scene.of(*shown), View()).rows]
    assert len(paths(made, "ring")) == scene.displaced[rows].sum()
    signs = sorted("μ" if scene.muon[track] else "e" for track in rows
                   if scene.muon[track] or scene.electron[track])  # fmt: skip
    assert sorted(one.text for one in texts(made, "mark")) == signs != []
    plain = picture(shown, "?marks=0")
    assert not paths(plain, "ring")
    assert not texts(plain, "mark")
    isolated = f"?track={rows[3]}"
    assert picture(shown, isolated) == picture(shown, ""), "it is a selection"
    drawing = draw_heatmap(*shown, View.from_link(isolated))
    assert [one.kind for one in drawing.items].count("alone") == 1
    by = picture(shown, "?sort=track_pt")
    (name,) = [one for one in texts(by, "feature") if "sorted" in one.kind]
    assert (name.text, name.colour, name.bold) == ("p_T", DARK.accent, True)
    assert made.data["features"][int(name.data[0][1])] == "track_pt"


# ----------------------------------------------------------------- words


def test_rows_columns_and_cells_have_words(shown):
    made, scene = picture(shown), Scene.of(*shown)
    data, explanation = made.data, shown.explanation
    assert data["speaks"] == {
        "+": "for H→bb̄", "−": "against H→bb̄", "0": "neither for nor against",
    }  # fmt: skip
    tracks, features = data["tracks"], data["features"]
    assert set(made.parts) == {
        "total", *(f"track {track}" for track in tracks), *(f"feature {name}" for name in features)
    }  # fmt: skip
    assert made.parts[f"track {tracks[2]}"] == track_part(scene, tracks[2])
    names, table = list(explanation.features), explanation.feature_relevance
    for row, track in enumerate(tracks):
        for column, name in enumerate(features):
            value = np.float32(table[track, names.index(name)])
            assert data["relevances"][row][column] == signed(float(value))
    pt = features.index("track_pt")
    assert re.fullmatch(r"[\d.]+ GeV", data["values"][0][pt])
    assert data["titles"][pt] == "pT"
    part = made.parts["feature track_pt"]
    assert part.title == "pT (GeV)"
    assert part.note.startswith("Transverse momentum of the track")
    said = {what: text for what, text, _ in part.lines}
    values = table[:, names.index("track_pt")]
    assert said["group"] == "kinematics"
    assert said["for"] == signed(float(values[values > 0].sum()))
    assert said["relevance"] == signed(float(values.sum()))
    nets = np.abs(table.sum(axis=0))
    rank = 1 + int((nets > nets[names.index("track_pt")]).sum())
    assert said["rank"] == f"{rank} of {len(features)}"


@pytest.mark.parametrize("n_tracks", [1, 3])
def test_few_tracks_and_features_of_no_known_meaning(n_tracks):
    jet = toy_jet(n_tracks)
    made = picture(Shown(jet, explain(toy_model(), jet)), size=DOCK)
    assert len(made.data["tracks"]) == n_tracks
    assert "nan" not in made.svg()
