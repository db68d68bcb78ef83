"""Networks of many kinds, small and plain, as people write them: the zoo.

Each is of this project's own making; names say which published kind it is of.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch_geometric.nn import GATConv, GINConv, MessagePassing, SAGEConv, global_mean_pool
from torch_geometric.utils import scatter


def mlp(n_in: int, n_out: int, hidden: int = 8) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_in, hidden), nn.ReLU(), nn.Linear(hidden, n_out))


def pooled(x: Tensor, batch: Tensor | None) -> Tensor:
    """The mean over the tracks of each jet."""
    batch = x.new_zeros(len(x), dtype=torch.int64) if batch is None else batch
    return scatter(x, batch, dim=0, reduce="mean")


# --------------------------------------------------------------- padded: (points, features, mask)


class EdgeConv(nn.Module):
    """The k nearest tracks, a perceptron of (x_i, x_j - x_i), their mean, and a shortcut."""

    def __init__(self, k: int, n_in: int, n_out: int) -> None:
        super().__init__()
        self.k = k
        self.first = nn.Conv2d(2 * n_in, n_out, 1, bias=False)
        self.norm = nn.BatchNorm2d(n_out)
        self.second = nn.Conv2d(n_out, n_out, 1, bias=False)
        self.norm_2 = nn.BatchNorm2d(n_out)
        self.shortcut = nn.Conv1d(n_in, n_out, 1, bias=False)
        self.norm_s = nn.BatchNorm1d(n_out)

    def forward(self, points: Tensor, x: Tensor) -> Tensor:
        n_jets, n_columns, n_tracks = x.shape
        square = (points**2).sum(1, keepdim=True)
        distance = square + square.transpose(1, 2) - 2 * points.transpose(1, 2) @ points
        near = distance.topk(self.k + 1, dim=-1, largest=False)[1][:, :, 1:]
        start = torch.arange(n_jets, device=x.device).view(-1, 1, 1) * n_tracks
        rows = x.transpose(1, 2).reshape(-1, n_columns)
        neighbours = rows[(near + start).view(-1)]
        neighbours = neighbours.view(n_jets, n_tracks, self.k, n_columns).permute(0, 3, 1, 2)
        own = x.unsqueeze(-1).repeat(1, 1, 1, self.k)
        message = torch.cat([own, neighbours - own], 1)
        message = torch.relu(self.norm(self.first(message)))
        message = torch.relu(self.norm_2(self.second(message)))
        return torch.relu(self.norm_s(self.shortcut(x)) + message.mean(-1))


class ParticleNet(nn.Module):
    """EdgeConv twice, the second time in the space that the first one made; padding masked."""

    def __init__(self, n_columns: int = 5, k: int = 3, width: int = 8, n_blocks: int = 2) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(n_columns)
        widths = [n_columns, *[width] * n_blocks]
        self.blocks = nn.ModuleList(
            EdgeConv(k, n_in, n_out) for n_in, n_out in itertools.pairwise(widths)
        )
        self.fc = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, 2)
        )

    def forward(self, points: Tensor, features: Tensor, mask: Tensor) -> Tensor:
        far = (mask == 0) * 1e6
        x = self.bn(features) * mask
        for number, block in enumerate(self.blocks):
            space = (points if number == 0 else x) + far
            x = block(space, x) * mask
        return self.fc(x.sum(-1) / mask.sum(-1))


class PairEmbedding(nn.Module):
    """ln Δ and ln kT of every pair, embedded: a number for each head."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Conv1d(2, 8, 1), nn.GELU(), nn.Conv1d(8, heads, 1))

    def forward(self, vectors: Tensor) -> Tensor:
        n_jets, _, n = vectors.shape
        pt, eta, phi = vectors.unbind(1)
        delta = (
            (eta[:, :, None] - eta[:, None]) ** 2 + (phi[:, :, None] - phi[:, None]) ** 2
        ) + 1e-3
        kt = torch.minimum(pt[:, :, None].abs(), pt[:, None].abs()) * delta.sqrt() + 1e-3
        pairs = torch.stack([delta.log(), kt.log()], 1).view(n_jets, 2, n * n)
        return self.embed(pairs).view(n_jets, -1, n, n)


