// Runs the contract suites of the drop-in packages on the lowest and the newest version of the official client that
// each one's peer range allows; the locked version is what `npm test` runs on. A range whose two ends are the locked
// version needs no run of its own.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import semver from "semver";

const root = resolve(import.meta.dirname, "..");

/** What a version has to pass. `beside` goes with the official client in the same version. */
const contracts = {
  "service-bus": {
    tests: [
      "packages/service-bus/test/drop-in.test.ts",
      "packages/service-bus/test/receiver-drop-in.test.ts",
      "test/conformance/service-bus",
    ],
  },
  identity: { tests: ["packages/identity/test"] },
  signalr: {
    tests: ["packages/signalr/test/drop-in.test.ts", "test/conformance/signalr"],
    beside: { "@microsoft/signalr": ["@microsoft/signalr-protocol-msgpack"] },
  },
  "iot-device": { tests: ["packages/iot-device/test/drop-in.test.ts", "test/conformance/iot.test.ts"] },
};

const scratch = mkdtempSync(join(tmpdir(), "holdfast-peers-"));
try {
  for (const [name, contract] of Object.entries(contracts)) check(name, contract);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function check(name, { tests, beside = {} }) {
  const { peerDependencies } = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8"));
  const officials = Object.entries(peerDependencies).map(([official, range]) => versions(official, range));
  for (const end of ["lowest", "newest"]) {
    const others = officials.filter((official) => official[end] !== official.locked);
    if (others.length === 0) {
      console.log(`ok      ${name}: the ${end} official version is the locked one`);
      continue;
    }
    const specifiers = others.flatMap((official) =>
      [official.name, ...(beside[official.name] ?? [])].map((one) => `${one}@${official[end]}`),
    );
    const passed = run(
      "npx",
      ["vitest", "run", "--project", "packages", "--project", "guides", ...tests],
      root,
      {
        HOLDFAST_OFFICIAL_CLIENTS: install(`${name}-${end}`, specifiers),
      },
    );
    console.log(`${passed ? "ok     " : "FAILED "} ${name} with ${specifiers.join(", ")}`);
    if (!passed) process.exitCode = 1;
  }
}

function versions(name, range) {
  const listed = spawnSync("npm", ["view", name, "versions", "--json"], { encoding: "utf8" });
  const all = JSON.parse(listed.stdout);
  const manifest = join(root, "node_modules", name, "package.json");
  return {
    name,
    lowest: semver.minSatisfying(all, range),
    newest: semver.maxSatisfying(all, range),
    locked: JSON.parse(readFileSync(manifest, "utf8")).version,
  };
}

function install(folderName, specifiers) {
  const folder = join(scratch, folderName);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: folderName, private: true }));
  const options = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
  if (!run("npm", ["install", ...options, ...specifiers], folder))
    throw new Error(`${folderName}: not installed`);
  return folder;
}

function run(command, args, cwd, environment = {}) {
  return (
    spawnSync(command, args, { cwd, stdio: "inherit", env: { ...process.env, ...environment } }).status === 0
  );
}
