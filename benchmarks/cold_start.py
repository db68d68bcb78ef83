"""From a cold start to the first jet on the screen, and from a click to the next jet drawn.

    python benchmarks/cold_start.py JETS.root MODEL.pth DEFINITIONS.yml [--tracks 26 118]

Starts the server as a process of its own, opens the page in a headless Chromium (JETLRP_CHROMIUM,
or one found on the machine) that draws in software, and opens jets of about the given sizes. Prints
seconds since the start of the server, and for each size the parts of one further jet: the service
(asked apart, not cached), building the picture's arrays, drawing it, and all from the asking on.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright

import lrp_core

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--ignore-gpu-blocklist"]
FLAGS += ["--enable-unsafe-swiftshader", "--disable-background-networking"]
TIMEOUT = 120_000  # ms


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(address: str) -> None:
    """Until the address answers."""
    while True:
        try:
            httpx.get(address, timeout=60).raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.01)


def drawn(page: Page, index: int) -> None:
    """Until the jet is on the screen."""
    page.wait_for_selector(f'#network[data-drawn="{index}"]', timeout=TIMEOUT, state="attached")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")


def open_jet(page: Page, index: int) -> dict[str, float]:
    """Seconds from asking for a jet to its picture, and what building and drawing took of them."""
    start = time.perf_counter()
    page.evaluate("i => window.dash_clientside.set_props('chosen', {data: i})", index)
    drawn(page, index)
    total = time.perf_counter() - start
    timing = page.evaluate("() => window.jetlrp.scene.stateOf('network').timing")
    return {"all": total, "build": timing["build"] / 1e3, "draw": timing["draw"] / 1e3}


def service(address: str, index: int) -> float:
    """Seconds that the service takes for an explanation it has not computed before."""
    body = {"rule": {"name": "gamma", "gamma": 0.9 + index / 1e6}, "encoding": "base64"}
    start = time.perf_counter()
    url = f"{address}/api/v1/jets/{index}/explanation"
    httpx.post(url, json=body, timeout=120).raise_for_status()
    return time.perf_counter() - start


def measure(page: Page, address: str, sizes: list[int], table: Any, started: float) -> None:
    def since() -> str:
        return f"{time.perf_counter() - started:5.1f} s"

    wait_for(address)
    print(f"{since()}  the page answers")
    page.goto(address)
    page.wait_for_selector(".ag-row[row-id]", timeout=TIMEOUT)
    print(f"{since()}  the jets are listed in the browser")
    open_jet(page, 0)
    print(f"{since()}  the first jet is drawn\n")
    weight = page.evaluate(
        "() => performance.getEntriesByType('resource').reduce((s, e) => s + e.transferSize, 0)"
    )
    print(f"the page weighs {weight / 1e6:.2f} MB on the wire\n")
    while httpx.get(f"{address}/api/v1/health").json()["scores"]["done"] < len(table):
        time.sleep(0.2)  # until the service has nothing else to do
    print(
        "| tracks | edges | service | build | draw | all |\n| --- | --- | --- | --- | --- | --- |"
    )
    for size in sizes:
        nearest = (table.n_tracks - size).abs().sort_values().index[:5]
        rows = [open_jet(page, int(index)) for index in nearest if index != 0]
        asked = statistics.median(service(address, int(index)) for index in nearest)
        parts = [statistics.median(row[part] for row in rows) for part in ("build", "draw", "all")]
        n = int(table.n_tracks[nearest[0]])
        cells = " | ".join(f"{value * 1e3:.0f} ms" for value in (asked, *parts))
        print(f"| {n} | {n * (n - 1)} | {cells} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("jets")
    parser.add_argument("model")
    parser.add_argument("definitions")
    parser.add_argument("--tracks", type=int, nargs="*", default=[26, 118])
    given = parser.parse_args()
    table = lrp_core.open_jets(given.jets).summary()
    browser = os.environ.get("JETLRP_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)))
    port = free_port()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=FLAGS)
        page = chromium.new_page(viewport={"width": 1680, "height": 950})
        started = time.perf_counter()
        files = ["--jets", given.jets, "--model", given.model, "--definitions", given.definitions]
        server = subprocess.Popen([sys.executable, "-m", "app", "serve", *files, f"--port={port}"])
        try:
            measure(page, f"http://127.0.0.1:{port}", given.tracks, table, started)
        finally:
            server.terminate()
            server.wait()
            chromium.close()


if __name__ == "__main__":
    main()
