"""The river: its bed as data, whether the badge tells the truth, and the panel in a browser."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from app.drawing import GOOD, is_sound, scene_data
from app.main import assets_folder
from lrp_core.service.schemas import ExplanationAnswer, JetDetail
from tests.app.test_page import eventually, still

pytestmark = pytest.mark.browser

SCRIPTS = ("numbers", "ledger", "riverbed")
BIG = {"width": 888, "height": 267}
SMALL = {"width": 572, "height": 186, "font": 11}
FULL = {"width": 888, "height": 830}
HAIR = 1.2


@pytest.fixture(scope="module")
def call(browser):
    """Calls JavaScript on ``j``, what the scripts put on the page, with ``a``, the argument."""
    tab = browser.new_page()
    tab.set_content("<div></div>")
    for name in SCRIPTS:
        tab.add_script_tag(path=assets_folder() / f"{name}.js")

    yield lambda code, argument=None: tab.evaluate(
        f"(a) => {{ const j = window.jetlrp; return {code}; }}", argument
    )
    tab.close()


def row(stage, inputs, passed, bias=0.0, epsilon=0.0, received=None):
    """A line of a ledger: {way: origin}, {way: relevance}; it conserves if nothing else is said."""
    total = sum(passed.values()) + bias + epsilon
    return {
        "stage": stage,
        "received": total if received is None else received,
        "passed": {f"{stage}:{way}": value for way, value in passed.items()},
        "inputs": {f"{stage}:{way}": origin for way, origin in inputs.items()},
        "bias": bias,
        "epsilon": epsilon,
    }


def account(ledger, **more):
    """The totals that belong to a ledger."""
    bias = sum(line["bias"] for line in ledger)
    epsilon = sum(line["epsilon"] for line in ledger)
    tracks = sum(
        value
        for line in ledger
        for way, value in line["passed"].items()
        if line["inputs"][way] == "tracks"
    )
    value = ledger[0]["received"]
    totals = {"value": value, "tracks": tracks, "bias": bias, "epsilon": epsilon}
    return {**totals, "error": 0.0, "limit": GOOD, "problem": None, **more}


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
    received = rows[-1]["received"]
    rows.append(row("edge_mlp.3", {"input": "edge_mlp.0"}, {"input": received}, bias=0.02))
    rows.append(
        row(
            "node_mlp_1.0",
            {"source": "input_norm", "edge": "edge_mlp.3"},
            {"source": 0.46, "edge": rows[-1]["received"]},
            bias=0.34,
            epsilon=0.1,
        )
    )
    for stage, origin, bias in (
        ("node_mlp_1.3", "node_mlp_1.0", 0.001),
        ("mean", "node_mlp_1.3", 0),
    ):
        rows.append(row(stage, {"input": origin}, {"input": rows[-1]["received"]}, bias=bias))
    rows.append(
        row(
            "node_mlp_2.0",
            {"self": "input_norm", "mean": "mean"},
            {"self": 1.46, "mean": rows[-1]["received"]},
            bias=0.57,
        )
    )
    for stage, origin, bias in (
        ("node_mlp_2.3", "node_mlp_2.0", 0.1),
        ("pool", "node_mlp_2.3", 0.0),
        ("global_mlp.0", "pool", 0.22),
        ("global_mlp.3", "global_mlp.0", 0.06),
    ):
        rows.append(row(stage, {"input": origin}, {"input": rows[-1]["received"]}, bias=bias))
    return rows[::-1]


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
    return rows


NETWORKS = {
    "interaction network": interaction_network(),
    "for and against": interaction_network(cancel=True),
    "faint edges": interaction_network(edge=1e-6),
    **{f"any {seed}": any_network(seed) for seed in range(12)},
}


def drawn_bed(call, ledger, size, **more):
    words = {"value": "margin of H→bb̄", "stands_for": "H→bb̄"}
    return call(
        "j.riverbed.layout(a.ledger, a.account, a.options)",
        {"ledger": ledger, "account": account(ledger), "options": {**size, "words": words, **more}},
    )


def stacked(spans):
    """Whether [(middle, thickness)] lie one on the other without a gap; -> (top, bottom)."""
    spans = sorted((y - thick / 2, y + thick / 2) for y, thick in spans)
    for one, other in itertools.pairwise(spans):
        assert other[0] == pytest.approx(one[1], abs=1e-6)
    return spans[0][0], spans[-1][1]


@pytest.mark.parametrize("size", [BIG, SMALL, FULL], ids=["dock", "small", "full"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_bed_adds_up_attaches_and_overlaps_nothing(call, name, size):
    ledger = NETWORKS[name]
    bed = drawn_bed(call, ledger, size)
    nodes = {node["id"]: node for node in bed["nodes"]}
    ribbons = bed["ribbons"]
    assert bed["scale"] > 0

    # a branch for every number of the ledger that is not zero, as wide as it is large
    wanted = {way: value for line in ledger for way, value in line["passed"].items()}
    for line in ledger:
        wanted |= {f"{line['stage']} {kind}": line[kind] for kind in ("bias", "epsilon")}
    fed = {origin for line in ledger for origin in line["inputs"].values()}
    wanted |= {f"output {x['stage']}": x["received"] for x in ledger if x["stage"] not in fed}
    assert {x["id"]: x["value"] for x in ribbons} == {k: v for k, v in wanted.items() if v}
    for ribbon in ribbons:
        assert ribbon["width"] == pytest.approx(abs(ribbon["value"]) * bed["scale"])
        assert ribbon["drawn"] == pytest.approx(max(HAIR, ribbon["width"]))
        assert [x for x, _ in ribbon["points"]] == sorted(x for x, _ in ribbon["points"])

    # it leaves one bar and meets the other, beside the others and within the bar
    for node in nodes.values():
        for end, at, x in (("from", 0, node["x"] + node["width"]), ("to", -1, node["x"])):
            here = [ribbon for ribbon in ribbons if ribbon[end] == node["id"]]
            if not here:
                continue
            assert all(r["points"][at][0] == pytest.approx(x) for r in here), (node["id"], end)
            top, bottom = stacked([(r["points"][at][1], r["drawn"]) for r in here])
            assert top >= node["y"] - 1e-6
            assert bottom <= node["y"] + node["height"] + 1e-6
    # where nothing cancels, a bar gives as much width as it gets
    for line in ledger:
        out = [r for r in ribbons if r["from"] == f"stage {line['stage']}"]
        into = [r for r in ribbons if r["to"] == f"stage {line['stage']}"]
        if len({np.sign(r["value"]) for r in (*out, *into)}) == 1:
            widths = [sum(r["width"] for r in side) for side in (into, out)]
            assert widths[0] == pytest.approx(widths[1], rel=1e-6)

    # bars, and branches where they run straight, keep out of each other's way and in the panel
    blocks = [
        (n["x"], n["x"] + n["width"], n["y"], n["y"] + n["height"])
        for n in bed["nodes"]
        if n["height"]
    ]
    for ribbon in ribbons:
        for (x0, y0), (x1, y1) in itertools.pairwise(ribbon["points"]):
            if y0 == y1 and len(ribbon["points"]) > 2:
                blocks.append((x0, x1, y0 - ribbon["drawn"] / 2, y0 + ribbon["drawn"] / 2))
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
    for label in bed["labels"]:
        left, right = call("j.riverbed.span(a)", label)
        assert left >= -0.5, label
        assert right <= size["width"] + 0.5, label
        boxes.append((left, right, label["y"], label["text"]))
    for a, b in itertools.combinations(boxes, 2):
        touch = min(a[1], b[1]) > max(a[0], b[0]) and abs(a[2] - b[2]) < 11
        assert not touch, (a, b)


def test_the_four_ways_are_named_and_lie_apart(call):
    bed = drawn_bed(call, interaction_network(), BIG)
    ways = [label["text"] for label in bed["labels"] if label["kind"] == "way"]
    assert sorted(ways) == [
        "direct +1.46", "edge destination +0.37", "edge source +0.37", "message source +0.46",
    ]  # fmt: skip
    assert {r["port"] for r in bed["ribbons"] if r["kind"] == "way"} == {
        "node_mlp_2.0:self", "node_mlp_1.0:source", "edge_mlp.0:source", "edge_mlp.0:destination",
    }  # fmt: skip
    texts = " ".join(label["text"] for label in bed["labels"])
    assert "margin of H→bb̄ +4.08" in texts
    assert "tracks +2.66" in texts
    assert "biases +1.32" in texts
    assert "ε +0.10" in texts


def test_stages_in_words(call):
    names = ["node_mlp_1.3", "node_mlp_1.0", "pool", "encoder.0", "encoder.3", "encoder.6"]
    said = [call("j.ledger.stageWords(a[0], a[1])", [name, names]) for name in names]
    assert said[:3] == [
        "message network, 2nd layer", "message network, 1st layer", "mean over tracks",
    ]  # fmt: skip
    assert said[5] == "encoder, 3rd layer"
    assert call("j.ledger.wayWords('edge_1.0:source', 'edge_1.0')") == "edge 1, source"


def test_a_path_goes_up_to_the_output_and_down_to_the_tracks_and_accounts(call):
    bed = drawn_bed(call, interaction_network(), BIG)

    def path(name):
        return set(call("[...j.riverbed.pathOf(a[0], a[1])]", [bed, name]))

    direct = path("node_mlp_2.0:self")
    assert {"output global_mlp.3", "global_mlp.3:input", "node_mlp_2.3:input"} <= direct
    assert "input_norm:input" in direct
    assert not direct & {"node_mlp_2.0:mean", "edge_mlp.0:source", "node_mlp_2.0 bias"}
    bias = path("node_mlp_1.0 bias")
    assert {"node_mlp_2.0:mean", "mean:input", "node_mlp_1.0 bias"} <= bias
    assert not bias & {"input_norm:input", "node_mlp_1.0:source", "node_mlp_2.0:self"}
    assert {"edge_mlp.0:source", "edge_mlp.0 bias"} <= path("edge_mlp.3:input")
    assert path("output global_mlp.3") == {ribbon["id"] for ribbon in bed["ribbons"]}


def check(call, ledger, **more):
    code = "(({leaks, ...rest}) => ({...rest, leaks: [...leaks]}))(j.ledger.check(a[0], a[1]))"
    return call(code, [ledger, account(ledger, **more)])


def test_the_badge_is_computed(call):
    ledger = interaction_network(cancel=True)
    sound = check(call, ledger, error=5.5e-8)
    assert (sound["state"], sound["leaks"]) == ("sound", [])
    assert sound["text"] == "100.000 % accounted for"
    assert sound["detail"] == "to 5.5 × 10⁻⁸"

    # the service's own figure counts, though the numbers that came with it add up
    told = check(call, ledger, error=0.031)
    assert (told["state"], told["text"]) == ("broken", "96.900 % accounted for")
    # what reached the tracks is too little
    tracks = account(ledger)["tracks"]
    value = account(ledger)["value"]
    short = check(call, ledger, tracks=tracks - 0.25)
    assert short["state"] == "broken"
    assert short["text"] == f"{100 * (1 - 0.25 / value):.3f} % accounted for"
    assert short["detail"] == "the sum is off by −0.250"
    more = check(call, ledger, tracks=tracks + 0.25)
    assert more["text"] == f"{100 * (1 + 0.25 / value):.3f} % accounted for"
    # a failure never reads as 100.000 %, however strict the limit is
    strict = check(call, ledger, error=2e-9, limit=1e-9)
    assert strict["state"] == "broken"
    assert strict["text"] == "99.9999998 % accounted for"
    # what is not known is not checked
    for unknown in ({"error": None}, {"tracks": None}):
        assert check(call, ledger, **unknown)["state"] == "unknown"
    hole = [{**line, "bias": None} if line["stage"] == "pool" else line for line in ledger]
    unknown = call("j.ledger.check(a[0], a[1]).text", [hole, account(ledger)])
    assert unknown == "cannot be checked"


def test_a_stage_that_leaks_is_named_even_if_another_makes_up_for_it(call):
    ledger = interaction_network()
    ledger[1]["received"] += 0.1  # the stage before passed on less
    ledger[1]["bias"] += 0.1
    ledger[2]["bias"] -= 0.1  # and this one found it again
    found = check(call, ledger)
    assert found["state"] == "broken"
    assert [stage for stage, _ in found["leaks"]] == ["global_mlp.0", "pool"]
    assert found["detail"] == "global_mlp.0 and pool leak"
    assert found["leaks"][1][1] == pytest.approx(0.1)
    bed = drawn_bed(call, ledger, BIG)
    assert [node["stage"] for node in bed["nodes"] if node["lost"]] == ["global_mlp.0", "pool"]


def test_numbers_that_are_not_finite_leave_no_branch(call):
    ledger = interaction_network()
    ledger[3]["bias"] = None
    bed = drawn_bed(call, [{**line} for line in interaction_network()], BIG)
    totals = account(interaction_network(), bias=None, error=None, problem="a bias overflowed")
    holed = call(
        "j.riverbed.layout(a.ledger, a.account, a.options)",
        {"ledger": ledger, "account": totals, "options": {**BIG, "words": {}}},
    )
    assert holed["check"]["state"] == "unknown"
    assert holed["check"]["detail"] == "a bias overflowed"
    missing = {r["id"] for r in bed["ribbons"]} - {r["id"] for r in holed["ribbons"]}
    assert missing == {"node_mlp_2.3 bias"}
    assert "–" in [label["text"] for label in holed["labels"]]


def test_ribbons_are_closed_shapes_of_arcs_or_soft_bends(call):
    points = [[0, 10], [40, 60], [90, 60]]
    thin = call("j.riverbed.pathsOf(a)", {"points": points, "drawn": 6})
    assert re.match(r"M0 7A23 23 0 0 1 23 30L23 40A17 17 0 0 0 40 57L90 57L90 63", thin["outline"])
    assert thin["outline"].endswith("0 13Z")
    thick = call("j.riverbed.pathsOf(a)", {"points": points, "drawn": 60})
    assert "C" in thick["outline"]
    assert "A" not in thick["outline"]


# ------------------------------------------------------------------------- on the page


def badge(page):
    box = page.locator("#dock-river .river-badge")
    return box.get_attribute("data-state"), box.locator("b").inner_text()


def open_river(page, address, query):
    page.goto(f"{address}/?{query}&dock=river")
    page.wait_for_selector("#river-body svg.river", timeout=60_000)
    page.wait_for_selector("#network[data-drawn]", timeout=60_000)
    still(page)


def test_python_and_the_page_share_one_limit(service):
    with service.client() as client:
        jet: JetDetail = client.jet(0)
        explanation: ExplanationAnswer = client.explain(0, target="margin", rule={"name": "zero"})
    assert scene_data(jet, explanation)["account"]["limit"] == GOOD
    for error, sound in ((0.0, True), (GOOD, True), (1.01 * GOOD, False), (None, False)):
        assert is_sound(explanation.model_copy(update={"conservation_error": error})) is sound


def test_pointing_and_arrow_keys_light_the_whole_path(real_site, page):
    open_river(page, real_site.address, "jet=12")
    assert badge(page) == ("sound", "100.000 % accounted for")
    assert page.locator("#river-body .ribbon").count() == 23
    lit = "[...document.querySelectorAll('.ribbon.on')].map((g) => g.dataset.id)"

    way = page.locator('.ribbon[data-id="node_mlp_2.0:self"]')
    points = page.evaluate(
        "window.jetlrp.river.drawing.ribbons.find((r) => r.id === 'node_mlp_2.0:self').points[1]"
    )
    frame = page.locator("svg.river").bounding_box()
    page.mouse.move(frame["x"] + points[0] + 20, frame["y"] + points[1])
    page.wait_for_selector("svg.river.lit")
    assert "on" in way.get_attribute("class")
    assert {"output global_mlp.3", "node_mlp_2.0:self", "input_norm:input"} <= set(
        page.evaluate(lit)
    )
    assert "edge_mlp.0:source" not in page.evaluate(lit)
    faint = page.locator('.ribbon[data-id="edge_mlp.0:source"]')
    assert float(faint.evaluate("(g) => getComputedStyle(g).opacity")) < 0.3
    says = page.locator("#river-tooltip").inner_text()
    assert "Direct" in says
    assert "node_mlp_2.0:self" in says
    assert re.search(r"of the explained value\s+36\.7 %", says)
    assert re.search(r"bias earned\s+\+0\.572", says)
    page.mouse.move(2, 2)
    page.wait_for_selector("svg.river:not(.lit)")
    page.locator("#river-tooltip").wait_for(state="hidden")

    # one stop for Tab; the arrow keys go on from there
    page.locator("svg.river .ribbon[tabindex='0']").focus()
    focused = "document.activeElement.dataset.id"
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{focused} === 'global_mlp.3:input'")
    page.keyboard.press("ArrowDown")
    page.wait_for_function(f"{focused} === 'global_mlp.3 bias'")
    assert set(page.evaluate(lit)) == {"output global_mlp.3", "global_mlp.3 bias"}
    assert page.locator("svg.river .ribbon[tabindex='0']").count() == 1
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert re.search(r"the biases: \+0\.0644, for H→bb̄, 1\.62 % of the explained value", label)
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"{focused} === 'output global_mlp.3'")
    page.keyboard.press("Escape")
    page.wait_for_selector("svg.river:not(.lit)")


def test_it_follows_the_jet_the_theme_and_its_size(toy_site, page):
    open_river(page, toy_site.address, "jet=0")
    first = page.evaluate("window.jetlrp.river.drawing.width")
    page.locator('[data-enlarge="river"]').click()
    page.wait_for_function("window.jetlrp.river.drawing.height > 340")
    eventually(page, lambda: page.locator("svg.river text.received").count() >= 5)
    page.locator('[data-enlarge="river"]').click()
    page.wait_for_function("window.jetlrp.river.drawing.height < 340")
    page.wait_for_function(f"window.jetlrp.river.drawing.width === {first}")
    spring = "document.querySelector('#river-for stop').getAttribute('stop-color')"
    dark = page.evaluate(spring)
    page.locator("#theme-switch").click()
    page.wait_for_function(f"{spring} !== {dark!r}")
    page.evaluate("window.jetlrp.view.show('a', null)")
    page.wait_for_selector("#river-body .river-empty")
    assert page.locator("svg.river").count() == 0
    page.locator(".river-badge").wait_for(state="hidden")


def test_no_badge_is_green_where_relevance_cancels(toy_site, page):
    toy_site.service.cancelling = 2.0
    open_river(page, toy_site.address, "jet=0")
    assert badge(page) == ("cancels", "adds up, but cancels")
    said = page.locator("#conservation .badge")
    assert "broken" in said.get_attribute("class")
    assert "Adds up, but cancels" in said.inner_text()


def test_the_badge_turns_red_for_what_the_service_says(toy_site, page):
    toy_site.service.conservation_error = 0.031
    open_river(page, toy_site.address, "jet=0")
    assert badge(page) == ("broken", "96.900 % accounted for")
    box = page.locator(".river-badge b")
    red = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--warning')")
    shown = box.evaluate("(b) => getComputedStyle(b).color")
    assert shown == "rgb({}, {}, {})".format(*bytes.fromhex(red.strip().lstrip("#")))


BROKEN = """
from dataclasses import dataclass
from lrp_core.rules import RULES, Shares, Zero

