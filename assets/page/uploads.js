/* Files of one's own: brought to the server from the lists of files and networks, and deleted again.
 *
 * One file after the other, definitions of networks first, each with its progress; what the server
 * says against a file stands beside it, and where it has several trees or other branches, a way to say
 * which.
 */
import { library } from "./library.js";
import { numbers } from "./numbers.js";

const ACCEPT = {
  files: [".root", ".parquet", ".pq"],
  models: [".pth", ".pt", ".ckpt", ".safetensors", ".yml", ".yaml"],
};
const DEFINITIONS = /\.ya?ml$/i;

const NAMES = `<details class="upload-names"><summary>Other names of tree or branches</summary>` +
  `<label>Tree <input data-upload-tree-name spellcheck="false" placeholder="found by itself"></label>` +
  `<label>Branches <input data-upload-columns spellcheck="false" ` +
  `placeholder="track_pt=trk_pt, fj_pt=jet_pt"></label></details>`;

let rules = null; // what the server allows: {max_bytes, quota_bytes, used_bytes, days}
// [{name, file, query, share, state: "waiting" | "going" | "here" | "refused", words,
//   again: [[tree, what its button says, padding]]}]
let queue = [];
const paddings = new WeakMap(); // what the lists of a file are filled up with, once that was said
let going = false;

const address = () => `${new URL(document.getElementById("jetlrp-plotly").href).pathname
  .replace(/_jetlrp\/.*$/, "")}api/v1/uploads`;
const places = () => document.querySelectorAll(".library-uploads");
const escape = (text) => numbers.escape(text);

