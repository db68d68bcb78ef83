"""Angles: ranges, signs and the wrap at ±π, for any numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_core.kinematics import delta_eta, delta_phi, delta_r, wrap_phi

angles = st.floats(-1e3, 1e3)
any_angle = st.floats(allow_nan=False, allow_infinity=False)
etas = st.floats(-10, 10)


@given(any_angle)
def test_wrapped_phi_lies_in_its_range(phi: float) -> None:
    assert -math.pi <= wrap_phi(phi) < math.pi


@given(angles)
def test_wrapping_keeps_the_direction(phi: float) -> None:
    wrapped = wrap_phi(phi)
    assert math.cos(wrapped) == pytest.approx(math.cos(phi), abs=1e-12)
    assert math.sin(wrapped) == pytest.approx(math.sin(phi), abs=1e-12)


@given(any_angle)
def test_wrapping_twice_changes_nothing(phi: float) -> None:
    assert wrap_phi(wrap_phi(phi)) == wrap_phi(phi)


@given(st.floats(-math.pi, math.pi, exclude_max=True))
def test_what_lies_in_the_range_is_returned_to_the_last_bit(phi: float) -> None:
    assert wrap_phi(phi) == phi


@pytest.mark.parametrize(
    ("phi", "wrapped"),
    [
        (0.0, 0.0),
        (math.pi, -math.pi),
        (-math.pi, -math.pi),
        (3 * math.pi, -math.pi),
        (math.nextafter(-math.pi, -4), math.nextafter(math.pi, 0)),
        (2 * math.pi, 0.0),
        (-1e-20, -1e-20),
    ],
)
def test_wrapping_at_the_edges(phi: float, wrapped: float) -> None:
    assert wrap_phi(phi) == pytest.approx(wrapped, abs=2e-15)
    assert -math.pi <= wrap_phi(phi) < math.pi


@given(angles, angles)
def test_delta_phi_is_the_shorter_way_round(phi_1: float, phi_2: float) -> None:
    expected = math.atan2(math.sin(phi_1 - phi_2), math.cos(phi_1 - phi_2))
    found = float(delta_phi(phi_1, phi_2))
    assert abs(found) <= math.pi
    assert math.isclose(abs(found), abs(expected), abs_tol=1e-9)
    if abs(expected) < math.pi - 1e-9:
        assert found == pytest.approx(expected, abs=1e-9)


def test_signs_say_where_the_first_lies() -> None:
    assert delta_phi(0.3, 0.1) == pytest.approx(0.2)
    assert delta_phi(-3.1, 3.1) == pytest.approx(2 * math.pi - 6.2)
    assert delta_eta(1.0, 2.5) == -1.5


@given(etas, angles, etas, angles)
def test_delta_r_is_a_distance(eta_1: float, phi_1: float, eta_2: float, phi_2: float) -> None:
    there, back = delta_r(eta_1, phi_1, eta_2, phi_2), delta_r(eta_2, phi_2, eta_1, phi_1)
    assert there >= 0
    assert there == pytest.approx(back, abs=1e-9)
    assert there**2 == pytest.approx(
        delta_eta(eta_1, eta_2) ** 2 + delta_phi(phi_1, phi_2) ** 2, rel=1e-9, abs=1e-12
    )


def test_arrays_broadcast_and_become_float64() -> None:
    eta = np.array([0.0, 3.0], dtype=np.float32)
    phi = np.array([3.0, 0.0], dtype=np.float32)
    distance = delta_r(eta[:, None], phi[:, None], eta[None, :], phi[None, :])
    assert distance.shape == (2, 2)
    assert distance.dtype == np.float64
    assert distance[0, 1] == pytest.approx(math.sqrt(18))
    assert distance[0, 0] == 0


@pytest.mark.parametrize("phi", [math.nan, math.inf, -math.inf])
def test_an_angle_that_is_not_finite_gives_nan(phi: float) -> None:
    assert math.isnan(wrap_phi(phi))
    assert np.isnan(wrap_phi([phi, 1.0])).tolist() == [True, False]
