"""``jetlrp compare FILE FILE``: how far the jets of one file are from those of another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lrp_core.features import FEATURES

if TYPE_CHECKING:
    from rich.console import Console

    from lrp_core.comparison import Comparison


def run(first: str, second: str, *, console: Console | None = None) -> Comparison:
    """Print medians and KS distances of every feature in both files, class by class.

    And, for each class, the AUC of a small network that tells the jets of the files apart by the
    medians of their tracks' features: 0.5 if it cannot.
    Raises JetFileError where a file cannot be read.
    """
    from rich.console import Console
    from rich.table import Table

    from lrp_core.comparison import compare
    from lrp_core.jet_arrays import read_jet_arrays

    printed = console or Console(highlight=False)
    one, two = (read_jet_arrays([path], tuple(FEATURES)) for path in (first, second))
    comparison = compare(one, two)
    for label in comparison.domain_auc:
        table = Table(title=f"{label}: {Path(first).name} and {Path(second).name}")
        table.add_column("quantity")
        for name in ("median of the first", "of the second", "KS", "noise"):
            table.add_column(name, justify="right")
        for row in comparison.distances:
            if row.label == label:
                table.add_row(
                    row.quantity,
                    f"{row.first_median:.4g}",
                    f"{row.second_median:.4g}",
                    f"{row.ks:.3f}",
                    f"{row.noise:.3f}",
                )
        printed.print(table)
    for label, value in comparison.domain_auc.items():
        printed.print(f"{label}: a small network tells the files apart with AUC {value:.3f}")
    return comparison
