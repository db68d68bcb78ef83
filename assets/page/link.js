/* Questions as text, and what leaves the page: a link to the view, the explanation as files.
 *
 * A question is a jet, a target and a rule; `ask` brings the page to one, all at once, and so do
 * "back" and "forward".
 */
import { scene } from "../picture/scene.js";
import { view } from "./view.js";

const SAID = 2200; // ms for which "Copied" stands there

/* -------------------------------------------------------------- questions */

/** A rule of the page's inputs as text: "gamma(gamma=1,bias=account)"; a composite is its own. */
function ruleText(rule, values, places) {
  const whole = places.findIndex((place) => place.rule === rule && rule === "composite");
  if (whole >= 0) return values[whole] || rule;
  const own = places.map((place, at) => [place, values[at]])
    .filter(([place, value]) => place.rule === rule && value !== null && value !== undefined)
    .map(([place, value]) => `${place.name}=${value}`);
  return own.length ? `${rule}(${own.join(",")})` : rule;
}

/** The same backwards: {name, parameters} or null. Parameters without a name are called by their
 * place: gamma(0.5) has {0: 0.5}. */
function readRule(text) {
  const found = /^(\w+)\s*(?:\((.*)\))?$/s.exec((text || "").trim());
  if (!found) return null;
  if (found[1] === "composite") return { name: "composite", parameters: {} };
  const parameters = {};
  const parts = (found[2] || "").split(",").map((part) => part.trim()).filter(Boolean);
  for (const [place, part] of parts.entries()) {
    const [, name = place, written] = /^(?:(\w+)\s*=)?\s*(.*)$/s.exec(part);
    const value = written.replace(/^(["'])(.*)\1$/, "$2");
    parameters[name] = /^true$/i.test(value) ? true : /^false$/i.test(value) ? false
      : value !== "" && !Number.isNaN(Number(value)) ? Number(value) : value;
  }
  return { name: found[1], parameters };
}

/** A rule of an address as the page's inputs have it: {rule, values, target}.
 *
 * What is left out is as by default, and a preset brings its target. Text for which there are no
 * such inputs becomes the rule itself, so that the service says what is wrong with it.
 */
function inputsOf(text, places) {
  const { no_update } = window.dash_clientside;
  const untouched = places.map(() => no_update);
  const preset = [...document.querySelectorAll("[data-preset]")].map((chip) => JSON.parse(chip.dataset.preset))
    .find(([name]) => name === text.trim());
  const asked = preset ? { name: preset[2].name, parameters: preset[2] } : readRule(text);
  if (asked && asked.name === "composite" && /[({]/.test(text)) {
    return { rule: "composite", target: null,
             values: places.map(({ rule }) => (rule === "composite" ? text.trim() : no_update)) };
  }
  const panel = asked && document.querySelector(`[data-rule="${asked.name}"]`);
  if (!panel) return { rule: text.trim(), values: untouched, target: null };
  const values = JSON.parse(panel.dataset.defaults);
  const own = places.filter(({ rule }) => rule === asked.name).map(({ name }) => name);
  for (const [key, value] of Object.entries(asked.parameters)) {
    const name = /^\d+$/.test(key) ? own.filter((one) => one !== "bias")[key] : key;
    if (preset && name === "name") continue;
    if (!own.includes(name)) return { rule: text.trim(), values: untouched, target: null };
    values[name] = value;
  }
  return { rule: asked.name, target: preset ? preset[1] : null,
           values: places.map(({ rule, name }) => (rule === asked.name ? values[name] : no_update)) };
}

let asked = 0;

/** Bring the page to a question {jet, target, rule, pin, file, model}; what is left out stays. */
function ask(question) {
  asked += 1; // the same question asked again is news, too
  window.dash_clientside.set_props("wanted", { data: { ...question, asked } });
}

window.addEventListener("popstate", () => {
  view.go(window.location.search);
  const { jet, target, rule, pin, file, model, camera } = view.state;
  ask({ jet, target, rule, pin, file, model });
  if (!camera) scene.resetCamera();
});

/* ------------------------------------------------------------------- link */

/** Say beside a button what has happened. */
function say(button, text) {
  const old = document.querySelector(".said");
  if (old) old.remove();
  const box = document.createElement("div");
  box.className = "said";
  box.setAttribute("role", "status");
  document.body.append(box);
  box.textContent = text;
  const place = button ? button.getBoundingClientRect() : { bottom: 20, right: window.innerWidth / 2 };
  box.style.top = `${place.bottom + 8}px`;
  box.style.right = `${Math.max(8, window.innerWidth - place.right)}px`;
  setTimeout(() => box.remove(), SAID);
}

/** Copy a link to the view; where the browser does not allow that, show it, selected. */
async function copy() {
  view.write();
  const button = document.getElementById("copy-link");
  const link = window.location.href;
  try {
    await navigator.clipboard.writeText(link);
    say(button, "Copied");
  } catch {
    show(link);
  }
}

/** The link in a field, to be copied by hand. */
function show(link) {
  const dialog = document.createElement("dialog");
  dialog.className = "link-dialog";
  dialog.setAttribute("aria-label", "Link to this view");
  dialog.innerHTML = "<p>Copy this link:</p><form method=dialog><input readonly>" +
    '<button class="button">Close</button></form>';
  const field = dialog.querySelector("input");
  field.value = link;
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
  field.select();
}

/* ------------------------------------------------------------------ files */

/** Addresses of the files of what is on screen. */
function syncFiles() {
  const menu = document.getElementById("save");
  if (!menu) return;
  const jet = view.shown.a;
  menu.classList.toggle("is-empty", !jet);
  if (!jet) return;
  const base = new URL(document.getElementById("jetlrp-plotly").href)
    .pathname.replace(/_jetlrp\/.*$/, "");
  const { target, rule, file, model } = jet.question;
  const source = view.state.file === null ? {} : { file, model };
  const query = new URLSearchParams({ target, rule, ...source });
  for (const link of menu.querySelectorAll("[data-file]")) {
    link.href = `${base}api/v1/jets/${jet.jet.index}/${link.dataset.file}?${query}`;
  }
}

document.addEventListener("click", (event) => {
  if (event.target.closest("#copy-link")) copy();
  const menu = document.getElementById("save");
  if (menu && menu.open && (!menu.contains(event.target) || event.target.closest("[data-file]"))) {
    menu.open = false;
  }
});

document.addEventListener("DOMContentLoaded", () => {
  view.onShown(syncFiles);
});

export const link = { ruleText, readRule, inputsOf, ask, copy, say };
