"""A table: arrays of one length side by side, cut and joined together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt


class Table:
    """Base of the frozen dataclasses here whose fields are arrays of one length, one row each.

    ``len(table)`` rows; ``table.take(rows)`` with a mask or numbers; ``Table.join([a, b])``.
    """

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))  # type: ignore[arg-type]

    def take(self, rows: npt.NDArray[Any]) -> Self:
        """The rows of a mask [n] or of row numbers [m]."""
        return type(self)(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})  # type: ignore[arg-type]

    @classmethod
    def join(cls, tables: Sequence[Self]) -> Self:
        """The rows of all tables, one table after the other."""
        return cls(
            **{
                f.name: np.concatenate([getattr(table, f.name) for table in tables])
                for f in fields(cls)  # type: ignore[arg-type]
            }
        )


def ranges(
    starts: npt.NDArray[np.integer], counts: npt.NDArray[np.integer]
) -> npt.NDArray[np.int64]:
    """start, start + 1, ... (``count`` numbers) for every start, one run after the other.

    starts [n], counts [n] -> [sum of counts]
    """
    total = int(counts.sum())
    first = np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray(np.repeat(starts, counts).astype(np.int64) + np.arange(total) - first)
