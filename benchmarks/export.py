"""How large each format of a figure is, and how long it takes: the first time, and later ones.

    python benchmarks/export.py [DATA]

DATA is a folder with hbb_jets.root, IN.pth and definitions.yml; without it, the jets that come
along. Takes the jets whose numbers of tracks are nearest to 26 and 118. Server and Chromium are
started before; the first call of a format is the first for that jet. GIF has the frames of the MP4.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import httpx

from app.export.asked import Figure, Look
from app.export.command import Studio
from app.serve import serving
from lrp_core.settings import read_settings

SIZES = (26, 118)
LATER = 1  # calls after the first; the quickest counts
LOOK = Look(frames=60)
STILLS = (("png", LOOK), ("png at 1×", Look(scale=1)), ("svg", LOOK), ("pdf", LOOK),
          ("html", LOOK), ("pptx", LOOK))  # fmt: skip


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    given = (
        {}
        if data is None
        else {
            "jets": [str(data / "hbb_jets.root")],
            "model": str(data / "IN.pth"),
            "definitions": str(data / "definitions.yml"),
        }
    )
    with serving(read_settings(**given)) as address, Studio(address) as studio:
        began = time.perf_counter()
        studio.chromium()
        print(f"Chromium, with the page open: {time.perf_counter() - began:.1f} s\n")
        print("| tracks | view | format | size | first | later |")
        print("| --- | --- | --- | --- | --- | --- |", flush=True)
        for wanted in SIZES:
            index, tracks = nearest(address, wanted)
            for view in ("network", "heatmap", "river"):
                figure = Figure(index, f"?jet={index}&theme=dark", view)
                for name, look in STILLS if view == "network" else STILLS[:1]:
                    times, size = [], 0
                    for _ in range(1 + LATER):
                        began = time.perf_counter()
                        size = len(studio.make(figure, name.split(" ")[0], look)[1])
                        times.append(time.perf_counter() - began)
                    row(tracks, view, name, size, times[0], min(times[1:]))
            figure = Figure(index, f"?jet={index}&theme=dark", "network")
            for name in ("mp4", "gif"):
                began = time.perf_counter()
                size = len(studio.make(figure, name, LOOK)[1])
                row(
                    tracks, "network", f"{name}, 60 frames", size, time.perf_counter() - began, None
                )


def nearest(address: str, tracks: int) -> tuple[int, int]:
    """The first jet whose number of tracks is nearest to one -> its number, and its tracks."""
    rows = []
    with httpx.Client(base_url=address, trust_env=False, timeout=120) as http:
        while True:
            page = http.get("/api/v1/jets", params={"offset": len(rows), "limit": 1000}).json()
            rows += page["jets"]
            if not page["jets"]:
                break
    good = [one for one in rows if not one["problem"]]
    best = min(good, key=lambda one: (abs(one["n_tracks"] - tracks), one["index"]))
    return best["index"], best["n_tracks"]


def row(tracks: int, view: str, name: str, size: int, first: float, later: float | None) -> None:
    text = "–" if later is None else f"{later:.2f} s"
    print(
        f"| {tracks} | {view} | {name} | {size / 1000:.0f} kB | {first:.2f} s | {text} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
