// Installs the packed packages in a scratch folder outside the repository, as an application would, and proves that
// CommonJS and ES modules load them, that nothing of the official client is missing, that TypeScript compiles against
// them in both module systems, and that the fault table loads where no SDK is installed. Runs after the build.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const packages = ["core", "service-bus", "simulators"];
const manifests = packages.map((name) =>
  JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")),
);
const official = "@azure/service-bus";
const officialVersion = manifests[1].devDependencies[official];
const entries = manifests.flatMap(({ name, exports }) =>
  Object.keys(exports)
    .filter((subpath) => subpath !== "./package.json")
    .map((subpath) => name + subpath.slice(1)),
);

const scratch = mkdtempSync(join(tmpdir(), "holdfast-consumers-"));
try {
  const tarballs = pack();
  const application = install("application", [...tarballs, `${official}@${officialVersion}`]);
  check("CommonJS loads every entry point", () => node(application, "load.cjs", loadFromCommonJs()));
  check("ES modules load every entry point", () => node(application, "load.mjs", loadFromEsModule()));
  check("TypeScript compiles in CommonJS", () => compile(application, "commonjs"));
  check("TypeScript compiles in ES modules", () => compile(application, "module"));

  // The peer is left out on purpose.
  const tool = install("tool", tarballs.slice(0, 2), ["--legacy-peer-deps"]);
  check("the fault table loads without an SDK", () => {
    const faults = `${manifests[1].name}/faults`;
    node(tool, "faults.cjs", `require("${faults}");`);
    node(tool, "faults.mjs", `await import("${faults}");`);
  });
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function check(sentence, run) {
  try {
    run();
    console.log(`ok      ${sentence}`);
  } catch (error) {
    process.exitCode = 1;
    console.error(`FAILED  ${sentence}\n${error.stdout ?? ""}${error.stderr ?? error}`);
  }
}

function run(command, args, cwd) {
  return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function node(folder, file, source) {
  writeFileSync(join(folder, file), source);
  return run(process.execPath, [file], folder);
}

function pack() {
  const folders = packages.map((name) => join(root, "packages", name));
  const packed = run(
    "npm",
    ["pack", "--json", "--ignore-scripts", "--pack-destination", scratch, ...folders],
    root,
  );
  const files = Object.values(JSON.parse(packed)).map(({ filename }) => join(scratch, filename));
  return manifests.map(({ name }) =>
    files.find((file) => file.includes(`${name.replace(/^@(.+)\//, "$1-")}-`)),
  );
}

function install(name, specifiers, options = []) {
  const folder = join(scratch, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, private: true }));
  run(
    "npm",
    ["install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", ...options, ...specifiers],
    folder,
  );
  return folder;
}

/** What both loaders assert, written once: `ours`, `theirs` and `core` are in scope. */
function assertions() {
  return `
    const missing = Object.keys(theirs).filter((name) => name !== "default" && name !== "module.exports" && !(name in ours));
    assert.deepEqual(missing, [], "official exports that ours lacks");
    const connectionString = "Endpoint=sb://example.servicebus.windows.net/;SharedAccessKeyName=name;SharedAccessKey=key";
    assert.ok(new ours.ServiceBusClient(connectionString) instanceof theirs.ServiceBusClient);
    assert.equal(ours.ServiceBusError, theirs.ServiceBusError, "one copy of the official client");
    assert.notEqual(ours.ServiceBusClient, theirs.ServiceBusClient, "the client is ours");
  `;
}

function loadFromCommonJs() {
  return `
    const assert = require("node:assert/strict");
    for (const entry of ${JSON.stringify(entries)}) assert.notEqual(Object.keys(require(entry)).length, 0, entry);
    const ours = require("@holdfast/service-bus");
    const theirs = require("${official}");
    ${assertions()}
  `;
}

function loadFromEsModule() {
  return `
    import assert from "node:assert/strict";
    for (const entry of ${JSON.stringify(entries)}) assert.notEqual(Object.keys(await import(entry)).length, 0, entry);
    const ours = await import("@holdfast/service-bus");
    const theirs = await import("${official}");
    ${assertions()}
  `;
}

function compile(application, type) {
  const folder = join(application, type);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type }));
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        target: "ES2022",
        module: "node16",
        strict: true,
        noEmit: true,
        // Our declarations must be complete by themselves.
        skipLibCheck: false,
        types: ["node"],
        typeRoots: [join(root, "node_modules", "@types")],
      },
      files: ["main.ts"],
    }),
  );
  const imports = entries.map((entry, index) => `import * as entry${index} from "${entry}";`);
  writeFileSync(
    join(folder, "main.ts"),
    `${imports.join("\n")}
     import { ServiceBusClient as Official, type ServiceBusSender } from "${official}";
     import { ServiceBusClient, type ServiceBusClientOptions, type ServiceBusReceivedMessage } from "@holdfast/service-bus";
     const options: ServiceBusClientOptions = {};
     export const client: Official = new ServiceBusClient("Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=k", options);
     export const sender: ServiceBusSender = client.createSender("orders");
     export type Received = ServiceBusReceivedMessage;
     // @ts-expect-error A missing argument is an error: the types are real, not any.
     new ServiceBusClient();
     export const all = [${entries.map((_, index) => `entry${index}`).join(", ")}];\n`,
  );
  run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", folder], folder);
}
