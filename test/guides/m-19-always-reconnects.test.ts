import { decide, faultKinds, type Fault } from "@holdfast/core";
import { signalrPolicies } from "@holdfast/signalr";
import type { SignalRSimulator } from "@holdfast/simulators/signalr";
import { expect, it } from "vitest";
import { timed } from "../own-time/own-time.ts";
import { runBareSignalR } from "./signalr-bare.ts";
import { chatService, ours, stateOf, until } from "./signalr-scene.ts";

const outageMs = 3_000;
// The official client's own list takes 42 s.
const bareDelays = [0, 200, 500] as const;

const losses: readonly [string, (sim: SignalRSimulator) => unknown][] = [
  [
    "a type-7 close without allowReconnect (SR-33)",
    (sim) => sim.closeConnections({ error: "Connection closed with an error." }),
  ],
  [
    "a type-7 close with an internal error (SR-34)",
    (sim) => sim.closeConnections({ error: "Internal server error." }),
  ],
  ["a drop without a closing handshake (SR-31, SR-37)", (sim) => sim.dropConnections()],
  ["a restart of both servers (SR-36, SR-38)", (sim) => sim.restart({ downMs: 300 })],
  ["an outage that outlasts every list of delays (SR-37)", (sim) => sim.restart({ downMs: outageMs })],
];

it.each(losses)(
  "M-19 SR-18 SR-23 is connected again after %s, with a fresh negotiation and token",
  async (_, lose) => {
    await using sim = await chatService();
    const { connection } = ours(sim.url("chat"));
    await using __ = connection;
    await connection.start();
    const { connectionId } = connection;
    await lose(sim);
    await until(() => stateOf(connection) === "Connected" && connection.connectionId !== connectionId);
    expect(await connection.invoke("Echo", "again")).toBe("again");
    const accepted = sim.journal.negotiates("app").filter(({ status }) => status === 200);
    expect(accepted.length).toBeGreaterThanOrEqual(2);
    expect(new Set(sim.journal.connections().map(({ token }) => token)).size).toBe(2);
  },
);

it("M-19 is connected again after the server timeout (SR-32)", async () => {
  await using sim = await chatService({ keepAliveMs: 60_000 });
  const { connection, events } = ours(sim.url("chat"), {}, {}, (builder) =>
    builder.withServerTimeout(300).withKeepAliveInterval(150),
  );
  await using __ = connection;
  await connection.start();
  const { connectionId } = connection;
  await until(() => stateOf(connection) === "Connected" && connection.connectionId !== connectionId);
  expect(events[0]).toMatchObject({ type: "disconnected", fault: { id: "SR-32" } });
  expect(sim.journal.negotiates("app").length).toBeGreaterThanOrEqual(2);
});

// bare: withAutomaticReconnect() does nothing after a type-7 close that allows no reconnection.
it("M-19 bare: stays disconnected after a type-7 close, with one negotiation", async () => {
  await using sim = await chatService();
  using bare = runBareSignalR({ url: sim.url("chat"), automaticReconnect: true });
  await bare.until(({ what }) => what === "started");
  sim.closeConnections({ error: "Connection closed with an error." });
  const { error } = await bare.until(({ what }) => what === "closed");
  expect(error?.message).toContain("Server returned an error on close");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(sim.journal.negotiates("app")).toHaveLength(1);
  expect(bare.of("reconnecting")).toEqual([]);
});

// bare: gives up when its list is used up, and onclose gets no error, so `if (error) restart()` never runs.
it("M-19 bare: gives up in an outage that outlasts its delays, without an error", async () => {
  await using sim = await chatService();
  using bare = runBareSignalR({ url: sim.url("chat"), automaticReconnect: bareDelays });
  await bare.until(({ what }) => what === "started");
  await sim.stop();
  const closed = await bare.until(({ what }) => what === "closed");
  await sim.start();
  expect(closed.error).toBeUndefined();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(sim.journal.alive()).toEqual([]);
});

it("M-19 never runs out of attempts, however long it takes (SR-45)", () => {
  const policy = signalrPolicies().lookup("signalr.reconnect")!;
  const worthRepeating = [
    "transient",
    "timeout",
    "throttled",
    "disconnected",
    "not-found",
    "unknown",
  ] as const;
  expect(faultKinds).toEqual(expect.arrayContaining([...worthRepeating]));
  for (const kind of worthRepeating) {
    const fault = { kind, sent: "no", hintMs: undefined } as Fault;
    for (const count of [1, 10, 1_000_000]) {
      const progress = { elapsedMs: count * 10_000, counted: count, ofKind: count, previousWaitMs: 10_000 };
      const decision = decide(fault, progress, policy, () => 0.999);
      expect(decision.retry).toBe(true);
      if (decision.retry) expect(decision.waitMs).toBeLessThanOrEqual(kind === "throttled" ? 30_000 : 10_000);
    }
  }
});

it("M-19 stop() ends a reconnection at once", async () => {
  await using sim = await chatService();
  const { connection } = ours(sim.url("chat"));
  await connection.start();
  await sim.stop();
  await until(() => stateOf(connection) === "Reconnecting");
  expect((await timed(connection.stop())).ownMs).toBeLessThan(500);
  const attempts = sim.journal.requests().length;
  await sim.start();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(sim.journal.requests()).toHaveLength(attempts);
});
