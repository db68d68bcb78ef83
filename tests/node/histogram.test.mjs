import assert from "node:assert/strict";
import test from "node:test";

import "./browser.mjs";
import { histogram } from "../../assets/panels/histogram.js";

const edges = { significance: [0.1, 0.01, 0.001, 1e-9, 0], drawn: 5 };
const all = [0, 1, 2, 3, 4];

test("every edge is in a bar, but for those without significance", () => {
  const { low, high, counts, none } = histogram.bins(edges, all);
  assert.equal(counts.length, histogram.BARS);
  assert.equal(counts.reduce((sum, count) => sum + count, 0), 4);
  assert.equal(none, 1);
  assert.ok(Math.abs(high + 1) < 1e-12 && Math.abs(low + 6) < 1e-12); // five decades
  assert.equal(counts[0], 1); // what is smaller than the axis
  assert.equal(histogram.bins({ significance: [0] }, [0]), null);
});

test("a threshold is never above what was meant", () => {
  for (const value of [0.0123456, 1, 3.3e-7, 0.00099999]) {
    const rounded = histogram.rounded(value);
    assert.ok(rounded <= value * (1 + 1e-12) && rounded > value * 0.999, `${value} ${rounded}`);
  }
  assert.equal(histogram.rounded(0), 0);
});

test("a press of a key lets at least one edge come or go", () => {
  const axis = { low: -6, high: -1 };
  const pressed = (k, key) => histogram.pressed(edges, all, k, edges.significance[k - 1], key, axis);
  assert.ok(pressed(2, "ArrowLeft") <= 0.001);
  assert.ok(pressed(2, "ArrowRight") >= 0.1);
  assert.equal(pressed(3, "End"), 0.1);
  assert.equal(pressed(3, "Home"), 0);
  assert.equal(pressed(3, "x"), null);
});
