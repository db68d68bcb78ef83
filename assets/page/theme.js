/* The theme that is on, and how large letters are in it. */
import { view } from "./view.js";

/** {name: "dark" or "light", type: how large letters are, over the usual}: larger in a talk. */
function now() {
  return {
    name: document.documentElement.dataset.theme === "light" ? "light" : "dark",
    type: view && view.state.talk ? Math.max(1.25, Math.min(1.7, window.innerWidth / 1180)) : 1,
  };
}

export const theme = { now };
