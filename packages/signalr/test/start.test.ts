import { AbortError, HttpTransportType } from "@microsoft/signalr";
import { describe, expect, it } from "vitest";
import { failureOf, type HubConnection } from "@holdfast/signalr";
import {
  answer,
  blackHole,
  neverAnswer,
  refuseHandshake,
  resetConnection,
  throttled,
} from "@holdfast/simulators/signalr";
import { outcome, quick, scene, stateOf, until } from "./scene.ts";

const notConnectedYet = answer(500, {
  body: "Azure SignalR Service is not connected yet, please try again later.",
});

describe("start()", () => {
  it("is retried until an app server is connected to the service", async () => {
    await using s = await scene();
    s.sim.faults.next("service-negotiate", notConnectedYet, { times: 3 });
    await s.connection.start();
    expect(s.connection.state).toBe("Connected");
    expect(s.sim.journal.negotiates("service").map(({ status }) => status)).toEqual([500, 500, 500, 200]);
    expect(s.events.filter(({ type }) => type === "retry")).toHaveLength(3);
    expect(s.events[0]).toMatchObject({ attempt: 1, fault: { id: "SR-28", kind: "transient", code: "500" } });
  });

  it("outlasts servers that refuse connections", async () => {
    await using s = await scene();
    await s.sim.stop();
    const started = outcome(s.connection.start());
    await until(() => s.events.length >= 3);
    expect(s.connection.state).toBe("Connecting");
    expect(s.events[0]).toMatchObject({ fault: { kind: "disconnected", id: "connection-refused" } });
    await s.sim.start();
    expect((await started).error).toBeUndefined();
  });

  it.each([
    [400, "SR-15", "client-bug"],
    [403, "forbidden", "client-bug"],
    [404, "not-a-hub", "not-found"],
    [413, "SR-03", "too-large"],
    [414, "SR-02", "too-large"],
  ])("fails at once with advice when negotiation is answered with %i", async (status, id, kind) => {
    await using s = await scene();
    s.sim.faults.always("app-negotiate", answer(status));
    const { error } = await outcome(s.connection.start());
    expect(error?.message).toContain(`Status code '${String(status)}'`);
    expect(error).toMatchObject({ errorType: "FailedToNegotiateWithServerError" });
    expect(failureOf(error)).toMatchObject({ id, kind, code: String(status), service: "signalr" });
    expect(failureOf(error)?.remedy).not.toBe("");
    expect(s.sim.journal.negotiates()).toHaveLength(1);
    expect(s.connection.state).toBe("Disconnected");
  });

  it("fails at once when the server does not speak the protocol", async () => {
    await using s = await scene();
    s.sim.faults.always("handshake", refuseHandshake());
    const { error } = await outcome(s.connection.start());
    expect(failureOf(error)).toMatchObject({ id: "protocol" });
    expect(s.sim.journal.negotiates("app")).toHaveLength(1);
  });

  it("asks for a new token after a 401, and gives up when that is refused too", async () => {
    let tokens = 0;
    const accessTokenFactory = (): string => `token-${String((tokens += 1))}`;
    await using s = await scene({ http: { accessTokenFactory } });
    s.sim.faults.next("app-negotiate", answer(401));
    await s.connection.start();
    expect(tokens).toBe(2);
    await s.connection.stop();
    s.sim.faults.always("app-negotiate", answer(401));
    const { error } = await outcome(s.connection.start());
    expect(failureOf(error)).toMatchObject({ id: "SR-19", kind: "auth" });
    expect(tokens).toBe(4);
  });

  it("waits as long as the Retry-After of a refused negotiation asks", async () => {
    await using s = await scene();
    s.sim.faults.next("service-negotiate", answer(503, { retryAfterSeconds: 2 }));
    await s.connection.start();
    const [first, second] = s.sim.journal.negotiates("app");
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(2_000);
    expect(s.events[0]).toMatchObject({ type: "retry", hintMs: 2_000, fault: { code: "503" } });
  });

  it("waits as long as the Retry-After of a refused upgrade asks", async () => {
    await using s = await scene();
    s.sim.faults.next("transport", answer(503, { retryAfterSeconds: 1 }));
    await s.connection.start();
    const [first, second] = s.sim.journal.negotiates("app");
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(1_000);
    expect(s.events[0]).toMatchObject({ hintMs: 1_000, fault: { code: "503", kind: "transient" } });
  });

  it("negotiates anew when the service has forgotten the connection", async () => {
    await using s = await scene();
    s.sim.faults.next("transport", answer(404));
    await s.connection.start();
    expect(s.events[0]).toMatchObject({ fault: { id: "SR-22", code: "404" } });
    expect(s.sim.journal.negotiates("app")).toHaveLength(2);
  });

  it("calls a refusal for too many connections throttling", async () => {
    await using s = await scene();
    s.sim.faults.always("service-negotiate", throttled());
    const started = outcome(s.connection.start());
    await until(() => s.events.length > 0);
    expect(s.events[0]).toMatchObject({ fault: { id: "SR-24", kind: "throttled", code: "429" } });
    await s.connection.stop();
    expect((await started).error).toBeInstanceOf(AbortError);
  });

  it("makes one request of each kind in an attempt, over WebSockets alone", async () => {
    await using s = await scene();
    s.sim.faults.always("transport", answer(503));
    const started = outcome(s.connection.start());
    await until(() => s.events.length >= 3);
    await s.connection.stop();
    await started;
    const steps = s.sim.journal.requests().map(({ step }) => step);
    expect(steps.slice(0, 6)).toEqual([
      ...["app-negotiate", "service-negotiate", "transport"],
      ...["app-negotiate", "service-negotiate", "transport"],
    ]);
  });

  it("rejects while started, in the official client's words", async () => {
    await using s = await scene();
    await s.connection.start();
    const { error } = await outcome(s.connection.start());
    expect(error?.message).toBe("Cannot start a HubConnection that is not in the 'Disconnected' state.");
  });

  it("ends with the caller's signal, with the trouble that took the time", async () => {
    await using s = await scene();
    await s.sim.stop();
    const signal = AbortSignal.timeout(1_500);
    const { error, ownMs } = await outcome(s.connection.start({ signal }));
    expect(ownMs).toBeLessThan(5_000);
    expect(error?.message).toContain("fetch failed");
    expect(failureOf(error)).toMatchObject({ reason: "deadline", id: "connection-refused" });
    await until(() => stateOf(s.connection) === "Disconnected");
  });
});

