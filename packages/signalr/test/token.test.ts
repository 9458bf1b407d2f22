import { describe, expect, it } from "vitest";
import { HttpTransportType } from "@microsoft/signalr";
import { systemClock } from "@holdfast/core";
import { failureOf } from "@holdfast/signalr";
import { answer } from "@holdfast/simulators/signalr";
import { outcome, returned, scene, stateOf, until } from "./scene.ts";

const { LongPolling, ServerSentEvents } = HttpTransportType;
const carriers = [
  ["server-sent events", ServerSentEvents],
  ["long polling", LongPolling],
] as const;

describe("the service's token", () => {
  it("never reaches the app server, not on a reconnection either", async () => {
    await using s = await scene();
    await s.connection.start();
    for (let round = 0; round < 3; round += 1) {
      const { connectionId } = s.connection;
      s.sim.dropConnections();
      await returned(s, [connectionId]);
    }
    const app = s.sim.journal.requests().filter(({ server }) => server === "app");
    expect(app.length).toBeGreaterThanOrEqual(4);
    expect(app.filter(({ token }) => token !== undefined)).toEqual([]);
  });

  it("is not sent when it is too long for the service, and its largest claims are named", async () => {
    const groups = Array.from({ length: 120 }, (_, index) => `00000000-0000-0000-0000-${String(index)}`);
    const identify = (): object => ({ userId: "me", claims: { groups, role: "admin" } });
    await using s = await scene({ simulator: { hubs: [{ name: "chat", identify }] } });
    // The app server refuses such a token by itself; an older one hands it out.
    const { error } = await outcome(s.connection.start());
    expect(failureOf(error)).toMatchObject({ kind: "too-large" });
    expect(s.sim.journal.requests().filter(({ server }) => server === "service")).toEqual([]);
  });

  it("is counted before connecting when the app server lets it pass", async () => {
    await using s = await scene();
    const payload = btoa(JSON.stringify({ groups: "g".repeat(4_000), exp: 4_000_000_000 }));
    const accessToken = `e30.${payload}.signature`;
    const body = JSON.stringify({ url: `${s.sim.service.origin}/client/?hub=chat`, accessToken });
    s.sim.faults.always("app-negotiate", answer(200, { body }));
    const { error } = await outcome(s.connection.start());
    expect(failureOf(error)).toMatchObject({ id: "SR-04", kind: "too-large" });
    expect(error?.message).toMatch(/characters long; the service takes 4096.*groups \(4002\), exp \(10\)/);
    expect(error?.message).not.toContain("ggg");
    expect(s.sim.journal.requests().filter(({ server }) => server === "service")).toEqual([]);
  });

  it("is asked for anew with each attempt", async () => {
    let made = 0;
    const accessTokenFactory = (): string => `user-token-${String((made += 1))}`;
    await using s = await scene({ http: { accessTokenFactory } });
    await s.connection.start();
    const { connectionId } = s.connection;
    s.sim.dropConnections();
    await returned(s, [connectionId]);
    expect(made).toBe(2);
    const issuers = s.sim.journal.negotiates().map(({ server, token }) => `${server} ${token?.issuer ?? ""}`);
    expect(issuers).toEqual(["app client", "service redirect", "app client", "service redirect"]);
  });
});

