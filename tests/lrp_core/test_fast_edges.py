"""The edges of complete graphs run wherever the weights are, and divide as rules.py says."""

from __future__ import annotations

import pytest
import torch

from lrp_core.fast_edges import Edges, Parts, way
from lrp_core.ledger_book import LedgerBook
from lrp_core.pair_table import BLOCK
from lrp_core.products import product
from lrp_core.rules import AlphaBeta, Epsilon, Gamma, Layer, Rule, Zero, ZPlus
from lrp_core.zero_path import ZeroPath

COLUMNS, HIDDEN = 3, 8


def parts(rule: Rule, device: str) -> Parts:
    """Layers of the widths of an interaction network's."""
    found = way(rule)
    assert found is not None
    widths = (2 * COLUMNS, HIDDEN, COLUMNS + HIDDEN, HIDDEN)
    layers = [
        Layer(name, torch.ones(HIDDEN, n_in, device=device), torch.ones(HIDDEN, device=device))
        for name, n_in in zip(("first", "last", "message", "out"), widths, strict=True)
    ]
    return Parts.of(layers, [found] * 4)


SHAPES = pytest.mark.parametrize("shape", [(1, 5), (4, 5), (1, 60)])
ROWS = pytest.mark.parametrize("rows", [True, False])


@pytest.mark.parametrize("rule", [Gamma(1.0), Zero(), Epsilon(0.1, relative=True)], ids=str)
@SHAPES
@ROWS
def test_nothing_is_made_on_another_device(rule: Rule, shape: tuple[int, int], rows: bool) -> None:
    """On a device without numbers, where what another device holds cannot be mixed in."""
    layers = parts(rule, "meta")
    h = torch.empty(*shape, COLUMNS, device="meta")
    with torch.inference_mode():
        edges = Edges(layers, h, rows=rows)
        total = edges.forward()
        found = edges.backward(torch.empty_like(total), total, LedgerBook(shape[0]), "norm")
    n_edges = shape[1] * (shape[1] - 1)
    assert len(edges.pairs.blocks) == max(1, -(-(shape[1] ** 2) // BLOCK))
    assert found.shape == h.shape
    assert edges.found.significance().shape == (shape[0], n_edges)
    if rows:
        assert edges.found.rows is not None
        assert edges.found.rows.shape == (shape[0], n_edges, 2 * COLUMNS)
    made = (total, found, edges.found.significance(), edges.found.rows, edges.found.sums)
    assert {one.device.type for one in made if one is not None} == {"meta"}


@SHAPES
@ROWS
def test_nor_is_anything_of_the_straight_line(shape: tuple[int, int], rows: bool) -> None:
    def meta(*size: int) -> torch.Tensor:
        return torch.empty(*size, device="meta")

    n_in = 2 * COLUMNS, HIDDEN, COLUMNS + HIDDEN, HIDDEN, COLUMNS + HIDDEN, HIDDEN, HIDDEN, HIDDEN
    layers = [
        Layer(f"{i}", meta(2 if i == 7 else HIDDEN, n), meta(2 if i == 7 else HIDDEN))
        for i, n in enumerate(n_in)
    ]
    network = ZeroPath(layers, meta(COLUMNS), meta(COLUMNS), "norm", "mean", "pool")
    with torch.inference_mode():
        flow = network.flow(meta(*shape, COLUMNS), meta(2), rows=rows)
    assert flow.logits.shape == flow.start.shape == (shape[0], 2)
    assert flow.tracks.shape == (*shape, COLUMNS)
    edges = flow.edges.rows if rows else flow.edges.sums
    assert edges is not None
    assert edges.shape[:2] == (shape[0], shape[1] * (shape[1] - 1))
    made = *flow[:3], *flow.terms, edges, flow.edges.significance()
    assert {one.device.type for one in made} == {"meta"}


def test_products_elsewhere_are_that_device_s_own() -> None:
    a, weight = torch.empty(500, 3, device="meta"), torch.empty(2, 3, device="meta")
    assert product(a, weight).device.type == "meta"


def test_one_number_says_how_a_rule_divides() -> None:
    """D = |z| + κ Σ |terms| weighs terms of the output's sign (1 + κ) : (1 - κ) to others."""
    for gamma in (0.0, 0.5, 1.0, 1e30):
        found = way(Gamma(gamma))
        assert found is not None
        assert (1 + found.kappa) / (1 + gamma) == pytest.approx(1 - found.kappa, abs=1e-12)
    assert [found.kappa for rule in (Zero(), Epsilon(), ZPlus()) if (found := way(rule))] == [
        0,
        0,
        1,
    ]
    assert way(AlphaBeta()) is None
    assert way(Gamma(1.0, bias="spread")) is None
