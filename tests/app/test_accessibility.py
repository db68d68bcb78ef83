"""The page can be used by everybody: axe-core finds nothing against WCAG 2.2, levels A and AA.

axe-core comes from npm, in the version of axe/package-lock.json, and is kept in pytest's cache.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.app.test_library import listing
from tests.app.test_page import still
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
    page.get_by_text("The service is away").wait_for()
    assert violations(page, axe) == ""


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
