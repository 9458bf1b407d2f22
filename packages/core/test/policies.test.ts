import { describe, expect, it } from "vitest";
import { policies, policy, presets } from "../src/index.ts";
import { seededRandom, virtualClock } from "../src/testing.ts";
import { failure, rows } from "./scene.ts";
import { faultTable } from "../src/fault-table.ts";

const registry = () => policies({ "serviceBus.send": presets.request, "signalr.invoke": presets.none });

describe("keys", () => {
  it("are checked by the compiler, and at run time for those without one", () => {
    const retry = registry();
    // @ts-expect-error the key is misspelt
    expect(() => retry.for("serviceBus.sned")).toThrow(
      /"serviceBus\.sned".*|.*serviceBus\.send, signalr\.invoke/,
    );
    // @ts-expect-error the key is misspelt
    expect(() => retry.update({ "serviceBus.sned": {} })).toThrow(
      expect.objectContaining({ code: "misconfigured" }),
    );
    expect(retry.for("serviceBus.send").policy).toBe(presets.request);
  });

  it("do not come from Object's own", () => {
    const retry = registry();
    expect(retry.lookup("toString")).toBeUndefined();
    expect(() => retry.for("constructor" as never)).toThrow(/serviceBus\.send/);
  });

  it("can be listed and looked up", () => {
    expect(registry().operations).toEqual(["serviceBus.send", "signalr.invoke"]);
    expect(registry().lookup("signalr.invoke")).toBe(presets.none);
    expect(registry().lookup("nothing")).toBeUndefined();
  });
});

describe("update", () => {
  it("changes what it names and leaves the rest", () => {
    const retry = registry();
    retry.update({ "serviceBus.send": { deadlineMs: 5_000 } });
    expect(retry.for("serviceBus.send").policy).toMatchObject({ deadlineMs: 5_000, attempts: 10 });
    expect(retry.lookup("signalr.invoke")).toBe(presets.none);
    expect(presets.request.deadlineMs).toBe(60_000);
  });

  it("changes nothing at all when one option is out of range", () => {
    const retry = registry();
    const bad = { "serviceBus.send": { deadlineMs: 5_000 }, "signalr.invoke": { attempts: 0 } };
    expect(() => retry.update(bad)).toThrow(/policy\.attempts must be .* got 0/);
    expect(retry.lookup("serviceBus.send")).toBe(presets.request);
  });

  it("changes nothing at all when one key is unknown", () => {
    const retry = registry();
    expect(() => retry.update({ "serviceBus.send": { attempts: 2 }, nope: {} } as never)).toThrow(/nope/);
    expect(retry.lookup("serviceBus.send")).toBe(presets.request);
  });

  it("reaches the next call of a retry that was taken before, not the one under way", async () => {
    const clock = virtualClock();
    const context = { clock, random: seededRandom(1), classify: faultTable("test", rows) };
    const retry = policies({ send: policy({ attempts: 4 }) }, context);
    const send = retry.for("send");
    let attempts = 0;
    const work = () => {
      attempts += 1;
      if (attempts === 1) retry.update({ send: { attempts: 2 } });
      throw failure("Internal");
    };
    await expect(clock.settle(send.run(work))).rejects.toThrow("Internal");
    expect(attempts).toBe(4);
    attempts = 1;
    await expect(clock.settle(send.run(work))).rejects.toThrow("Internal");
    expect(attempts).toBe(3);
  });
});

describe("run", () => {
  it("runs under the policy and tells the operation and the target", async () => {
    const clock = virtualClock();
    const events: string[] = [];
    const retry = policies(
      { send: policy() },
      { clock, classify: faultTable("test", rows), onEvent: (event) => events.push(JSON.stringify(event)) },
    );
    let left = 1;
    const work = () => (left-- > 0 ? Promise.reject(failure("Internal")) : Promise.resolve("sent"));
    expect(await clock.settle(retry.for("send", "orders").run(work))).toBe("sent");
    expect(events.map((text) => JSON.parse(text) as object)).toMatchObject([
      { type: "retry", operation: "send", target: "orders", attempt: 1 },
      { type: "recovered", operation: "send", target: "orders", attempts: 2 },
    ]);
  });

  it("knows system errors without being given a table, in real time", async () => {
    const quick = policy({ backoff: { shape: "full", baseMs: 1, capMs: 1 } });
    const retry = policies({ fetch: quick });
    let left = 2;
    const refused = new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED ::1:1") });
    const work = () => (left-- > 0 ? Promise.reject(refused) : Promise.resolve("fetched"));
    expect(await retry.for("fetch").run(work)).toBe("fetched");
    const wrong = new TypeError("x is not a function");
    await expect(retry.for("fetch").run(() => Promise.reject(wrong))).rejects.toBe(wrong);
  });

  it("stops at the caller's signal", async () => {
    const retry = registry();
    const signal = AbortSignal.abort();
    const work = () => expect.unreachable("no attempt");
    await expect(retry.for("serviceBus.send").run(work, { signal })).rejects.toMatchObject({
      name: "AbortError",
    });
  });
});
