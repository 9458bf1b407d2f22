import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";
import { fileName } from "./scripts/lint/file-name.js";
import { layer } from "./scripts/lint/layer.js";

// core <- identity, service-bus, signalr, iot-device; simulators stand alone; tests and examples may import all that is public.
const layers = [
  {
    files: ["packages/core/src/**"],
    folder: "packages/core/src",
    modules: ["p-retry", "#secrets"],
    because: "core knows no SDK, no protocol and no Node builtin; its one dependency is p-retry",
  },
  {
    files: ["packages/core/test/**"],
    folder: "packages/core",
    modules: ["vitest", "fast-check", "node:.+", "@holdfast/core(/.+)?"],
    because: "core is tested alone, on the virtual clock",
  },
  {
    files: ["packages/service-bus/src/**"],
    ignores: [
      "packages/service-bus/src/faults.ts",
      "packages/service-bus/src/amqps-socket.ts",
      "packages/service-bus/src/official-log.ts",
    ],
    folder: "packages/service-bus/src",
    modules: ["@azure/.+", "@holdfast/core", "long", "https-proxy-agent", "proxy-from-env", "ws"],
    because: "the wrapper knows the official client, the type of its sequence numbers, and core",
  },
  {
    files: ["packages/service-bus/src/official-log.ts"],
    folder: "packages/service-bus/src",
    modules: ["node:util", "@holdfast/core"],
    because: "a line of the log is what the official sink would write, without its secrets",
  },
  {
    files: ["packages/service-bus/src/amqps-socket.ts"],
    folder: "packages/service-bus/src",
    modules: ["node:net", "node:tls"],
    because: "the one socket of the wrapper's own stands where the official client takes a WebSocket",
  },
  {
    files: ["packages/service-bus/src/faults.ts"],
    folder: "packages/service-bus/src",
    modules: ["@holdfast/core"],
    because: "the fault table is read by tools that have no SDK installed",
  },
  {
    files: ["packages/identity/src/**"],
    ignores: ["packages/identity/src/faults.ts"],
    folder: "packages/identity/src",
    modules: ["@azure/identity", "@holdfast/core"],
    because: "the wrapper knows the official client and core, nothing else",
  },
  {
    files: ["packages/signalr/src/**"],
    ignores: ["packages/signalr/src/faults.ts"],
    folder: "packages/signalr/src",
    modules: ["@microsoft/signalr", "@holdfast/core", "#platform"],
    because: "the wrapper knows the official client and core, nothing else; it runs in browsers",
  },
  {
    files: ["packages/iot-device/src/**"],
    ignores: ["packages/iot-device/src/faults.ts", "packages/iot-device/src/outbox-disk.ts"],
    folder: "packages/iot-device/src",
    modules: ["azure-iot-device(-mqtt|-amqp|-http)?", "node:.+", "@holdfast/core"],
    because: "the wrapper knows the official client and core, nothing else",
  },
  {
    files: ["packages/iot-device/src/outbox-disk.ts"],
    folder: "packages/iot-device/src",
    modules: ["classic-level", "node:.+", "@holdfast/core"],
    because: "the embedded store is an optional peer: whoever keeps the outbox in memory does not install it",
  },
  {
    files: [
      "packages/identity/src/faults.ts",
      "packages/signalr/src/faults.ts",
      "packages/iot-device/src/faults.ts",
    ],
    folder: "packages",
    modules: ["@holdfast/core"],
    because: "the fault table is read by tools that have no SDK installed",
  },
  {
    files: ["packages/simulators/src/**"],
    folder: "packages/simulators/src",
    modules: ["(?!@azure/|azure-iot|@holdfast/).+"],
    because: "a simulator knows the protocol, and none of the code that is tested against it",
  },
  {
    files: ["packages/simulators/test/**"],
    folder: "packages/simulators",
    modules: [
      "vitest",
      "fast-check",
      "node:.+",
      "mqtt-packet",
      "rhea(/.+)?",
      "selfsigned",
      "ws",
      "@azure/.+",
      "@microsoft/signalr.*",
      "azure-iot.+",
      "@holdfast/simulators(/.+)?",
    ],
    because: "a simulator is proved with the official clients, not with ours",
  },
];

