/* Talk mode: the picture and one line in large type, everything else away. Also whether the jets
 * are listed, as both are about how much of the page is there. */
import { dock } from "./dock.js";
import { numbers } from "./numbers.js";
import { scene } from "../picture/scene.js";
import { view } from "./view.js";

const SHOWN = 2400; // ms for which the way out stays after the mouse has moved

/** The jet in one line: what the network says, what is explained and how, whether it adds up. */
function line({ jet, says, share, asked, kept }) {
  const escape = (text) => numbers.escape(text);
  const part = (name, html) => `<span class="${name}">${html}</span>`;
  return part("jet", escape(jet)) + part("says", `${escape(says)} <b>${escape(share)}</b>`) +
    part("asked", escape(asked)) + part("kept", escape(kept));
}

function sync() {
  const { state } = view;
  const { made } = scene.stateOf("network");
  const root = document.documentElement.classList;
  const turned = root.contains("talk") !== state.talk;
  root.toggle("talk", state.talk);
  root.toggle("list-folded", !state.list);
  const box = document.getElementById("talk-line");
  if (box) box.innerHTML = state.talk && made ? line(made.facts) : "";
  if (turned) {
    scene.anew();
    dock.sync();
  }
}

let hiding = null;

document.addEventListener("mousemove", () => {
  const root = document.documentElement;
  if (!root.classList.contains("talk")) return;
  root.classList.add("pointing");
  clearTimeout(hiding);
  hiding = setTimeout(() => root.classList.remove("pointing"), SHOWN);
});

document.addEventListener("DOMContentLoaded", () => {
  view.on(["talk", "list"], sync);
  document.addEventListener("jetlrp:figure", sync);
  sync();
});

export const talk = { sync };
