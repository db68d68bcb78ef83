import assert from "node:assert/strict";
import test from "node:test";

import "./browser.mjs";
import { view } from "../../assets/page/view.js";

const usual = Object.fromEntries(Object.entries(view.KEYS).map(([key, [value]]) => [key, value]));

test("a view is in its address, and read again the same", () => {
  const changed = {
    ...usual, jet: 12, target: "margin", rule: "gamma(gamma=0.5,bias=account)", edges: 80, marks: false,
    limits: { pt: [300, null], score: [0.9, 1] }, order: "-pt", dock: ["river", "heat"], x: "track_dxy",
    camera: { eye: { x: 1.5, y: -1.8, z: 0.7 }, center: { x: 0, y: 0, z: -0.1 }, up: { x: 0, y: 0, z: 1 } },
    pin: { jet: 7, target: "hbb", rule: "epsilon(epsilon=0.1)", file: "a~b.root", model: "50%.pth" },
  };
  const search = view.search(changed);
  assert.deepEqual({ ...usual, ...view.read(search) }, changed);
  assert.equal(view.search(usual), "");
  assert.equal(view.search(changed, ["jet", "edges"]), "?jet=12&edges=80");
});

test("what an address cannot mean is as by default", () => {
  const found = view.read("?jet=x&edges=-3&size=huge&camera=1,2&ways=out&pin=7~hbb&limits=pt:a..b");
  assert.deepEqual(found, { ways: "out" });
});

test("who listens to a key hears once of a change, and of no other key", () => {
  const heard = [];
  view.on(["edges", "least"], (_, keys) => heard.push(keys));
  view.set({ edges: 7, least: null });
  view.set({ edges: 7 });
  view.set({ track: 3 });
  assert.deepEqual(heard, [["edges"]]);
  view.set({ edges: null, track: null });
});
