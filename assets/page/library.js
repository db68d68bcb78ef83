/* Choosing a file of jets and a network: the lists behind the two buttons in the bar.
 *
 * A list is asked for when it is opened (Dash: the store "library-asked" -> "library-data",
 * app/panels/library.py) and drawn here; what is chosen is a question like any other (link.js: ask),
 * so that it stands in the address, and "back" leads back.
 */
import { link } from "./link.js";
import { numbers } from "./numbers.js";
import { uploads } from "./uploads.js";
import { view } from "./view.js";

const KINDS = { files: "file", models: "model" };
const MOST = 200; // rows that are drawn; the search finds the others
const AGAIN = 1200; // ms until a list with files that nobody has looked into is asked for again

let list = null; // what the service said last: {files, models, pending}

const box = (kind) => document.getElementById(`library-${kind}`);
const isOpen = (kind) => Boolean(box(kind)) && box(kind).matches(":popover-open");
const ask = () => window.dash_clientside.set_props("library-asked", { data: Date.now() });

/* ---------------------------------------------------------------- drawing */

const escape = (text) => numbers.escape(text);

/** A name with its folders less prominent than its end. */
function named(name) {
  const at = name.lastIndexOf("/") + 1;
  const own = name.replace(/^upload:/, "");
  const folder = at ? `<span class="muted">${escape(name.slice(0, at))}</span>` : "";
  return `${folder}<b>${escape(at ? name.slice(at) : own)}</b>`;
}

const ORIGINS = { given: "", library: "", upload: "yours", sample: "comes along" };

/** How long an upload is kept. */
function left(expires) {
  const hours = (expires - Date.now() / 1000) / 3600;
  return hours < 48 ? `deleted in ${Math.max(0, Math.round(hours))} h`
    : `deleted in ${Math.round(hours / 24)} days`;
}

function row(kind, one, chosen) {
  const usable = !one.problem && !one.pending && (one.fits || one.instead);
  const tags = [ORIGINS[one.origin], one.figure].filter(Boolean)
    .map((text) => `<span class="library-tag">${escape(text)}</span>`).join("");
  const days = one.expires === null ? [] : [left(one.expires)];
  const words = one.pending ? "Being looked into…" : [...one.words, ...days].map(escape).join(" · ");
  const note = one.problem ? `<span class="warning">${escape(one.problem)}</span>`
    : one.note ? escape(one.note) + (one.instead
      ? `; opens with <b>${escape(one.instead)}</b>` : "") : "";
  const on = one.name === chosen;
  const own = one.origin === "upload";
  const bin = own ? `<button type="button" class="library-delete" data-delete-upload=` +
    `"${escape(one.name)}" aria-label="Delete ${escape(one.name.replace(/^upload:/, ""))}">delete</button>` : "";
  return `<div class="library-item${own ? " own" : ""}"><button type="button"` +
    ` class="library-row${on ? " on" : ""}" data-pick-${KINDS[kind]}=` +
    `"${escape(one.name)}"${usable ? "" : ' aria-disabled="true"'}${on ? ' aria-current="true"' : ""}>` +
    `<span class="library-name">${named(one.name)}${tags}</span>` +
    (words ? `<span class="library-words">${words}</span>` : "") +
    (note ? `<span class="library-why">${note}</span>` : "") + `</button>${bin}</div>`;
}

const wanted = (kind) => {
  const field = box(kind).querySelector("input[type=search]");
  return (field ? field.value : "").toLowerCase().split(/\s+/).filter(Boolean);
};

