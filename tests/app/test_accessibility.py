"""The page can be used by everybody: axe-core finds nothing against WCAG 2.2, levels A and AA.

axe-core comes from npm, in the version of axe/package-lock.json, and is kept in pytest's cache.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.app.test_library import listing
from tests.app.test_page import eventually, still
from tests.conftest import missing

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PATIENCE = 60_000  # ms

PIN = "pin=0~margin~gamma(gamma=1,bias=account)"
DRAWN = "#network[data-drawn]"
STATES = {  # what is looked at: the address, what is pressed, and what then is there
    "no jet": ("", [], ".state.empty"),
    "a jet": ("?jet=5", [], DRAWN),
    "a large jet": ("?jet=1", [], DRAWN),
    "an error": ("?jet=4", [], ".state.error:visible"),
    "how to read the plot": ("?jet=5", [".stage-foot .how summary"], ".how[open]"),
    "how to read a map": ("?jet=5&dock=heat.river", ["#dock-heat .how summary"], ".how[open]"),
    "heat map, river": ("?jet=5&dock=heat.river", [], "#heat-body svg"),
    "plane, comparison": ("?jet=5&dock=plane.compare", [], "#plane-body svg"),
    "heat map, enlarged": ("?jet=5&full=heat", [], "#heat-body svg"),
    "river, enlarged": ("?jet=5&full=river", [], "#river-body svg"),
    "look of the plot": ("?jet=5", ["#look-button"], "#look"),
    "an edge and a track": ("?jet=5&edge=3&track=2", [], "#edge-card"),
    "limits": ("?jet=5", ["#jets-limits-button"], "#jets-limits"),
    "kinds of jets": ("?jet=5", [".pick-menu summary"], ".pick-menu[open]"),
    "files": ("?jet=5", ["#save summary"], "#save[open]"),
    "shortcuts": ("?jet=5", ["#help"], "#keys"),
    "two jets": (f"?jet=5&{PIN}", [], "#network-b[data-drawn]"),
    "two jets, compared": (f"?jet=5&{PIN}&dock=compare", [], "#network-b[data-drawn]"),
    "talk mode": ("?jet=5&talk=1", [], DRAWN),
}

# Every control that is to be seen gets a number; -> what each is, by number.
CONTROLS = """
() => Object.fromEntries(
  Array.from(document.querySelectorAll("button, select, input, a[href], summary"))
    .filter((one) => one.checkVisibility() && !one.disabled && one.type !== "hidden")
    .filter((one) => !one.closest(".ag-root-wrapper, .dash-input-container"))
    .map((one, at) => { one.dataset.control = at; return [at, one.outerHTML.slice(0, 120)]; }))
