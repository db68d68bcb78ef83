"""A small sample of jets, made once."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

EXTRA = ("pythia8mc", "fastjet")
POOL_EVENTS = 100


@pytest.fixture(scope="session")
def simulation_extra() -> None:
    """Skip where the extra is not installed; fail where JETLRP_REQUIRE_SIMULATE is 1."""
    absent = [name for name in EXTRA if find_spec(name) is None]
    if absent:
        message = f"{', '.join(absent)} not installed (extra 'simulate')"
        if os.environ.get("JETLRP_REQUIRE_SIMULATE") == "1":
            pytest.fail(f"{message} (JETLRP_REQUIRE_SIMULATE=1)", pytrace=False)
        pytest.skip(message)


@pytest.fixture(scope="session")
def sample_file(simulation_extra: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten jets of H -> bb and ten of QCD."""
    from lrp_core.simulation import simulate

    path = tmp_path_factory.mktemp("sample") / "jets.root"
    sample = simulate(10, 10, seed=5, out=path, pool_events=POOL_EVENTS)
    assert sample.complete
    assert (sample.n_signal, sample.n_background) == (10, 10)
    return path
