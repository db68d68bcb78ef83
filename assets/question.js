/* What to explain and how: plain lists and buttons, bound to the values that the server hears of.
 *
 *   <select data-asks='"target"'>                        gives the component its value
 *   <button data-asks='{"rule": …}' data-gives="false">  the same; pressed while it has that value
 *
 * The values themselves are Dash's, in hidden inputs of those ids.
 */
(function () {
  "use strict";

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

  /** Show on every list and button what is asked: by a preset, the address, or the viewer. */
  function sync(target, rule, values, places) {
    const asked = [["target", target], ["rule", rule], ...places.map((id, at) => [id, values[at]])];
    for (const control of document.querySelectorAll("[data-asks]")) {
      const id = JSON.parse(control.dataset.asks);
      const [, value] = asked.find(([other]) => sameId(id, other)) || [];
      if (value === undefined) continue;
      if (control.tagName === "SELECT") control.value = value;
      else control.setAttribute("aria-pressed", String(JSON.parse(control.dataset.gives) === value));
    }
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.jetlrp_question = { sync };
})();
