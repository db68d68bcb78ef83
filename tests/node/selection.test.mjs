import assert from "node:assert/strict";
import test from "node:test";

import "./browser.mjs";
import { selection } from "../../assets/picture/selection.js";

const base64 = (array) => Buffer.from(array.buffer).toString("base64");
const packed = (dtype, array) => ({ dtype, shape: [array.length], data: base64(array) });

/** Edges of three tracks, the first `drawn` with curves of a single point. */
const jet = (drawn = 6) => selection.decode({
  all: 6, drawn, usual: 2, most: 2000, stride: 2, tracks: 3, total: 1, of: "of the significance",
  number: packed("uint32", Uint32Array.of(1, 3, 5, 0, 2, 4)),
  source: packed("uint16", Uint16Array.of(0, 1, 2, 0, 1, 2)),
  destination: packed("uint16", Uint16Array.of(2, 2, 1, 1, 0, 0)),
  significance: packed("float32", Float32Array.of(0.4, 0.25, 0.2, 0.1, 0.05, 0)),
  x: packed("float32", new Float32Array(12)), y: packed("float32", new Float32Array(12)),
  z: packed("float32", new Float32Array(12)), bin: packed("uint8", Uint8Array.of(7, 5, 4, 2, 1, 0)),
  colour: packed("uint16", Uint16Array.of(0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1)),
  palette: packed("uint8", Uint8Array.of(1, 2, 3, 40, 50, 60)), sign: packed("uint8", new Uint8Array(6)),
});
const view = (more = {}) => ({ track: null, ways: "both", edges: null, least: null, ...more });
const list = (found) => Array.from(found);

test("edges come in the order of rank, with their numbers and colours", () => {
  const edges = jet();
  assert.deepEqual(list(edges.every), [0, 1, 2, 3, 4, 5]);
  assert.equal(edges.places.get(3), 1);
  assert.deepEqual(list(edges.colour.slice(0, 2)), ["rgb(1,2,3)", "rgb(40,50,60)"]);
});

test("only the edges of one track are considered, into it, out of it or both", () => {
  const edges = jet();
  const of = (more) => list(selection.considered(edges, view(more)));
  assert.deepEqual(of(), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(of({ track: 2 }), [0, 1, 2, 5]);
  assert.deepEqual(of({ track: 2, ways: "in" }), [0, 1]);
  assert.deepEqual(of({ track: 2, ways: "out" }), [2, 5]);
  assert.deepEqual(of({ track: 9 }), [0, 1, 2, 3, 4, 5]); // there is no such track
});

test("how many are shown: as is usual, so many, or from a significance on", () => {
  const edges = jet();
  const count = (more) => selection.shown(edges, view(more), edges.every);
  assert.equal(count(), 2);
  assert.equal(count({ edges: 4 }), 4);
  assert.equal(count({ edges: 0 }), 1); // never none by number
  assert.equal(count({ edges: 99 }), 6);
  const float = Math.fround(0.1);
  assert.deepEqual([0, float, 0.2001, 0.5].map((least) => count({ least })), [6, 4, 2, 0]);
});

test("an edge whose curve did not come is not shown as one", () => {
  const edges = jet(3);
  assert.equal(selection.most(edges, edges.every), 3);
  const own = selection.considered(edges, view({ track: 2 }));
  assert.equal(selection.most(edges, own), 3);
  assert.equal(selection.shown(edges, view({ track: 2, edges: 99 }), own), 3);
});

for (const limit of [2, 30, 650, 2000]) {
  test(`the slider goes from one edge to ${limit}`, () => {
    assert.equal(selection.countAt(0, limit), 1);
    assert.equal(selection.countAt(1, limit), limit);
    for (const count of [1, 2, Math.min(limit, 150)]) {
      assert.equal(selection.countAt(selection.positionOf(count, limit), limit), count);
    }
  });
}

test("what the edges hold is said in words", () => {
  const edges = jet();
  assert.deepEqual({ ...selection.words(edges, edges.every, 2) },
                   { shown: "2 of 6", share: "hold 65.0 %", of: "of the significance" });
  const own = selection.considered(edges, view({ track: 2, ways: "in" }));
  assert.equal(selection.words(edges, own, 1).shown, "1 of 2");
  assert.equal(selection.words({ ...edges, all: 0 }, edges.every, 0).shown, "no edges");
});
