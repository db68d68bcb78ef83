"""Ctrl-C ends a simulation soon, keeps the jets that were written, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("simulation_extra")

REPOSITORY = Path(__file__).resolve().parents[2]
CODE = """
from functools import partial
from lrp_core.commands import simulate
simulate.simulate = partial(simulate.simulate, pool_events=20)
raise SystemExit(simulate.run(20000, 20000, 1, "jets.root", {processes}, progress=False))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("processes", [1, 2])
def test_ctrl_c_keeps_what_is_written(processes: int, tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-c", CODE.format(processes=processes)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    part = tmp_path / "jets.root.part"
    deadline = time.monotonic() + 240
    while not (part.is_file() and part.stat().st_size > 50_000):
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.2)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to the children, too
    out, err = running.communicate(timeout=300)
    assert running.returncode == 130, err
    assert "stopped early" in out
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["jets.root"]

    import uproot

    with uproot.open(tmp_path / "jets.root") as file:
        n_jets = file["deepntuplizer/tree"].num_entries
        told = json.loads(file["provenance"])
    assert n_jets > 0
    assert n_jets % 100 == 0
    assert told["complete"] is False
    assert told["n_written"] == n_jets
