/* Talk mode: the picture and one line in large type, everything else away. Also whether the jets
 * are listed, as both are about how much of the page is there. On window.jetlrp.talk. */
(function () {
  "use strict";

  const SHOWN = 2400; // ms for which the way out stays after the mouse has moved

  /** The jet in one line: what the network says, what is explained and how, whether it adds up. */
  function line(jet) {
    const { compare, numbers } = window.jetlrp;
    const best = jet.prediction.probabilities.indexOf(Math.max(...jet.prediction.probabilities));
    const { error } = jet.account; // as a share of the value
    const whole = Number.isFinite(error) ? 100 * Math.max(0, 1 - error) : NaN;
    const part = (name, text) => `<span class="${name}">${text}</span>`;
    return part("jet", `Jet ${jet.jet.index}`) +
      part("says", `${numbers.escape(jet.prediction.classes[best])} ` +
        `<b>${numbers.certainty(jet.prediction.probabilities[best])}</b>`) +
      part("asked", `${numbers.escape(compare.targetWords(jet.question.target))}, ` +
        numbers.escape(compare.ruleWords(jet.question.rule))) +
      part("kept", Number.isFinite(whole) ? `${numbers.number(whole, 3)} % accounted for`
        : "not accounted for");
  }

  function sync() {
    const { state, shown } = window.jetlrp.view;
    const root = document.documentElement.classList;
    const turned = root.contains("talk") !== state.talk;
    root.toggle("talk", state.talk);
    root.toggle("list-folded", !state.list);
    const box = document.getElementById("talk-line");
    if (box) box.innerHTML = state.talk && shown.a ? line(shown.a) : "";
    if (turned) {
      window.jetlrp.scene.anew();
      window.jetlrp.dock.sync();
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
    const { view } = window.jetlrp;
    view.on(["talk", "list"], sync);
    view.onShown(sync);
    sync();
  });

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.talk = { line, sync };
})();