describe("a token that ends", () => {
  it.each(carriers)("is replaced before it does, over %s, and calls meanwhile wait", async (_, transport) => {
    await using s = await scene({
      http: { transport },
      // Renewed as early as chance may have it, with half a second left.
      simulator: { service: { tokenLifetimeMs: 2_000 } },
      resilience: { random: () => 0 },
    });
    const said: string[] = [];
    s.connection.onreconnecting((error) => said.push(`reconnecting ${String(error)}`));
    s.connection.onreconnected(() => said.push("reconnected"));
    await s.connection.start();
    let answered = 0;
    const end = performance.now() + 5_000;
    while (performance.now() < end) {
      expect(await s.connection.invoke("Echo", answered)).toBe(answered);
      answered += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(s.sim.journal.tokens().length).toBeGreaterThanOrEqual(3);
    // What the client says in farewell (a long poll's DELETE, over server-sent events its Close) can reach a server that has
    // seen the end already, as with the bare client. Nothing else is refused: the calls, which are posts too, were answered.
    const refusals = s.sim.journal.refusals();
    expect(refusals.filter(({ step }) => step !== "delete" && step !== "post")).toEqual([]);
    expect(s.sim.journal.invocations()).toHaveLength(answered);
    expect(said.slice(0, 2)).toEqual(["reconnecting undefined", "reconnected"]);
  });

  it("is replaced before the next call when its timer is late, as in a page that slept", async () => {
    // The renewal's timer comes when the token has ended.
    const late = (ms: number, fire: () => void): (() => void) =>
      systemClock.after(ms > 500 ? ms + 60_000 : ms, fire);
    await using s = await scene({
      http: { transport: ServerSentEvents },
      simulator: { service: { tokenLifetimeMs: 2_000 } },
      resilience: { clock: { ...systemClock, after: late } },
    });
    await s.connection.start();
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect(await s.connection.invoke("Echo", 1)).toBe(1);
    expect(s.sim.journal.invocations()).toHaveLength(1);
    expect(s.sim.journal.connections()).toHaveLength(2);
  });

  it("does not keep a call waiting when the connection is stopped in the middle of its renewal", async () => {
    await using s = await scene({
      http: { transport: LongPolling },
      simulator: { service: { tokenLifetimeMs: 600 } },
    });
    s.sim.hub("chat").on("Slow", () => new Promise(() => undefined));
    await s.connection.start();
    // A renewal waits for this one, and the next one for the renewal.
    const slow = outcome(s.connection.invoke("Slow"));
    await new Promise((resolve) => setTimeout(resolve, 700));
    const waiting = outcome(s.connection.invoke("Echo", 1));
    await s.connection.stop();
    expect((await slow).error).toBeDefined();
    const { error, ownMs } = await waiting;
    expect(error).toBeDefined();
    expect(ownMs).toBeLessThan(5_000);
  });

  it.each(carriers)("costs a reconnection over %s when it was not replaced in time", async (_, transport) => {
    await using s = await scene({
      http: { transport },
      resilience: { renewBeforeExpiry: false, whileDown: "wait" },
      simulator: { service: { tokenLifetimeMs: 1_000 }, pollTimeoutMs: 300 },
    });
    await s.connection.start();
    const { connectionId } = s.connection;
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    // The bare client stays "Connected" over server-sent events, and every call fails from here on.
    await outcome(s.connection.invoke("Echo", 1));
    await returned(s, [connectionId]);
    expect(await s.connection.invoke("Echo", 2)).toBe(2);
    expect(s.events).toContainEqual(
      expect.objectContaining({ type: "disconnected", fault: expect.objectContaining({ id: "SR-17" }) }),
    );
  });

  it("costs nothing over WebSockets, which are asked for it once", async () => {
    await using s = await scene({ simulator: { service: { tokenLifetimeMs: 500 } } });
    await s.connection.start();
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(await s.connection.invoke("Echo", 1)).toBe(1);
    expect(s.sim.journal.connections()).toHaveLength(1);
  });
});

it("takes a connection that the service no longer knows for dead", async () => {
  await using s = await scene({ http: { transport: ServerSentEvents } });
  await s.connection.start();
  const { connectionId } = s.connection;
  s.sim.faults.next("post", answer(404));
  const { error } = await outcome(s.connection.invoke("Echo", 1));
  expect(failureOf(error)).toMatchObject({ id: "SR-23" });
  await returned(s, [connectionId]);
  await until(() => stateOf(s.connection) === "Connected");
});

it("falls back to other transports only when it was asked to, after so many failures", async () => {
  await using s = await scene({ resilience: { fallback: { afterFailures: 2 } } });
  const noWebSockets = s.sim.faults.always("transport", answer(404));
  const started = s.connection.start();
  await until(() => s.events.length >= 2);
  noWebSockets.remove();
  s.sim.faults.next("transport", answer(404));
  await started;
  const carrier = s.sim.journal.connections().map(({ transport }) => transport);
  expect(carrier).toEqual(["ServerSentEvents"]);
});
