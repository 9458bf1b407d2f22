import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { faultTable, type FaultRow } from "../src/fault-table.ts";

const row = (id: string, match: FaultRow["match"], more: Partial<FaultRow> = {}): FaultRow => ({
  id,
  kind: "transient",
  match,
  because: "why",
  remedy: "what to do",
  ...more,
});
const idOf = (rows: readonly FaultRow[], error: unknown): string => faultTable("test", rows)(error, 0).id;

describe("a row", () => {
  it("applies when every field that it gives matches", () => {
    const rows = [row("both", { code: "ServiceBusy", text: /50009/ })];
    expect(idOf(rows, { code: "ServiceBusy", message: "Error code: 50009." })).toBe("both");
    expect(idOf(rows, { code: "ServiceBusy", message: "something else" })).toBe("unknown");
    expect(idOf(rows, { code: "Other", message: "50009" })).toBe("unknown");
  });

  it.each([
    [{ code: "A" }, { code: "A" }],
    [{ code: ["A", "B"] }, { condition: "B" }],
    [{ code: "-111" }, { errno: -111 }],
    [{ code: "5" }, { code: 5 }],
    [{ name: ["AbortError", "TimeoutError"] }, { name: "TimeoutError" }],
    [{ status: 429 }, { statusCode: 429 }],
    [{ status: [502, 503] }, { status: 503 }],
    [{ text: /lost/ }, new Error("the lock was lost")],
    [{ text: /lost/ }, { description: "the lock was lost" }],
    [{ text: /lost/ }, "the lock was lost"],
  ] satisfies [FaultRow["match"], unknown][])("%j recognises %j", (match, error) => {
    expect(idOf([row("it", match)], error)).toBe("it");
  });

  it("stands before those below it", () => {
    const rows = [row("specific", { text: /1000 tokens/ }), row("general", { text: /tokens/ })];
    expect(idOf(rows, new Error("1000 tokens"))).toBe("specific");
    expect(idOf(rows, new Error("tokens"))).toBe("general");
  });

  it("recognises the same error every time, also with a global or sticky expression", () => {
    for (const text of [/50009/g, /50009/y]) {
      const classify = faultTable("test", [row("busy", { text })]);
      const ids = [1, 2, 3, 4].map(() => classify(new Error("50009"), 0).id);
      expect(ids).toEqual(["busy", "busy", "busy", "busy"]);
    }
  });
});

describe("what an error wraps", () => {
  const rows = [row("inner", { code: "E1" }), row("newest", { code: "E2" })];

  it.each([
    ["cause", new Error("outer", { cause: { code: "E1" } })],
    ["innerError", Object.assign(new Error("outer"), { innerError: { code: "E1" } })],
    ["errors", new AggregateError([{ code: "E1" }])],
    ["a cause of a cause", new Error("1", { cause: new Error("2", { cause: { code: "E1" } }) })],
  ])("is looked at through %s", (_through, error) => {
    expect(idOf(rows, error)).toBe("inner");
  });

  it("counts only when the error itself is not known", () => {
    expect(idOf(rows, Object.assign(new Error("outer", { cause: { code: "E1" } }), { code: "E2" }))).toBe(
      "newest",
    );
  });

  it("is taken from the newest of an AggregateError", () => {
    expect(idOf(rows, new AggregateError([{ code: "E1" }, { code: "E2" }]))).toBe("newest");
  });

  it("may be circular", () => {
    const error = new Error("round");
    error.cause = error;
    expect(idOf(rows, error)).toBe("unknown");
  });

  it("may be circular through many errors without taking for ever", () => {
    const outer = new AggregateError([]);
    outer.errors = Array.from({ length: 60 }, () => new Error("round", { cause: outer }));
    expect(idOf(rows, outer)).toBe("unknown");
  });
});

describe("the fault", () => {
  it("carries what the row and the error know", () => {
    const classify = faultTable("service-bus", [
      row("TH-13", { code: "ServiceBusy" }, { kind: "throttled", see: "https://x", sent: "maybe" }),
    ]);
    const error = Object.assign(
      new Error(
        "Please wait 2 seconds and try again. TrackingId:f5a65f5a-3932_G22, 'Send' claim(s) are required",
      ),
      { code: "ServiceBusy" },
    );
    expect(classify(error, 0)).toEqual({
      kind: "throttled",
      service: "service-bus",
      id: "TH-13",
      code: "ServiceBusy",
      sent: "maybe",
      because: "why",
      remedy: "what to do",
      see: "https://x",
      hintMs: 2_000,
      missingClaim: "Send",
      trackingId: "f5a65f5a-3932_G22",
    });
  });

  it("says that nothing was sent unless the row says otherwise", () => {
    expect(faultTable("test", [row("x", { code: "X" })])({ code: "X" }, 0).sent).toBe("no");
  });

  it("is unknown, and may have been sent, when no row applies", () => {
    expect(faultTable("test", [])(new Error("?"), 0)).toMatchObject({
      kind: "unknown",
      id: "unknown",
      sent: "maybe",
    });
  });

  it("reads the hint from the headers of the error or of its response, dates by the wall clock given", () => {
    const classify = faultTable("test", []);
    expect(classify({ headers: { "Retry-After": "2" } }, 0).hintMs).toBe(2_000);
    expect(
      classify({ headers: null, response: { headers: new Headers({ "retry-after": "3" }) } }, 0).hintMs,
    ).toBe(3_000);
    const at = Date.parse("2026-11-21T07:00:00Z");
    expect(classify({ headers: { "Retry-After": "Sat, 21 Nov 2026 07:00:05 GMT" } }, at).hintMs).toBe(5_000);
  });

  it("has no code when the error has none", () => {
    expect(faultTable("test", [])(new Error("?"), 0).code).toBeUndefined();
  });

  it("names a missing claim only as the type allows", () => {
    const claim = (text: string) => faultTable("test", [])(new Error(text), 0).missingClaim;
    expect(claim("'Listen' claim(s) are required")).toBe("Listen");
    expect(claim("'listen' claim(s) are required")).toBeUndefined();
    expect(claim("'Fly' claim(s) are required")).toBeUndefined();
  });
});

describe("hostile values", () => {
  const throwing = new Proxy(new Error("x"), {
    get: () => {
      throw new Error("a getter that throws");
    },
  });

  it.each([
    ["undefined", undefined],
    ["null", null],
    ["a symbol", Symbol("s")],
    ["a function", () => 1],
    ["a bigint", 5n],
    ["an object without a prototype", Object.create(null)],
    ["a frozen error", Object.freeze(new Error("frozen"))],
    ["getters that throw", throwing],
    ["a cause whose getters throw", new Error("outer", { cause: throwing })],
    [
      "fields of strange types",
      { code: {}, message: 5, name: [], headers: "x", response: 7, errors: {}, statusCode: "4" },
    ],
    ["headers that throw", { headers: { get: () => expect.unreachable("headers") } }],
    ["entries of headers that throw", { response: { headers: throwing } }],
  ])("classifies %s without throwing", (_what, value) => {
    expect(idOf([row("x", { code: "X", text: /x/ })], value)).toBe("unknown");
  });

  it("classifies anything without throwing", () => {
    const classify = faultTable("test", [row("x", { code: "X" })]);
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withMap: true, withDate: true }), (value) => {
        expect(["x", "unknown"]).toContain(classify(value, 0).id);
      }),
    );
  });
});
