import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import "./browser.mjs";
import { numbers } from "../../assets/page/numbers.js";

const cases = JSON.parse(readFileSync(new URL("numbers.json", import.meta.url), "utf8"));

for (const [name, given, says] of cases.filter(([of]) => of in numbers)) { // others are Python's alone
  test(`${name}(${given.join(", ")}) says ${says}`, () => assert.equal(numbers[name](...given), says));
}

test("what could be markup is not", () => {
  assert.equal(numbers.escape('<b a="1">'), "&lt;b a=&quot;1&quot;&gt;");
});
