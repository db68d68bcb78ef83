"""What all tests share: where the real jets and the browser are, and steady threads and examples.

JETLRP_CMS_DATA         folder of the real jets; else ../shared/cms-open-data of the checkout
JETLRP_REQUIRE_DATA     1: a test that needs the real jets fails without them, never skips
JETLRP_CHROMIUM         the browser to drive; else a Chromium or Chrome found on the machine
JETLRP_REQUIRE_BROWSER  1: likewise for a test that needs the browser
JETLRP_TEST_EXAMPLES    "random": Hypothesis looks for other examples each time; else they are the
                        same each time, so that no run fails for what another one passed

A test that drives the browser, and no other, is tried once more when it fails, since how fast a
browser draws on a busy machine is not in our hands; the summary lists it as RERUN with its
traceback, and it is a race to be mended, in the test or in the page.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Small jets gain nothing from more threads, which spin while they wait for each other, and sums
# differ in the last bits with their number.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def forget_surroundings() -> None:
    """Take away what changes words, colours and settings, and is of whoever starts the tests."""
    ours = ("JETLRP_CMS_DATA", "JETLRP_CHROMIUM", "JETLRP_REQUIRE_", "JETLRP_TEST_")
    theirs = (
        *("FORCE_COLOR", "NO_COLOR", "PY_COLORS", "GITHUB_ACTIONS"),
        *("TTY_COMPATIBLE", "TTY_INTERACTIVE", "TERMINAL_WIDTH"),
        *("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PROMETHEUS_MULTIPROC_DIR"),
    )
    for name in list(os.environ):
        if name in theirs or (name.startswith("JETLRP_") and not name.startswith(ours)):
            del os.environ[name]
    os.environ |= {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "25"}
    for name in ("no_proxy", "NO_PROXY"):  # servers of the tests are on this machine
        others = os.environ.get(name, "")
        os.environ[name] = ",".join(filter(None, [others, "127.0.0.1", "localhost"]))


forget_surroundings()

settings.register_profile("random", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "same", settings.get_profile("random"), derandomize=True, print_blob=True, database=None
)
settings.load_profile("random" if os.environ.get("JETLRP_TEST_EXAMPLES") == "random" else "same")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests that drive the browser be tried once more."""
    for item in items:
        if item.get_closest_marker("browser") or "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.flaky(reruns=1))


def missing(what: str, requirement: str) -> None:
    """Skip the test that asked, or fail it where ``requirement`` is set to 1."""
    if os.environ.get(requirement) == "1":
        pytest.fail(f"{what} ({requirement}=1, so this is a failure)", pytrace=False)
    pytest.skip(what)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Top folder of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def cms_data() -> Path:
    """Folder of the real CMS jets and their trained network."""
    given = os.environ.get("JETLRP_CMS_DATA")
    folder = Path(given) if given else REPOSITORY.parent / "shared" / "cms-open-data"
    if not folder.is_dir():
        missing(
            f"the real jets are not at {folder}; set JETLRP_CMS_DATA to their folder",
            "JETLRP_REQUIRE_DATA",
        )
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium or Chrome that Playwright can drive."""
    given = os.environ.get("JETLRP_CHROMIUM")
    names = (given,) if given else BROWSERS
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        missing(
            f"no browser found as {' or '.join(names)}; set JETLRP_CHROMIUM to one",
            "JETLRP_REQUIRE_BROWSER",
        )
    return found
