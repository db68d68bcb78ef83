"""What the page's scripts do where no browser is needed: tests/node, by node's own test runner."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest

from lrp_core.figures.axes import reading
from lrp_core.figures.numbers import number, plain, precise, significant
from lrp_core.figures.view import KINDS, PAGE_ONLY, View
from tests.conftest import REPOSITORY, missing

TESTS = REPOSITORY / "tests" / "node"


def loaded(module: str) -> str:
    """The lines that load a module of the page's scripts, and as much of a browser as it needs."""
    name = module.split("/")[-1]
    path = REPOSITORY / "assets" / f"{module}.js"
    return (
        f"import {json.dumps((TESTS / 'browser.mjs').as_uri())};\n"
        f"import {{ {name} }} from {json.dumps(path.as_uri())};"
    )


@pytest.fixture(scope="module")
def node():
    """Runs node with these arguments and this input -> (exit status, what it says)."""
    program = shutil.which("node") or missing("node is not here", "JETLRP_REQUIRE_BROWSER")

    def run(*arguments: str, given: str = "") -> tuple[int, str]:
        done = subprocess.run(
            [program, *arguments], input=given, capture_output=True, text=True, timeout=120
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_the_scripts(node):
    status, said = node("--test", "--test-reporter=spec", *map(str, TESTS.glob("*.test.mjs")))
    assert status == 0, said


def test_any_number_reads_as_in_python(node):
    random = np.random.default_rng(0)
    values = [0.0, 1.0, 0.125, 2.5, -0.000051, 123456.7, 99999.5, 1e-7, 3e9, -0.5, 1e21]
    values += (10 ** random.uniform(-9, 9, 1000) * random.choice([-1, 1], 1000)).tolist()
    values += (random.integers(-4000, 4000, 1000) / 16).tolist()  # many ties
    script = f"""
        {loaded("page/numbers")}
        import {{ readFileSync }} from "node:fs";
        const {{ significant, number }} = numbers;
        console.log(JSON.stringify(JSON.parse(readFileSync(0)).map((v) => [2, 3, 4].flatMap((d) =>
          [significant(v, d), Math.abs(v) < 1e20 ? number(v, d - 2, true) : "",
           String(+v.toPrecision(d))]))));
    """
    status, said = node("--input-type=module", "-e", script, given=json.dumps(values))
    assert status == 0, said
    for value, texts in zip(values, json.loads(said), strict=True):
        ours = [
            text
            for digits in (2, 3, 4)
            for text in (
                significant(value, digits),
                number(value, digits - 2, sign=True) if abs(value) < 1e20 else "",
                plain(precise(value, digits)),
            )
        ]
        assert ours == texts, value


def test_titles_of_axes_read_the_same(node):
    """From the left, and from below where an axis is about upright: never from above."""
    angles = np.arange(-179.5, 180.0)
    ways = np.stack([np.cos(np.radians(angles)), -np.sin(np.radians(angles))], axis=1)  # y down
    ours = np.array([-reading(way) for way in ways])
    script = f"""
        {loaded("picture/axes")}
        import {{ readFileSync }} from "node:fs";
        const {{ reading }} = axes;
        console.log(JSON.stringify(JSON.parse(readFileSync(0)).map((angle) => reading(angle))));
    """
    given = json.dumps(np.radians(angles).tolist())
    status, said = node("--input-type=module", "-e", script, given=given)
    assert status == 0, said
    np.testing.assert_allclose(np.degrees(json.loads(said)), ours, atol=1e-9)
    assert (ours.min(), ours.max()) == (pytest.approx(-69.5), pytest.approx(109.5))


def test_views_have_the_keys_of_the_page(node):
    script = f"""
        {loaded("page/view")}
        const {{ KEYS }} = view;
        console.log(JSON.stringify(Object.fromEntries(
          Object.entries(KEYS).map(([key, [usual]]) => [key, usual]))));
    """
    status, said = node("--input-type=module", "-e", script)
    assert status == 0, said
    usual = json.loads(said)
    assert set(usual) <= {*KINDS, *PAGE_ONLY}
    shared = [key for key in KINDS if key in usual]
    assert len(shared) > 20
    assert {key: getattr(View(), key) for key in shared} == {key: usual[key] for key in shared}
