import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { serviceBus } from "@holdfast/simulators/service-bus";
import { officialClient } from "./support/official-client.ts";

describe("the simulator", () => {
  it("leaves nothing open when it cannot start", async () => {
    await using first = await serviceBus();
    const port = await serviceBus().then(async (free) => {
      await free.close();
      return free.port;
    });
    await expect(serviceBus({ port, tls: true, tlsPort: first.port })).rejects.toThrow("EADDRINUSE");
    await using second = await serviceBus({ port });
    expect(second.port).toBe(port);
  });

  it("lets the process exit by itself when it is closed, whatever was left open", async () => {
    const script = `
      import { serviceBus } from "./src/service-bus/index.ts";
      import { createRequire } from "node:module";
      const rhea = createRequire(import.meta.url)("rhea");
      const bus = await serviceBus({ queues: ["orders"], tls: true, webSocket: true });
      const [, username, password] = /SharedAccessKeyName=([^;]+);SharedAccessKey=([^;]+)/.exec(bus.connectionString);
      const connection = rhea.connect({ port: bus.port, host: "127.0.0.1", reconnect: false, username, password });
      connection.on("disconnected", () => console.log("disconnected"));
      connection.open_sender("orders").on("accepted", () => bus.close()).on("sendable", ({ sender }) => {
        sender.removeAllListeners("sendable");
        connection.open_receiver("orders");
        sender.send({ body: 1 });
      });`;
    const tsx = import.meta.resolve("tsx");
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--import", tsx, "--input-type=module", "-e", script],
      {
        cwd: fileURLToPath(new URL("..", import.meta.url)),
        timeout: 60_000,
        env: { ...process.env, NODE_OPTIONS: "" },
      },
    );
    expect(stdout).toContain("disconnected");
  });

  it("runs beside others without sharing anything", async () => {
    await using first = await serviceBus({ queues: ["orders"] });
    await using second = await serviceBus({ queues: ["orders"] });
    const client = officialClient(first);
    await client.createSender("orders").sendMessages({ body: 1 });
    await client.close();
    expect([first, second].map(({ journal }) => journal.stored().length)).toEqual([1, 0]);
  });

  it("cannot be started again once closed", async () => {
    const bus = await serviceBus();
    await bus.close();
    await bus.close();
    await expect(bus.start()).rejects.toThrow(/closed/);
  });

  it("forgets its journal when told to", async () => {
    await using bus = await serviceBus({ queues: ["orders"] });
    const client = officialClient(bus);
    await client.createSender("orders").sendMessages({ body: 1 });
    bus.journal.clear();
    expect([
      bus.journal.stored(),
      bus.journal.attempts(),
      bus.journal.connections(),
      bus.journal.tokens(),
    ]).toEqual([[], [], [], []]);
    await client.close();
  });

  it.each([
    [
      { queues: [{ name: "q", lockDurationMs: 0 }] },
      /queue "q": lockDurationMs must be between 1 and 300000, got 0/,
    ],
    [{ queues: ["a", "A"] }, /queues\[\]\.name must be unique, got "A" twice/],
    [{ queues: ["has space"] }, /queues\[\]\.name must be an entity path .* got "has space"/],
    [{ port: 70_000 }, /port must be an integer of between 0 and 65535, got 70000/],
    [{ seed: -1 }, /seed must be .* got -1/],
    [{ credits: { perSecond: 0 } }, /credits\.perSecond must be .* got 0/],
    [{ keys: [{ name: "k", key: "", claims: [] }] }, /keys\[\] must have a name and a key/],
    [{ maxTokensPerConnection: 0 }, /maxTokensPerConnection must be .* got 0/],
  ])("refuses the options %j", async (options, message) => {
    await expect(serviceBus(options)).rejects.toThrow(message);
  });
});