@dataclass(frozen=True)
class Leaky(Zero):
    name = "leaky"
    title = "Leaky"
    summary = "Loses a tenth of what one stage passes on."

    def divide(self, a, layer, z, relevance):
        shares = super().divide(a, layer, z, relevance)
        if layer.name != "node_mlp_2.0":
            return shares
        return Shares(0.9 * shares.inputs, shares.bias, shares.epsilon)

RULES["leaky"] = Leaky
from app.cli import cli
cli(["serve", "--port", "0"])
"""


def test_a_broken_rule_shows_red_from_the_engine_to_the_page(repository, page):
    """A rule that loses a tenth at one stage: nothing on the way hides it."""
    environment = {**os.environ, "PYTHONPATH": str(repository), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", textwrap.dedent(BROKEN)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        said = []
        for line in server.stdout:
            said.append(line)
            if "are ready" in line:
                break
        found = re.search(r"the page is at (http://\S+)", "".join(said))
        try:
            assert found, "".join(said)
            open_river(page, found[1], "jet=96&rule=leaky(bias=account)")
            page.wait_for_selector('.river-badge[data-state="broken"]')
            state, text = badge(page)
            assert (state, "100.000" in text) == ("broken", False)
            detail = page.locator(".river-badge small").inner_text()
            assert re.search(r"^the sum is off by [+−]\d", detail)
            assert detail.endswith("node_mlp_2.0 leaks")
            marked = page.locator(".bar-node.leak")
            assert marked.count() == 1
            assert marked.get_attribute("data-id") == "stage node_mlp_2.0"
            lost, passed = page.evaluate(
                "(({ledger}) => { const r = ledger.find((x) => x.stage === 'node_mlp_2.0');"
                " const p = Object.values(r.passed).reduce((a, b) => a + b, 0);"
                " return [r.received - p - r.bias - r.epsilon, p]; })(window.jetlrp.view.shown.a)"
            )
            assert lost == pytest.approx(passed / 9, rel=1e-3)
            page.locator("#conservation", has_text="Not accounted for").wait_for()
        finally:
            page.goto("about:blank")  # it would miss the server
            server.send_signal(signal.SIGINT)
            server.stdout.read()
