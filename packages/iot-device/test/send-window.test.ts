import { gate } from "@holdfast/core";
import { virtualClock } from "@holdfast/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SendWindow } from "../src/send-window.ts";
import { WindowSize } from "../src/window-size.ts";

describe("the window's size", () => {
  it("is halved once for everything that was sent before, when eight in a row are late", () => {
    const size = new WindowSize(250);
    size.acknowledged(0, 5, 100, false);
    for (let count = 0; count < 7; count += 1) size.acknowledged(10, 510, 100, true);
    expect(size.size).toBe(128);
    for (let count = 0; count < 50; count += 1) size.acknowledged(10, 510, 100, true);
    expect(size.size).toBe(50);
    for (let count = 0; count < 8; count += 1) size.acknowledged(511, 900, 50, true);
    expect(size.size).toBe(25);
  });

  it("is not moved by one that is late among others", () => {
    const size = new WindowSize(250);
    for (let count = 0; count < 200; count += 1)
      size.acknowledged(0, count % 4 === 0 ? 2_000 : 5, 100, false);
    expect(size.size).toBe(128);
  });

  it("takes a way that is always long for what it is", () => {
    const size = new WindowSize(250);
    for (let at = 0; at < 100_000; at += 500) size.acknowledged(at, at + 700 + (at % 200), 100, true);
    expect(size.size).toBeGreaterThan(128);
  });

  it("grows by a quarter of what is acknowledged before it has learnt, then by one for as many as it is", () => {
    const size = new WindowSize(250);
    for (let count = 0; count < 100; count += 1) size.acknowledged(0, 5, 128, true);
    expect(size.size).toBe(153);
    for (let count = 0; count < 8; count += 1) size.acknowledged(10, 910, 153, true);
    expect(size.size).toBe(76);
    for (let count = 0; count < 76; count += 1) size.acknowledged(1_000, 1_005, 76, true);
    expect(size.size).toBe(77);
  });

  it("forgets what it has learnt when nobody has waited for ten seconds", () => {
    const size = new WindowSize(250);
    size.acknowledged(0, 5, 100, true);
    for (let count = 0; count < 8; count += 1) size.acknowledged(10, 910, 100, true);
    size.acknowledged(20_000, 20_005, 1, false);
    expect(size.size).toBe(128);
  });

  it("takes a way that has become longer for what it is, also while somebody always waits", () => {
    const size = new WindowSize(250);
    let now = 0;
    for (; now < 70_000; now += 50) size.acknowledged(now - 20, now, 100, true);
    for (let count = 0; count < 200; count += 1) {
      now += 700;
      size.acknowledged(now - 700, now, size.size, true);
    }
    expect(size.size).toBeGreaterThan(5);
  });

  it("forgets it too when those who wait have all come after a long pause", () => {
    const size = new WindowSize(250);
    size.acknowledged(0, 5, 1, false);
    size.acknowledged(10, 510, 1, false);
    expect(size.size).toBe(1);
    size.acknowledged(3_600_000, 3_600_005, 1, true);
    expect(size.size).toBe(128);
  });

  it("forgets nothing while the hub holds everything back and somebody waits", () => {
    const size = new WindowSize(250);
    size.acknowledged(0, 5, 100, true);
    for (let count = 0; count < 8; count += 1) size.acknowledged(10, 910, 100, true);
    size.acknowledged(911, 20_911, 50, true);
    expect(size.size).toBe(50);
  });

  it("never falls below one, whatever is acknowledged when", () => {
    const acknowledgement = fc.record({
      ms: fc.integer({ min: 0, max: 60_000 }),
      inFlight: fc.integer({ min: 1, max: 500 }),
      isAwaited: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(acknowledgement, { maxLength: 200 }), (all) => {
        const size = new WindowSize(250);
        let now = 0;
        for (const { ms, inFlight, isAwaited } of all) {
          now += 10;
          size.acknowledged(now - ms, now, inFlight, isAwaited);
          expect(size.size).toBeGreaterThanOrEqual(1);
        }
      }),
    );
  });
});

describe("the window", () => {
  it("lets in as many as it is large, then one for each that comes back, in order, who returns first", async () => {
    const clock = virtualClock();
    const window = new SendWindow(gate({ clock }), { clock, lateAcknowledgementMs: 250 });
    for (let count = 0; count < 128; count += 1) expect(window.enter("send", 1)).toBeUndefined();
    const order: string[] = [];
    const waits = (["first", "gone", "second", "returned"] as const).map((name) => {
      const wait = window.enter("send", 1, name === "returned")!;
      void wait.admitted.then(() => order.push(name));
      return wait;
    });
    waits[1]!.cancel();
    expect(window.state).toMatchObject({ waiting: 3, inFlight: 128 });
    for (let count = 0; count < 3; count += 1) {
      window.leave("accepted", 1);
      await Promise.resolve();
    }
    expect(order).toEqual(["returned", "first", "second"]);
    expect(window.state).toMatchObject({ waiting: 0, inFlight: 128 });
  });

  it("gives back the place of who leaves, wherever it has come to, at the hub's gate too", async () => {
    const clock = virtualClock();
    const hub = gate({ clock, maxInFlight: 130 });
    const window = new SendWindow(hub, { clock, lateAcknowledgementMs: 250 });
    const other = new SendWindow(hub, { clock, lateAcknowledgementMs: 250 });
    for (let count = 0; count < 128; count += 1) window.enter("send", 1);
    other.enter("send", 1);
    other.enter("send", 1);
    const atHub = other.enter("send", 1)!;
    const inLine = window.enter("send", 1)!;
    const admitted = window.enter("send", 1)!;
    inLine.cancel();
    atHub.cancel();
    window.leave("accepted", 1);
    await admitted.admitted;
    admitted.cancel();
    for (let count = 0; count < 127; count += 1) window.leave("accepted", 1);
    for (let count = 0; count < 2; count += 1) other.leave("accepted", 1);
    expect(window.state).toMatchObject({ waiting: 0, inFlight: 0 });
    expect(other.state).toMatchObject({ waiting: 0, inFlight: 0 });
    expect(hub.state).toMatchObject({ waiting: 0, inFlight: 0 });
  });

  it("lets everything pass when nothing is ever late", () => {
    const clock = virtualClock();
    const window = new SendWindow(gate({ clock }), { clock, lateAcknowledgementMs: Infinity });
    for (let count = 0; count < 10_000; count += 1) expect(window.enter("send", 1)).toBeUndefined();
  });
});
