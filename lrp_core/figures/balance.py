"""Whether all of an explained value is accounted for: in words, and stage by stage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from lrp_core.figures.numbers import fixed, minus, number, signed, significant

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation, Ledger

LIMIT = 1e-3  # the largest share that a sound explanation in float32 misses
MANY_TIMES = 10  # what is explained: relevance that is larger without signs mostly cancels

State = Literal["sound", "cancels", "broken", "unknown"]


@dataclass(frozen=True)
class Balance:
    """Whether tracks, biases and ε add up to the explained value.

    state   "sound"; "cancels": it adds up, but of relevance many times larger than what is
            explained, so that single tracks say next to nothing; "broken": something is missing;
            "unknown": a number is not finite
    text    how much is accounted for: "100.000 % accounted for"
    detail  how exactly, or what is wrong: "to 5.5 × 10⁻⁸", "the sum is off by −0.250"
    leaks   what each stage that loses some loses, in units of the explained value
    """

    state: State
    text: str
    detail: str
    leaks: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, explanation: Explanation) -> Balance:
        """That of an explanation."""
        return balance(
            explanation.ledger,
            value=explanation.value,
            tracks=explanation.totals.tracks,
            error=explanation.conservation_error,
            times=times_explained(
                explanation.track_relevance.sum(axis=1), explanation.value, explanation.logits
            ),
        )


def times_explained(relevance: npt.ArrayLike, value: float, logits: npt.ArrayLike) -> float:
    """How many times what is explained the tracks' relevance [n_tracks] is without its signs.

    What is explained: the value, or the largest logit where that is more, since a margin near zero
    is the difference of two. 0 where nothing is explained.
    """
    gross = float(np.abs(relevance).sum())
    scale = max(abs(value), float(np.abs(logits).max()))
    return gross / scale if scale else 0.0


def balance(
    ledger: Ledger,
    *,
    value: float,
    tracks: float,
    error: float,
    times: float = 0.0,
    limit: float = LIMIT,
) -> Balance:
    """The balance of a ledger.

    value, tracks  the explained output, and what of it reached the tracks
    error          what the explanation says of itself: a share of the value
    times          as ``times_explained`` says
    limit          the largest share that may be missing

    The worst of three counts, each as a share of the explained value, or of the largest account
    where that is more: what tracks, biases and ε miss of it; the explanation's own error; and what
    a single stage loses, even if another one makes up for it.
    """
    missing = _not_finite(ledger, value, tracks, error)
    if missing is not None:
        return Balance("unknown", "cannot be checked", missing)
    missed = tracks + ledger.bias + ledger.epsilon - value
    scale = max(abs(value), ledger.largest_account)

    def share(lost: float) -> float:
        if lost == 0:
            return 0.0
        return abs(lost) / scale if scale else math.inf

    given = _given(ledger)
    leaks = {}
    for row in ledger:
        unheard = given[row.stage] - row.received if row.stage in given else 0.0
        worst = max(row.error, unheard, key=abs)
        if share(worst) > limit:
            leaks[row.stage] = worst
    off = share(missed)
    worst_share = max(off, error)
    kept = 1 + off if off >= error and missed * value > 0 else 1 - worst_share
    text = f"{_percent(kept, sound=worst_share <= limit)} accounted for"
    if worst_share <= limit and not leaks and times > MANY_TIMES:
        much = (
            f"the tracks' relevance without its signs is {number(times, 0)} times what is explained"
        )
        return Balance("cancels", "adds up, but cancels", much)
    if worst_share <= limit and not leaks:
        exact = "to the last digit" if worst_share == 0 else f"to {significant(worst_share, 2)}"
        return Balance("sound", text, exact)
    wrong = []
    if worst_share > limit:
        much = signed(missed) if off >= error else f"{significant(100 * error)} %"
        wrong.append(f"the sum is off by {much}")
    if leaks:
        wrong.append(f"{' and '.join(leaks)} {'leak' if len(leaks) > 1 else 'leaks'}")
    return Balance("broken", text, "; ".join(wrong), leaks)


def _given(ledger: Ledger) -> dict[str, float]:
    """What each stage was handed by the others; only those that were handed anything."""
    given: dict[str, float] = {}
    for row in ledger:
        for port, passed in row.passed.items():
            origin = row.inputs[port]
            given[origin] = given.get(origin, 0.0) + passed
    return given


def _not_finite(ledger: Ledger, value: float, tracks: float, error: float) -> str | None:
    """The first number that keeps the sum from being checked, in words; None if all are known."""
    if not len(ledger):
        return "there is no ledger"
    named = [("the explained value", value), ("the relevance of the tracks", tracks)]
    for row in ledger:
        named += [(f"what {row.stage} received", row.received)]
        named += [(f"what went to {port}", passed) for port, passed in row.passed.items()]
        named += [(f"the bias of {row.stage}", row.bias), (f"the ε of {row.stage}", row.epsilon)]
    named.append(("the conservation error", error))
    return next((f"{name} is not finite" for name, one in named if not math.isfinite(one)), None)


def _percent(share: float, *, sound: bool) -> str:
    """A share in per cent that says 100.000 only of what is accounted for."""
    digits = 3
    text = fixed(100 * share, digits)
    while not sound and float(text) == 100 and digits < 16:
        digits += 1
        text = fixed(100 * share, digits)
    return f"{minus(text)} %"
