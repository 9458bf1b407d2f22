import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connected } from "./official-client.ts";

const main = fileURLToPath(new URL("../../src/bin/main.ts", import.meta.url));
const node = ["--import", import.meta.resolve("tsx"), main];

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs the command until it has said where its hub is; ends it with SIGTERM. */
async function running(
  args: readonly string[],
  use: (url: string, output: string) => Promise<void>,
): Promise<number> {
  const child = spawn(process.execPath, [...node, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    let output = "";
    for await (const chunk of child.stdout) {
      output += String(chunk);
      if (output.includes("Ctrl+C")) break;
    }
    await use(/hub \w+: (\S+)/.exec(output)?.[1] ?? "", output);
  } finally {
    child.kill("SIGTERM");
  }
  const [code] = (await once(child, "exit")) as [number];
  return code;
}

describe("the command holdfast-simulators", () => {
  it("serves a hub until it is told to stop", async () => {
    const code = await running(["signalr"], async (url, output) => {
      const connection = await connected(url);
      expect(await connection.invoke("Echo", 1)).toBe(1);
      expect(output).toMatch(/service: Endpoint=http:\/\/127\.0\.0\.1;Port=\d+;AccessKey=\w+;Version=1\.0;/);
      await connection.stop();
    });
    expect(code).toBe(0);
  });

  it("takes its options from JSON", async () => {
    const config = join(folder, "options.json");
    await writeFile(
      config,
      JSON.stringify({ hubs: [{ name: "news", path: "/hubs/news", hosting: "self" }] }),
    );
    await running(["signalr", "--config", config], async (url) => {
      expect(url).toMatch(/\/hubs\/news$/);
      const connection = await connected(url, { transport: "LongPolling" });
      await expect(connection.invoke("Throw", "no")).rejects.toThrow("HubException: no");
      await connection.stop();
    });
  });

  it("takes methods from a module", async () => {
    const config = join(folder, "setup.mjs");
    await writeFile(
      config,
      `export default { hubs: ["math"] };
       export function setup(simulator) { simulator.hub("math").on("Add", (_call, a, b) => a + b); }`,
    );
    await running(["signalr", "--config", config], async (url) => {
      const connection = await connected(url);
      expect(await connection.invoke("Add", 1, 2)).toBe(3);
      await connection.stop();
    });
  });

  it.each([
    [["--help"], 0, "Simulators: "],
    [["signalr", "--help"], 0, "--config <file>"],
    [["nonsense"], 1, 'unknown simulator "nonsense"'],
    [["signalr", "--nonsense"], 1, "Unknown option '--nonsense'"],
    [["signalr", "--port", "x"], 1, '--port must be a port number, got "x"'],
  ])("answers %j", async (args, code, text) => {
    const outcome = await new Promise<{ code: unknown; output: string }>((resolve) => {
      execFile(process.execPath, [...node, ...args], (error, stdout, stderr) => {
        resolve({ code: error?.code ?? 0, output: stdout + stderr });
      });
    });
    expect(outcome).toEqual({ code, output: expect.stringContaining(text) });
  });
});
