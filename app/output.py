"""What a command prints where the output is not Unicode, as in a file on Windows or in ASCII.

Characters that do not fit are written by others that mean the same, else as "?". None of them ends
a command.
"""

from __future__ import annotations

import codecs
import sys

FITTING = "jetlrp-fitting"  # name of the handler of characters that do not fit
# What has to be told from its opposite, or is read often.
INSTEAD = str.maketrans({
    "✓": "+", "✗": "x", "·": "|", "→": "->", "±": "+-", "×": "x", "…": "...", "—": "-", "–": "-",
    "“": '"', "”": '"', "‘": "'", "’": "'", "≥": ">=", "≤": "<=", "√": "sqrt", "²": "2",
    "ε": "epsilon", "γ": "gamma", "η": "eta", "φ": "phi", "Δ": "Delta", "Σ": "sum",
    "━": "-", "─": "-", "╸": "-", "╺": "-",
})  # fmt: skip


def fitting(error: UnicodeError) -> tuple[str, int]:
    """Other characters for those that an encoding does not have, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    there = []
    for one in error.object[error.start : error.end]:
        instead = one.translate(INSTEAD)
        try:
            instead.encode(error.encoding)
        except UnicodeEncodeError:
            instead = "?"
        there.append(instead)
    return "".join(there), error.end


def fit_output() -> None:
    """Have stdout and stderr write whatever they are given."""
    codecs.register_error(FITTING, fitting)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(
            stream, "reconfigure", None
        )  # not where something else took its place
        if reconfigure is not None:
            reconfigure(errors=FITTING)
