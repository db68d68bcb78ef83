"""What the heat map says of a cell, a column or the sum of all that is pointed at."""

from __future__ import annotations

import math
from typing import Any

from lrp_core.figures.arrangement import Arrangement, Column
from lrp_core.figures.numbers import signed, significant
from lrp_core.figures.part_words import in_unit, sign_of, stance
from lrp_core.figures.picture import Part
from lrp_core.figures.scene import Scene


def total_part(says: Arrangement) -> Part:
    """All cells together."""
    return Part("All tracks" if says.adds_up else "It does not add up", note=says.sentence)


def column_part(scene: Scene, says: Arrangement, column: Column) -> Part:
    """A feature, summed over all tracks."""
    about, sums = scene.feature(column.name), column.sums
    sign = sign_of(sums.net)
    unit = f" ({about.unit})" if about.unit else ""
    return Part(
        f"{plain_title(column)}{unit}",
        (
            ("group", column.group, 0),
            ("for", signed(sums.plus), 0),
            ("against", signed(sums.minus), 0),
            ("relevance", signed(sums.net), sign),
            ("speaks", stance(scene, sums.net), sign),
            ("rank", f"{says.ranks[column.name]} of {len(says.columns)}", 0),
        ),
        note=about.meaning,
    )


def plain_title(column: Column) -> str:
    """A feature's title without the marks of its indices."""
    return column.title.replace("_", "")


def cell_texts(scene: Scene, says: Arrangement) -> dict[str, Any]:
    """What the words of a cell are put together from, rows and columns as they stand.

    tracks, momenta      of the rows, the momenta in GeV
    features, titles     of the columns
    values, relevances   [row][column]
    speaks               what relevance speaks for, by the sign before it
    """
    values = [_values(scene, column.name) for column in says.columns]
    return {
        "tracks": [row.track for row in says.rows],
        "momenta": [significant(float(scene.pt[row.track]), 2) for row in says.rows],
        "features": [column.name for column in says.columns],
        "titles": [plain_title(column) for column in says.columns],
        "values": [[given[row.track] for given in values] for row in says.rows],
        "relevances": [[signed(value) for value in row] for row in says.cells.tolist()],
        "speaks": {"+": stance(scene, 1), "−": stance(scene, -1), "0": stance(scene, 0)},
    }


def _values(scene: Scene, name: str) -> list[str]:
    """What a feature is for each track."""
    given = scene.values.get(name)
    if given is None:
        return ["–"] * scene.n_tracks
    unit = scene.feature(name).unit
    return [in_unit(value, unit) if math.isfinite(value) else "–" for value in given.tolist()]
