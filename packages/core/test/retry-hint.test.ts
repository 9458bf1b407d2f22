import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { retryHint } from "../src/retry-hint.ts";

const now = Date.parse("2026-11-21T07:28:00Z");

describe("a wait asked for in words", () => {
  it.each([
    ["The entity is being throttled. Error code: 50009. Please wait 2 seconds and try again.", 2_000],
    ["please wait 1 second", 1_000],
    ["Please wait 2.5 seconds", 2_500],
    ["Retry after 500 ms", 500],
    ["retry after 250 milliseconds", 250],
    ["Try again in 3 minutes", 180_000],
    ["try again after 1 min", 60_000],
    ["retry after 10s", 10_000],
    ["Please wait 0 seconds", 0],
  ])("reads %j as %d ms", (text, ms) => {
    expect(retryHint({ text }, now)).toBe(ms);
  });

  it.each([
    "",
    "please try again later",
    "Please wait a moment",
    "wait 2 seconds",
    "Please wait -2 seconds",
    "Please wait 2 fortnights",
    `Please wait ${"9".repeat(400)} seconds`,
    "the lock was held for 30 seconds",
  ])("finds none in %j", (text) => {
    expect(retryHint({ text }, now)).toBeUndefined();
  });
});

describe("a wait asked for in headers", () => {
  const headers = (name: string, value: string) => [
    new Headers({ [name]: value }),
    { [name]: value },
    { [name.toUpperCase()]: value },
    { get: (asked: string) => (asked.toLowerCase() === name.toLowerCase() ? value : null) },
  ];

  it.each([
    ["Retry-After", "3", 3_000],
    ["Retry-After", "0", 0],
    ["Retry-After", "Sat, 21 Nov 2026 07:28:30 GMT", 30_000],
    ["Retry-After", "Saturday, 21-Nov-26 07:28:30 GMT", 30_000],
    ["Retry-After", "Sat Nov 21 07:28:30 2026", 30_000],
    ["Retry-After", "Sat, 21 Nov 2026 07:00:00 GMT", 0],
    ["retry-after-ms", "1500", 1_500],
    ["x-ms-retry-after-ms", "750", 750],
  ])("reads %s: %s in every shape of headers", (name, value, ms) => {
    for (const shape of headers(name, value)) expect(retryHint({ headers: shape }, now)).toBe(ms);
  });

  it.each([
    "soon",
    "",
    "-5",
    "soon 12",
    "Retry 2099",
    "tomorrow",
    "NaN",
    "1e9",
    "Sat, 99 Nov 2026 99:99:99 GMT",
  ])("takes Retry-After: %j for no answer at all", (value) => {
    for (const shape of headers("Retry-After", value))
      expect(retryHint({ headers: shape }, now)).toBeUndefined();
  });

  it("reads a number that is a number already", () => {
    expect(retryHint({ headers: { "retry-after-ms": 20, other: 1 } }, now)).toBe(20);
  });

  it("prefers milliseconds to seconds, and headers to words", () => {
    const headers = { "Retry-After": "2", "x-ms-retry-after-ms": "1900", "retry-after-ms": "1800" };
    expect(retryHint({ headers, text: "Please wait 9 seconds" }, now)).toBe(1_800);
    expect(retryHint({ headers: { "Retry-After": "2" }, text: "Please wait 9 seconds" }, now)).toBe(2_000);
    expect(retryHint({ headers: { "Retry-After": "soon" }, text: "Please wait 9 seconds" }, now)).toBe(9_000);
  });
});

it("is undefined or a finite number of milliseconds, 0 or more, whatever the server sends", () => {
  const words = fc.constantFrom(
    "Please wait ",
    "retry after ",
    "GMT",
    " seconds",
    " ms",
    "-",
    "99",
    "1e309",
    "Sat, ",
  );
  const value = fc.oneof(
    fc.string(),
    fc.array(words).map((parts) => parts.join("")),
    fc.double().map(String),
  );
  fc.assert(
    fc.property(value, value, (text, header) => {
      for (const headers of [undefined, { "Retry-After": header }, { "retry-after-ms": header }]) {
        const hint = retryHint({ text, headers }, now);
        if (hint !== undefined) expect(Number.isFinite(hint) && hint >= 0).toBe(true);
      }
    }),
  );
});
