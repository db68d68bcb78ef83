"""``jetlrp compare FILE FILE``: how far the jets of one file are from those of another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lrp_core.errors import JetFileError
from lrp_core.features import FEATURES

if TYPE_CHECKING:
    from rich.console import Console

    from lrp_core.comparison import Comparison
    from lrp_core.reading import JetFiles


def run(
    first: str,
    second: str,
    *,
    tree: str | None = None,
    columns: Mapping[str, str] | None = None,
    padding: str | None = None,
    console: Console | None = None,
) -> Comparison:
    """Print medians and KS distances of every feature in both files, class by class.

    And, for each class, the AUC of a small network that tells the jets of the files apart by the
    medians of their tracks' features: 0.5 if it cannot.

    tree, columns, padding  as for ``open_jets``; tree and columns may fit one of the files alone,
                            and the other is then read without them, which is said

    Raises JetFileError where a file cannot be read.
    """
    from rich.console import Console
    from rich.table import Table

    from lrp_core.comparison import compare
    from lrp_core.jet_arrays import read_jet_arrays

    printed = console or Console(highlight=False)
    read = []
    for path in (first, second):
        with _opened(path, tree, columns or {}, padding, printed) as jets:
            read.append(read_jet_arrays(jets, tuple(FEATURES)))
        if left_out := read[-1].left_out_line():
            printed.print(f"{jets.name}: {left_out}", markup=False)
    one, two = read
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


def _opened(
    path: str,
    tree: str | None,
    columns: Mapping[str, str],
    padding: str | None,
    printed: Console,
) -> JetFiles:
    """One of the files, read without tree and columns where they are of the other one."""
    from lrp_core.reading import open_jets

    try:
        return open_jets(path, tree=tree, columns=columns, padding=padding)
    except JetFileError:
        if tree is None and not columns:
            raise
        try:
            jets = open_jets(path, padding=padding)
        except JetFileError:
            jets = None
        if jets is None:
            raise  # what is wrong with it as it was asked for
    printed.print(f"{jets.name}: read without --tree and --column, which do not fit it")
    return jets
