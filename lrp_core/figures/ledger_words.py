"""The ledger of an explanation in words: stages, parts and ways."""

from __future__ import annotations

import re
from collections.abc import Sequence

# What the parts of the interaction network are called: in full, and where room is short.
GROUPS = {
    "global_mlp": ("jet network", "jet"),
    "node_mlp_2": ("track network", "track"),
    "node_mlp_1": ("message network", "message"),
    "edge_mlp": ("edge network", "edge"),
    "pool": ("mean over tracks", "mean"),
    "mean": ("mean over messages", "mean"),
    "input_norm": ("input, standardised", "input"),
}
# And the ways to its input.
WAYS = {
    "edge_mlp.0:source": "edge source",
    "edge_mlp.0:destination": "edge destination",
    "node_mlp_1.0:source": "message source",
    "node_mlp_2.0:self": "direct",
}
ORDINALS = ("1st", "2nd", "3rd")


def group_of(stage: str) -> str:
    """The part of the network a stage belongs to: "edge_mlp.0" -> "edge_mlp"."""
    return re.sub(r"\.\d+$", "", stage)


def plain_words(name: str) -> str:
    """A name of code as words."""
    return name.replace("_", " ")


def group_words(group: str) -> str:
    """A part of the network in words."""
    return GROUPS.get(group, (plain_words(group),))[0]


def short_group_words(group: str) -> str:
    """The same in few letters."""
    return GROUPS[group][1] if group in GROUPS else plain_words(group)


def stage_words(stage: str, stages: Sequence[str]) -> str:
    """A stage in words: "message network, 2nd layer"."""
    group = group_of(stage)
    layers = sorted(
        (other for other in stages if group_of(other) == group and other != group),
        key=lambda other: int(other[len(group) + 1 :]),
    )
    if stage == group or len(layers) < 2:
        return group_words(group)
    at = layers.index(stage)
    ordinal = ORDINALS[at] if at < len(ORDINALS) else f"{at + 1}th"
    return f"{group_words(group)}, {ordinal} layer"


def way_words(port: str, stage: str) -> str:
    """A way in words: "edge source"; of a network of one's own, its group and the way's name."""
    if port in WAYS:
        return WAYS[port]
    way = port.rpartition(":")[2]
    group = group_words(group_of(stage))
    return group if way == "input" else f"{group}, {plain_words(way)}"
