"""The river: its bed, its balance and its words as data; what the pointer and the keys are told."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from lrp_core.checkpoint import load_model
from lrp_core.errors import FigureError
from lrp_core.explainer import explain
from lrp_core.explanation import Ledger, LedgerRow
from lrp_core.figures import draw_river
from lrp_core.figures.balance import LIMIT, balance, times_explained
from lrp_core.figures.drawing import Group, Path, Text, flat
from lrp_core.figures.ledger_words import stage_words, way_words
from lrp_core.figures.picture import Panel, Shown
from lrp_core.figures.river import picture_river
from lrp_core.figures.riverbed import HAIR, lay_out
from lrp_core.figures.stream import stream
from lrp_core.figures.theme import DARK, LIGHT
from lrp_core.figures.typeset import measure
from lrp_core.figures.view import View
from lrp_core.reading import open_jets

BIG = {"width": 888, "height": 267}
SMALL = {"width": 572, "height": 186, "font": 11}
FULL = {"width": 888, "height": 830}
SVG = "{http://www.w3.org/2000/svg}"


def row(stage, inputs, passed, bias=0.0, epsilon=0.0, received=None):
    """A line of a ledger: {way: origin}, {way: relevance}; it conserves if nothing else is said."""
    total = sum(passed.values()) + bias + epsilon
    return LedgerRow(
        stage=stage,
        received=total if received is None else received,
        passed={f"{stage}:{way}": value for way, value in passed.items()},
        inputs={f"{stage}:{way}": origin for way, origin in inputs.items()},
        bias=bias,
        epsilon=epsilon,
    )


def interaction_network(*, edge=0.74, cancel=False):
    """A ledger as that of the interaction network, with an ε account; all for, unless they cancel.

    edge  what the edges' source gets of it; with ``cancel`` the destination speaks against
    """
    source, destination = (edge, -0.3) if cancel else (edge / 2, edge / 2)
    rows = [
        row("input_norm", {"input": "tracks"}, {"input": source + destination + 0.46 + 1.46}),
        row(
            "edge_mlp.0",
            {"source": "input_norm", "destination": "input_norm"},
            {"source": source, "destination": destination},
            bias=-0.5 if cancel else 0.01,
        ),
    ]
    received = rows[-1].received
    rows.append(row("edge_mlp.3", {"input": "edge_mlp.0"}, {"input": received}, bias=0.02))
    rows.append(
        row(
            "node_mlp_1.0",
            {"source": "input_norm", "edge": "edge_mlp.3"},
            {"source": 0.46, "edge": rows[-1].received},
            bias=0.34,
            epsilon=0.1,
        )
    )
    for stage, origin, bias in (
        ("node_mlp_1.3", "node_mlp_1.0", 0.001),
        ("mean", "node_mlp_1.3", 0),
    ):
        rows.append(row(stage, {"input": origin}, {"input": rows[-1].received}, bias=bias))
    rows.append(
        row(
            "node_mlp_2.0",
            {"self": "input_norm", "mean": "mean"},
            {"self": 1.46, "mean": rows[-1].received},
            bias=0.57,
        )
    )
    for stage, origin, bias in (
        ("node_mlp_2.3", "node_mlp_2.0", 0.1),
        ("pool", "node_mlp_2.3", 0.0),
        ("global_mlp.0", "pool", 0.22),
        ("global_mlp.3", "global_mlp.0", 0.06),
    ):
        rows.append(row(stage, {"input": origin}, {"input": rows[-1].received}, bias=bias))
    return Ledger(tuple(rows[::-1]))


def any_network(seed):
    """A ledger of some network: stages in a row that also leap back, of either sign."""
    random = np.random.default_rng(seed)
    n = int(random.integers(2, 14))
    rows, given = [], [0.0] * n
    given[0] = float(random.normal(0, 3))
    for at in range(n):
        later = [f"s{other}.0" for other in range(at + 1, n)] + ["tracks"]
        origins = {"way0": later[0]}
        for way in range(1, int(random.integers(1, 4))):
            origins[f"way{way}"] = str(random.choice(later))
        shares = random.normal(0.4, 0.5, len(origins) + 2)
        shares[random.random(len(shares)) < 0.15] = 0
        *passed, bias, epsilon = (given[at] * shares / (shares.sum() or 1)).tolist()
        for way, origin in zip(origins, origins.values(), strict=True):
            if origin != "tracks":
                given[int(origin[1:-2])] += passed[int(way[3:])]
        flows = dict(zip(origins, passed, strict=True))
        rows.append(row(f"s{at}.0", origins, flows, bias, epsilon, received=given[at]))
    return Ledger(tuple(rows))


NETWORKS = {
    "interaction network": interaction_network(),
    "for and against": interaction_network(cancel=True),
    "faint edges": interaction_network(edge=1e-6),
    **{f"any {seed}": any_network(seed) for seed in range(12)},
}


def tracks_of(ledger):
    return sum(
        value
        for line in ledger
        for way, value in line.passed.items()
        if line.inputs[way] == "tracks"
    )


def bed_of(ledger, size, **more):
    given = {"value": ledger[0].received, "tracks": tracks_of(ledger), **more}
    font = size.get("font", 12)
    return lay_out(
        ledger, value_words="margin of H→bb̄", **size, **given,
        measure=lambda text: measure(text, font, bold=True, plain=True),
    )  # fmt: skip


def balance_of(ledger, **more):
    given = {"value": ledger[0].received, "tracks": tracks_of(ledger), "error": 0.0, **more}
    return balance(ledger, **given)


def stacked(spans):
    """Whether [(middle, thickness)] lie one on the other without a gap; -> (top, bottom)."""
    spans = sorted((y - thick / 2, y + thick / 2) for y, thick in spans)
    for one, other in itertools.pairwise(spans):
        assert other[0] == pytest.approx(one[1], abs=1e-6)
    return spans[0][0], spans[-1][1]


@pytest.mark.parametrize("size", [BIG, SMALL, FULL], ids=["dock", "small", "full"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_bed_adds_up_attaches_and_overlaps_nothing(name, size):
    ledger = NETWORKS[name]
    bed = bed_of(ledger, size)
    ribbons = bed.ribbons
    assert bed.scale > 0

    # a branch for every number of the ledger that is not zero, as wide as it is large
    wanted = {way: value for line in ledger for way, value in line.passed.items()}
    for line in ledger:
        wanted |= {f"{line.stage} {kind}": getattr(line, kind) for kind in ("bias", "epsilon")}
    fed = {origin for line in ledger for origin in line.inputs.values()}
    wanted |= {f"output {x.stage}": x.received for x in ledger if x.stage not in fed}
    assert {x.id: x.value for x in ribbons} == {k: v for k, v in wanted.items() if v}
    for ribbon in ribbons:
        assert ribbon.width == pytest.approx(abs(ribbon.value) * bed.scale)
        assert ribbon.drawn == pytest.approx(max(HAIR, ribbon.width))
        assert [x for x, _ in ribbon.points] == sorted(x for x, _ in ribbon.points)

    # it leaves one bar and meets the other, beside the others and within the bar
    for bar in bed.bars:
        for end, at, x in (("start", 0, bar.x + bar.width), ("end", -1, bar.x)):
            here = [ribbon for ribbon in ribbons if getattr(ribbon, end) == bar.id]
            if not here:
                continue
            assert all(r.points[at][0] == pytest.approx(x) for r in here), (bar.id, end)
            top, bottom = stacked([(r.points[at][1], r.drawn) for r in here])
            assert top >= bar.y - 1e-6
            assert bottom <= bar.y + bar.height + 1e-6
    # where nothing cancels, a bar gives as much width as it gets
    for line in ledger:
        out = [r for r in ribbons if r.start == f"stage {line.stage}"]
        into = [r for r in ribbons if r.end == f"stage {line.stage}"]
        if len({np.sign(r.value) for r in (*out, *into)}) == 1:
            widths = [sum(r.width for r in side) for side in (into, out)]
            assert widths[0] == pytest.approx(widths[1], rel=1e-6)

    # bars, and branches where they run straight, keep out of each other's way and in the panel
    blocks = [(b.x, b.x + b.width, b.y, b.y + b.height) for b in bed.bars if b.height]
    for ribbon in ribbons:
        for (x0, y0), (x1, y1) in itertools.pairwise(ribbon.points):
            if y0 == y1 and len(ribbon.points) > 2:
                blocks.append((x0, x1, y0 - ribbon.drawn / 2, y0 + ribbon.drawn / 2))
    for a, b in itertools.combinations(blocks, 2):
        across = min(a[1], b[1]) - max(a[0], b[0])
        down = min(a[3], b[3]) - max(a[2], b[2])
        assert across <= 1e-6 or down <= 1e-6, (a, b)
    for x0, x1, y0, y1 in blocks:
        assert x0 >= 0
        assert x1 <= size["width"]
        assert y0 >= 0
        assert y1 <= size["height"]

    # and so do the words
    boxes = []
    for label in bed.labels:
        left, right = label.span
        assert left >= -0.5, label
        assert right <= size["width"] + 0.5, label
        boxes.append((left, right, label.y, label.text))
    for a, b in itertools.combinations(boxes, 2):
        touch = min(a[1], b[1]) > max(a[0], b[0]) and abs(a[2] - b[2]) < 11
        assert not touch, (a, b)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (40, 300), (300, 20), (4000, 60)])
def test_there_is_a_bed_in_any_room(width, height):
    for ledger in NETWORKS.values():
        bed = bed_of(ledger, {"width": width, "height": height})
        assert bed.scale >= 0
        assert all(math.isfinite(y) for one in bed.ribbons for point in one.points for y in point)


def test_the_four_ways_are_named_and_lie_apart():
    bed = bed_of(interaction_network(), BIG)
    ways = [label.text for label in bed.labels if label.kind == "way"]
    assert sorted(ways) == [
        "direct +1.46", "edge destination +0.37", "edge source +0.37", "message source +0.46",
    ]  # fmt: skip
    assert {r.port for r in bed.ribbons if r.kind == "way"} == {
        "node_mlp_2.0:self", "node_mlp_1.0:source", "edge_mlp.0:source", "edge_mlp.0:destination",
    }  # fmt: skip
    texts = " ".join(label.text for label in bed.labels)
    for said in ("margin of H→bb̄ +4.08", "tracks +2.66", "biases +1.32", "ε +0.10"):
        assert said in texts


def test_stages_in_words():
    names = ["node_mlp_1.3", "node_mlp_1.0", "pool", "encoder.0", "encoder.3", "encoder.6"]
    said = [stage_words(name, names) for name in names]
    assert said[:3] == [
        "message network, 2nd layer", "message network, 1st layer", "mean over tracks",
    ]  # fmt: skip
    assert said[5] == "encoder, 3rd layer"
    assert way_words("edge_1.0:source", "edge_1.0") == "edge 1, source"


def test_a_path_goes_up_to_the_output_and_down_to_the_tracks_and_accounts():
    bed = bed_of(interaction_network(), BIG)
    direct = set(bed.path("node_mlp_2.0:self"))
    assert {"output global_mlp.3", "global_mlp.3:input", "node_mlp_2.3:input"} <= direct
    assert "input_norm:input" in direct
    assert not direct & {"node_mlp_2.0:mean", "edge_mlp.0:source", "node_mlp_2.0 bias"}
    bias = set(bed.path("node_mlp_1.0 bias"))
    assert {"node_mlp_2.0:mean", "mean:input", "node_mlp_1.0 bias"} <= bias
    assert not bias & {"input_norm:input", "node_mlp_1.0:source", "node_mlp_2.0:self"}
    assert {"edge_mlp.0:source", "edge_mlp.0 bias"} <= set(bed.path("edge_mlp.3:input"))
    assert set(bed.path("output global_mlp.3")) == {ribbon.id for ribbon in bed.ribbons}


def test_ribbons_are_closed_shapes_that_keep_their_thickness():
    points = [(0.0, 10.0), (40.0, 60.0), (90.0, 60.0)]
    for thick, pieces in ((6.0, "MCLCL"), (60.0, "MCL")):  # two arcs of a circle; a soft S
        outline, middle = stream(points, thick)
        assert outline[-1][0] == "Z"
        assert "".join(letter for letter, _ in middle) == pieces
        assert outline[0][1] == (0, 10 - thick / 2)
        assert middle[-1][1][-2:] == (90, 60)


# ------------------------------------------------------------------------- balance


def test_the_badge_is_computed():
    ledger = interaction_network(cancel=True)
    sound = balance_of(ledger, error=5.5e-8)
    assert (sound.state, sound.leaks) == ("sound", {})
    assert (sound.text, sound.detail) == ("100.000 % accounted for", "to 5.5 × 10⁻⁸")

    # its own figure counts, though the numbers that came with it add up
    told = balance_of(ledger, error=0.031)
    assert (told.state, told.text) == ("broken", "96.900 % accounted for")
    assert told.detail == "the sum is off by 3.10 %"
    # what reached the tracks is too little, or too much
    tracks, value = tracks_of(ledger), ledger[0].received
    short = balance_of(ledger, tracks=tracks - 0.25)
    assert short.state == "broken"
    assert short.text == f"{100 * (1 - 0.25 / value):.3f} % accounted for"
    assert short.detail == "the sum is off by −0.250"
    more = balance_of(ledger, tracks=tracks + 0.25)
    assert more.text == f"{100 * (1 + 0.25 / value):.3f} % accounted for"
    # a failure never reads as 100.000 %, however strict the limit is
    strict = balance_of(ledger, error=2e-9, limit=1e-9)
    assert (strict.state, strict.text) == ("broken", "99.9999998 % accounted for")
    for error, state in ((0.0, "sound"), (LIMIT, "sound"), (1.01 * LIMIT, "broken")):
        assert balance_of(ledger, error=error).state == state


def test_relevance_that_mostly_cancels_is_told():
    relevance = np.array([20.0, -18.0, 3.0])
    assert times_explained(relevance, 5.0, [1.0, -0.5]) == pytest.approx(41 / 5)
    assert times_explained(relevance, 0.1, [2.0, -0.5]) == pytest.approx(41 / 2)  # a margin near 0
    assert times_explained(relevance, 0.0, [0.0, 0.0]) == 0
    found = balance_of(interaction_network(), times=20.5)
    assert (found.state, found.text) == ("cancels", "adds up, but cancels")
    assert "21 times what is explained" in found.detail
    assert balance_of(interaction_network(), times=9.9).state == "sound"
    assert balance_of(interaction_network(), times=20.5, error=0.1).state == "broken"


def test_what_is_not_known_is_not_checked():
    ledger = interaction_network()
    for unknown in ({"error": math.nan}, {"tracks": math.inf}, {"value": math.nan}):
        found = balance_of(ledger, **unknown)
        assert (found.state, found.text) == ("unknown", "cannot be checked")
    pool = dataclasses.replace(ledger["pool"], bias=math.nan)
    holed = Ledger(tuple(pool if row.stage == "pool" else row for row in ledger))
    assert balance_of(holed).detail == "the bias of pool is not finite"
    assert balance(Ledger(()), value=1.0, tracks=1.0, error=0.0).state == "unknown"


def leaking():
    """A stage hands on less than it got, and the next one finds it again."""
    ledger = list(interaction_network())
    ledger[1] = dataclasses.replace(
        ledger[1], received=ledger[1].received + 0.1, bias=ledger[1].bias + 0.1
    )
    ledger[2] = dataclasses.replace(ledger[2], bias=ledger[2].bias - 0.1)
    return Ledger(tuple(ledger))


def test_a_stage_that_leaks_is_named_even_if_another_makes_up_for_it():
    found = balance_of(leaking())
    assert found.state == "broken"
    assert list(found.leaks) == ["global_mlp.0", "pool"]
    assert found.detail == "global_mlp.0 and pool leak"
    assert found.leaks["pool"] == pytest.approx(0.1)


# ------------------------------------------------------------------------- picture


@pytest.fixture(scope="module")
def explained():
    """A simulated jet and its explanation."""
    jet = open_jets()[96]
    return jet, explain(load_model(), jet, rule="epsilon(0.01)")


def picture(explained, ledger=None, width=888.0, height=267.0, theme=DARK, **more):
    jet, explanation = explained
    if ledger is not None:
        more |= {"ledger": ledger, "value": ledger[0].received}
        tracks = np.full((jet.n_tracks, 1), tracks_of(ledger) / jet.n_tracks)
        more |= {"track_relevance": tracks}
    changed = dataclasses.replace(explanation, **more)
    return picture_river(Shown(jet, changed), View(), Panel(width, height, 14.0, theme))


def groups(made, kind):
    return [one for one in made.items if isinstance(one, Group) and kind in one.kind.split(" ")]


def elements(made):
    return list(ET.fromstring(made.svg()).iter())


def test_everything_that_can_be_pointed_at_is_told_and_lights_what_is_there(explained):
    made = picture(explained)
    ids = [one.get("data-id") for one in elements(made) if one.get("data-id")]
    assert len(ids) == len(set(ids))
    assert set(ids) == set(made.parts)
    lit = {one.get("data-of") or one.get("data-id") for one in elements(made)} - {None}
    for name, part in made.parts.items():
        assert part.title
        assert set(part.lit) <= lit, name
        assert set(part.next.values()) <= set(made.parts)
    assert made.parts[made.first].next["ArrowRight"] in made.parts
    # from the first branch the keys reach every other
    reached, ahead = set(), [made.first]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += made.parts[name].next.values()
    assert reached == {one.data[0][1] for one in groups(made, "ribbon")}


def test_a_branch_and_a_bar_say_what_the_ledger_says(explained):
    ledger = interaction_network(cancel=True)
    made = picture(explained, ledger)
    source = made.parts["edge_mlp.0:source"]
    assert (source.title, source.code) == ("Edge source", "edge_mlp.0:source")
    assert source.note == "edge network, 1st layer → input, standardised"
    lines = {what: text for what, text, _ in source.lines}
    assert lines["relevance"] == "+0.740"
    assert lines["speaks"] == "for H→bb̄"
    whole = ledger[0].received
    assert lines["of the explained value"] == f"{100 * 0.74 / whole:.1f} %"
    assert lines["passed, edge destination"] == "−0.300"
    assert lines["for and against cancel"] == "0.740"
    assert made.parts["bias"].title == "What the biases earned"
    assert made.parts["tracks"].title == "What reached the tracks"
    assert made.parts["output"].title == "The margin of H→bb̄"
    (spoken,) = [one.label for one in groups(made, "ribbon") if one.data[0][1] == "pool:input"]
    assert re.match(r"Mean over tracks → .*: \+\d.*, for H→bb̄, \d.* % of the explained", spoken)


def test_numbers_that_are_not_finite_leave_no_branch(explained):
    ledger = interaction_network()
    rows = [dataclasses.replace(row, bias=math.nan) if at == 3 else row
            for at, row in enumerate(ledger)]  # fmt: skip
    holed = picture(explained, Ledger(tuple(rows)))
    assert holed.facts["state"] == "unknown"
    ids = {one.data[0][1] for one in groups(picture(explained, ledger), "ribbon")}
    assert ids - {one.data[0][1] for one in groups(holed, "ribbon")} == {"node_mlp_2.3 bias"}
    assert "–" in " ".join(one.text for one in flat(holed.items) if isinstance(one, Text))
    nothing = picture(explained, value=math.nan)  # an overflow has a picture, too
    assert nothing.facts["state"] == "unknown"


def test_a_leak_is_marked_on_the_page_and_in_a_file(explained):
    made = picture(explained, leaking())
    marked = groups(made, "leak")
    assert [one.data for one in marked] == [
        (("id", "stage global_mlp.0"),),
        (("id", "stage pool"),),
    ]
    assert marked[1].label == "mean over tracks leaks +0.100"
    assert ("leaks", "+0.100", 0) in made.parts["stage pool"].lines
    jet, explanation = explained
    drawn = draw_river(jet, dataclasses.replace(explanation, ledger=leaking()), View())
    marks = [item for item in drawn.items if isinstance(item, Text) and item.kind == "leak-mark"]
    assert [item.text for item in marks] == ["!", "!"]


def test_the_panel_and_the_file_show_one_river(explained):
    """All but the size, and what lives on the page alone, is the same in both."""
    jet, explanation = explained
    drawn = draw_river(jet, explanation, View(), theme="light")
    made = picture(explained, theme=LIGHT)
    for kind in ("branch", "bar", "zone"):
        looks = [
            [(item.kind, item.fill if isinstance(item.fill, str) else "", item.opacity)
             for item in items if isinstance(item, Path) and item.kind.split(" ")[0] == kind]
            for items in (drawn.items, flat(made.items))
        ]  # fmt: skip
        assert sorted(looks[0]) == sorted(looks[1])
        assert looks[0]
    assert not any(isinstance(item, Path) and item.live for item in drawn.items)


def test_a_narrow_panel_has_smaller_type_and_its_ids_are_its_own(explained):
    sizes = [
        {one.get("font-size") for one in elements(picture(explained, width=width))} - {None, "12"}
        for width in (888.0, 400.0)
    ]
    assert sizes == [{"12.88"}, {"11.9"}]
    found = [one.get("id") for one in elements(picture(explained)) if one.get("id")]
    assert found
    assert all(name.startswith("river-") for name in found)
    titles = [one.text for one in elements(picture(explained)) if one.tag == f"{SVG}title"]
    assert "mean over tracks" in " ".join(titles)


def test_without_a_ledger_there_is_no_river(explained):
    with pytest.raises(FigureError, match="has no ledger"):
        picture_river(
            Shown(explained[0], dataclasses.replace(explained[1], ledger=Ledger(()))), View(),
            Panel(888, 267, 14, DARK),
        )  # fmt: skip