class Block(nn.Module):
    """Attention and a perceptron, with norms and shortcuts; pairs bias the attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.fc = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, bias: Tensor, padding: Tensor) -> Tensor:
        h = self.norm_1(x)
        bias = bias.flatten(0, 1)
        closed = torch.zeros_like(padding, dtype=x.dtype).masked_fill(padding, -math.inf)
        h, _ = self.attn(h, h, h, attn_mask=bias, key_padding_mask=closed, need_weights=False)
        x = x + h
        return x + self.fc(self.norm_2(x))


class ClassBlock(nn.Module):
    """A token attends to itself and to all tracks."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.fc = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, token: Tensor, x: Tensor, padding: Tensor) -> Tensor:
        seen = self.norm(torch.cat([token, x], 1))
        padding = torch.cat([padding.new_zeros(len(padding), 1), padding], 1)
        h, _ = self.attn(token, seen, seen, key_padding_mask=padding, need_weights=False)
        token = token + h
        return token + self.fc(token)


class ParticleTransformer(nn.Module):
    """Blocks of attention biased by pairs, then a class token."""

    def __init__(
        self, n_columns: int = 5, width: int = 8, heads: int = 2, n_blocks: int = 2
    ) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.LayerNorm(n_columns), nn.Linear(n_columns, width), nn.GELU())
        self.pairs = PairEmbedding(heads)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(n_blocks))
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.class_block = ClassBlock(width, heads)
        self.norm = nn.LayerNorm(width)
        self.fc = nn.Linear(width, 2)

    def forward(self, features: Tensor, vectors: Tensor, mask: Tensor) -> Tensor:
        padding = ~mask.squeeze(1).bool()
        bias = self.pairs(vectors)
        x = self.embed(features.transpose(1, 2)).masked_fill(padding.unsqueeze(-1), 0)
        for block in self.blocks:
            x = block(x, bias, padding)
        token = self.class_block(self.token.expand(len(x), -1, -1), x, padding)
        return self.fc(self.norm(token).squeeze(1))


