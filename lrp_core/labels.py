"""What a jet is labelled as, from the branches of HiggsToBBNtuple: the one rule for all readers.

``label_QCD_*`` is set for every jet that no Higgs boson was matched to, in signal samples too. So a
jet is background where such a label is set and its sample is one of QCD (``sample_isQCD``). A file
without ``sample_isQCD`` has the labels alone, one without ``label_QCD_*`` the sample alone. A jet
without any of these is of neither class.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

HBB, QCD = "hbb", "qcd"
LABELS = (HBB, QCD)

HBB_LABEL = "label_H_bb"
QCD_SAMPLE, QCD_LABEL_PREFIX = "sample_isQCD", "label_QCD_"
KINDS = ("QCD_b", "QCD_bb", "QCD_c", "QCD_cc", "QCD_others", "H_bb")
NO_KIND = -1
EXPECTED = f"{HBB_LABEL}, and {QCD_LABEL_PREFIX}* with {QCD_SAMPLE}"


def is_label(name: str) -> bool:
    """Whether a branch says something of the label of its jet."""
    return name in (HBB_LABEL, QCD_SAMPLE) or name.startswith(QCD_LABEL_PREFIX)


def labels_among(names: Iterable[str]) -> tuple[str, ...]:
    """The labels that jets can have where there are branches of these names."""
    there = [name for name in names if is_label(name)]
    return (
        *((HBB,) if HBB_LABEL in there else ()),
        *((QCD,) if any(name != HBB_LABEL for name in there) else ()),
    )


def labels_of(numbers: Mapping[str, npt.NDArray[Any]], n_jets: int) -> npt.NDArray[np.object_]:
    """The label of each jet [n_jets]: "hbb", "qcd" or None.

    numbers  branch -> its value for each jet [n_jets]; a label is set where it is above 0
    "hbb" goes first, where a file sets both for one jet.
    """
    labels = np.full(n_jets, None, dtype=object)
    kinds = [values > 0 for name, values in numbers.items() if name.startswith(QCD_LABEL_PREFIX)]
    qcd = np.logical_or.reduce(kinds) if kinds else np.full(n_jets, QCD_SAMPLE in numbers)
    if QCD_SAMPLE in numbers:
        qcd = qcd & (numbers[QCD_SAMPLE] > 0)
    labels[qcd] = QCD
    if HBB_LABEL in numbers:
        labels[numbers[HBB_LABEL] > 0] = HBB
    return labels


def kinds_of(
    numbers: Mapping[str, npt.NDArray[Any]], labels: npt.NDArray[np.object_]
) -> npt.NDArray[np.int8]:
    """The number in ``KINDS`` of each jet [n_jets], of its own label's; else ``NO_KIND``."""
    kinds = np.full(len(labels), NO_KIND, np.int8)
    for number, kind in enumerate(KINDS):
        label = f"label_{kind}"
        if label in numbers:
            of = HBB if label == HBB_LABEL else QCD
            kinds[(numbers[label] > 0) & (labels == of)] = number
    return kinds
