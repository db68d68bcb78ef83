"""What it costs to start: processor seconds of the commands and of what they import.

    python benchmarks/imports.py [--repeat 3]

Each is a process of its own; the least of some runs counts. Processor time, for the time that
passes depends on whatever else the machine does. Then what takes longest of torch_geometric's
import, by ``python -X importtime``.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

EXPLAIN = ["-m", "app", "explain"]
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import torch": ["-c", "import torch"],
    "import torch, torch_geometric": ["-c", "import torch, torch_geometric"],
    "import torch, torch_geometric, uproot": ["-c", "import torch, torch_geometric, uproot"],
    "import uproot": ["-c", "import uproot"],
    "import pandas": ["-c", "import pandas"],
    "import pyarrow.parquet": ["-c", "import pyarrow.parquet"],
    "jetlrp --help": ["-m", "app", "--help"],
    "jetlrp explain --jet 0": [*EXPLAIN, "--jet", "0"],
    "jetlrp explain --all --last 0": [*EXPLAIN, "--all", "--last", "0", "--out", "OUT"],
}
LINE = re.compile(r"import time:\s+\d+ \|\s+(\d+) \| ( *)(\S+)")


def seconds(words: list[str]) -> float:
    """Processor seconds of one run."""
    with tempfile.TemporaryDirectory() as folder:
        words = [str(Path(folder) / "one.parquet") if word == "OUT" else word for word in words]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def parts(package: str, first: str, longer_than: float) -> list[tuple[str, float]]:
    """The imports that ``package`` makes itself, by the share of its time they take.

    first  imported before, so that it does not count
    """
    code = f"import {first}; import {package}"
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], check=True, capture_output=True, text=True
    )
    found: list[tuple[str, float]] = []
    for cumulative, indent, name in LINE.findall(ran.stderr):
        if len(indent) == 2:
            found.append((name, float(cumulative)))
        elif not indent:
            if name == package:
                total = float(cumulative)
                shares = [(part, taken / total) for part, taken in found]
                return sorted((one for one in shares if one[1] > longer_than), key=lambda x: -x[1])
            found = []
    return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    print("| process | processor time |\n| --- | --- |")
    for name, words in COMMANDS.items():
        least = min(seconds(words) for _ in range(given.repeat))
        print(f"| `{name}` | {least:.2f} s |", flush=True)
    print("\n| imported by torch_geometric | share of its time |\n| --- | --- |")
    for name, share in parts("torch_geometric", "torch", 0.03):
        print(f"| `{name}` | {share:.0%} |")


if __name__ == "__main__":
    main()
