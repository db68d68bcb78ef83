"""Where a figure comes from: small print below it, metadata inside it, and its name as a file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from lrp_core.figures.naming import HASH, short
from lrp_core.figures.numbers import significant, value_words, with_labels

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation

SHORT_HASH = 8
LONGEST = 60  # letters of a file of jets, or of a rule, in a figure's name


@dataclass(frozen=True)
class Provenance:
    """What has to be known to make a figure again. The same explanation gives the same one.

    version             of jetlrp
    jets, jet           name of the file of jets, and the number of the jet in it
    model, checkpoint   name of the network, and the hash of its weights
    target, rule        what is explained, and how
    value               the explained output in words, such as "margin of H→bb̄"
    conservation_error  share of the explained value that the sum of all relevance misses
    fingerprint         tells the file of jets from others of the same name, in the figure's name;
                        "" where that is not known
    minus               what is subtracted from it, where the figure is of a difference; else ""
    """

    version: str
    jets: str
    jet: str
    model: str
    checkpoint: str
    target: str
    rule: str
    value: str
    conservation_error: float
    fingerprint: str = ""
    minus: str = ""

    @classmethod
    def of(cls, explanation: Explanation, fingerprint: str = "") -> Provenance:
        """The provenance of whatever is drawn of an explanation.

        fingerprint  as ``JetFiles.fingerprint`` gives it, since an explanation has the file's name
        """
        path, _, number = explanation.jet_id.rpartition(":")
        return cls(
            version=explanation.version,
            jets=PurePath(path or explanation.jet_id).name,
            jet=number if path else "",
            model=explanation.model_name,
            checkpoint=explanation.checkpoint_hash,
            target=explanation.target,
            rule=str(explanation.rule),
            value=value_words(explanation.target, explanation.classes),
            conservation_error=explanation.conservation_error,
            fingerprint=fingerprint,
        )

    def subtracting(self, other: Explanation) -> Provenance:
        """That of the difference to another explanation of the same jet."""
        words = [value_words(other.target, other.classes), str(other.rule)]
        if other.checkpoint_hash != self.checkpoint or other.model_name != self.model:
            words.append(f"{other.model_name} {other.checkpoint_hash[:SHORT_HASH]}".strip())
        return replace(self, minus=", ".join(words))

    def caption(self) -> str:
        """One line: file and jet, network, target, rule, conservation error, version, minus."""
        checkpoint = self.checkpoint[:SHORT_HASH]
        parts = [
            f"{self.jets}, jet {self.jet}" if self.jet else self.jets,
            f"{self.model} {checkpoint}".strip(),
            self.value,
            self.rule,
            f"conservation error {significant(self.conservation_error, 2)}",
            f"jetlrp {self.version}",
            self.minus and f"minus {self.minus}",
        ]
        return " · ".join(part for part in parts if part)

    def metadata(self) -> dict[str, str]:
        """Everything in words, for the inside of a file; in one order, and with no time of day."""
        return {
            "jetlrp": self.version,
            "jets": self.jets,
            "jet": self.jet,
            "network": self.model,
            "checkpoint": self.checkpoint,
            "target": self.target,
            "rule": self.rule,
            "conservation error": f"{self.conservation_error:.3g}",
        } | ({"minus": self.minus} if self.minus else {})

    def title(self) -> str:
        """What the figure is of, in short."""
        return with_labels(f"{self.jets}, jet {self.jet}: {self.value}" if self.jet else self.jets)

    def file_name(self, view_name: str, extension: str, words: Iterable[str] = ()) -> str:
        """A name that tells all of it but the conservation error: "jets-1a2b3c_12_network_….svg".

        words  what tells it from other figures of the same explanation: see naming.told_apart
        """
        rule = short(self.rule.replace("(", "-", 1), LONGEST)
        stem = short(PurePath(self.jets).stem, LONGEST)
        file = f"{stem}-{self.fingerprint[:HASH]}"
        parts = [file, self.jet, view_name, self.target, rule, self.checkpoint[:SHORT_HASH], *words]
        safe = [re.sub(r"[^A-Za-z0-9._+-]+", "-", part).strip("-.") for part in parts]
        return "_".join(part for part in safe if part) + "." + extension.lstrip(".")
