/* A rule for each part of the network: rows that write a composite as text, and follow it.
 *
 * The text is the value of a Dash input (app/stages.py). Rows show what it gives to their
 * stages; where that is not one rule for all of them, the row says "several" and keeps them.
 */
import { link } from "./link.js";

const PLACE = { name: "text", rule: "composite", type: "rule-parameter" };
const SEVERAL = "several";

/** Split at the commas outside of quotes and parentheses. */
function split(text) {
  const parts = [""];
  let depth = 0;
  let quoted = false;
  for (const [piece] of text.matchAll(/\\.|[^\\]/gsu)) {
    if (piece === '"') quoted = !quoted;
    else if (!quoted) depth += piece === "(" ? 1 : piece === ")" ? -1 : 0;
    if (piece === "," && !depth && !quoted) parts.push("");
    else parts[parts.length - 1] += piece;
  }
  return parts;
}

/** A composite's text -> {rules: [[pattern, rule]], fallback: rule}, or null if it is none. */
function readComposite(text) {
  const found = /^\s*composite\s*\((.*)\)\s*$/s.exec(text || "");
  if (!found) return null;
  const rules = [];
  let fallback = "zero";
  for (const part of split(found[1])) {
    const pair = /^\s*(?:("(?:[^"\\]|\\.)*")|([^":]*?))\s*:\s*(.*\S)\s*$/s.exec(part);
    if (!pair) return null;
    if (pair[2] === "default") {
      fallback = pair[3];
      continue;
    }
    try { rules.push([pair[1] ? JSON.parse(pair[1]) : pair[2], pair[3]]); } catch { return null; }
  }
  return { rules, fallback };
}

/** Whether a stage fits a pattern as of file names: * ? [abc] [!abc]. */
function fits(stage, pattern) {
  const source = pattern.replace(/\[(!?)([^\]]+)\]|[\s\S]/gu, (piece, not, set) =>
    (set ? `[${not ? "^" : ""}${set.replace(/[\\\]^[]/g, "\\$&")}]`
      : piece === "*" ? ".*" : piece === "?" ? "." : piece.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")));
  try { return new RegExp(`^${source}$`, "su").test(stage); } catch { return false; }
}

const ruleOf = ({ rules, fallback }, stage) => (rules.find(([pattern]) => fits(stage, pattern)) || [0, fallback])[1];

const plain = (stage) => stage.replace(/[*?[]/g, "[$&]");
const quote = (pattern) => (/^[\w.*?-]+$/u.test(pattern) && pattern !== "default" ? pattern
  : JSON.stringify(pattern));

/** A composite out of the rule of every stage: what most of them follow is its default. */
function write(ruleOfStage, groups, all) {
  const counted = new Map();
  for (const stage of all) counted.set(ruleOfStage.get(stage), (counted.get(ruleOfStage.get(stage)) || 0) + 1);
  const fallback = [...counted].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
  const parts = [];
  for (const group of groups) {
    const rules = new Set(group.map((stage) => ruleOfStage.get(stage)));
    const pattern = `${plain(group[0].replace(/\.\d+$/, ""))}.*`;
    const exactly = group.length > 1 && all.every((stage) => fits(stage, pattern) === group.includes(stage));
    if (rules.size === 1 && exactly) {
      if (!rules.has(fallback)) parts.push(`${quote(pattern)}: ${ruleOfStage.get(group[0])}`);
    } else {
      for (const stage of group) {
        if (ruleOfStage.get(stage) !== fallback) parts.push(`${quote(plain(stage))}: ${ruleOfStage.get(stage)}`);
      }
    }
  }
  return `composite(${[...parts, `default: ${fallback}`].join(", ")})`;
}

/** A rule with its parameters as text: "alpha_beta(alpha=3, beta=2)". */
function ruleText({ name, parameters }) {
  const given = Object.entries(parameters);
  if (!given.length) return name;
  return `${name}(${given.map(([key, value]) => (/^\d+$/.test(key) ? value : `${key}=${value}`)).join(", ")})`;
}

const rows = () => [...document.querySelectorAll(".composite-row")];
const stagesOf = (row) => JSON.parse(row.dataset.stages);
let text = "";

/** Show in every row what the text gives to its stages. */
function sync(now) {
  text = now || "";
  const composite = readComposite(text);
  for (const row of rows()) {
    const list = row.querySelector("select");
    const found = composite ? new Set(stagesOf(row).map((stage) => ruleOf(composite, stage))) : new Set();
    const rule = found.size === 1 ? link.readRule([...found][0]) : null;
    const known = rule && [...list.options].some(({ value }) => value === rule.name);
    if (!known && !list.querySelector("[data-several]")) {
      list.insertAdjacentHTML("beforeend", `<option data-several hidden value="">${SEVERAL}</option>`);
    }
    list.value = known ? rule.name : "";
    number(row, known ? rule : null);
  }
}

/** The number that the rule of a row takes, if it takes one. */
function number(row, rule) {
  const place = row.querySelector(".stage-number");
  const takes = rule && JSON.parse(row.dataset.numbers)[rule.name];
  if (!takes) {
    place.replaceChildren();
    return;
  }
  const given = rule.parameters[takes.name] ?? rule.parameters[0] ?? takes.value;
  let input = place.querySelector("input");
  if (!input) {
    input = Object.assign(document.createElement("input"), { type: "number", step: "any" });
    place.append(input);
  }
  if (takes.least !== null) input.min = takes.least;
  input.setAttribute("aria-label", `${takes.name}: ${row.querySelector("select").getAttribute("aria-label")}`);
  if (document.activeElement !== input || Number(input.value) !== Number(given)) input.value = given;
}

/** A row was changed: its stages follow another rule, or the same one with another number. */
function changed(row, rule) {
  const composite = readComposite(text) || { rules: [], fallback: "zero" };
  const all = JSON.parse(row.dataset.all);
  const given = new Map(all.map((stage) => [stage, ruleOf(composite, stage)]));
  for (const stage of stagesOf(row)) given.set(stage, rule(given.get(stage)));
  window.dash_clientside.set_props(PLACE, { value: write(given, rows().map(stagesOf), all) });
}

document.addEventListener("change", (event) => {
  const row = event.target.closest(".composite-row");
  if (!row) return;
  const name = row.querySelector("select").value;
  const takes = JSON.parse(row.dataset.numbers)[name];
  if (event.target.tagName === "SELECT") {
    changed(row, () => (takes ? ruleText({ name, parameters: withNumber({}, takes, takes.value, name) }) : name));
  } else if (takes && event.target.value.trim() !== "") {
    changed(row, (before) => {
      const rule = link.readRule(before);
      const kept = rule && rule.name === name ? rule.parameters : {}; // else the list was just changed
      return ruleText({ name, parameters: withNumber(kept, takes, Number(event.target.value), name) });
    });
  }
});

/** The parameters of a rule with another number; of LRP-αβ, β goes along. */
function withNumber(parameters, takes, value, name) {
  const { 0: _, 1: second, ...others } = parameters;
  const rest = name === "alpha_beta" ? { ...others, beta: +(value - 1).toPrecision(12) }
    : second === undefined ? others : { ...others, relative: second };
  return { ...rest, [takes.name]: value };
}

export const stages = { readComposite, fits, write, sync };
