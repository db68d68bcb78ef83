"""Impact parameters of helices, against following the particle step by step."""

from __future__ import annotations

import numpy as np
import pytest

from lrp_core.simulation.helix import FIELD_TESLA, closest_approach, curvature, move_vertex

LIGHT_M_PER_S = 299_792_458.0


def follow(position, momentum, charge, length_cm, steps=4000):
    """Path of a charged particle in a field along z by Runge-Kutta on the Lorentz force.

    position [3] cm, momentum [3] GeV; forwards if length_cm > 0. -> points [steps + 1, 3],
    directions [steps + 1, 3].
    """
    total = np.linalg.norm(momentum)
    force = charge * FIELD_TESLA * LIGHT_M_PER_S * 1e-9 * 1e-2 / total  # 1/cm

    def slope(state):
        u = state[3:]
        return np.concatenate([u, force * np.array([u[1], -u[0], 0.0])])

    state = np.concatenate([position, momentum / total])
    h = length_cm / steps
    out = [state]
    for _ in range(steps):
        a = slope(state)
        b = slope(state + h / 2 * a)
        c = slope(state + h / 2 * b)
        d = slope(state + h * c)
        state = state + h / 6 * (a + 2 * b + 2 * c + d)
        out.append(state)
    out = np.array(out)
    return out[:, :3], out[:, 3:]


@pytest.mark.parametrize("seed", range(12))
def test_closest_approach_is_where_the_particle_passes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pt, eta, phi = rng.uniform(0.7, 20), rng.uniform(-2, 2), rng.uniform(-np.pi, np.pi)
    charge = rng.choice([-1.0, 1.0])
    direction = rng.uniform(-np.pi, np.pi)
    radius = rng.uniform(0.01, 12.0)
    x, y, z = radius * np.cos(direction), radius * np.sin(direction), rng.uniform(-20, 20)
    momentum = np.array([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)])
    reach = 1.6 * radius * np.cosh(eta)
    paths = [follow(np.array([x, y, z]), momentum, charge, s * reach) for s in (1, -1)]
    points = np.concatenate([p for p, _ in paths])
    directions = np.concatenate([u for _, u in paths])
    nearest = np.hypot(points[:, 0], points[:, 1]).argmin()

    found = closest_approach(*(np.array([v]) for v in (x, y, z, phi, eta, pt, charge)))

    here, way = points[nearest], directions[nearest] / np.hypot(*directions[nearest][:2])
    signed = -here[0] * way[1] + here[1] * way[0]
    step = 1.6 * radius * np.cosh(eta) / 4000
    assert found.dxy_cm[0] == pytest.approx(signed, abs=2e-3 * step + 1e-6)
    assert found.dz_cm[0] == pytest.approx(here[2], abs=2 * step)
    assert np.cos(found.phi[0]) == pytest.approx(way[0], abs=0.01)
    assert np.sin(found.phi[0]) == pytest.approx(way[1], abs=0.01)


def test_a_particle_from_the_vertex_has_no_impact_parameter() -> None:
    one = np.ones(1)
    found = closest_approach(0 * one, 0 * one, 0.3 * one, one, one, 5 * one, one)
    assert found.dxy_cm[0] == pytest.approx(0, abs=1e-9)
    assert found.dz_cm[0] == pytest.approx(0.3)
    assert found.phi[0] == pytest.approx(1.0)


def test_curvature_of_one_gev_in_the_field_of_cms() -> None:
    # radius in m = pT / (0.299792458 B)
    radius_cm = 1 / abs(curvature(np.ones(1), np.ones(1))[0])
    assert radius_cm == pytest.approx(100 / (0.299792458 * 3.8), rel=1e-4)


def test_moving_the_vertex_is_the_same_as_moving_the_particle() -> None:
    rng = np.random.default_rng(1)
    x, y, z = rng.normal(0, 0.1, size=(3, 50))
    phi, eta = rng.uniform(-3, 3, 50), rng.uniform(-2, 2, 50)
    pt, charge = rng.uniform(1, 50, 50), rng.choice([-1.0, 1.0], 50)
    vertex = (6e-4, -4e-4, 1e-3)
    near = closest_approach(x, y, z, phi, eta, pt, charge)
    moved = move_vertex(near.dxy_cm, near.dz_cm, near.phi, eta, *(np.full(50, v) for v in vertex))
    there = closest_approach(x - vertex[0], y - vertex[1], z - vertex[2], phi, eta, pt, charge)
    np.testing.assert_allclose(moved[0], there.dxy_cm, atol=1e-7)
    np.testing.assert_allclose(moved[1], there.dz_cm, atol=3e-6)
