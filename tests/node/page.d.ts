/* What the page's scripts find in the browser beside the browser's own, for `make lint`. */
interface Window {
  jetlrp: any;
  dash_clientside: any;
  dash_core_components: any;
  dashAgGridFunctions: any;
  dash_ag_grid: any;
  React: any;
  Plotly: any;
}

/* What a selector finds, its script knows: tsc is not asked to. */
interface ParentNode {
  querySelector(selectors: string): any;
  querySelectorAll(selectors: string): NodeListOf<any>;
}
interface NonElementParentNode { getElementById(id: string): any }
interface Document { getElementById(id: string): any; readonly activeElement: any }
interface Element { closest(selectors: string): any }
interface EventTarget {
  closest(selectors: string): any;
  matches: any;
  setAttribute(name: string, value: string): void;
  id: any;
  tagName: any;
  value: any;
  files: any;
}
interface Event { readonly detail?: any; readonly dataTransfer?: any }
