"""How well a network tells jets apart: AUC, background rejection, by class and by pT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lrp_core.errors import TrainingError
from lrp_core.jet_arrays import JetArrays
from lrp_core.labels import KINDS

Array = npt.NDArray[np.float64]

EFFICIENCIES = (0.3, 0.5, 0.7)
PT_BINS = (200.0, 400.0, 700.0, 1100.0, 2000.0, 5000.0)
BOOTSTRAPS = 200


@dataclass(frozen=True)
class Rejection:
    """Background rejection at one signal efficiency.

    efficiency: share of signal kept; passed: background jets kept; rate: share of background kept
    and its standard deviation; rejection: 1 / rate, infinite if none was kept; low, high: 68 %
    interval of the rejection, from the Wilson interval of the rate.
    """

    efficiency: float
    passed: int
    rate: float
    rejection: float
    low: float
    high: float


@dataclass(frozen=True)
class Performance:
    """What a set of scores is worth.

    n_signal, n_background: jets; auc and its standard deviation (bootstrap); rejections.
    """

    n_signal: int
    n_background: int
    auc: float
    auc_error: float
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True)
class Evaluation:
    """Performance on all jets, per class of background against all signal, and per bin of pT."""

    overall: Performance
    by_class: dict[str, Performance]
    by_pt: dict[str, Performance]


def auc(score: Array, signal: npt.NDArray[np.bool_]) -> float:
    """Probability that a signal jet has the higher score, ties counting one half."""
    values = np.sort(score[~signal])
    below = np.searchsorted(values, score[signal], side="left")
    up_to = np.searchsorted(values, score[signal], side="right")
    return float((below + up_to).mean() / (2 * len(values)))


def roc(score: Array, signal: npt.NDArray[np.bool_]) -> tuple[Array, Array]:
    """Signal efficiency and background rate at every threshold, from strict to loose, [n + 1]."""
    order = np.argsort(-score, kind="stable")
    hit = signal[order]
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    efficiency = np.append(0.0, np.cumsum(hit)[ends] / max(hit.sum(), 1))
    rate = np.append(0.0, np.cumsum(~hit)[ends] / max((~hit).sum(), 1))
    return efficiency, rate


def rejection(score: Array, signal: npt.NDArray[np.bool_], efficiency: float) -> Rejection:
    """Background rejection at a signal efficiency."""
    ranked = np.sort(score[signal])[::-1]
    threshold = ranked[max(int(np.ceil(efficiency * len(ranked))) - 1, 0)]
    total = int((~signal).sum())
    passed = int((score[~signal] >= threshold).sum())
    low, high = wilson(passed, total)
    return Rejection(
        efficiency,
        passed,
        passed / total,
        total / passed if passed else float("inf"),
        1.0 / high,
        1.0 / low if low > 0 else float("inf"),
    )


def wilson(passed: int, total: int) -> tuple[float, float]:
    """68 % interval of a share (E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209)."""
    share, spread = passed / total, 1.0 / total
    centre = (share + spread / 2) / (1 + spread)
    half = np.sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return max(float(centre - half), 0.0), min(float(centre + half), 1.0)


def measure_scores(score: Array, signal: npt.NDArray[np.bool_], seed: int = 0) -> Performance:
    """Performance of scores [n] (higher: more like signal) with statistical uncertainties."""
    n_signal, n_background = int(signal.sum()), int((~signal).sum())
    if not n_signal or not n_background:
        raise TrainingError(
            f"{n_signal} signal and {n_background} background jets; measuring takes both"
        )
    rng = np.random.default_rng(seed)
    good, poor = score[signal], score[~signal]
    draws = []
    for _ in range(BOOTSTRAPS):
        mixed = np.concatenate(
            [
                good[rng.integers(0, n_signal, n_signal)],
                poor[rng.integers(0, n_background, n_background)],
            ]
        )
        draws.append(auc(mixed, np.arange(len(mixed)) < n_signal))
    return Performance(
        n_signal,
        n_background,
        auc(score, signal),
        float(np.std(draws)),
        tuple(rejection(score, signal, efficiency) for efficiency in EFFICIENCIES),
    )


def evaluate_scores(score: Array, jets: JetArrays) -> Evaluation:
    """Performance on all jets, by background class (against all signal) and by jet pT (GeV)."""
    by_class, by_pt = {}, {}
    for number, name in enumerate(KINDS[:-1]):
        chosen = jets.signal | (jets.kind == number)
        if (chosen & ~jets.signal).any() and jets.signal.any():
            by_class[name] = measure_scores(score[chosen], jets.signal[chosen])
    for low, high in pairwise(PT_BINS):
        chosen = (jets.pt >= low) & (jets.pt < high)
        if (chosen & jets.signal).any() and (chosen & ~jets.signal).any():
            name = f"{low:g}-{high:g} GeV"
            by_pt[name] = measure_scores(score[chosen], jets.signal[chosen])
    return Evaluation(measure_scores(score, jets.signal), by_class, by_pt)


def lines(evaluation: Evaluation) -> Sequence[str]:
    """The evaluation in words, a line for each part."""
    out = [_line("all jets", evaluation.overall)]
    out += [_line(name, part) for name, part in evaluation.by_class.items()]
    out += [_line(name, part) for name, part in evaluation.by_pt.items()]
    return out


def _line(name: str, part: Performance) -> str:
    at = ", ".join(
        f"{r.rejection:.0f} ({r.low:.0f} to {r.high:.0f}) at {r.efficiency:.0%}"
        for r in part.rejections
    )
    return (
        f"{name:16s} {part.n_signal:6d} signal {part.n_background:6d} background  "
        f"AUC {part.auc:.4f} ± {part.auc_error:.4f}  rejection {at}"
    )