"""


@pytest.fixture(scope="session")
def axe(request: pytest.FixtureRequest) -> str:
    """The script of axe-core."""
    folder = Path(request.config.cache.mkdir("axe"))
    npm = shutil.which("npm")
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    wanted = (HERE / "axe" / "package-lock.json").read_bytes()
    lock = folder / "package-lock.json"
    if not script.is_file() or not lock.is_file() or lock.read_bytes() != wanted:
        if npm is None:
            missing("npm is not there to fetch axe-core", "JETLRP_REQUIRE_BROWSER")
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "axe" / name, folder)
        said = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        if said.returncode != 0:
            lock.unlink()
            missing(f"npm could not fetch axe-core: {said.stderr}", "JETLRP_REQUIRE_BROWSER")
    return script.read_text("utf-8")


def shown_in(page, theme: str) -> None:
    """Show the page in a theme; its colours fade from one to the other."""
    page.evaluate("(name) => { document.documentElement.dataset.theme = name; }", theme)
    page.wait_for_timeout(100)
    page.wait_for_function(
        "document.getAnimations().every((one) => !(one instanceof CSSTransition) ||"
        " one.playState !== 'running')"
    )


def violations(page, axe) -> str:
    """What axe-core has against the page, a line for each element."""
    page.evaluate(axe)
    found = page.evaluate("(tags) => axe.run({ runOnly: { type: 'tag', values: tags } })", TAGS)
    assert len(found["passes"]) > 5  # it has looked at something
    return "\n".join(
        f"{rule['id']}: {node['target']}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    )


@pytest.mark.parametrize("state", STATES)
def test_axe_has_nothing_against_the_page(toy_site, page, axe, state):
    address, pressed, there = STATES[state]
    page.goto(f"{toy_site.address}/{address}")
    ready = ".state.error:visible" if "error" in state else DRAWN if address else ".ag-row"
    page.locator(ready).first.wait_for(timeout=PATIENCE)
    if "talk" not in address:
        page.locator(".ag-row").first.wait_for(timeout=PATIENCE)
    still(page)
    for selector in pressed:
        page.locator(selector).first.click()
    page.locator(there).first.wait_for(timeout=PATIENCE)
    still(page)
    for theme in ("dark", "light"):
        shown_in(page, theme)
        assert violations(page, axe) == "", theme


def test_axe_has_nothing_against_the_lists_of_the_library(toy_site, page, axe):
    toy_site.service.library = listing(expires=2e9).model_dump()
    page.goto(f"{toy_site.address}/?jet=5")
    page.locator(DRAWN).wait_for(timeout=PATIENCE)
    for kind in ("files", "models"):
        page.locator(f"#library-{kind}-button").click()
        page.locator(f"#library-{kind} .library-row").first.wait_for()
        page.locator(f"#library-{kind} .upload-rules").get_by_text("14 days").wait_for()
        for theme in ("dark", "light"):
            shown_in(page, theme)
            assert violations(page, axe) == "", (kind, theme)
        page.keyboard.press("Escape")
        page.locator(f"#library-{kind}").wait_for(state="hidden")


def test_a_service_that_is_away_is_said_to_everybody(toy_site, page, axe):
    toy_site.service.away = True
    page.goto(toy_site.address)
    page.get_by_role("heading", name="The service is away").wait_for()
    assert violations(page, axe) == ""


STOP = """
() => {
  const at = document.activeElement;
  if (at === document.body) return null;
  const name = at.closest(".ag-root-wrapper") ? "the list" : at.closest("#network") ? "the plot"
    : at.getAttribute("aria-label") || at.title || at.textContent.trim() || at.id;
  const outlined = (one) => one && getComputedStyle(one).outlineStyle !== "none" &&
    parseFloat(getComputedStyle(one).outlineWidth) >= 2;
  const grip = at.querySelector(".grip"); // of a branch of the river
  const seen = outlined(at) || outlined(at.closest(".dash-input-container")) ||
    (grip && getComputedStyle(grip).stroke !== "none");
  return { name, seen: Boolean(seen) };
}
"""


def test_the_tab_key_goes_round_with_one_stop_for_the_list_and_one_for_the_plot(toy_site, page):
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{toy_site.address}/?jet=5")
    page.wait_for_selector(DRAWN)
    page.locator(".ag-row-selected").first.wait_for()
    still(page)
    stops = []
    for _ in range(120):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:  # round
            break
        stops.append(stop)
    names = [stop["name"] for stop in stops]
    assert names[0] == "Skip to the plot"
    assert names.count("the list") == names.count("the plot") == 1
    assert names.index("the list") < names.index("the plot")
    assert [stop["name"] for stop in stops if not stop["seen"]] == []
    page.keyboard.press("Tab")
    assert page.evaluate(STOP)["name"] == "Skip to the plot"

    # the first stop leads to the plot, and the arrows from track to track
    page.keyboard.press("Enter")
    plot = page.locator("#network")
    eventually(page, lambda: plot.evaluate("(one) => one === document.activeElement"))
    assert "#" not in page.url
    assert plot.get_attribute("aria-label").startswith("Jet 5 in three dimensions: 7 tracks")
    order = page.evaluate("window.jetlrp.scene.stateOf('network').made.tracks.order")
    said = page.locator("#network ~ .scene-said")
    for track in order[:2]:
        page.keyboard.press("ArrowRight")
        eventually(page, lambda track=track: said.text_content().startswith(f"Track {track}"))
    assert page.locator(".highlight text").text_content() == str(order[1])
    page.keyboard.press("Enter")
    page.wait_for_function(f"window.jetlrp.view.state.track === {order[1]}")
    page.keyboard.press("Escape")  # leaves the tracks, and only then what was chosen
    page.locator("#scene-tooltip").wait_for(state="hidden")
    assert page.evaluate("window.jetlrp.view.state.track") == order[1]
    page.keyboard.press("Escape")
    page.wait_for_function("window.jetlrp.view.state.track === null")
    assert page.evaluate("window.jetlrp.view.state.jet") == 5  # the arrows did not leaf

    # back by one stop at a time into the list: to the open jet; up to the titles, which sort
    while page.evaluate(STOP)["name"] != "the list":
        page.keyboard.press("Shift+Tab")
    row_of = "document.activeElement.closest('[row-id]')?.getAttribute('row-id') ?? null"
    assert page.evaluate(row_of) == "5"
    for _ in range(6):
        page.keyboard.press("ArrowUp")
    assert page.evaluate(row_of) is None
    page.keyboard.press("Enter")
    page.locator('.ag-header-cell[aria-sort="descending"]').wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate(STOP)["name"] != "the list"


def test_the_jet_its_prediction_and_errors_are_said(toy_site, page):
    page.goto(f"{toy_site.address}/?jet=5")
    said = page.locator("#said[aria-live=polite]")
    eventually(page, lambda: said.text_content() ==
               "Jet 5: the network says H→bb̄ with 96.8 %. 7 tracks.")  # fmt: skip
    page.locator(DRAWN).wait_for()
    page.locator(".ag-row-selected").first.wait_for()
    page.keyboard.press("k")
    eventually(page, lambda: said.text_content().startswith("Jet 4 cannot be explained."))
    assert "the jet has no tracks" in said.text_content()
    assert page.locator("#network").is_hidden()  # nothing to reach by Tab
    page.keyboard.press("k")
    eventually(page, lambda: said.text_content().startswith("Jet 3: the network says"))


def test_every_control_is_reached_by_the_keyboard(toy_site, page):
    page.goto(f"{toy_site.address}/?jet=5")
    page.wait_for_selector(DRAWN)
    page.locator(".ag-row").first.wait_for()
    still(page)
    wanted = page.evaluate(CONTROLS)
    assert len(wanted) > 25
    reached = set()
    for _ in range(6 * len(wanted)):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.dataset.control || ''"))
        if reached >= set(wanted):
            break
    assert {name: wanted[name] for name in wanted if name not in reached} == {}
