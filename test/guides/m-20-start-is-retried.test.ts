import { HttpTransportType } from "@microsoft/signalr";
import { failureOf } from "@holdfast/signalr";
import { answer, delayAnswer, throttled, type SignalRSimulator } from "@holdfast/simulators/signalr";
import { describe, expect, it } from "vitest";
import { runBareSignalR, type BareSignalRReport } from "./signalr-bare.ts";
import { chatService, ours, stateOf, until } from "./signalr-scene.ts";

const notConnectedYet = "Azure SignalR Service is not connected yet, please try again later.";

/** What becomes of the official client's start under the same fault. */
async function bareStart(arrange: (sim: SignalRSimulator) => unknown): Promise<BareSignalRReport> {
  await using sim = await chatService();
  arrange(sim);
  using bare = runBareSignalR({
    url: sim.url("chat"),
    transport: HttpTransportType.WebSockets,
    automaticReconnect: true,
  });
  const report = await bare.until(({ what }) => what === "started" || what === "start-failed");
  expect(sim.journal.negotiates("app")).toHaveLength(1);
  return report;
}

it("M-20 start() resolves after exactly four negotiations when three are answered with 500 (SR-28)", async () => {
  const arrange = (sim: SignalRSimulator): unknown =>
    sim.faults.next("service-negotiate", answer(500, { body: notConnectedYet }), { times: 3 });
  await using sim = await chatService();
  arrange(sim);
  const { connection } = ours(sim.url("chat"));
  await using __ = connection;
  await connection.start();
  expect(sim.journal.negotiates("service").map(({ status }) => status)).toEqual([500, 500, 500, 200]);
  expect(sim.journal.negotiates("app")).toHaveLength(4);

  const bare = await bareStart(arrange);
  expect(bare).toMatchObject({ what: "start-failed", error: { statusCode: null } });
  expect(bare.error?.message).toContain(notConnectedYet);
});

it("M-20 the next attempt comes no sooner than a Retry-After of 7 s (SR-24)", async () => {
  const arrange = (sim: SignalRSimulator): unknown =>
    sim.faults.next("service-negotiate", throttled({ retryAfterSeconds: 7 }));
  await using sim = await chatService();
  arrange(sim);
  const { connection, events } = ours(sim.url("chat"));
  await using __ = connection;
  await connection.start();
  const [first, second] = sim.journal.negotiates("app");
  expect(second!.at - first!.at).toBeGreaterThanOrEqual(7_000);
  expect(second!.at - first!.at).toBeLessThan(15_000);
  expect(events[0]).toMatchObject({
    type: "retry",
    hintMs: 7_000,
    fault: { kind: "throttled", code: "429" },
  });

  // bare: rejects, and neither status nor Retry-After can be read from the error.
  const bare = await bareStart(arrange);
  expect(bare).toMatchObject({ what: "start-failed", error: { statusCode: null } });
});

it("M-20 at the connection limit each waiting client keeps to ten attempts a minute, and gets in when others leave (SR-24, SR-25, SR-27)", async () => {
  await using sim = await chatService({ service: { tier: "Free", serverConnections: 1 } });
  // The service counts the app server's connection too.
  const inside = 19;
  const clients = Array.from({ length: inside + 3 }, () =>
    ours(sim.url("chat"), { warnAboveConnections: Infinity }),
  );
  const starts = clients.map(({ connection }) => connection.start());
  await until(() => sim.journal.alive().length === inside);
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  expect(sim.journal.alive()).toHaveLength(inside);
  const waiting = clients.filter(({ connection }) => stateOf(connection) === "Connecting");
  expect(waiting).toHaveLength(3);
  // Ten a minute are two in twelve seconds; the waits grow, so the first minute holds the most.
  for (const { events } of waiting) {
    const refused = events.filter(({ type }) => type === "retry");
    expect(refused.length).toBeLessThanOrEqual(4);
    expect(refused[0]).toMatchObject({ fault: { id: "SR-24" } });
  }
  const connected = clients.filter(({ connection }) => stateOf(connection) === "Connected");
  await Promise.all(connected.slice(0, 3).map(({ connection }) => connection.stop()));
  await Promise.all(starts);
  expect(sim.journal.alive()).toHaveLength(inside);
  await Promise.all(clients.map(({ connection }) => connection.stop()));
});

describe("M-20 what no repetition can mend", () => {
  it.each([
    [413, "SR-03", "too-large"],
    [414, "SR-02", "too-large"],
    [400, "SR-15", "client-bug"],
  ])("%i is one attempt and an error that says what to do", async (status, id, kind) => {
    await using sim = await chatService();
    sim.faults.always("service-negotiate", answer(status));
    const { connection } = ours(sim.url("chat"));
    const error: unknown = await connection.start().catch((thrown: unknown) => thrown);
    expect(failureOf(error)).toMatchObject({ id, kind, code: String(status), reason: "permanent" });
    expect(failureOf(error)?.remedy).toMatch(/\w{5}/);
    expect(sim.journal.negotiates("service")).toHaveLength(1);
  });
});

it("M-20 a connection that comes too late after its negotiation is negotiated anew (SR-22)", async () => {
  // Five seconds, scaled; a busy machine keeps to it all the same.
  const service = { connectWindowMs: 1_500 };
  await using sim = await chatService({ service });
  sim.faults.next("transport", delayAnswer(2_500));
  const { connection, events } = ours(sim.url("chat"));
  await using __ = connection;
  await connection.start();
  expect(events[0]).toMatchObject({ type: "retry", fault: { id: "SR-22", code: "404" } });
  expect(sim.journal.negotiates("app")).toHaveLength(2);

  // bare, over WebSockets: fails, and does not say that it was a 404.
  await using other = await chatService({ service });
  other.faults.next("transport", delayAnswer(2_500));
  using bare = runBareSignalR({ url: other.url("chat"), transport: HttpTransportType.WebSockets });
  const { what, error } = await bare.until((report) => report.what !== "echoed");
  expect(what).toBe("start-failed");
  expect(error?.message).not.toContain("404");
});
