"""Numbers and names as people read them: a true minus sign, no stray digits, one rounding.

Every number that a person reads is rounded here, or in assets/page/numbers.js, which says the same
of the same number: to the nearest of the value's exact decimal digits, and a tie away from zero.
Where there is no number, or none that is finite, stands "–".
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext

SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
MINUS = "−"
NONE = "–"
LABELS = {"hbb": "H→bb̄", "qcd": "QCD"}


def minus(text: str) -> str:
    """A number's text with a true minus sign."""
    return text.replace("-", MINUS, 1)


def fixed(value: float, decimals: int) -> str:
    """With ``decimals`` decimals; exact ties away from zero, as browsers round."""
    step = Decimal(1).scaleb(-decimals)
    with localcontext() as digits:
        digits.prec = 400  # of the largest float
        return f"{Decimal(float(value)).quantize(step, ROUND_HALF_UP):f}"


def number(value: float | None, decimals: int = 2, *, sign: bool = False) -> str:
    """With ``decimals`` decimals: "−0.40", with ``sign`` "+3.12"; what rounds to 0 has no sign."""
    if value is None or not math.isfinite(value):
        return NONE
    text = fixed(value, decimals)
    if float(text) == 0:
        return text.removeprefix("-")
    return ("+" if sign and value > 0 else "") + minus(text)


def precise(value: float, digits: int) -> float:
    """The value with so many significant digits."""
    if value == 0 or not math.isfinite(value):
        return value
    exact = Decimal(value)
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() + 1 - digits), ROUND_HALF_UP))


def plain(value: float) -> str:
    """The shortest text of a number: "0.05", "100", "1e-7"."""
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    size = abs(value)
    if 1e-6 <= size < 1e21:
        return f"{Decimal(repr(value)):f}"
    mantissa, exponent = f"{Decimal(repr(value)).normalize():e}".split("e")
    return f"{mantissa}e{int(exponent):+d}"


def significant(value: float | None, digits: int = 3) -> str:
    """A number with ``digits`` significant digits: "0.0213", "−1.20", "2.1 × 10⁻⁷"."""
    if value is None or not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if exponent < -4 or exponent > 5:
        mantissa, power = f"{precise(value, digits):.{digits - 1}e}".split("e")
        return f"{minus(mantissa)} × 10{str(int(power)).translate(SUPERSCRIPT)}"
    return minus(fixed(value, max(0, digits - 1 - exponent)))


def signed(value: float | None, digits: int = 3) -> str:
    """The same with its sign always written: "+0.0213"."""
    text = significant(value, digits)
    return text if text == NONE or value is None or value <= 0 else f"+{text}"


def percent(fraction: float) -> str:
    """A share in per cent: "12.3 %"."""
    return f"{significant(100 * fraction, 3 if fraction >= 0.1 else 2)} %"


def certainty(fraction: float | None) -> str:
    """A share or probability that never rounds to a certainty: "98.1 %", "99.997 %"."""
    if fraction is None or not math.isfinite(fraction):
        return NONE
    distance = min(fraction, 1 - fraction)
    if not distance > 0:
        return f"{fixed(100 * fraction, 0)} %"
    decimals = -math.floor(math.log10(100 * distance))
    return f"{fixed(100 * fraction, min(6, max(1, decimals)))} %"


def thousands(value: int) -> str:
    """A count with spaces between the thousands: "13 806"."""
    return f"{value:,}".replace(",", " ")


def plural(value: int, noun: str) -> str:
    """A count and its noun: "1 track", "13 806 edges"."""
    return f"{thousands(value)} {noun}{'' if value == 1 else 's'}"


def gev(value: float | None) -> str:
    """A momentum or a mass: "786 GeV", "5.25 GeV"."""
    return NONE if value is None else f"{significant(value)} GeV"


def label_text(label: str | None) -> str:
    """The name of a class as physicists write it: "hbb" -> "H→bb̄"."""
    return "unknown" if label is None else LABELS.get(label, label)


def with_labels(text: str) -> str:
    """A text with its class names as physicists write them."""
    return re.sub(r"\b(hbb|qcd)\b", lambda found: LABELS[found[1]], text)


def stands_for(target: str, classes: Sequence[str]) -> str:
    """What positive relevance speaks for: "margin" -> "H→bb̄", "qcd" -> "QCD"."""
    kind, _, of = target.partition(":")
    if kind != "margin":
        return label_text(target)
    return label_text(of or ("hbb" if "hbb" in classes else classes[-1]))


def value_words(target: str, classes: Sequence[str]) -> str:
    """What the explained value is: "margin of H→bb̄", "logit of QCD"."""
    kind = "margin" if target.partition(":")[0] == "margin" else "logit"
    return f"{kind} of {stands_for(target, classes)}"