/** A size as people say it, as app/panels/library.py does. */
function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${numbers.number(value, unit && value < 9.95 ? 1 : 0)} ${units[unit]}`;
}

/* ---------------------------------------------------------------- drawing */

/** The button and what it is followed by, once in each list. */
function furnish() {
  for (const place of places()) {
    if (place.firstElementChild) continue;
    const accept = ACCEPT[place.dataset.uploads];
    place.innerHTML = `<div class="upload-head"><button type="button" class="button" data-upload>` +
      `Upload…</button><input type="file" multiple hidden accept="${accept.join(",")}"` +
      ` aria-label="Files to upload" tabindex="-1"><span class="hint upload-rules"></span></div>` +
      (place.dataset.uploads === "files" ? NAMES : "") +
      `<ul class="upload-queue" aria-live="polite"></ul>`;
  }
  draw();
}

function draw() {
  for (const place of places()) {
    if (!place.firstElementChild) continue;
    const own = place.dataset.uploads;
    place.querySelector(".upload-rules").textContent = !rules ? ""
      : `${own === "models" ? "Checkpoint and definitions together. " : ""}For you alone, ` +
        `${rules.days} days; ${size(rules.used_bytes)} of ${size(rules.quota_bytes)} used.`;
    const here = queue.filter(({ name }) => ACCEPT[own].some((ending) => name.toLowerCase().endsWith(ending)) ||
      (own === "files" && !ACCEPT.models.some((ending) => name.toLowerCase().endsWith(ending))));
    place.querySelector(".upload-queue").innerHTML = here.map((one) => {
      const part = Math.round(100 * one.share);
      const words = { waiting: "waiting", going: part < 100 ? `${part} %` : "being looked into…",
                      here: "is here", refused: one.words }[one.state];
      return `<li class="is-${one.state}"><span class="upload-name">${escape(one.name)}</span>` +
        `<span class="upload-words">${escape(words)}</span>` +
        (one.again ? `<span class="upload-again">${one.again.map(([tree, says, padding = ""]) =>
          `<button type="button" class="button" data-upload-tree="${escape(tree)}"` +
          ` data-upload-padding="${escape(padding)}" data-upload-of="${queue.indexOf(one)}">` +
          `${escape(says)}</button>`).join("")}</span>` : "") +
        (one.state === "going" ? `<span class="bar-track"><span style="width:${part}%"></span></span>` : "") +
        "</li>";
    }).join("");
  }
}

async function ask() {
  try {
    const answer = await fetch(address(), { cache: "no-store" });
    if (answer.ok) rules = await answer.json();
  } catch { /* the server is away, which the lists say */ }
  draw();
}

/* ----------------------------------------------------------------- sending */

/** Why a file need not be sent at all, or null. */
function against(file) {
  if (!rules) return null;
  if (file.size > rules.max_bytes) return `has ${size(file.size)}; ${size(rules.max_bytes)} are possible`;
  if (file.size + rules.used_bytes > rules.quota_bytes) {
    return `your files would have ${size(file.size + rules.used_bytes)} together; ` +
      `${size(rules.quota_bytes)} are possible. Delete some first`;
  }
  return null;
}

/** Send one file -> what the server says against it, or null. */
function send(one) {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("PUT", `${address()}/${encodeURIComponent(one.name)}${one.query}`);
    request.upload.addEventListener("progress", (event) => {
      one.share = event.lengthComputable && event.total ? event.loaded / event.total : 0;
      draw();
    });
    request.addEventListener("load", () => {
      if (request.status < 300) return done(null);
      let words = `was refused (${request.status})`;
      try {
        const told = JSON.parse(request.responseText).error;
        words = told.message;
        if (told.code === "which_tree") one.again = told.choices.map((tree) => [tree, tree]);
        if (told.code === "which_padding") one.again = told.choices.map((fill) => ["", fill, fill]);
        if (told.code === "which_columns") {
          one.again = [["", "Send again"]];
          document.querySelector(".upload-names").open = true;
        }
      } catch { /* no words of it */ }
      return done(words);
    });
    request.addEventListener("error", () => done("did not arrive: the connection broke off"));
    request.addEventListener("abort", () => done("was stopped"));
    request.send(one.file);
  });
}

/** What is said of the tree, the branches and the padding of a file of jets, as a query. */
function query(file) {
  const name = file.name.toLowerCase();
  if (!ACCEPT.files.some((ending) => name.endsWith(ending))) return "";
  const said = new URLSearchParams();
  const wanted = document.querySelector("[data-upload-tree-name]")?.value.trim();
  const columns = document.querySelector("[data-upload-columns]")?.value || "";
  if (wanted) said.append("tree", wanted);
  for (const pair of columns.split(",").filter((each) => each.trim())) said.append("column", pair.trim());
  if (paddings.has(file)) said.append("padding", paddings.get(file));
  return String(said) && `?${said}`;
}

/** Bring files to the server, one after the other. */
async function bring(files) {
  const more = [...files].sort((a, b) => Number(DEFINITIONS.test(b.name)) - Number(DEFINITIONS.test(a.name)));
  queue = queue.filter(({ state }) => state === "waiting" || state === "going");
  queue.push(...more.map((file) => ({ name: file.name, file, query: query(file), share: 0,
                                      state: "waiting", words: "" })));
  draw();
  if (going) return;
  going = true;
  for (let one = next(); one; one = next()) {
    one.state = "going";
    await ask();
    const words = against(one.file) || await send(one);
    one.state = words === null ? "here" : "refused";
    one.words = words || "";
    draw();
  }
  going = false;
  await ask();
  library.ask();
}

const next = () => queue.find(({ state }) => state === "waiting");

async function remove(name) {
  const own = name.replace(/^upload:/, "");
  const answer = await fetch(`${address()}/${encodeURIComponent(own)}`, { method: "DELETE" });
  if (answer.ok || answer.status === 404) queue = queue.filter((one) => one.state !== "here");
  await ask();
  library.ask();
}

/** The next click on the button that deletes a file means it. */
function arm(name) {
  const bin = document.querySelector(`[data-delete-upload="${CSS.escape(name)}"]`);
  if (!bin) return;
  bin.dataset.sure = "1";
  bin.textContent = "delete?";
}

/* ---------------------------------------------------------------- listening */

document.addEventListener("toggle", (event) => {
  const list = /** @type {Element} */ (event.target);
  if (event.newState !== "open" || !list.querySelector?.(".library-uploads")) return;
  queue = queue.filter(({ state }) => state !== "here");
  furnish();
  ask();
}, true);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-upload]");
  if (button) button.parentElement.querySelector("input[type=file]").click();
  const tree = event.target.closest("[data-upload-tree]");
  if (tree) {
    const said = document.querySelector("[data-upload-tree-name]");
    said.value = tree.dataset.uploadTree || said.value;
    const { file } = queue[Number(tree.dataset.uploadOf)];
    if (tree.dataset.uploadPadding) paddings.set(file, tree.dataset.uploadPadding);
    bring([file]);
  }
  const bin = event.target.closest("[data-delete-upload]");
  if (bin && bin.dataset.sure) {
    remove(bin.dataset.deleteUpload);
  } else if (bin) arm(bin.dataset.deleteUpload);
});

document.addEventListener("change", (event) => {
  if (!event.target.matches?.(".library-uploads input[type=file]")) return;
  bring([...event.target.files]);
  event.target.value = "";
});

for (const name of ["dragover", "drop"]) {
  document.addEventListener(name, (event) => {
    const list = event.target.closest?.(".popover.library");
    if (!list || !list.querySelector(".library-uploads") || !event.dataTransfer) return;
    event.preventDefault();
    if (name === "drop" && event.dataTransfer.files.length) bring(event.dataTransfer.files);
  });
}

export const uploads = { arm, bring, size };