/** Everything that hangs for ever in the official client. */
const hangs: readonly [string, (s: Awaited<ReturnType<typeof scene>>) => unknown][] = [
  ["the upgrade is never answered", (s) => s.sim.faults.next("transport", neverAnswer())],
  ["the handshake is never answered", (s) => s.sim.faults.next("handshake", neverAnswer())],
  ["the negotiation is never answered", (s) => s.sim.faults.next("app-negotiate", neverAnswer())],
  ["the server accepts and says nothing", (s) => s.sim.faults.next("connect", blackHole())],
  ["the connection is reset", (s) => s.sim.faults.next("connect", resetConnection())],
];

describe("an attempt that hangs", () => {
  const policies = {
    ...quick,
    lookup: (key: string) => quick.lookup(key)?.with({ attemptTimeoutMs: 800 }),
  };

  it.each(hangs)("is given up for a new one when %s", async (_, arrange) => {
    await using s = await scene({ resilience: { policies, connectTimeoutMs: 500 } });
    arrange(s);
    await s.connection.start();
    expect(await s.connection.invoke("Echo", 1)).toBe(1);
    await s.connection.stop();
    await until(() => s.sim.journal.alive().length === 0);
  });

  it("is given up when the socket takes longer to open than a negotiation is good for", async () => {
    await using s = await scene({ resilience: { connectTimeoutMs: 300 } });
    s.sim.faults.next("transport", neverAnswer());
    const { error, ownMs } = await outcome(s.connection.start());
    expect(error).toBeUndefined();
    expect(ownMs).toBeLessThan(5_000);
    expect(s.events[0]).toMatchObject({ fault: { kind: "timeout", code: "attempt-timeout" } });
  });

  it("leaves no event stream behind that goes on trying by itself", async () => {
    await using s = await scene({ http: { transport: HttpTransportType.ServerSentEvents } });
    s.sim.faults.next("transport", answer(500));
    await s.connection.start();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(s.sim.journal.requests().filter(({ step }) => step === "transport")).toHaveLength(2);
  });

  it.each(hangs.slice(0, 4))("is ended at once by stop() when %s", async (_, arrange) => {
    await using s = await scene();
    arrange(s);
    arrange(s);
    const started = outcome(s.connection.start());
    await new Promise((resolve) => setTimeout(resolve, 100));
    const stopped = await outcome(s.connection.stop());
    expect(stopped.ownMs).toBeLessThan(1_000);
    expect((await started).error).toBeInstanceOf(AbortError);
    s.sim.faults.clear();
    await restarted(s.connection);
  });

  async function restarted(connection: HubConnection): Promise<void> {
    expect(connection.state).toBe("Disconnected");
    await connection.start();
    expect(await connection.invoke("Echo", 2)).toBe(2);
  }
});