class SwiGLU(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate, self.up = nn.Linear(width, 2 * width), nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(nn.functional.silu(self.gate(x)) * self.up(x))


class ModernTransformer(nn.Module):
    """RMSNorm, SwiGLU and fused attention, tracks padded and masked by key."""

    def __init__(self, n_columns: int = 5, width: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.embed = nn.Linear(n_columns, width)
        self.norm_1, self.norm_2 = nn.RMSNorm(width), nn.RMSNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width)
        self.swiglu, self.heads = SwiGLU(width), heads
        self.fc = nn.Linear(width, 2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.embed(x)
        n_jets, n, width = x.shape
        parts = self.qkv(self.norm_1(x)).view(n_jets, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = parts.unbind(0)
        seen = mask.view(n_jets, 1, 1, n).bool()
        h = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        x = x + self.out(h.transpose(1, 2).reshape(n_jets, n, width))
        x = x + self.swiglu(self.norm_2(x))
        mask = mask.unsqueeze(-1)
        return self.fc((x * mask).sum(1) / mask.sum(1))


class TorchEncoder(nn.Module):
    """torch's own encoder with its key padding mask, which it would run in one fused kernel."""

    def __init__(self, n_columns: int = 5, width: int = 8) -> None:
        super().__init__()
        self.embed = nn.Linear(n_columns, width)
        layer = nn.TransformerEncoderLayer(width, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.fc = nn.Linear(width, 2)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        x = self.encoder(self.embed(x), src_key_padding_mask=padding)
        return self.fc(x.masked_fill(padding.unsqueeze(-1), 0.0).sum(1))


class ParticleFlow(nn.Module):
    """PFN: every track by itself, added up."""

    def __init__(self, n_columns: int = 5) -> None:
        super().__init__()
        self.phi, self.f = mlp(n_columns, 8), mlp(8, 2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.f((self.phi(x) * mask.unsqueeze(-1)).sum(1))


# ---------------------------------------------------------------- graphs: (x, edge_index, batch)


class Attention(nn.Module):
    """Two graph attention layers."""

    def __init__(self, n_columns: int = 5) -> None:
        super().__init__()
        self.conv_1 = GATConv(n_columns, 4, heads=2)
        self.conv_2 = GATConv(8, 6, heads=2, concat=False)
        self.fc = nn.Linear(6, 2)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        x = torch.relu(self.conv_1(x, edge_index))
        return self.fc(pooled(torch.relu(self.conv_2(x, edge_index)), batch))


class Isomorphism(nn.Module):
    """Two GIN layers."""

    def __init__(self, n_columns: int = 5) -> None:
        super().__init__()
        self.conv_1 = GINConv(mlp(n_columns, 8), train_eps=True)
        self.conv_2 = GINConv(mlp(8, 8))
        self.fc = nn.Linear(8, 2)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        x = torch.relu(self.conv_1(x, edge_index))
        return self.fc(global_mean_pool(self.conv_2(x, edge_index), batch))


class Sage(nn.Module):
    """Two SAGE layers: means, then the largest."""

    def __init__(self, n_columns: int = 5) -> None:
        super().__init__()
        self.conv_1 = SAGEConv(n_columns, 8)
        self.conv_2 = SAGEConv(8, 8, aggr="max")
        self.fc = nn.Linear(8, 2)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        x = torch.relu(self.conv_1(x, edge_index))
        return self.fc(pooled(torch.relu(self.conv_2(x, edge_index)), batch))


class MaxMessages(MessagePassing):
    """EdgeConv of PyTorch Geometric's kind: the largest of a perceptron of (x_i, x_j - x_i)."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(aggr="max")
        self.nn = mlp(2 * n_in, n_out)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return self.propagate(edge_index, x=x)

    def message(self, x_i: Tensor, x_j: Tensor) -> Tensor:
        return self.nn(torch.cat([x_i, x_j - x_i], dim=-1))


class DynamicEdges(nn.Module):
    def __init__(self, n_columns: int = 5) -> None:
        super().__init__()
        self.conv, self.fc = MaxMessages(n_columns, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        return self.fc(pooled(self.conv(x, edge_index), batch))


class DeepSets(nn.Module):
    """The largest over the tracks; one jet."""

    def __init__(self, n_columns: int = 5) -> None:
        super().__init__()
        self.phi, self.f = mlp(n_columns, 8), mlp(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.f(self.phi(x).max(dim=0, keepdim=True)[0])


class Shared(nn.Module):
    """One module used three times, with shortcuts."""

    def __init__(self, n_columns: int = 5, width: int = 6) -> None:
        super().__init__()
        self.first, self.again = nn.Linear(n_columns, width), mlp(width, width)
        self.norm, self.fc = nn.BatchNorm1d(width), nn.Linear(width, 2)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        x = self.first(x)
        for _ in range(3):
            x = x + self.again(self.norm(x))
        return self.fc(pooled(x, batch))


class InPlace(nn.Module):
    """Writes into what it has, through views too."""

    def __init__(self, n_columns: int = 5, width: int = 6) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(n_columns, width), nn.Linear(n_columns, width)
        self.fc = nn.Linear(2 * width, 2)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        x.mul_(2.0)
        both = x.new_zeros(len(x), self.fc.in_features)
        half = both[:, : self.left.out_features]
        half += self.left(x)
        both[:, self.left.out_features :] = self.right(x)
        half.mul_(1.5)
        both[both.sum(1) > 1e9] = 0.0
        source, destination = edge_index
        total = both.clone()
        total.index_add_(0, destination, both[source] * 0.1)
        total[0] += 0.5
        total.relu_()
        return self.fc(pooled(total, batch))


class TwoKinds(nn.Module):
    """Tracks and vertices: every vertex sends to every track, and both are pooled."""

    def __init__(self, n_track: int = 5, n_vertex: int = 3) -> None:
        super().__init__()
        self.pair, self.track = mlp(n_track + n_vertex, 6), mlp(n_track + 6, 6)
        self.vertex, self.fc = mlp(n_vertex, 4), nn.Linear(10, 2)

    def forward(
        self, pf: Tensor, sv: Tensor, edges: Tensor, pf_jet: Tensor, sv_jet: Tensor
    ) -> Tensor:
        vertex, track = edges
        message = self.pair(torch.cat([pf[track], sv[vertex]], 1))
        heard = scatter(message, track, dim=0, dim_size=len(pf), reduce="sum")
        tracks = self.track(torch.cat([pf, heard], 1))
        both = torch.cat([pooled(tracks, pf_jet), pooled(self.vertex(sv), sv_jet)], 1)
        return self.fc(torch.relu(both))


class Adjacency(nn.Module):
    """A dense adjacency matrix made from the edges, as written without any library."""

    def __init__(self, n_columns: int = 5) -> None:
        super().__init__()
        self.first, self.second, self.fc = nn.Linear(n_columns, 6), nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        near = x.new_zeros(len(x), len(x))
        near[edge_index[1], edge_index[0]] = 1.0
        near = near / near.sum(1, keepdim=True).clamp(min=1)
        x = torch.relu(self.first(x) + near @ self.first(x))
        return self.fc(torch.relu(near @ self.second(x)).mean(0, keepdim=True))
