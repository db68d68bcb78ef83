"""What all tests share: where the real jets and the browser are, and steady threads and examples.

JETLRP_CMS_DATA         folder of the real jets; else ../shared/cms-open-data of the checkout
JETLRP_REQUIRE_DATA     1: a test that needs the real jets fails without them, never skips
JETLRP_CHROMIUM         the browser to drive; else a Chromium or Chrome found on the machine
JETLRP_REQUIRE_BROWSER  1: likewise for a test that needs the browser

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
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


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
