"""Kinds of jets of which people want to see one: what each means, in words and as a filter."""

from __future__ import annotations

from typing import NamedTuple

from lrp_core.service.problems import Problem
from lrp_core.service.schemas import JetQuery, PickKind

CONFIDENT = 0.95  # probability of the class that the network prefers
PREFERRED = 0.5
UNDECIDED = 0.1  # at most so far from 0.5


class Pick(NamedTuple):
    """A kind of jet, by its label and the network's probability of the signal class."""

    title: str
    summary: str
    wanted: JetQuery


def _filter(**limits: str | float) -> JetQuery:
    return JetQuery.model_validate(limits)


PICKS: dict[PickKind, Pick] = {
    "confident_signal": Pick(
        "Confident signal",
        f"A signal jet that the network is sure of: score at least {CONFIDENT:g}.",
        _filter(label="hbb", min_score=CONFIDENT),
    ),
    "confident_background": Pick(
        "Confident background",
        f"A background jet that the network is sure of: score at most {1 - CONFIDENT:g}.",
        _filter(label="qcd", max_score=1 - CONFIDENT),
    ),
    "background_as_signal": Pick(
        "Background mistaken for signal",
        f"A background jet that the network takes for signal: score at least {PREFERRED:g}.",
        _filter(label="qcd", min_score=PREFERRED),
    ),
    "signal_as_background": Pick(
        "Signal mistaken for background",
        f"A signal jet that the network takes for background: score at most {PREFERRED:g}.",
        _filter(label="hbb", max_score=PREFERRED),
    ),
    "undecided": Pick(
        "Undecided",
        f"A jet of any label that the network cannot tell: score {PREFERRED - UNDECIDED:g} to "
        f"{PREFERRED + UNDECIDED:g}.",
        _filter(min_score=PREFERRED - UNDECIDED, max_score=PREFERRED + UNDECIDED),
    ),
}


def none_of(
    kind: PickKind,
    *,
    labelled: bool,
    only: int | None,
    scored: int,
    total: int,
    stopped: str | None,
) -> Problem:
    """What to say where there is no jet of a kind.

    labelled  whether any jet has the label that the kind is of
    only      the one jet of the kind that there is, but that was not to be picked
    scored    jets that have a score by now, of ``total``; ``stopped`` says why there will be no
              more
    """
    pick = PICKS[kind]
    words = f"{pick.title}: {pick.summary} "
    if not labelled:
        words += f"No jet of these files is labelled {pick.wanted.label}."
    elif only is not None:
        words += f"Jet {only} is the only one" + (" so far." if scored < total else ".")
    elif scored >= total:
        words += f"None of the {total} jets is one."
    else:
        found = f"none of the {scored} jets scored so far is one" if scored else "no score is there"
        words += f"There is none yet: {found}, of {total} jets."
        words += f" And {stopped}." if stopped else " Scores are being computed; try again soon."
    return Problem(404, "no_such_jet", words)
