import fc from "fast-check";
import { expect, it } from "vitest";
import { difference, TwinFollower, type Document } from "../src/twin-follower.ts";

it("delivers each version once, and asks to read the whole when one is missing", () => {
  const follower = new TwinFollower();
  follower.read({ a: 1, $version: 1 });
  expect(follower.pushed({ a: 2, $version: 2 })).toMatchObject({ type: "deliver" });
  expect(follower.pushed({ a: 2, $version: 2 })).toEqual({ type: "ignore" });
  expect(follower.pushed({ a: 9, $version: 5 })).toEqual({ type: "reread" });
  expect(follower.reread({ a: 9, b: 1, $version: 5 })).toEqual({
    type: "deliver",
    patch: { a: 9, b: 1, $version: 5 },
  });
  expect(follower.reread({ a: 9, b: 1, $version: 5 })).toEqual({ type: "ignore" });
});

it("tells what is gone by null", () => {
  const follower = new TwinFollower();
  follower.read({ gone: 1, deep: { gone: 1, stays: 2 }, $version: 1 });
  expect(follower.reread({ deep: { stays: 2 }, $version: 2 })).toEqual({
    ...{ type: "deliver", patch: { gone: null, deep: { gone: null }, $version: 2 } },
  });
});

it.each([[null], [[]], ["text"], [undefined], [7]])(
  "is not moved by %j where a document should be",
  (hostile) => {
    const follower = new TwinFollower();
    follower.read({ a: 1, $version: 1 });
    expect(follower.pushed(hostile)).toEqual({ type: "reread" });
    expect(follower.reread(hostile)).toEqual({ type: "ignore" });
    expect(follower.version).toBe(1);
  },
);

const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.string(),
    fc.dictionary(fc.stringMatching(/^[a-c]$/), tie("value"), { maxKeys: 3 }),
  ),
})).value;
const document = fc.dictionary(fc.stringMatching(/^[a-c]$/), value, { maxKeys: 3 }) as fc.Arbitrary<Document>;

it("makes a patch that turns any document into any other", () => {
  fc.assert(
    fc.property(document, document, (before, after) => {
      expect(applied(before, difference(before, after))).toEqual(applied({}, after));
    }),
  );
});

/** As the hub, and the official client, merge a patch. */
function applied(target: Document, patch: Document): Document {
  const result: Record<string, unknown> = { ...target };
  for (const [key, change] of Object.entries(patch)) {
    const old = result[key];
    const isDeep = typeof change === "object" && change !== null;
    if (change === null) Reflect.deleteProperty(result, key);
    else if (isDeep)
      result[key] = applied((typeof old === "object" ? old : {}) as Document, change as Document);
    else result[key] = change;
  }
  return result;
}
