"""Numbers and short sentences as the page writes them: a true minus sign, no stray digits."""

from __future__ import annotations

import math
import re

from dash import html
from dash.development.base_component import Component

MINUS = "−"
LABELS = {"hbb": "H→bb̄", "qcd": "QCD"}
SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def label_text(label: str | None) -> str:
    """The name of a class as physicists write it: "hbb" -> "H→bb̄"."""
    return "unknown" if label is None else LABELS.get(label, label)


def with_labels(text: str) -> str:
    """A text of the service with its class names as physicists write them."""
    return re.sub(r"\b(hbb|qcd)\b", lambda found: LABELS[found[1]], text)


def number(value: float | None, digits: int = 2, *, sign: bool = False) -> str:
    """A number with ``digits`` decimals: "−0.40", "+3.12", or "–" where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    if float(text) == 0:
        text = f"{0:.{digits}f}"
    return text.replace("-", MINUS)


def significant(value: float | None, digits: int = 3, *, sign: bool = False) -> str:
    """A number with ``digits`` significant digits: "0.0213", "1 230", "2.1 × 10⁻⁷"."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if exponent < -4 or exponent > 5:
        return scientific(value, digits - 1)
    decimals = max(0, digits - 1 - exponent)
    text = f"{value:{'+' if sign else ''}.{decimals}f}"
    return text.replace("-", MINUS)


def scientific(value: float, digits: int = 1) -> str:
    """A number as a power of ten, in one piece: "1.2 × 10⁻⁷"."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return (
        f"{mantissa.replace('-', MINUS)}\u00a0×\u00a010{str(int(exponent)).translate(SUPERSCRIPT)}"
    )


def percent(fraction: float | None) -> str:
    """A share in per cent that never rounds to a certainty: 0.99997 -> "99.997 %"."""
    if fraction is None or not math.isfinite(fraction):
        return "–"
    distance = min(fraction, 1 - fraction)
    if distance <= 0:
        return f"{100 * fraction:.0f} %"
    decimals = max(1, -math.floor(math.log10(100 * distance)))
    return f"{100 * fraction:.{min(decimals, 6)}f} %"


def gev(value: float | None) -> str:
    """A momentum or a mass: "786 GeV"; with one decimal below 10."""
    if value is None:
        return "–"
    return f"{number(value, 1 if abs(value) < 10 else 0)} GeV"


def count(value: int) -> str:
    """A count with thin spaces between the thousands: "13 806"."""
    return f"{value:,}".replace(",", " ")


def plural(value: int, noun: str) -> str:
    """A count and its noun: "1 track", "26 tracks"."""
    return f"{count(value)} {noun}{'' if value == 1 else 's'}"


def signed_number(value: float, digits: int = 2) -> html.Span:
    """A relevance in the colour of its sign, the sign written too."""
    kind = "positive" if value > 0 else "negative" if value < 0 else "zero"
    return html.Span(number(value, digits, sign=value != 0), className=f"signed {kind}")


def symbol(text: str) -> list[Component | str]:
    """A short label with its indices set low: "p_T / jet p_T", "d_xy"."""
    parts = re.split(r"_(\w+)", text)
    return [html.Sub(part) if place % 2 else part for place, part in enumerate(parts) if part]
