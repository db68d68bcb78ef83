/* The save menu's figures: what is asked for, the wait, and the file. */
import { camera } from "../picture/camera.js";
import { figure } from "../picture/figure.js";
import { link } from "./link.js";
import { view } from "./view.js";

const field = (name) => document.getElementById(`figure-${name}`);
const isPressed = (button) => button.getAttribute("aria-pressed") === "true";

/** What the form asks for. */
function wanted() {
  return {
    view: field("view").value, format: field("format").value, preset: field("preset").value,
    scale: Number(field("scale").value), transparent: isPressed(field("transparent")),
  };
}

/** The form says how large the figure will be. */
function sync() {
  if (!field("preset")) return;
  const { presets } = figure.facts();
  const { format, preset, scale } = wanted();
  const { width, height } = presets[preset];
  field("scale").disabled = format !== "png";
  field("transparent").disabled = format === "html";
  field("size").textContent = format === "png" ? `${width * scale} × ${height * scale} pixels`
    : format === "html" ? "one file, no network needed" : "vector: no pixels";
}

function say(name, text) {
  const box = field(name);
  box.hidden = !text;
  (name === "progress" ? field("doing") : box).textContent = text;
}

/** Give a file to the browser to keep. */
function keep({ name, blob }) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  field("save").parentElement.append(link); // a click elsewhere would close the menu
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

const frame = () => new Promise((done) => requestAnimationFrame(done));

async function save() {
  const button = field("save");
  if (button.disabled) return;
  const { format, ...how } = wanted();
  button.disabled = true;
  say("error", "");
  say("progress", "Drawing the figure…");
  try {
    stand();
    await frame();
    await frame(); // the wait is on the screen before the browser is busy
    const file = await figure[format](how);
    keep(file);
    field("save").dataset.saved = file.name;
    link.say(button, "Saved");
  } catch (error) {
    say("error", `${error.message || error}`);
  } finally {
    say("progress", "");
    button.disabled = false;
  }
  view.write();
}

/** A plot that turns by itself stands still as it is, so that the link says how. */
function stand() {
  if (!view.state.rotate) return;
  view.set({ rotate: false, camera: camera.live(document.getElementById("network")) });
}

document.addEventListener("click", (event) => {
  if (event.target.closest("#figure-save")) save();
  const toggle = event.target.closest("#figure-transparent");
  if (toggle) toggle.setAttribute("aria-pressed", String(!isPressed(toggle)));
});
document.addEventListener("change", (event) => {
  if (event.target.closest("[data-figure]")) sync();
});
document.addEventListener("DOMContentLoaded", () => {
  view.onShown(() => {
    const scale = field("scale");
    if (scale && !scale.dataset.ready) {
      scale.value = String(figure.facts().scale);
      scale.dataset.ready = "yes";
    }
    sync();
  });
});

export const exporting = { wanted, sync, save };
