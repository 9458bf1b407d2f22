import { HttpTransportType } from "@microsoft/signalr";
import { expect, it } from "vitest";
import { runBareSignalR } from "./signalr-bare.ts";
import { chatService, ours, stateOf, until } from "./signalr-scene.ts";

// The service's hour is three seconds here, and the run four lives of a token.
const tokenLifetimeMs = 3_000;
const runMs = 12_000;
const { LongPolling, ServerSentEvents, WebSockets } = HttpTransportType;

it.each([
  ["server-sent events", ServerSentEvents],
  ["long polling", LongPolling],
])(
  "M-21 renews over %s before the token ends; every call is delivered (SR-17, SR-19)",
  async (_, transport) => {
    await using sim = await chatService({ service: { tokenLifetimeMs } });
    const { connection, events } = ours(
      sim.url("chat"),
      { whileDown: "wait", random: () => 0 },
      { transport },
    );
    await using __ = connection;
    await connection.start();
    let calls = 0;
    const end = performance.now() + runMs;
    while (performance.now() < end) {
      expect(await connection.invoke("Echo", calls)).toBe(calls);
      calls += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(sim.journal.invocations()).toHaveLength(calls);
    const renewals = events.filter(({ type }) => type === "reconnected");
    expect(renewals.length).toBeGreaterThanOrEqual(3);
    for (const renewal of renewals)
      expect(renewal).toMatchObject({ downMs: expect.toSatisfy((ms: number) => ms <= 1_000) });
    const tokens = sim.journal.connections().map(({ token }) => token);
    expect(new Set(tokens).size).toBe(tokens.length);
    // Every call was answered; what else is posted is a farewell, which may come when its token has just ended.
    const refused = sim.journal.refusals().filter(({ status, step }) => status === 401 && step !== "post");
    expect(refused).toEqual([]);
  },
);

it("M-21 leaves a WebSocket of the same age alone (SR-16)", async () => {
  await using sim = await chatService({ service: { tokenLifetimeMs } });
  const { connection, events } = ours(sim.url("chat"), {}, { transport: WebSockets });
  await using __ = connection;
  await connection.start();
  await new Promise((resolve) => setTimeout(resolve, 2 * tokenLifetimeMs));
  expect(await connection.invoke("Echo", 1)).toBe(1);
  expect(events).toEqual([]);
  expect(sim.journal.connections()).toHaveLength(1);
});

// bare: over server-sent events every call fails from then on, while the state stays "Connected" and nobody reconnects.
it("M-21 bare: a connection over server-sent events outlives its token as a dead one", async () => {
  await using sim = await chatService({ service: { tokenLifetimeMs: 1_000 } });
  using bare = runBareSignalR({
    ...{ url: sim.url("chat"), transport: ServerSentEvents, automaticReconnect: true, echoEveryMs: 100 },
  });
  await bare.until(({ what }) => what === "echo-failed");
  await until(() => bare.of("echo-failed").length >= 10);
  expect(new Set(bare.of("echo-failed").map(({ state }) => stateOf({ state })))).toEqual(
    new Set(["Connected"]),
  );
  expect(bare.of("reconnecting")).toEqual([]);
  expect(sim.journal.negotiates("app")).toHaveLength(1);
});
