import assert from "node:assert/strict";
import test from "node:test";

import "./browser.mjs";
import { camera } from "../../assets/picture/camera.js";

const at = (x, y, z) => ({ x, y, z });
const stand = (eye, center = at(0, 0, 0), up = at(0, 0, 1)) => ({ eye, center, up });

test("an axis that the camera looks along has no words", () => {
  assert.equal(camera.alongAxis(stand(at(0, 0, 2))), "z");
  assert.equal(camera.alongAxis(stand(at(0.01, -1.9, 0.02))), "y");
  assert.equal(camera.alongAxis(stand(at(1.2, -1.4, 0.7))), undefined);
  assert.equal(camera.alongAxis(stand(at(3, 0, 1), at(0, 0, 1))), "x"); // from where it looks to
});

test("a turn goes around the upright axis, as high and as far as before", () => {
  const first = stand(at(1.2, -1.4, 0.7), at(0, 0, -0.1));
  const quarter = camera.around(first, Math.PI / 2);
  assert.ok(Math.abs(quarter.eye.x - 1.4) < 1e-12 && Math.abs(quarter.eye.y - 1.2) < 1e-12);
  assert.equal(quarter.eye.z, 0.7);
  assert.deepEqual(quarter.center, first.center);
  const whole = camera.around(first, 2 * Math.PI);
  assert.ok(Math.hypot(whole.eye.x - 1.2, whole.eye.y + 1.4) < 1e-12);
});

test("on the way between two places the camera comes no nearer than both are", () => {
  const [from, to] = [stand(at(2, 0, 0)), stand(at(0, 2, 0))];
  const middle = camera.between(from, to, 0.5);
  assert.ok(Math.abs(Math.hypot(middle.eye.x, middle.eye.y) - 2) < 1e-12);
  assert.deepEqual(camera.between(from, to, 1).eye, to.eye);
});
