"""``jetlrp report``: a checkpoint's network, and one that a Python file makes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lrp_core.commands.report import run
from lrp_core.errors import NetworkError

FILE = """
import numpy as np, torch, lrp_core

columns = ("pt", "eta", "phi")
jet = lrp_core.Jet.from_arrays(np.ones((4, 3)), columns)
net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU()).eval()

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inside, self.out = net, torch.nn.Linear(4, 2)
    def forward(self, x):
        return self.out(self.inside(x).sum(0, keepdim=True))

def make():
    return lrp_core.load_model(Net().eval(), example=jet, name="mine")

model, number = make(), 3
"""


def printed(network: str | None, **more: Any) -> str:
    out = io.StringIO()
    run(network, console=Console(file=out, width=400, soft_wrap=True), **more)
    return out.getvalue()


def test_the_network_that_comes_along() -> None:
    text = printed(None)
    assert "addmm + native_batch_norm" in text
    assert "messages between tracks: interactionnetwork.node_model (scatter_add)" in text


@pytest.mark.parametrize("name", ["model", "make"])
def test_a_model_that_a_file_makes(name: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(FILE)
    assert printed(f"{tmp_path}/net.py:{name}").startswith("mine: 4 operations")
    plain = json.loads(printed(f"{tmp_path}/net.py:{name}", as_json=True))
    assert [one["name"] for one in plain["operations"]] == ["addmm", "relu", "sum"]


def test_what_is_no_model_is_said(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(FILE)
    with pytest.raises(NetworkError, match="number is int; expected a model made by"):
        printed(f"{tmp_path}/net.py:number")
    with pytest.raises(NetworkError, match="other is not there"):
        printed(f"{tmp_path}/net.py:other")
    with pytest.raises(NetworkError, match=r"there is no such file; give FILE\.py:NAME"):
        printed(f"{tmp_path}/none.py:model")
