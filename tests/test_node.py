"""What the page's scripts do where no browser is needed: tests/node, by node's own test runner."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest

from lrp_core.figures.numbers import number, plain, precise, signed, significant
from tests.conftest import REPOSITORY, missing

TESTS = REPOSITORY / "tests" / "node"


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
        import {{ jetlrp }} from {json.dumps((TESTS / "script.mjs").as_uri())};
        import {{ readFileSync }} from "node:fs";
        const {{ significant, signed, number }} = jetlrp(["numbers"]).numbers;
        console.log(JSON.stringify(JSON.parse(readFileSync(0)).map((v) => [2, 3, 4].flatMap((d) =>
          [significant(v, d), signed(v, d), Math.abs(v) < 1e20 ? number(v, d - 2, true) : "",
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
                signed(value, digits),
                number(value, digits - 2, sign=True) if abs(value) < 1e20 else "",
                plain(precise(value, digits)),
            )
        ]
        assert ours == texts, value
