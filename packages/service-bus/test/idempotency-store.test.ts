import { expect, it } from "vitest";
import { MemoryIdempotencyStore } from "@holdfast/service-bus";

it("remembers the latest keys, and forgets the oldest when there are more than it may keep", () => {
  const store = new MemoryIdempotencyStore({ maxKeys: 2 });
  for (const key of ["a", "b", "a", "c"]) store.add(key);
  // "a" was handled again after "b".
  expect(["a", "b", "c"].map((key) => store.has(key))).toEqual([true, false, true]);
  expect(() => new MemoryIdempotencyStore({ maxKeys: 0 })).toThrow(/maxKeys.*1 or more/);
});
