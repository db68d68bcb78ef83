/* The four components that the page takes of Dash Core Components, which weigh a hundred times this.
 *
 * They do what the page asks of them, by the names that Dash knows: Store, Location, Interval and
 * Input (of the types hidden, text and number). app/main.py leaves the package's own scripts out,
 * and tests/app/test_main.py sees that the page needs no other of its components.
 */
const { createElement, useCallback, useEffect, useRef } = window.React;

/** Holds data, which Dash keeps. */
const Store = () => null;

/** The address of the page, and what "back" and "forward" make of it. */
function Address({ setProps }) {
  useEffect(() => {
    const tell = () => {
      const { pathname, search, hash, href } = window.location;
      setProps({ pathname, search, hash, href });
    };
    tell();
    window.addEventListener("popstate", tell);
    return () => window.removeEventListener("popstate", tell);
  }, []);
  return null;
}

/** Counts every `interval` ms, unless it is disabled. */
function Interval({ interval, disabled, setProps }) {
  const count = useRef(0);
  useEffect(() => {
    if (disabled) return undefined;
    const timer = setInterval(() => setProps({ n_intervals: count.current += 1 }), interval);
    return () => clearInterval(timer);
  }, [interval, disabled]);
  return null;
}

const numeric = (value) => (value === null || value === undefined || value === "" ? NaN : Number(value));
const same = (a, b) => a === b || (Number.isNaN(a) && Number.isNaN(b));

/** A field. A text is taken over with Enter or when the field is left, a number as well when
 * nothing was typed for `debounce` seconds; NaN is a number that is missing or cannot be. */
function Input({ id, type, value, debounce, min, step, setProps, spellCheck, autoComplete = "off" }) {
  const field = useRef(null);
  const timer = useRef(0);
  const isNumber = type === "number";
  useEffect(() => {
    const { current } = field;
    if (!isNumber) current.value = value ?? "";
    else if (!same(current.checkValidity() ? numeric(current.value) : NaN, numeric(value))) {
      current.value = value ?? "";
    }
  }, [value]);
  const take = useCallback(() => {
    clearTimeout(timer.current);
    const { current } = field;
    const now = isNumber ? (current.checkValidity() ? numeric(current.value) : NaN) : current.value;
    if (!same(now, isNumber ? numeric(value) : value)) setProps({ value: now });
  }, [value, setProps]);
  const typed = () => {
    clearTimeout(timer.current);
    if (isNumber) timer.current = setTimeout(take, 1000 * debounce);
  };
  const stepped = (by) => {
    const next = (Number(field.current.value) || 0) + by;
    field.current.value = String(Math.max(next, min ?? -Infinity));
    take();
  };
  const stepper = (name, sign, text, by) => createElement("button", {
    type: "button", className: `dash-input-stepper dash-stepper-${name}`, onClick: () => stepped(by),
    disabled: by < 0 && numeric(value) <= min, "aria-controls": id, "aria-label": text,
  }, sign);
  return createElement("div", { className: `dash-input-container dash-input-${type}` },
    createElement("input", {
      id, type, min, step, spellCheck, autoComplete, ref: field, className: "dash-input-element",
      onChange: typed, onBlur: take, onKeyDown: (event) => { if (event.key === "Enter") take(); },
    }),
    isNumber && stepper("decrement", "−", "Decrease value", -1),
    isNumber && stepper("increment", "+", "Increase value", 1));
}

window.dash_core_components = { Store, Location: Address, Interval, Input };
