"""How long one page of the list of jets takes, of a table of a million.

    python benchmarks/listing.py [--jets N] [--repeats R]

The table is made up: labels, pT, soft-drop mass, numbers of tracks, a few problems. Half of the
scores are there, as while they come in. Prints the median and, in brackets, the longest time of a
page of 100 rows for every order and several filters, with the copy of the scores and the JSON, at
the top of the list and a quarter down.
"""

from __future__ import annotations

import argparse
import time
from typing import get_args

import numpy as np
import pandas as pd

from lrp_core.service.listing import JetTable
from lrp_core.service.schemas import JetQuery, Sort
from lrp_core.service.scores import Scores

FILTERS: dict[str, dict[str, object]] = {
    "none": {},
    "label": {"label": "hbb"},
    "pT, mass, tracks": {"min_pt": 400, "max_sdmass": 150, "min_n_tracks": 20},
    "score": {"min_score": 0.3},
    "label, score, pT": {"label": "qcd", "min_score": 0.5, "max_pt": 600},
}


def made_up(n_jets: int) -> pd.DataFrame:
    """A summary as ``JetFiles.summary`` gives it."""
    draw = np.random.default_rng(0)
    label = np.array(["qcd", "hbb", None], dtype=object)[
        draw.choice(3, n_jets, p=[0.6, 0.39, 0.01])
    ]
    problem = np.full(n_jets, None, dtype=object)
    problem[draw.choice(n_jets, n_jets // 1000, replace=False)] = "2 value(s) are not finite"
    return pd.DataFrame(
        {
            "index": np.arange(n_jets),
            "label": label,
            "pt": 300 + draw.exponential(120, n_jets).astype(np.float32).astype(np.float64),
            "sdmass": np.where(draw.random(n_jets) < 0.02, np.nan, draw.gamma(4, 25, n_jets)),
            "n_tracks": draw.poisson(28, n_jets),
            "problem": problem,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--jets", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    n_jets = given.jets
    frame = made_up(n_jets)
    began = time.perf_counter()
    table = JetTable(frame)
    print(f"{n_jets} jets: the table is ready after {time.perf_counter() - began:.2f} s")

    draw = np.random.default_rng(1)
    scores = Scores(lambda first, last: draw.random(last - first), n_jets, chunk=1000)
    scores.start()
    while scores.done < n_jets // 2:
        time.sleep(0.001)
    scores.stop(10)
    began = time.perf_counter()
    scores.values()
    print(f"a copy of the scores takes {(time.perf_counter() - began) * 1e3:.1f} ms\n")

    longest = busiest = 0.0
    print("| sort | " + " | ".join(FILTERS) + " |")
    print("| --- |" + " --- |" * len(FILTERS))
    for sort in get_args(Sort):
        cells = []
        for limits in FILTERS.values():
            times = []
            for _ in range(given.repeats):
                for offset in (0, n_jets // 4):
                    query = JetQuery.model_validate({"sort": sort, "offset": offset, **limits})
                    began, cpu = time.perf_counter(), time.thread_time()
                    table.page(query, scores.values(), scores.done).model_dump_json()
                    times.append(time.perf_counter() - began)
                    busiest = max(busiest, time.thread_time() - cpu)
            longest = max(longest, *times)
            cells.append(f"{np.median(times) * 1e3:.0f} ({max(times) * 1e3:.0f}) ms")
        print(f"| {sort} | " + " | ".join(cells) + " |")
    print(f"\nthe longest of all took {longest * 1e3:.0f} ms,", end=" ")
    print(f"the one with most to do {busiest * 1e3:.0f} ms of a core")


if __name__ == "__main__":
    main()
