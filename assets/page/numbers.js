/* The numbers that the page writes itself, as lrp_core/figures/numbers.py does: one rounding, a true
 * minus sign, no stray digits. */
const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴",
                      5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const minus = (text) => text.replace("-", "−");

/** A number with `digits` significant digits: "0.0213", "−1.20", "2.1 × 10⁻⁷". */
function significant(value, digits = 3) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent < -4 || exponent > 5) {
    const [mantissa, power] = value.toExponential(digits - 1).split("e");
    const raised = String(+power).split("").map((c) => SUPERSCRIPT[c]).join("");
    return `${minus(mantissa)} × 10${raised}`;
  }
  return minus(value.toFixed(Math.max(0, digits - 1 - exponent)));
}

/** With `decimals` decimals: "−0.40", with `sign` "+3.12"; what rounds to 0 has no sign. */
function number(value, decimals = 2, sign = false) {
  if (!Number.isFinite(value)) return "–";
  const text = value.toFixed(decimals);
  if (Number(text) === 0) return text.replace("-", "");
  return (sign && value > 0 ? "+" : "") + minus(text);
}

const thousands = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, " ");
const percent = (fraction) => `${significant(100 * fraction, fraction >= 0.1 ? 3 : 2)} %`;

/** A text that can stand in HTML. */
const escape = (text) => String(text).replace(/[&<>"]/g, (c) =>
  ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }[c]));

export const numbers = { significant, number, thousands, percent, escape };
