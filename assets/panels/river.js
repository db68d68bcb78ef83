/* The river: shown by pictures.js; here is the badge in the head of its panel. */
import { pictures } from "../picture/pictures.js";

const MARKS = { sound: "✓", cancels: "!", broken: "!", unknown: "?" };

/** Whether all is accounted for: {state, text, detail}, or null. */
function badge(says) {
  const box = document.querySelector("#dock-river .river-badge");
  if (!box) return;
  const { state = "none", text = "", detail = "" } = says || {};
  box.dataset.state = state;
  box.querySelector("i").textContent = MARKS[state] || "";
  box.querySelector("b").textContent = text;
  box.querySelector("small").textContent = detail;
  box.title = says ? `${text}: ${detail}` : "";
}

document.addEventListener("DOMContentLoaded", () => {
  pictures.panel("river", {
    empty: "Relevance on its way back through the network, stage by stage.",
    told: (answer) => badge(answer && answer.facts),
  });
});
