/* What stands where on the page: what overlaps, what leaves the window, how high the plot is. */
() => {
  const wrong = [];
  const name = (e) => (e.id ? `#${e.id}` : `${e.tagName.toLowerCase()}.${[...e.classList].join(".")}`);
  const seen = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const box = (e) => e.getBoundingClientRect();
  const real = (e) => seen(e) && box(e).width > 1 && box(e).height > 1 && box(e).right > -1000;

  /* What must stand beside each other or below: the parts of each of these. */
  const GROUPS = [
    ".page", ".bar", ".bar .tools", ".bar .facts", ".columns", ".centre", ".dock", ".dock-strip", ".results",
    ".panel-head", ".scene-head", ".compare-tools", ".jets-tools", ".jets-limits", ".segments", ".scene-controls",
    ".edges-control", ".camera-tools", ".stage-foot", ".question .parameters",
    ".control.row", ".composite", ".composite-row", ".equation", ".facts", ".panes", ".compared",
  ];
  const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  for (const parent of document.querySelectorAll(GROUPS.join(","))) {
    const parts = [...parent.children].filter((e) => real(e) && getComputedStyle(e).position !== "absolute" &&
      !["svg", "path"].includes(e.tagName) && getComputedStyle(e).position !== "fixed");
    parts.forEach((a, i) => parts.slice(i + 1).forEach((b) => {
      if (over(box(a), box(b))) wrong.push(`${name(a)} over ${name(b)} in ${name(parent)}`);
    }));
  }
  /* And what stands on the stage, wherever in the page it is written. */
  const onStage = [".camera-tools", "#network-legend", ".stage-foot .how", ".isolated"]
    .flatMap((all) => [...document.querySelectorAll(`.stage ${all}`)]).filter(real);
  onStage.forEach((a, i) => onStage.slice(i + 1).forEach((b) => {
    if (over(box(a), box(b))) wrong.push(`${name(a)} over ${name(b)} on the stage`);
  }));
  const legend = document.querySelector("#network-legend");
  for (const pane of [...document.querySelectorAll(".panes .pane")].filter(real)) {
    if (real(legend) && over(box(pane), box(legend))) wrong.push(`the legend over ${name(pane)}`);
  }

  /* Everything is within the window's width, but for what scrolls in a box of its own. */
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) wrong.push(`the page is ${document.documentElement.scrollWidth} wide`);
  for (const e of document.querySelectorAll(".page *, [popover]:popover-open *, dialog[open] *")) {
    if (!real(e) || e.closest(".ag-root-wrapper, .ledger, svg, .scene, .unseen")) continue;
    const { left, right } = box(e);
    if (left < -0.5 || right > width + 0.5) wrong.push(`${name(e)} from ${left} to ${right} of ${width}`);
  }
  /* Words are whole where they name something that is pressed. */
  for (const e of document.querySelectorAll("button, summary, label, h2, .edges-words, .fact, .chip-label, figcaption")) {
    if (real(e) && !e.closest(".ag-root-wrapper, .scene") && !getComputedStyle(e).textOverflow.includes("ellipsis") &&
        e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).overflowX !== "visible") {
      wrong.push(`${name(e)} is cut off: ${e.textContent}`);
    }
  }
  for (const e of document.querySelectorAll("button, summary, select, input:not([type=hidden])")) {
    if (!real(e) || e.closest(".ag-root-wrapper, .scene")) continue;
    for (let up = e.parentElement; up; up = up.parentElement) {
      const style = getComputedStyle(up);
      if (style.position === "fixed") break; // what stands over the page
      if (style.overflowX === "visible" || up === document.documentElement || up === document.body) continue;
      const a = box(e), b = box(up);
      const scrolls = /auto|scroll/.test(style.overflowY) && up.scrollHeight > up.clientHeight;
      if (a.left < b.left - 1.5 || a.right > b.right + 1.5 || (!scrolls && (a.top < b.top - 1.5 || a.bottom > b.bottom + 1.5))) {
        wrong.push(`${name(e)} (${e.textContent}) is cut off by ${name(up)}`);
        break;
      }
      if (scrolls) break;
    }
  }
  for (const plot of [...document.querySelectorAll(".stage .pane > .scene")].filter(real)) {
    if (box(plot).height < 300) wrong.push(`${name(plot)} is ${box(plot).height} high`);
  }
  return wrong;
}
