// Installs the packed packages in a scratch folder outside the repository, as an application would, and proves that
// CommonJS and ES modules load them, that nothing of the official client is missing, that TypeScript compiles against
// them in both module systems, and that the fault table loads where no SDK is installed. Runs after the build.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const packages = ["core", "service-bus", "identity", "signalr", "iot-device", "simulators"];
const manifests = packages.map((name) =>
  JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")),
);
/** The drop-in packages, each with the official ones that it stands in for, or takes as a part. */
const dropIns = manifests.flatMap(
  ({ name, peerDependencies = {}, peerDependenciesMeta = {}, devDependencies = {} }) =>
    Object.keys(peerDependencies).map((official) => ({
      name,
      official,
      version: devDependencies[official],
      isPart: peerDependenciesMeta[official]?.optional === true,
    })),
);
const entries = manifests.flatMap(({ name, exports }) =>
  Object.keys(exports)
    .filter((subpath) => subpath !== "./package.json")
    .map((subpath) => name + subpath.slice(1)),
);

const serviceBusMain = `
     import { ServiceBusClient as Official, type ServiceBusSender } from "@azure/service-bus";
     import { ServiceBusClient, type ServiceBusClientOptions, type ServiceBusReceivedMessage } from "@holdfast/service-bus";
     const options: ServiceBusClientOptions = {};
     export const client: Official = new ServiceBusClient("Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=k", options);
     export const sender: ServiceBusSender = client.createSender("orders");
     export type Received = ServiceBusReceivedMessage;
     // @ts-expect-error A missing argument is an error: the types are real, not any.
     new ServiceBusClient();`;

const identityMain = `
     import { ClientSecretCredential as Official } from "@azure/identity";
     import { ClientSecretCredential } from "@holdfast/identity";
     export const credential: Official = new ClientSecretCredential("t", "c", "s", { resilience: { patienceMs: 1 } });
     // @ts-expect-error A missing argument is an error: the types are real, not any.
     new ClientSecretCredential();`;

const signalrMain = `
     import type { HubConnection as Official } from "@microsoft/signalr";
     import { HubConnectionBuilder } from "@holdfast/signalr";
     export const connection: Official = new HubConnectionBuilder().withUrl("https://x/hub").build();
     // @ts-expect-error A missing argument is an error: the types are real, not any.
     new HubConnectionBuilder().withUrl();`;

const iotMain = `
     import { Client as Official } from "azure-iot-device";
     import { Mqtt } from "azure-iot-device-mqtt";
     import { Client } from "@holdfast/iot-device";
     export const client: Official = Client.fromConnectionString("HostName=x;DeviceId=d;SharedAccessKey=a2V5", Mqtt);
     // @ts-expect-error A missing argument is an error: the types are real, not any.
     Client.fromConnectionString();`;

/**
 * Compiled by themselves. The declarations of @azure/msal-node 5.6 do not compile in CommonJS, and those of mqtt 5 ask for
 * @types/ws without depending on it, unless the compiler looks away.
 */
const apart = ["identity", "signalr", "iot-device"];

