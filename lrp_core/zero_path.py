"""LRP-0 through the interaction network on complete graphs, in a straight line: the gradient.

By LRP-0 an input a of z = W a + b gets a (s W) and the bias s b, with s = R / z. Where relevance is
a value times a multiplier, R = z c, that s is c itself: going back, c is multiplied by W, put to
zero where a ReLU is off, and divided by n where a mean over n is taken. That is the gradient of the
output that is explained, and relevance is value times gradient everywhere. Nothing is divided by a
value, and two linear maps in a row are one. With h the normalised columns of the tracks, an edge
from track s to track d:

    z1[s, d] = W_s h[s] + W_d h[d] + b1                     edge_mlp.0       a1 = max(z1, 0)
    z2[s, d] = W_e W3 a1[s, d] + W_e b3 + W_h h[s] + b2     edge_mlp.3, node_mlp_1.0
    mean[d]  = W4 (mean over s of a2[s, d]) + b4            node_mlp_1.3     a2 = max(z2, 0)
    z5[d]    = W5 [h[d], mean[d]] + b5                      node_mlp_2.0     a5 = max(z5, 0)
    pool     = W6 (mean over d of a5[d]) + b6               node_mlp_2.3
    y        = W8 max(W7 pool + b7, 0) + b8                 global_mlp.0, global_mlp.3

Three products are over pairs of tracks, one forwards and two backwards; all others are over tracks.
It is the same rule to rounding, except where an output of edge_mlp.3, node_mlp_1.3 or node_mlp_2.3
is exactly zero by cancellation of terms that are not: the general engine stops there, this goes on
with terms that add up to zero.

No account is what is missing: every entry of the ledger is added up from its own terms, by jet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from lrp_core.edge_rows import EdgeRows
from lrp_core.explanation import Ledger, LedgerRow
from lrp_core.found import Found
from lrp_core.ledger_book import sums_by_jet
from lrp_core.pair_table import Block, PairTable
from lrp_core.products import product
from lrp_core.rules import Layer

# (c, a, 0, grad_input=out): c where a is above zero, else 0; one pass, where a sign would take two
where_live = torch.ops.aten.threshold_backward.grad_input


class Flow(NamedTuple):
    """What was found before anything is added up.

    logits, start  [n_jets, n_classes]
    tracks         [n_jets, n_tracks, n_columns]
    terms          of the entries of the ledger; the rows of each belong to the jets in turn
    """

    logits: Tensor
    start: Tensor
    tracks: Tensor
    edges: EdgeRows
    terms: list[Tensor]


@dataclass(frozen=True, eq=False)
class ZeroPath:
    """The interaction network with its weights as they are now, explained by LRP-0 at every stage.

    layers            the eight affine maps in the order of the network, BatchNorm folded in
    scale, shift      what the BatchNorm on the input does to each column [n_columns]
    norm, mean, pool  the stages that are this BatchNorm and the two means
    """

    layers: list[Layer]
    scale: Tensor
    shift: Tensor
    norm: str
    mean: str
    pool: str

    def explain(self, tracks: Tensor, weights: Tensor, *, rows: bool = True) -> Found:
        """Explain jets of the same number of tracks, at least two, all joined.

        tracks [n_jets, n_tracks, n_columns]; weights [n_classes], what each logit counts at the
        start; rows: whether to write out every edge's row. Raises PropagationError where logits or
        relevance are not finite.
        """
        flow = self.flow(tracks, weights, rows=rows)
        ledgers = [self._ledger(sums) for sums in sums_by_jet(flow.terms, len(tracks))]
        edges = flow.edges
        shares = edges.rows, edges.significance(), edges.sums
        return Found(flow.logits, flow.start, flow.tracks, *shares, ledgers)

    def flow(self, tracks: Tensor, weights: Tensor, *, rows: bool) -> Flow:
        """The same, with terms of the ledger's entries instead of the entries."""
        n_jets, n, f = tracks.shape
        (w1, b1), (w3, b3), (w2, b2), (w4, b4), (w5, b5), (w6, b6), (w7, b7), (w8, b8) = [
            (layer.weight, layer.bias) for layer in self.layers
        ]
        w_s, w_d, w_h, w_e = w1[:, :f], w1[:, f:], w2[:, :f], w2[:, f:]
        h = torch.addcmul(self.shift, tracks, self.scale)

        # Forwards over the edges.
        merged, b_e = torch.mm(w_e, w3), torch.mv(w_e, b3)
        from_source, from_destination = linear(h, w_s, b1), linear(h, w_d)
        to_message = linear(h, w_h, b2 + b_e)
        pairs = PairTable(n_jets, n)
        edges = EdgeRows(pairs, h, rows=rows)

        def run(block: Block) -> tuple[Tensor, Tensor]:
            a1 = pairs.pair_up(from_source, from_destination, block).clamp_(min=0)
            a2 = pairs.add_source(product(a1, merged), to_message, block).clamp_(min=0)
            pairs.clear_diagonal(a2, block)
            return a1, a2

        kept, total = [], None
        for block in pairs.blocks:
            a1, a2 = run(block)
            total = pairs.plus(total, pairs.view(a2, block).sum(dim=1))
            kept.append((a1, a2) if pairs.kept else None)
        assert total is not None

        # Forwards over tracks and jets, and back.
        mean = torch.addmm(b4, total.flatten(0, 1), w4.T, alpha=1 / (n - 1)).view(n_jets, n, -1)
        seen = torch.cat([h, mean], dim=2)
        a5 = linear(seen, w5, b5).clamp_(min=0)
        mean_5 = a5.sum(dim=1).div_(n)
        pool = linear(mean_5, w6, b6)
        a6 = linear(pool, w7, b7).clamp_(min=0)
        logits = linear(a6, w8, b8)
        start = logits * weights
        c6 = torch.mv(w8.T, weights)
        to_a6 = a6 * c6
        s6 = a6.sign_().mul_(c6)
        c_pool = torch.mm(s6, w7)
        c5 = torch.mm(c_pool, w6)
        s5 = a5.sign_().mul_((c5 / n)[:, None])
        c = torch.matmul(s5, w5)
        at_tracks = seen * c
        directly, back = at_tracks.split_with_sizes([f, c.shape[2] - f], dim=2)
        c_mean = c[..., f:]
        up = torch.matmul(c_mean, w4).div_(n - 1)

        # Backwards over the edges.
        to_back = torch.cat([w_h, merged], dim=1).T
        by_source_2, by_source_1, into_1 = [], [], None
        for block, values in zip(pairs.blocks, kept, strict=True):
            s1, s2 = values or run(block)
            s2_table, s1_table = pairs.view(s2, block), pairs.view(s1, block)
            where_live(up[:, None], s2_table, 0, grad_input=s2_table)
            to_source, c1 = product(s2, to_back).split_with_sizes([f, s1.shape[1]], dim=1)
            where_live(c1, s1, 0, grad_input=s1)
            by_source_2.append(s2_table.sum(dim=2))
            by_source_1.append(s1_table.sum(dim=2))
            into_1 = pairs.plus(into_1, s1_table.sum(dim=1))
            found = product(s1, w1.T)
            found[:, :f].add_(to_source)
            row = pairs.view(found, block)
            row[..., :f].mul_(h[:, block.sources, None])
            row[..., f:].mul_(h[:, None])
            edges.write(row, block)
        of_2, of_1 = pairs.joined(by_source_2), pairs.joined(by_source_1)
        assert into_1 is not None
        message = torch.matmul(of_2, w_h).mul_(h)
        source = torch.matmul(of_1, w_s).mul_(h)
        destination = torch.matmul(into_1, w_d).mul_(h)
        result = (message + source).add_(destination).add_(directly)

        s2, s1 = of_2.sum(dim=1), of_1.sum(dim=1)
        terms = [
            *(start, (weights * b8).expand_as(start)),
            *(to_a6, s6 * b7),
            *(pool * c_pool, c_pool * b6),
            *(mean_5 * c5, torch.matmul(s5, b5)),
            *(directly, back, torch.matmul(c_mean, b4)),
            *(up * total, message, s2 * b2),
            *(s2 * b_e, from_source * of_1, from_destination * into_1),
            *(source, destination, s1 * b1),
            result,
        ]
        return Flow(logits, start, result, edges, terms)

    def _ledger(self, sums: list[float]) -> Ledger:
        """A jet's ledger, of the sums of the terms in the order in which ``flow`` has them."""
        y, bias_8, a6, bias_7, pool, bias_6, a5, bias_5, directly, mean, bias_4, a2 = sums[:12]
        message, bias_2, bias_3, a1_source, a1_destination, source, destination = sums[12:19]
        bias_1, tracks = sums[19:]
        a1 = a1_source + a1_destination
        e = a1 + bias_3  # what edge_mlp.3 received, which is never formed
        edge_0, edge_3, node_0, node_3, track_0, track_3, jet_0, jet_3 = [
            layer.name for layer in self.layers
        ]
        rows = (
            (jet_3, y, bias_8, ("input", a6, jet_0)),
            (jet_0, a6, bias_7, ("input", pool, self.pool)),
            (self.pool, pool, 0.0, ("input", pool, track_3)),
            (track_3, pool, bias_6, ("input", a5, track_0)),
            (track_0, a5, bias_5, ("self", directly, self.norm), ("mean", mean, self.mean)),
            (self.mean, mean, 0.0, ("input", mean, node_3)),
            (node_3, mean, bias_4, ("input", a2, node_0)),
            (node_0, a2, bias_2, ("source", message, self.norm), ("edge", e, edge_3)),
            (edge_3, e, bias_3, ("input", a1, edge_0)),
            (
                edge_0,
                a1,
                bias_1,
                ("source", source, self.norm),
                ("destination", destination, self.norm),
            ),
            (self.norm, tracks, 0.0, ("input", tracks, "tracks")),
        )
        return Ledger(tuple([_row(*row) for row in rows]))


def _row(stage: str, received: float, bias: float, *inputs: tuple[str, float, str]) -> LedgerRow:
    """A row of the ledger. inputs: port, what it got, and the stage whose output it is"""
    passed, origins = {}, {}
    for port, amount, origin in inputs:
        name = f"{stage}:{port}"
        passed[name], origins[name] = amount, origin
    return LedgerRow(stage, received, passed, bias, 0.0, origins)
