"""A library of many files: the first list, the next one, a file that is new, and an upload.

    python benchmarks/library.py [--files 1000] [--upload-mb 400]

Fills a folder with so many names of the jets that come along, each of which is opened as a file of
its own. Prints the seconds until all are looked into, of the next list (the median of RUNS) and of
a list with one new file, and how many files each opened. Then a file of random bytes is written as
an upload in pieces: its rate, and how much the peak of memory rises.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from lrp_core import embedded
from lrp_core.service.library import Folder, Look
from lrp_core.service.uploads import Uploads

RUNS = 20
PIECE = 1 << 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--upload-mb", type=int, default=400)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        lists(Path(name) / "library", asked.files)
        upload(Path(name) / "uploads", asked.upload_mb)


def lists(folder: Path, n_files: int) -> None:
    """Lists of a folder of many files."""
    folder.mkdir()
    one = shutil.copy(embedded.JETS, folder / "0.root")
    for number in range(1, n_files):
        (folder / f"{number}.root").hardlink_to(one)
    look, where = Look(), Folder(folder, "library")

    def timed() -> float:
        began = time.perf_counter()
        assert not any(entry.pending for entry in look.entries(where, patience=3600))
        return time.perf_counter() - began

    print(f"{n_files} files: first list {timed():.1f} s, {look.opened} opened")
    opened = look.opened
    again = statistics.median(timed() for _ in range(RUNS))
    print(f"next list {1000 * again:.0f} ms, {look.opened - opened} opened")
    (folder / "new.root").hardlink_to(one)
    print(f"with one new file {1000 * timed():.0f} ms, {look.opened - opened} opened")
    look.close()


def upload(folder: Path, n_mb: int) -> None:
    """A file that comes in pieces."""
    uploads = Uploads(folder, most_bytes=n_mb << 20, quota_bytes=n_mb << 20, days=1)
    piece = os.urandom(PIECE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    with uploads.coming("", "jets.root") as coming:
        for _ in range(n_mb):
            coming.write(piece)
    seconds = time.perf_counter() - began
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"upload of {n_mb} MB: {n_mb / seconds:.0f} MB/s, peak of memory + {more / 1024:.0f} MB")


if __name__ == "__main__":
    main()