const clocks = ["setTimeout", "setInterval", "setImmediate", "performance"];
const clockMessage = "Time comes from core's clock.ts, so that tests can move it.";
const randomMessage = "Chance comes from core's random.ts, so that tests can seed it.";
const clockBan = {
  "no-restricted-globals": ["error", ...clocks.map((name) => ({ name, message: clockMessage }))],
  "no-restricted-syntax": [
    "error",
    {
      selector: `MemberExpression[object.name=/^(globalThis|global|window|self)$/][property.name=/^(${clocks.join("|")})$/]`,
      message: clockMessage,
    },
    { selector: 'MemberExpression[object.name="Date"][property.name="now"]', message: clockMessage },
    { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: clockMessage },
    { selector: 'CallExpression[callee.name="Date"]', message: clockMessage },
    {
      selector: 'MemberExpression[object.name="AbortSignal"][property.name="timeout"]',
      message: clockMessage,
    },
    { selector: 'MemberExpression[object.name="process"][property.name="hrtime"]', message: clockMessage },
    { selector: 'MemberExpression[object.name="Math"][property.name="random"]', message: randomMessage },
  ],
};

const unfinished = /^(skip|only|todo|fails)$/.source;
const unfinishedMessage = "A test runs, or it is deleted: a skipped test proves nothing.";

export default defineConfig(
  globalIgnores(["**/dist/", "**/.types/", "**/coverage/", "**/temp/", "**/.turbo/"]),
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    plugins: { holdfast: { rules: { layer, "file-name": fileName } } },
    rules: { "holdfast/file-name": "error", eqeqeq: ["error", "always", { null: "ignore" }] },
  },
  {
    files: ["**/*.js"],
    languageOptions: { globals: { console: "readonly", process: "readonly", URL: "readonly" } },
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // Interfaces and aliases both have their place.
      "@typescript-eslint/consistent-type-definitions": "off",
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-empty-function": ["error", { allow: ["arrowFunctions", "methods"] }],
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-unnecessary-condition": [
        "error",
        { allowConstantLoopConditions: "only-allowed-literals" },
      ],
      // It asks for the very "!" that no-non-null-assertion forbids.
      "@typescript-eslint/non-nullable-type-assertion-style": "off",
      // The caller gets the official client's own error object back, whatever it is.
      "@typescript-eslint/only-throw-error": ["error", { allowThrowingUnknown: true }],
      "@typescript-eslint/prefer-promise-reject-errors": ["error", { allowThrowingUnknown: true }],
    },
  },
  {
    files: ["packages/*/src/**/*.ts"],
    rules: {
      "max-lines": ["error", { max: 300, skipBlankLines: false, skipComments: false }],
      "no-console": "error",
    },
  },
  {
    files: ["packages/*/src/**/*.ts"],
    ignores: ["packages/core/src/clock.ts", "packages/core/src/random.ts", "packages/simulators/src/**"],
    rules: clockBan,
  },
  layers.map(({ files, ignores = [], ...options }) => ({
    files,
    ignores,
    rules: { "holdfast/layer": ["error", options] },
  })),
  {
    files: ["packages/*/test/**/*.ts", "test/**/*.ts", "**/*.test.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: `MemberExpression[object.name=/^(it|test|describe|suite)$/][property.name=/${unfinished}/]`,
          message: unfinishedMessage,
        },
        {
          selector: `MemberExpression[object.object.name=/^(it|test|describe|suite)$/][property.name=/${unfinished}/]`,
          message: unfinishedMessage,
        },
      ],
      // Noise in tests: a failed assumption fails the test anyway.
      "@typescript-eslint/no-empty-function": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/restrict-template-expressions": "off",
      "@typescript-eslint/unbound-method": "off",
    },
  },
);
