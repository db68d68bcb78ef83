"""What stands above a figure, and in the line of a talk, in words."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from lrp_core.figures.geometry import considered, shown_edges
from lrp_core.figures.numbers import (
    certainty,
    fixed,
    label_text,
    minus,
    percent,
    plain,
    plural,
    significant,
    thousands,
    value_words,
    with_labels,
)

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation
    from lrp_core.figures.scene import Scene
    from lrp_core.figures.view import View
    from lrp_core.jets import Jet
    from lrp_core.rules import AnyRule

HEATMAP = "relevance of each track through each feature"


@dataclass(frozen=True)
class Headline:
    """The jet in one line: "Jet 12", "QCD" with "98.5 %", what is explained, whether it adds up."""

    jet: str
    says: str
    share: str
    asked: str
    kept: str

    @classmethod
    def of(cls, jet: Jet, explanation: Explanation, minus: Explanation | None = None) -> Headline:
        """The line of one explanation, or of one minus another: the less exact of both counts."""
        best = int(explanation.probabilities.argmax())
        both = [explanation] if minus is None else [explanation, minus]
        error = float(np.max([one.conservation_error for one in both]))
        kept = f"{fixed(100 * max(0.0, 1 - error), 3)} %" if math.isfinite(error) else "not"
        return cls(
            jet=f"Jet {jet.index}" if jet.index is not None else jet.jet_id,
            says=label_text(explanation.classes[best]),
            share=certainty(float(explanation.probabilities[best])),
            asked=" minus ".join(
                f"{target_words(one.target, one.classes)}, {rule_words(one.rule)}" for one in both
            ),
            kept=f"{kept} accounted for",
        )


def rule_words(rule: AnyRule) -> str:
    """A rule as people write it: "LRP-γ(1)", "LRP-ε(0.01, relative, biases spread)"."""
    own = []
    for item in sorted(fields(rule), key=lambda item: item.name == "bias"):
        value = getattr(rule, item.name)
        if value is True:
            own.append(item.name)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            own.append(minus(plain(value)))
        elif value == "spread":
            own.append("biases spread")
    return f"{rule.title}({', '.join(own)})" if own else rule.title


def target_words(target: str, classes: tuple[str, ...]) -> str:
    """What is explained: "margin H→bb̄ − QCD", "QCD logit"."""
    kind, _, of = target.partition(":")
    if kind != "margin":
        return with_labels(f"{target} logit")
    of = of or ("hbb" if "hbb" in classes else classes[-1])
    others = [other for other in classes if other != of]
    rest = others[0] if len(others) == 1 else "the mean of the others"
    return with_labels(f"margin {of} − {rest}")


def facts(jet: Jet, shows: str) -> str:
    """The jet in numbers, and what the picture shows of it."""
    found = [label_text(jet.label)] if jet.label else []
    if jet.pt is not None:
        found.append(f"p_T {significant(jet.pt)} GeV")
    if jet.sdmass is not None:
        found.append(f"mass {significant(jet.sdmass)} GeV")
    found.append(plural(jet.n_tracks, "track"))
    return " · ".join([*found, shows])


def edges_words(scene: Scene, view: View) -> str:
    """How many edges are drawn, and how much of the significance they hold."""
    if not scene.n_edges:
        return "no edges between single tracks"
    order = considered(scene, view)
    k = shown_edges(scene, view, order)
    all_of_it, what = 1.0, "significance"
    if scene.difference is not None:
        all_of_it, what = float(scene.significance.sum()) or 1.0, "change"
    share = min(1.0, float(scene.significance[order[:k]].sum()) / all_of_it)
    count = f"{thousands(k)} of {thousands(len(order))}"
    return f"{count} edges hold {percent(share)} of the {what}"


def river_words(explanation: Explanation) -> str:
    """What a river shows."""
    value = value_words(explanation.target, explanation.classes)
    return f"relevance on its way from the {value} back to the tracks"