/** The rows that hold every word of the search, in their name or what is said of them. */
function found(kind) {
  const words = wanted(kind);
  return list[kind].filter((one) => {
    const text = [one.name, ...one.words, one.figure].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

function draw(kind) {
  const where = document.getElementById(`library-${kind}-list`);
  if (!where) return;
  const note = box(kind).querySelector(".library-note");
  where.setAttribute("aria-busy", String(list === null));
  if (list === null) {
    note.textContent = "Looking…";
    return;
  }
  const rows = found(kind);
  const chosen = view.state[KINDS[kind]];
  const held = where.contains(document.activeElement)
    ? document.activeElement.getAttribute(`data-pick-${KINDS[kind]}`) : null;
  const sure = where.querySelector("[data-sure]");
  where.innerHTML = rows.slice(0, MOST).map((one) => row(kind, one, chosen)).join("");
  if (sure) uploads.arm(sure.dataset.deleteUpload);
  if (held !== null) focusOn(where, kind, held);
  const more = rows.length - MOST;
  note.textContent = list.error ? list.error
    : more > 0 ? `and ${numbers.thousands(more)} more: search for them`
    : rows.length ? "" : list[kind].length ? "Nothing has this in its name." : "Nothing is here yet.";
}

function focusOn(where, kind, name) {
  const row = [...where.querySelectorAll(".library-row")].find((one) =>
    one.getAttribute(`data-pick-${KINDS[kind]}`) === name);
  if (row) row.focus();
}

/** The field to search with, once; Dash has no component for it. */
function furnish(kind) {
  const place = document.getElementById(`library-${kind}-search`);
  if (!place || place.firstElementChild) return;
  place.innerHTML = `<input type="search" autocomplete="off" spellcheck="false"` +
    ` placeholder="${kind === "files" ? "Search files" : "Search networks"}"` +
    ` aria-label="${kind === "files" ? "Search files of jets" : "Search networks"}">`;
}

function opened(kind) {
  furnish(kind);
  draw(kind);
  box(kind).querySelector("input[type=search]").select();
  ask();
}

/* ---------------------------------------------------------------- choosing */

/** Go to a file or a network, and where the two would not fit also to what goes with it. */
function pick(kind, name) {
  const row = list && list[kind].find((one) => one.name === name);
  if (!row || row.problem || row.pending || !(row.fits || row.instead)) return;
  box(kind).hidePopover();
  const other = kind === "files" ? "models" : "files";
  const to = { [KINDS[kind]]: name };
  if (!row.fits) to[KINDS[other]] = row.instead;
  if (to.file !== undefined && to.file !== view.state.file) {
    const file = list.files.find((one) => one.name === to.file);
    if (view.state.jet !== null) to.jet = view.state.jet < file.n_jets ? view.state.jet : 0;
    view.set({ track: null, edge: null });
  }
  const model = list.models.find((one) => one.name === to.model);
  if (model && view.state.target && !model.targets.includes(view.state.target)) {
    [to.target] = model.targets;
  }
  link.ask(to);
}

/* ------------------------------------------------------- from the server */

/** The lists as they are now. */
function listed(data) {
  if (!data) return;
  list = data;
  const open = Object.keys(KINDS).filter(isOpen);
  for (const kind of open) draw(kind);
  if (data.pending && open.length) setTimeout(() => {
    if (Object.keys(KINDS).some(isOpen)) ask();
  }, AGAIN);
}

/** What is known of what was chosen: on the buttons, and in the list of targets. */
function known(facts) {
  if (!facts) return;
  const names = { files: facts.source.file, models: facts.source.model };
  for (const kind of Object.keys(KINDS)) {
    const button = document.getElementById(`library-${kind}-button`);
    if (!button) continue;
    const says = facts[kind] || { name: names[kind], what: "", tip: facts.error };
    button.title = says.tip;
    for (const part of ["name", "what"]) {
      button.querySelector(`[data-says=${part}]`).textContent = says[part];
    }
  }
  if (facts.targets) targets(facts.targets);
}

/** Another network can have other classes, and so other targets. */
function targets(given) {
  const select = document.getElementById("target-list");
  if (!select) return;
  const same = given.length === select.options.length &&
    given.every(([name], at) => select.options[at].value === name);
  if (!same) {
    select.replaceChildren(...given.map(([name, title]) => new Option(title, name)));
  }
  const { target } = view.state;
  const possible = given.some(([name]) => name === target);
  select.value = possible || target === null ? target || given[0][0] : given[0][0];
  if (target !== null && !possible) {
    window.dash_clientside.set_props("target", { value: given[0][0] });
  }
}

/* ---------------------------------------------------------------- listening */

document.addEventListener("toggle", (event) => {
  const kind = Object.keys(KINDS).find((one) => event.target.id === `library-${one}`);
  if (kind && event.newState === "open") opened(kind);
}, true);

document.addEventListener("input", (event) => {
  const kind = Object.keys(KINDS).find((one) => event.target.closest?.(`#library-${one}-search`));
  if (kind) draw(kind);
});

document.addEventListener("click", (event) => {
  for (const [kind, key] of Object.entries(KINDS)) {
    const row = event.target.closest(`[data-pick-${key}]`);
    if (row) pick(kind, row.getAttribute(`data-pick-${key}`));
  }
});

/* Arrows go from the search through the rows; Enter in the search takes the first. */
document.addEventListener("keydown", (event) => {
  const where = event.target.closest?.(".popover.library");
  if (!where) return;
  const rows = [...where.querySelectorAll(".library-row")];
  const at = rows.indexOf(document.activeElement);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const next = at + (event.key === "ArrowDown" ? 1 : -1);
    if (next < 0) where.querySelector("input[type=search]").focus();
    else if (rows[next]) rows[next].focus();
  } else if (event.key === "Escape") { // a search field would only empty itself
    event.preventDefault();
    where.hidePopover();
  } else if (event.key === "Enter" && event.target.matches("input[type=search]")) {
    event.preventDefault();
    const first = rows.find((one) => !one.hasAttribute("aria-disabled"));
    if (first) first.click();
  }
});

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.jetlrp_library = { listed, known };

export const library = { pick, ask, draw };
