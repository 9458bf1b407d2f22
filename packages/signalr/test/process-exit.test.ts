import { spawn } from "node:child_process";
import { neverAnswer, signalr, type SignalRSimulator } from "@holdfast/simulators/signalr";
import { expect, it } from "vitest";

const program = `
  import { HubConnectionBuilder, LogLevel } from "@holdfast/signalr";
  const [, url, transport] = process.argv;
  const connection = new HubConnectionBuilder().configureLogging(LogLevel.None)
    .withUrl(url, { transport: Number(transport) }).build();
  connection.start().catch(() => {});
  setTimeout(async () => { await connection.stop(); console.log("stopped"); }, 1500);
`;

async function freezeOnceConnected(sim: SignalRSimulator): Promise<void> {
  while (sim.journal.alive().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  sim.freeze();
}

it.each<[string, number, (sim: SignalRSimulator) => unknown]>([
  ["the upgrade was never answered", 1, (sim) => sim.faults.always("transport", neverAnswer())],
  ["the negotiation was never answered", 1, (sim) => sim.faults.always("app-negotiate", neverAnswer())],
  ["the connection fell silent", 1, (sim) => void freezeOnceConnected(sim)],
  ["it was connected by server-sent events", 2, () => undefined],
  ["it was connected by long polling", 4, () => undefined],
  ["the servers are gone", 1, (sim) => sim.stop()],
])("lets the process exit by itself after stop() when %s", async (_, transport, arrange) => {
  const sim = await signalr({ hubs: ["chat"] });
  const url = sim.url("chat");
  await arrange(sim);
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "--conditions=source", "--input-type=module", "-e", program, url, String(transport)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    await new Promise((resolve) => child.stdout.once("data", resolve)); // "stopped"
    const exit = await Promise.race([
      new Promise<string>((resolve) => child.once("exit", () => resolve("exited"))),
      new Promise<string>((resolve) => setTimeout(resolve, 8_000, "still running 8 s after stop()")),
    ]);
    expect(exit).toBe("exited");
  } finally {
    child.kill("SIGKILL");
    await sim.close();
  }
});
