/* How `make lint` reads the page's scripts, beside tsconfig.json. */
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["assets/plotly/**", "build/**", "node_modules/**", ".venv/**"] },
  js.configs.recommended,
  {
    files: ["assets/**/*.js"],
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: globals.browser },
  },
  {
    files: ["tests/node/*.mjs"],
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: globals.node },
  },
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "array-callback-return": "error",
      "consistent-return": "error",
      eqeqeq: "error",
      "max-len": ["error", { code: 120 }],
      "no-unused-vars": ["error", { args: "after-used", varsIgnorePattern: "^_" }],
      "no-use-before-define": ["error", { functions: false, variables: false }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
];
