import { describe, expect, it } from "vitest";
import { withPartitionKeys } from "../src/partition-by.ts";

const byRegion = (message: object): string | undefined =>
  (message as { applicationProperties?: { region?: string } }).applicationProperties?.region;
const from = (region: string, more: object = {}): { body: string } => ({
  body: region,
  ...more,
  ...{ applicationProperties: { region } },
});

describe("a partition chosen by a function (SBC-060)", () => {
  it("is stamped on copies, in both forms of a message", () => {
    const east = Object.freeze(from("east"));
    const west = Object.freeze({ ...from("west"), bodyType: "data" as const });
    expect(withPartitionKeys([east, west], byRegion)).toEqual([
      { ...east, partitionKey: "east" },
      { ...west, properties: {}, messageAnnotations: { "x-opt-partition-key": "west" } },
    ]);
    expect(withPartitionKeys(east, byRegion)).toEqual({ ...east, partitionKey: "east" });
  });

  it("leaves a key that is there, a message without an answer, and a batch", () => {
    const own = from("east", { partitionKey: "mine" });
    const none = { body: 1 };
    const batch = { tryAddMessage: () => true } as never;
    expect(withPartitionKeys(own, byRegion)).toBe(own);
    expect(withPartitionKeys(none, byRegion)).toBe(none);
    expect(withPartitionKeys(batch, () => "a")).toBe(batch);
    expect(withPartitionKeys(undefined as never, () => "a")).toBeUndefined();
  });

  it("may repeat the session id, and is refused when it differs from it", () => {
    expect(withPartitionKeys(from("east", { sessionId: "east" }), byRegion)).toMatchObject({
      sessionId: "east",
      partitionKey: "east",
    });
    expect(() => withPartitionKeys([from("east"), from("east", { sessionId: "s" })], byRegion)).toThrow(
      new TypeError(
        "The fields 'partitionKey' and 'sessionId' cannot have different values. messages[1].partitionKey differs from messages[1].sessionId.",
      ),
    );
  });

  it.each([
    ["", "a string of 0 characters"],
    ["x".repeat(129), "a string of 129 characters"],
    [5, "a number"],
    [null, "null"],
  ])("is refused when it is no key: %s", (key, words) => {
    expect(() => withPartitionKeys([{ body: 1 }], () => key as string)).toThrow(
      expect.objectContaining({
        code: "invalid-message",
        message: `partitionBy must return a string of 1 to 128 characters; got ${words} for messages[0].`,
      }),
    );
  });
});
