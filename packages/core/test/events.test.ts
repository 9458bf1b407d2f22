import { expect, it } from "vitest";
import { emit, type HoldfastEvent } from "../src/events.ts";

const event: HoldfastEvent = { type: "reconnected", operation: "x", target: "y", downMs: 5 };

it("reaches the listener synchronously", () => {
  const heard: HoldfastEvent[] = [];
  emit((one) => heard.push(one), event);
  expect(heard).toEqual([event]);
});

it("needs no listener", () => {
  expect(() => {
    emit(undefined, event);
  }).not.toThrow();
});

it("survives a listener that throws, now or later", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): unknown => unhandled.push(reason);
  process.on("unhandledRejection", note);
  emit(() => {
    throw new Error("broken observer");
  }, event);
  // eslint-disable-next-line @typescript-eslint/no-misused-promises -- JavaScript callers pass such functions.
  emit(async () => Promise.reject(new Error("broken asynchronous observer")), event);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});
