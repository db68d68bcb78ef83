import assert from "node:assert/strict";
import test from "node:test";

import "./browser.mjs";
import { link } from "../../assets/page/link.js";

const PANEL = { dataset: { defaults: '{"gamma": 0.25, "bias": "account"}' } };
globalThis.document.querySelector = (selector) => (selector === '[data-rule="gamma"]' ? PANEL : null);
const PLACES = [
  { rule: "gamma", name: "gamma" }, { rule: "gamma", name: "bias" }, { rule: "epsilon", name: "eps" },
];
const plain = (found) => JSON.parse(JSON.stringify(found));

test("a parameter of a rule has its place or its name", () => {
  const read = (text) => plain(link.readRule(text));
  assert.deepEqual(read("gamma(0.5)"), { name: "gamma", parameters: { 0: 0.5 } });
  assert.deepEqual(read(" gamma ( gamma = .5, bias='spread' )"),
                   { name: "gamma", parameters: { gamma: 0.5, bias: "spread" } });
  assert.deepEqual(read("epsilon(eps=1e-3, relative=True)"),
                   { name: "epsilon", parameters: { eps: 0.001, relative: true } });
  assert.equal(link.readRule("gamma(0.5) and more"), null);
});

test("gamma(0.5) of a link fills the input of gamma", () => {
  const values = [0.5, "account", "untouched"];
  for (const text of ["gamma(0.5)", "gamma(gamma=0.5)", "gamma( 0.5 )"]) {
    assert.deepEqual(plain(link.inputsOf(text, PLACES)), { rule: "gamma", values, target: null }, text);
  }
});

test("a rule without such inputs stays the text that it was", () => {
  for (const text of ["gamma(0.5, 2, 3)", "gamma(delta=1)", "nonsense(1)"]) {
    assert.deepEqual(plain(link.inputsOf(text, PLACES)),
                     { rule: text, values: ["untouched", "untouched", "untouched"], target: null }, text);
  }
});

test("a rule as text and read again is the same", () => {
  const text = link.ruleText("gamma", [0.5, "spread", null], PLACES);
  assert.equal(text, "gamma(gamma=0.5,bias=spread)");
  assert.deepEqual(plain(link.inputsOf(text, PLACES)).values, [0.5, "spread", "untouched"]);
});
