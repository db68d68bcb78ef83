"""How long vector figures take and how large they are, on the first call and on later ones.

    python benchmarks/figures.py [--jets JETS.root --model MODEL.pth] [JET ...]

Draws the network plot, the heat map and the river of each jet on a sheet of 1920 × 1080 px, and
writes them as SVG, PDF and PNG (3840 × 2160). The first call of a fresh process is measured apart;
later ones are the median of five. Time is that of one core, whatever else runs. Without arguments:
jets 0 and 1380 of those that come along, of 26 and 82 tracks.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from time import process_time

import lrp_core
from lrp_core.figures import View, draw_heatmap, draw_network, draw_river, to_pdf, to_png, to_svg

DRAW = {"network": draw_network, "heatmap": draw_heatmap, "river": draw_river}
WRITE: dict[str, Callable] = {
    "svg": to_svg,
    "pdf": to_pdf,
    "png 4K": lambda drawing: to_png(drawing, 2),
}
CALLS = 5


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jets")
    parser.add_argument("--model")
    parser.add_argument("jet", nargs="*", type=int, default=[0, 1380])
    given = parser.parse_args()
    jets = lrp_core.open_jets(given.jets) if given.jets else lrp_core.open_jets()
    model = lrp_core.load_model(given.model) if given.model else lrp_core.load_model()
    print("| jet | tracks | figure | format | first, ms | later, ms | kB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for index in given.jet:
        jet = jets[index]
        explanation = lrp_core.explain(model, jet)
        for name, draw in DRAW.items():
            for ending, write in WRITE.items():
                times = []
                for _ in range(CALLS + 1):
                    began = process_time()
                    made = write(draw(jet, explanation, View(jet=index)))
                    times.append(1000 * (process_time() - began))
                first, later = times[0], statistics.median(times[1:])
                print(
                    f"| {index} | {jet.n_tracks} | {name} | {ending} | {first:.0f} | {later:.0f} "
                    f"| {len(made) / 1000:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
