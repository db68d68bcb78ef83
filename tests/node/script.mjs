/* The page's scripts without a browser: each puts itself on window.jetlrp. */
import { readFileSync } from "node:fs";
import vm from "node:vm";

/** window.jetlrp after these scripts of assets ran; `more` is what else window has. */
export function jetlrp(names, more = {}) {
  const window = { ...more };
  window.window = window;
  vm.createContext(window);
  for (const name of names) {
    const url = new URL(`../../assets/${name}.js`, import.meta.url);
    vm.runInContext(readFileSync(url, "utf8"), window, { filename: url.pathname });
  }
  return window.jetlrp;
}
