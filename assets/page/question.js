/* What to explain and how: plain lists and buttons, bound to the values that the server hears of.
 *
 *   <select data-asks='"target"'>                        gives the component its value
 *   <button data-asks='{"rule": …}' data-gives="false">  the same; pressed while it has that value
 *
 * The values themselves are Dash's, in hidden inputs of those ids.
 */
import { stages } from "./stages.js";

const give = (id, value) => window.dash_clientside.set_props(JSON.parse(id), { value });

document.addEventListener("change", (event) => {
  const list = event.target.closest("select[data-asks]");
  if (list) give(list.dataset.asks, list.value);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-asks]");
  if (button) give(button.dataset.asks, JSON.parse(button.dataset.gives));
});

const sameId = (one, other) => (typeof one === "string" || typeof other === "string"
  ? one === other : one.rule === other.rule && one.name === other.name);

/** A list shows its value also where that is none of its own: what an address asks for. */
function choose(list, value) {
  if (![...list.options].some((option) => option.value === String(value))) {
    const option = Object.assign(document.createElement("option"), { value, textContent: value, hidden: true });
    list.append(option);
  }
  list.value = value;
}

/** Show on every list and button what is asked: by a preset, the address, or the viewer. */
function sync(target, rule, values, rows, places) {
  const at = places.findIndex(({ rule: of }) => of === "composite");
  if (at >= 0) stages.sync(values[at]);
  const asked = [["target", target], ["rule", rule], ...places.map((id, place) => [id, values[place]])];
  for (const control of document.querySelectorAll("[data-asks]")) {
    const id = JSON.parse(control.dataset.asks);
    const [, value] = asked.find(([other]) => sameId(id, other)) || [];
    if (value === undefined) continue;
    if (control.tagName === "SELECT") choose(control, value);
    else control.setAttribute("aria-pressed", String(JSON.parse(control.dataset.gives) === value));
  }
}

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.jetlrp_question = { sync };
