"""From a cold start to the first jet on the screen, from a click to the next, and the slider.

    python benchmarks/cold_start.py JETS.root MODEL.pth DEFINITIONS.yml [--tracks 26 118]

Starts the server as a process of its own, without a cache, and opens the page in a headless
Chromium (JETLRP_CHROMIUM, or one found on the machine). Prints what draws (software or a graphics
card), seconds since the start of the server, and for each size medians over RUNS openings of the
jet of nearest size: the service (asked apart), the transfer of the answer to the browser and its
size, building the picture's arrays, drawing it, and all from the asking on; then from moving the
slider of edges to the new picture.
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
RUNS = 7
OTHER = 1  # the jet that is opened in between

RENDERER = """
() => {
  const gl = document.createElement("canvas").getContext("webgl");
  const names = gl && gl.getExtension("WEBGL_debug_renderer_info");
  return names ? gl.getParameter(names.UNMASKED_RENDERER_WEBGL) : "no WebGL";
}
"""
# The largest answer since the last time: how long it was on its way, and its bytes.
TRANSFER = """
() => {
  const answers = performance.getEntriesByType("resource")
    .filter((one) => one.name.includes("_dash-update-component"))
    .sort((a, b) => b.transferSize - a.transferSize);
  performance.clearResourceTimings();
  const one = answers[0];
  return one ? [one.responseEnd - one.responseStart, one.transferSize] : [NaN, NaN];
}
"""
# Moves the slider of edges; -> ms until the picture with so many edges is there.
SLIDE = """
(share) => new Promise((done) => {
  const slider = document.getElementById("edges-slider");
  const before = document.getElementById("network").dataset.edges;
  const started = performance.now();
  const drawn = () => {
    if (document.getElementById("network").dataset.edges === before) return;
    document.removeEventListener("jetlrp:drawn", drawn);
    const took = performance.now() - started;
    slider.dispatchEvent(new Event("change", { bubbles: true }));
    setTimeout(() => done(took), 1500);
  };
  document.addEventListener("jetlrp:drawn", drawn);
  slider.value = share * slider.max;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
})
"""


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
    """Seconds from asking for a jet to its picture, and what its parts took of them; kilobytes."""
    page.evaluate(TRANSFER)
    start = time.perf_counter()
    page.evaluate("i => window.dash_clientside.set_props('chosen', {data: i})", index)
    drawn(page, index)
    total = time.perf_counter() - start
    timing = page.evaluate("() => window.jetlrp.scene.stateOf('network').timing")
    transfer, size = page.evaluate(TRANSFER)
    return {
        "all": total,
        "transfer": transfer / 1e3,
        "kB": size / 1e3,
        "build": timing["build"] / 1e3,
        "draw": timing["draw"] / 1e3,
        "slider": statistics.median(page.evaluate(SLIDE, share) for share in (0.5, 0.3, 0.6)) / 1e3,
    }


def service(address: str, index: int, run: int) -> float:
    """Seconds that the service takes for an explanation it has not computed before."""
    body = {"rule": {"name": "gamma", "gamma": 0.9 + run / 1e6}, "encoding": "base64"}
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
    page.locator(".ag-row[row-id]").first.click()
    page.wait_for_selector("#network[data-drawn]", timeout=TIMEOUT, state="attached")
    print(f"{since()}  the first jet is drawn, by {page.evaluate(RENDERER)}\n")
    weight = page.evaluate(
        "() => performance.getEntriesByType('resource').reduce((s, e) => s + e.transferSize, 0)"
    )
    print(f"the page weighs {weight / 1e6:.2f} MB on the wire\n")
    while httpx.get(f"{address}/api/v1/health").json()["scores"]["done"] < len(table):
        time.sleep(0.2)  # until the service has nothing else to do
    print(
        "| tracks | edges | service | transfer | kB | build | draw | all | slider |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    for size in sizes:
        index = int((table.n_tracks - size).abs().idxmin())
        rows = []
        for _ in range(RUNS):
            open_jet(page, OTHER)
            rows.append(open_jet(page, index))
        asked = statistics.median(service(address, index, run) for run in range(RUNS))
        took = {part: statistics.median(row[part] for row in rows) for part in rows[0]}
        took["service"] = asked
        size = took.pop("kB")
        ms = {part: f"{seconds * 1e3:.0f} ms" for part, seconds in took.items()}
        n = int(table.n_tracks[index])
        print(
            f"| {n} | {n * (n - 1)} | {ms['service']} | {ms['transfer']} | {size:.0f} |"
            f" {ms['build']} | {ms['draw']} | {ms['all']} | {ms['slider']} |"
        )


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
        server = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", *files, f"--port={port}"],
            env={**os.environ, "JETLRP_CACHE_BYTES": "0"},
        )
        try:
            measure(page, f"http://127.0.0.1:{port}", given.tracks, table, started)
        finally:
            server.terminate()
            server.wait()
            chromium.close()


if __name__ == "__main__":
    main()
