import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { trim } from "../../src/negotiate/claim-trimming.ts";
import { KeySigner, tokenLength } from "../../src/negotiate/json-web-token.ts";

const claims = fc.dictionary(
  fc.oneof(fc.constantFrom("aud", "exp", "sub", "asrs.s.uid", "groups", "näme"), fc.string({ minLength: 1 })),
  fc.oneof(fc.string({ maxLength: 3_000 }), fc.array(fc.uuid(), { maxLength: 60 }), fc.integer()),
  { maxKeys: 12 },
);
const own = {
  aud: "https://contoso.service.signalr.net/client/?hub=chat",
  exp: 1_700_000_000,
  nameid: "ada",
};

describe("trimming", () => {
  it("measures exactly how long a token will be", async () => {
    const signer = new KeySigner("key");
    await fc.assert(
      fc.asyncProperty(claims, async (given) => {
        expect(tokenLength(given)).toBe((await signer.sign(given)).length);
      }),
      { numRuns: 50 },
    );
  });

  it("always fits when it may drop anything, drops no more than it must, and accounts for every claim", () => {
    fc.assert(
      fc.property(claims, (given) => {
        const options = { allow: Object.keys(given), greedy: true };
        const { claims: kept, dropped } = trim(given, options, own, 4_096);
        expect(tokenLength({ ...kept, ...own })).toBeLessThanOrEqual(4_096);
        const last = dropped.filter(({ because }) => because === "too-large").at(-1);
        if (last !== undefined) {
          expect(tokenLength({ ...kept, [last.name]: given[last.name], ...own })).toBeGreaterThan(4_096);
        }
        const names = Object.keys(given).length;
        const sub = Array.isArray(given["sub"]) && "sub" in kept ? 1 : 0;
        expect(Object.keys(kept).length - sub + dropped.length).toBe(names);
      }),
      { numRuns: 100 },
    );
  });

  it("lets nothing through that is not allowed, and nothing at all that is the service's", () => {
    fc.assert(
      fc.property(claims, fc.array(fc.constantFrom("groups", "näme", "asrs.s.uid")), (given, allow) => {
        const { claims: kept } = trim(given, { allow }, own, 4_096);
        for (const name of Object.keys(kept)) {
          expect(allow).toContain(name);
          expect(name.startsWith("asrs.s.")).toBe(false);
        }
      }),
    );
  });
});