const scratch = mkdtempSync(join(tmpdir(), "holdfast-consumers-"));
try {
  const tarballs = pack();
  const officials = dropIns.map(({ official, version }) => `${official}@${version}`);
  const application = install("application", [...tarballs, ...officials]);
  check("CommonJS loads every entry point", () => node(application, "load.cjs", loadFromCommonJs()));
  check("ES modules load every entry point", () => node(application, "load.mjs", loadFromEsModule()));
  for (const type of ["commonjs", "module"]) {
    const system = type === "module" ? "ES modules" : "CommonJS";
    check(`TypeScript compiles in ${system}`, () => compile(application, type, isServiceBus, serviceBusMain));
    check(`TypeScript compiles in ${system}, with credentials`, () =>
      compile(application, type, of("identity"), identityMain, { skipLibCheck: true }),
    );
    check(`TypeScript compiles in ${system}, with SignalR`, () =>
      compile(application, type, of("signalr"), signalrMain),
    );
    check(`TypeScript compiles in ${system}, with devices`, () =>
      compile(application, type, of("iot-device"), iotMain, { skipLibCheck: true }),
    );
  }

  // The peers are left out on purpose.
  const tool = install("tool", tarballs.slice(0, -1), ["--legacy-peer-deps"]);
  check("the fault tables load without an SDK", () => {
    for (const { name } of dropIns) {
      node(tool, "faults.cjs", `require("${name}/faults");`);
      node(tool, "faults.mjs", `await import("${name}/faults");`);
    }
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

/** What both loaders assert, written once: `load` gives a package. */
function assertions() {
  return `
    for (const { name, official } of ${JSON.stringify(dropIns.filter(({ isPart }) => !isPart))}) {
      const [ours, theirs] = [await load(name), await load(official)];
      const missing = Object.keys(theirs).filter((one) => one !== "default" && one !== "module.exports" && theirs[one] !== undefined && !(one in ours));
      assert.deepEqual(missing, [], "exports of " + official + " that ours lacks");
    }
    const [ours, theirs] = [await load("@holdfast/service-bus"), await load("@azure/service-bus")];
    const connectionString = "Endpoint=sb://example.servicebus.windows.net/;SharedAccessKeyName=name;SharedAccessKey=key";
    assert.ok(new ours.ServiceBusClient(connectionString) instanceof theirs.ServiceBusClient);
    assert.equal(ours.ServiceBusError, theirs.ServiceBusError, "one copy of the official client");
    assert.notEqual(ours.ServiceBusClient, theirs.ServiceBusClient, "the client is ours");
    const [identity, official] = [await load("@holdfast/identity"), await load("@azure/identity")];
    assert.ok(new identity.ManagedIdentityCredential() instanceof official.ManagedIdentityCredential);
    assert.notEqual(identity.ManagedIdentityCredential, official.ManagedIdentityCredential, "the credential is ours");
    const [signalr, { HubConnection }] = [await load("@holdfast/signalr"), await load("@microsoft/signalr")];
    const connection = new signalr.HubConnectionBuilder().withUrl("https://example.com/hub").build();
    assert.ok(connection instanceof HubConnection && connection instanceof signalr.HubConnection);
    assert.notEqual(signalr.HubConnection, HubConnection, "the connection is ours");
    const [iot, { Client }] = [await load("@holdfast/iot-device"), await load("azure-iot-device")];
    const { Mqtt } = await load("azure-iot-device-mqtt");
    const device = iot.Client.fromConnectionString("HostName=example.com;DeviceId=d;SharedAccessKey=a2V5", Mqtt);
    assert.ok(device instanceof Client && device instanceof iot.Client);
    assert.notEqual(iot.Client, Client, "the device's client is ours");
  `;
}

function loadFromCommonJs() {
  return `
    const assert = require("node:assert/strict");
    const load = require;
    for (const entry of ${JSON.stringify(entries)}) assert.notEqual(Object.keys(require(entry)).length, 0, entry);
    async function main() {
      ${assertions()}
    }
    main().catch((error) => {
      console.error(error);
      process.exitCode = 1;
    });
  `;
}

function loadFromEsModule() {
  return `
    import assert from "node:assert/strict";
    const load = (name) => import(name);
    for (const entry of ${JSON.stringify(entries)}) assert.notEqual(Object.keys(await load(entry)).length, 0, entry);
    ${assertions()}
  `;
}

function of(name) {
  return (entry) => `${entry}/`.startsWith(`@holdfast/${name}/`);
}

function isServiceBus(entry) {
  return !apart.some((name) => of(name)(entry));
}

function compile(application, type, isWanted, main, { skipLibCheck = false } = {}) {
  const folder = mkdtempSync(join(application, `${type}-`));
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
        skipLibCheck,
        types: ["node"],
        typeRoots: [join(root, "node_modules", "@types")],
      },
      files: ["main.ts"],
    }),
  );
  const wanted = entries.filter(isWanted);
  const imports = wanted.map((entry, index) => `import * as entry${index} from "${entry}";`);
  writeFileSync(
    join(folder, "main.ts"),
    `${imports.join("\n")}${main}
     export const all = [${wanted.map((_, index) => `entry${index}`).join(", ")}];\n`,
  );
  run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", folder], folder);
}
