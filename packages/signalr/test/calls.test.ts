import { describe, expect, it } from "vitest";
import { failureOf, HoldfastError, type ResilienceOptions } from "@holdfast/signalr";
import { dropConnection, neverAnswer, type HubCall } from "@holdfast/simulators/signalr";
import { outcome, returned, scene, stateOf, until, type Scene } from "./scene.ts";

/** A connection that was lost and does not come back before `sim.start()`. */
async function down(resilience: ResilienceOptions = {}): Promise<Scene> {
  const s = await scene({ resilience });
  s.sim.hub("chat").on("Count", async function* (_: HubCall, to: number) {
    for (let number = 1; number <= to; number += 1) yield await Promise.resolve(number);
  });
  await s.connection.start();
  await s.sim.stop();
  await until(() => stateOf(s.connection) === "Reconnecting");
  return s;
}

const received = (s: Scene): Promise<unknown[]> =>
  new Promise((resolve, reject) => {
    const items: unknown[] = [];
    s.connection.stream("Count", 3).subscribe({
      next: (item) => items.push(item),
      complete: () => {
        resolve(items);
      },
      error: reject,
    });
  });

describe("calls while there is no connection", () => {
  it("fail at once in the official client's words by default", async () => {
    await using s = await down();
    for (const call of [s.connection.invoke("Echo", 1), s.connection.send("Echo", 1), received(s)]) {
      const { error, ownMs } = await outcome(call);
      expect(error?.message).toBe("Cannot send data if the connection is not in the 'Connected' State.");
      expect(ownMs).toBeLessThan(500);
    }
    const { error } = await outcome(s.connection.invoke("Echo", 1));
    expect(failureOf(error)).toMatchObject({ id: "not-connected", outcome: "rejected" });
  });

  it("SR-46 wait for it when told to, and are sent once", async () => {
    await using s = await down({ whileDown: "wait" });
    const calls = Promise.all([
      s.connection.invoke("Echo", "a"),
      s.connection.send("Echo", "b"),
      received(s),
    ]);
    await s.sim.start();
    expect(await calls).toEqual(["a", undefined, [1, 2, 3]]);
    await until(() => s.sim.journal.invocations().length === 3);
  });

  it("wait no longer than they may", async () => {
    await using s = await down({ whileDown: "wait", waitTimeoutMs: 300 });
    const { error, ownMs } = await outcome(s.connection.invoke("Echo", 1));
    expect(ownMs).toBeLessThan(5_000);
    expect(failureOf(error)).toMatchObject({ outcome: "rejected" });
  });

  it("SR-46 fail when too many wait already", async () => {
    await using s = await down({ whileDown: "wait", maxWaiting: 2 });
    const calls = [1, 2, 3].map((value) => outcome(s.connection.invoke("Echo", value)));
    expect((await calls[2])!.error).toBeInstanceOf(HoldfastError);
    await s.sim.start();
    expect([(await calls[0])!.value, (await calls[1])!.value]).toEqual([1, 2]);
  });

  it("end with stop()", async () => {
    await using s = await down({ whileDown: "wait" });
    const call = outcome(s.connection.invoke("Echo", 1));
    await s.connection.stop();
    expect((await call).error).toBeDefined();
  });

  it("fail for methods that are not declared idempotent when those are queued", async () => {
    await using s = await down({ whileDown: "queue", idempotent: ["echo"] });
    const { error } = await outcome(s.connection.invoke("Order", 1));
    expect(failureOf(error)).toMatchObject({ id: "not-connected" });
    const queued = s.connection.invoke("Echo", 1);
    await s.sim.start();
    expect(await queued).toBe(1);
  });
});

describe("calls under way when the connection is lost", () => {
  it("reject with the official error, and their outcome is unknown", async () => {
    await using s = await scene();
    await s.connection.start();
    s.sim.faults.next("receive", dropConnection({ carriedOut: true }));
    const { error } = await outcome(s.connection.invoke("Echo", 1));
    expect(error?.message).toContain("WebSocket closed with status code: 1006");
    expect(failureOf(error)).toMatchObject({ id: "SR-31", outcome: "unknown", kind: "disconnected" });
  });

  it("are sent again when their method is idempotent and queued", async () => {
    await using s = await scene({ resilience: { whileDown: "queue", idempotent: ["Echo"] } });
    await s.connection.start();
    s.sim.faults.next("receive", dropConnection({ carriedOut: true }), { times: 2 });
    expect(await s.connection.invoke("Echo", "once more")).toBe("once more");
    expect(s.sim.journal.invocations()).toHaveLength(3);
  });
});

describe("calls that are answered", () => {
  it("reject with the hub's own error, which is not repeated", async () => {
    await using s = await scene({ resilience: { whileDown: "queue", idempotent: ["Fail"] } });
    s.sim.hub("chat").on("Fail", () => {
      throw new Error("secret");
    });
    await s.connection.start();
    const { error } = await outcome(s.connection.invoke("Fail"));
    expect(error?.message).toBe("An unexpected error occurred invoking 'Fail' on the server.");
    expect(failureOf(error)).toMatchObject({ id: "SR-35", kind: "client-bug" });
    expect(s.sim.journal.invocations()).toHaveLength(1);
    expect(stateOf(s.connection)).toBe("Connected");
  });

  it("may take only so long where that is limited, by method", async () => {
    await using s = await scene({ resilience: { invokeTimeoutMs: { Echo: 200, "*": 10_000 } } });
    await s.connection.start();
    s.sim.faults.next("receive", neverAnswer({ carriedOut: true }));
    const { error, ms } = await outcome(s.connection.invoke("Echo", 1));
    expect(ms).toBeGreaterThanOrEqual(190);
    expect(error).toMatchObject({ code: "attempt-timeout" });
    expect(failureOf(error)).toMatchObject({ kind: "timeout", outcome: "unknown" });
    expect(await s.connection.invoke("Echo", 2)).toBe(2);
  });
});

describe("handlers", () => {
  it("are called with the connection the user knows as `this`, once each, and outlive reconnections", async () => {
    await using s = await scene();
    const calls: unknown[] = [];
    const handler = function (this: unknown, value: unknown): void {
      calls.push([this === s.connection, value]);
    };
    s.connection.on("News", handler);
    s.connection.on("news", handler);
    await s.connection.start();
    const { connectionId } = s.connection;
    s.sim.dropConnections();
    await returned(s, [connectionId]);
    s.connection.on("later", (value) => calls.push(["later", value]));
    const { all } = s.sim.hub("chat").clients;
    all.send("News", 1);
    all.send("Later", 2);
    await until(() => calls.length === 2);
    expect(calls).toEqual([
      [true, 1],
      ["later", 2],
    ]);
    s.connection.off("NEWS", handler);
    s.connection.off("later");
    all.send("News", 3);
    all.send("Later", 4);
    await s.connection.invoke("Echo", 1);
    expect(calls).toHaveLength(2);
  });

  it("give the server their result", async () => {
    await using s = await scene();
    s.connection.on("Ask", async (value: number) => Promise.resolve(value * 2));
    await s.connection.start();
    const [id] = s.sim.hub("chat").connectionIds;
    expect(await s.sim.hub("chat").clients.client(id!).invoke("Ask", 21)).toBe(42);
  });
});
