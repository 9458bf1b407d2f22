import { HttpTransportType } from "@microsoft/signalr";
import { withHubConnection, type HubConnection } from "@holdfast/signalr";
import type { SignalRSimulator } from "@holdfast/simulators/signalr";
import { expect, it, vi } from "vitest";
import { runBareSignalR } from "./signalr-bare.ts";
import { chatService, ours, until } from "./signalr-scene.ts";

/** The largest number of connections that were open at once. */
function mostAtOnce(sim: SignalRSimulator): number {
  const changes = sim.journal.connections().flatMap(({ openedAt, endedAt }) => [
    { at: openedAt ?? Infinity, by: 1 },
    { at: endedAt ?? Infinity, by: -1 },
  ]);
  let open = 0;
  return Math.max(...changes.toSorted((a, b) => a.at - b.at || a.by - b.by).map(({ by }) => (open += by)));
}

it("M-23 a thousand invocations of a function share one connection (SR-42)", async () => {
  await using sim = await chatService();
  const connection = (): HubConnection => ours(sim.url("chat")).connection;
  // What a function does for each request.
  const invocation = (value: number): Promise<number> =>
    withHubConnection({ connection, key: "M-23", lingerMs: 500 }, (shared) =>
      shared.invoke<number>("Echo", value),
    );
  for (let batch = 0; batch < 20; batch += 1) {
    const values = Array.from({ length: 50 }, (_, index) => batch * 50 + index);
    expect(await Promise.all(values.map(invocation))).toEqual(values);
  }
  expect(mostAtOnce(sim)).toBe(1);
  expect(sim.journal.invocations()).toHaveLength(1_000);
  await until(() => sim.journal.alive().length === 0);
});

it("M-23 withHubConnection() leaves none behind, also when the work throws (SR-41)", async () => {
  await using sim = await chatService();
  const connection = (): HubConnection => ours(sim.url("chat")).connection;
  for (let index = 0; index < 40; index += 1) {
    const work = withHubConnection({ connection }, async (own) => {
      await own.invoke("Echo", index);
      if (index % 2 === 0) throw new Error("the function failed");
    });
    await work.catch(() => undefined);
  }
  await until(() => sim.journal.alive().length === 0);
  expect(sim.journal.connections()).toHaveLength(40);
});

it("M-23 twelve connections that nobody stops make one warning that says where they were built (SR-40)", async () => {
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  await using sim = await chatService();
  const leaked = Array.from({ length: 12 }, () => ours(sim.url("chat")));
  for (const { connection } of leaked) await connection.start();
  expect(warned).toHaveBeenCalledTimes(1);
  expect(warned.mock.calls[0]?.[0]).toMatch(/11 SignalR connections .*signalr-scene\.ts/s);
  const told = leaked.flatMap(({ events }) => events);
  expect(told).toEqual([expect.objectContaining({ type: "many-connections", live: 11 })]);
  await Promise.all(leaked.map(({ connection }) => connection.stop()));
  warned.mockRestore();
});

// bare: one for each request, never stopped, fills the Free tier's 20 (the server's own is one of them), and then 429.
it("M-23 bare: a connection for each request spends the limit", async () => {
  await using sim = await chatService({ service: { tier: "Free", serverConnections: 1 } });
  using bare = runBareSignalR({
    url: sim.url("chat"),
    transport: HttpTransportType.WebSockets,
    connections: 25,
  });
  await until(() => bare.of("started").length + bare.of("start-failed").length === 25);
  expect(bare.of("started")).toHaveLength(19);
  expect(bare.of("start-failed")[0]?.error?.message).toContain("429");
});
