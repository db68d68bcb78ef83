"""The colours are readable, keep their order for everybody, and do not get in each other's way."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from app.theme import THEMES, css_variables
from lrp_core.truth import Origin

# Machado, Oliveira and Fernandes (2009), severity 1, acting on linear RGB.
COLOUR_BLIND = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ) @ np.clip(rgb, 0, 1)
    f = xyz / [0.95047, 1.0, 1.08883]
    f = np.where(f > 0.008856, np.cbrt(f), 7.787 * f + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.fixture(params=sorted(THEMES))
def theme(request):
    return THEMES[request.param]


def test_text_is_readable(theme):
    for ground in (theme.page, theme.panel, theme.raised):
        assert contrast(theme.text, ground) >= 7  # WCAG AAA
        assert contrast(theme.muted, ground) >= 4.5  # WCAG AA
    for colour in (theme.accent, theme.warning, theme.positive, theme.negative):
        assert contrast(colour, theme.panel) >= 4.5
    assert contrast(theme.on_accent, theme.accent) >= 4.5


def test_significance_has_monotone_lightness_away_from_the_background(theme):
    steps = [contrast(colour, theme.panel) for colour in theme.sequential]
    assert all(later > earlier * 1.15 for earlier, later in pairwise(steps))
    assert steps[0] >= 1.4


@pytest.mark.parametrize("kind", [None, *COLOUR_BLIND])
def test_for_and_against_stay_apart(theme, kind):
    matrix = np.array(COLOUR_BLIND[kind]) if kind else np.eye(3)
    scale = [lab(matrix @ linear(colour)) for colour in theme.diverging]
    assert np.linalg.norm(scale[0] - scale[-1]) > 60
    assert np.linalg.norm(scale[1] - scale[-2]) > 25


def test_the_two_scales_are_of_different_hues(theme):
    def hue(colour):
        _, a, b = lab(linear(colour))
        return np.degrees(np.arctan2(b, a)) % 360

    def apart(one, other):
        return abs((one - other + 180) % 360 - 180)

    for end in (theme.diverging[0], theme.diverging[-1]):
        assert apart(hue(end), hue(theme.sequential[3])) > 45


def test_zero_relevance_stands_back(theme):
    assert contrast(theme.diverging[2], theme.panel) < 1.6
    assert contrast(theme.outline, theme.diverging[2]) > 3  # the rim shows it


@pytest.mark.parametrize("kind", [None, *COLOUR_BLIND])
def test_origins_stay_apart(theme, kind):
    matrix = np.array(COLOUR_BLIND[kind]) if kind else np.eye(3)
    assert len(theme.origins) == len(Origin)
    seen = [lab(matrix @ linear(colour)) for colour in theme.origins]
    for one, other in combinations(seen, 2):
        assert np.linalg.norm(one - other) > 18
    assert all(contrast(colour, theme.panel) >= 3 for colour in theme.origins)


def test_the_page_gets_the_colours_as_css():
    style = css_variables()
    for name, theme in THEMES.items():
        assert f'data-theme="{name}"' in style
        assert f"--text: {theme.text};" in style
