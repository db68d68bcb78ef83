"""The zoo's networks as models, each with what it is given and what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch
from torch import nn

import lrp_core
from lrp_core import Columns, Edges, Inputs, JetIndex, Mask
from lrp_core.jets import Jet
from lrp_core.tape.network import TapeModel
from tests.zoo import networks

COLUMNS = ("pt", "eta", "phi", "sip", "dz")
VERTEX = ("mass", "flight", "n")
POINTS = Columns("tracks", ("eta", "phi"), layout="jet column track", relevance=False, pad_to=6)


@dataclass(frozen=True)
class Animal:
    """One network. edges: the modules that pass messages; linear: piecewise, so LRP-0 is exact"""

    make: Callable[[], nn.Module]
    inputs: Inputs | None = None
    edges: tuple[str, ...] = ()
    linear: bool = True
    padded: bool = False
    n_columns: int = field(default=5)


def _padded(**more: object) -> Inputs:
    return Inputs(
        x=Columns("tracks", COLUMNS, layout="jet track column", pad_to=6),
        **more,  # type: ignore[arg-type]
    )


ZOO: Mapping[str, Animal] = {
    "ParticleNet": Animal(
        networks.ParticleNet,
        Inputs(
            points=POINTS,
            features=Columns("tracks", COLUMNS, layout="jet column track"),
            mask=Mask(),
        ),
        ("blocks.0", "blocks.1"),
        padded=True,
    ),
    "ParticleTransformer": Animal(
        networks.ParticleTransformer,
        Inputs(
            features=Columns("tracks", COLUMNS, layout="jet column track", pad_to=6),
            vectors=Columns(
                "tracks", ("pt", "eta", "phi"), layout="jet column track", relevance=False
            ),
            mask=Mask(),
        ),
        ("blocks.0.attn", "blocks.1.attn"),
        linear=False,
        padded=True,
    ),
    "ModernTransformer": Animal(
        networks.ModernTransformer,
        _padded(mask=Mask(layout="jet track")),
        ("network",),
        linear=False,
        padded=True,
    ),
    "TorchEncoder": Animal(
        networks.TorchEncoder,
        _padded(padding=Mask(layout="jet track", of="padding", dtype="bool")),
        ("encoder.layers.0.self_attn", "encoder.layers.1.self_attn"),
        linear=False,
        padded=True,
    ),
    "ParticleFlow": Animal(
        networks.ParticleFlow, _padded(mask=Mask(layout="jet track")), padded=True
    ),
    "Attention": Animal(networks.Attention, edges=("conv_1", "conv_2"), linear=False),
    "Isomorphism": Animal(networks.Isomorphism, edges=("conv_1", "conv_2")),
    "Sage": Animal(networks.Sage, edges=("conv_1", "conv_2")),
    "DynamicEdges": Animal(networks.DynamicEdges, edges=("conv",)),
    "DeepSets": Animal(networks.DeepSets),
    "Shared": Animal(networks.Shared),
    "InPlace": Animal(networks.InPlace, edges=("network",)),
    "TwoKinds": Animal(
        networks.TwoKinds,
        Inputs(
            pf=Columns("pf", COLUMNS),
            sv=Columns("sv", VERTEX),
            edges=Edges("sv", "pf"),
            pf_jet=JetIndex("pf"),
            sv_jet=JetIndex("sv"),
        ),
        ("network:sv→pf",),
    ),
    "Adjacency": Animal(networks.Adjacency, edges=("network", "network@2")),
}


def jet(n_tracks: int = 5, seed: int = 0, columns: tuple[str, ...] = COLUMNS) -> Jet:
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(n_tracks, len(columns)))
    return Jet.from_arrays(values, columns, jet_id=f"zoo:{seed}")


def given_to(name: str, n_tracks: int = 5, seed: int = 0) -> Jet | dict[str, Jet]:
    """A jet, or for a network of two kinds of rows a jet for each."""
    if name == "TwoKinds":
        return {"pf": jet(n_tracks, seed), "sv": jet(3, seed + 100, VERTEX)}
    return jet(n_tracks, seed)


def at_random(network: nn.Module, seed: int = 0) -> nn.Module:
    """Weights, biases and running statistics that are all of them drawn."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            n_in = parameter[0].numel() if parameter.dim() > 1 else 4
            parameter.copy_(torch.randn(parameter.shape, generator=draw) * (1.2 / n_in**0.5))
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                shape = module.running_mean.shape
                module.running_mean.copy_(0.5 * torch.randn(shape, generator=draw))
                module.running_var.copy_(0.3 + 2 * torch.rand(shape, generator=draw))
                module.weight.copy_(0.5 + torch.rand(shape, generator=draw))
    return network.eval()


def load(name: str, network: nn.Module) -> TapeModel:
    """A network of the zoo as a model."""
    animal = ZOO[name]
    model = lrp_core.load_model(
        network, example=given_to(name), inputs=animal.inputs, classes=("qcd", "hbb")
    )
    assert isinstance(model, TapeModel)
    return model


@cache
def model_of(name: str) -> TapeModel:
    """The model of a network with random weights."""
    return load(name, at_random(ZOO[name].make()))
