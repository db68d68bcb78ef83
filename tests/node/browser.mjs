/* As much of a browser as the page's modules need to be loaded: import this before them. */

const nothing = () => {};
const element = { dataset: {}, style: {}, classList: { toggle: nothing }, addEventListener: nothing };

class Observer {
  observe() {}
  disconnect() {}
}

Object.assign(globalThis, {
  window: globalThis,
  addEventListener: nothing,
  dash_clientside: { no_update: "untouched" },
  document: {
    ...element, documentElement: element, readyState: "loading",
    querySelector: () => null, querySelectorAll: () => [], getElementById: () => null,
  },
  location: { search: "", pathname: "/" },
  matchMedia: () => element,
  MutationObserver: Observer, ResizeObserver: Observer,
});
