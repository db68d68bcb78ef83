"""Makes the pictures of docs/images out of the jets that come along: they show the page as it is.

    python docs/pictures.py [NAME ...]

Serves them, opens each view of VIEWS in a headless Chromium (JETLRP_CHROMIUM, or one found on the
machine) and writes NAME.png. Needs `pip install -e '.[test]' pillow`.
"""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from app.export.chromium import find_chromium

IMAGES = Path(__file__).resolve().parent / "images"
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--ignore-gpu-blocklist"]
FLAGS += ["--enable-unsafe-swiftshader"]
TIMEOUT = 120_000  # ms
SETTLED = 2_500  # ms after the last drawing

TWO_B = 96  # a signal jet, both b-hadrons of which left tracks
SMALL = 0  # 26 tracks
LARGE = 1380  # the largest jet of the file: 82 tracks
ANOTHER_RULE = f"{TWO_B}~margin~epsilon(epsilon=0.01,relative=false,bias=account)"


class View(NamedTuple):
    """What a picture is of.

    query  the view, as the page's address has it
    crop   what of the page is kept, as a selector; None for all of it
    """

    query: str
    width: int = 1680
    height: int = 945
    crop: str | None = None


VIEWS = {
    "page-dark": View(f"jet={TWO_B}&color=origin&theme=dark&dock=river"),
    "page-light": View(f"jet={TWO_B}&theme=light&dock=heat.plane"),
    "talk": View(f"jet={TWO_B}&color=origin&theme=dark&talk=1&dock=.", 1600, 900),
    "jet-26-tracks": View(f"jet={SMALL}&theme=dark&dock=.", 1280, 720),
    "jet-82-tracks": View(f"jet={LARGE}&theme=dark&dock=.", 1280, 720),
    "river": View(f"jet={TWO_B}&theme=dark&full=river", width=1600, height=640, crop="#dock-river"),
    "heat-map": View(
        f"jet={TWO_B}&theme=light&full=heat", width=1680, height=945, crop="#dock-heat"
    ),
    "compare": View(f"jet={TWO_B}&theme=dark&pin={ANOTHER_RULE}&dock=compare"),
}


def serve() -> tuple[subprocess.Popen[str], str]:
    """`jetlrp serve` on the jets that come along -> the process and its address."""
    server = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--port", "0"],
        cwd=IMAGES.parents[1],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert server.stdout is not None
    address = None
    for line in server.stdout:
        found = re.search(r"the page is at (http://\S+)", line)
        address = found[1] if found else address
        if "are ready" in line and address:
            return server, address
    raise RuntimeError(f"the server ended with {server.wait()}")


def take(browser: Browser, address: str, view: View) -> bytes:
    """A view as PNG."""
    page = browser.new_page(
        viewport={"width": view.width, "height": view.height}, reduced_motion="reduce"
    )
    page.goto(f"{address}/?{view.query}")
    for scene in ("network", "network-b")[: 2 if "pin=" in view.query else 1]:
        page.wait_for_selector(f"#{scene}[data-drawn]", timeout=TIMEOUT, state="attached")
    page.locator(".jets-notice:empty").wait_for(timeout=TIMEOUT, state="attached")  # all scored
    page.wait_for_timeout(SETTLED)
    made = (page.locator(view.crop) if view.crop else page).screenshot()
    page.close()
    return made


def small(png: bytes) -> bytes:
    """The same with 256 colours: a third of the size, and no colour is off by more than 6 %.

    The palette covers all colours first, so that rare ones keep their hue, then moves to the usual.
    """
    coverage = Image.Quantize.MAXCOVERAGE
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    out = io.BytesIO()
    picture.quantize(256, method=coverage, kmeans=10, dither=Image.Dither.NONE).save(
        out, "PNG", optimize=True
    )
    return out.getvalue()


def figure() -> bytes:
    """A vector figure as PNG, for docs/figures.md; it needs no browser."""
    import lrp_core
    from lrp_core.figures import View as Look
    from lrp_core.figures import draw_network, to_png

    jet = lrp_core.open_jets()[TWO_B]
    explanation = lrp_core.explain(lrp_core.load_model(), jet)
    look = Look.from_link("?color=origin&theme=light")
    return to_png(draw_network(jet, explanation, look, width=1280, height=720))


def main() -> None:
    """Make the pictures that are named, or all."""
    if sys.argv[1:] == ["figure"] or not sys.argv[1:]:
        (IMAGES / "figure.png").write_bytes(small(figure()))
    if sys.argv[1:] == ["figure"]:
        return
    chromium = find_chromium()
    server, address = serve()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            for name in sys.argv[1:] or VIEWS:
                picture = small(take(browser, address, VIEWS[name]))
                (IMAGES / f"{name}.png").write_bytes(picture)
                print(f"{name}.png  {len(picture) / 1000:.0f} kB")
            browser.close()
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate()


if __name__ == "__main__":
    main()
