import { expect, it } from "vitest";
import * as browser from "../src/browser-platform.ts";
import { HoldfastError } from "@holdfast/signalr";
import { classifySignalR } from "../src/classify.ts";
import { signalrRows } from "../src/fault-rows.ts";
import * as platform from "../src/platform.ts";

/** A text that the expression finds: its first alternative, in plain words. */
function sampleOf(text: RegExp): string {
  const sample = text.source
    .replace(/\(\?:([^|)]*)[^)]*\)/g, "$1")
    .replace(/\|.*$/, "")
    .replace(/^\^/, "")
    .replaceAll(".*", " ")
    .replaceAll("\\d+", "7")
    .replace(/\\(.)/g, "$1")
    .replaceAll(" ?", " ");
  expect(sample).toMatch(text);
  return sample;
}

// The compiler's word that a page gets what the code asks `#platform` for.
const page: typeof platform = browser;

it("has for a page everything that it has for Node", () => {
  expect(Object.keys(page).sort()).toEqual(Object.keys(platform).sort());
});

it.each([
  ["Node", platform],
  ["a page", page],
])("tells in %s of a token that is too long by its length, as one the table knows", (_, { tokenTooLong }) => {
  const error = tokenTooLong("x".repeat(5_000), 4_096);
  expect(error.message).toMatch(/5000 .* 4096/);
  expect(classifySignalR()(error, 0)).toMatchObject({ id: "SR-04", kind: "too-large" });
});

it("knows in a page every fault that the service and the official client show, and how long to wait", () => {
  const node = platform.signalrTable([]);
  const inPage = page.signalrTable([]);
  const statuses = [400, 401, 403, 404, 408, 409, 413, 414, 429, 500, 502, 503, 504, 418].map((status) => ({
    status,
  }));
  const seen: readonly unknown[] = [
    ...statuses,
    ...["negotiate", "connect", "established"].flatMap((step) =>
      [401, 404].map((code) => ({ code, condition: `${step}:${String(code)}`, status: code })),
    ),
    ...signalrRows.flatMap(({ match }) => (match.text ? [new Error(sampleOf(match.text))] : [])),
    new HoldfastError("attempt-timeout", ""),
    new HoldfastError("deadline", ""),
    new HoldfastError("connection-lost", ""),
    new HoldfastError("misconfigured", ""),
    new Error("outer", { cause: new Error("Failed to fetch") }),
    new Error("nobody knows"),
    "text",
    undefined,
  ];
  for (const error of seen) {
    const { id, kind, sent, code } = node(error, 0);
    expect(inPage(error, 0), String(error)).toMatchObject({ id, kind, sent, code });
  }
  for (const after of ["7", "Thu, 01 Jan 1970 00:00:07 GMT"]) {
    const headers = new Headers({ "Retry-After": after });
    expect(inPage({ status: 429, headers }, 0)).toMatchObject({ id: "SR-24", hintMs: 7_000 });
  }
});

it("leaves the values of options in a page to the compiler", () => {
  page.checkValue("whileDown", "retry", "fail");
  expect(() => {
    platform.checkValue("whileDown", "retry", "fail");
  }).toThrow(/resilience\.whileDown must be one of fail, wait, queue; got "retry"/);
});

it("tells in a page where too many connections were built", () => {
  const many = { type: "many-connections", operation: "signalr.start", target: "" } as const;
  expect(page.manyConnections({ ...many, live: 2, builtAt: ["at one", "at two"] })).toMatch(
    /^2 .*at one\s+at two$/s,
  );
  expect(page.stackHere()).toContain("browser-platform.test.ts");
});

it("ends in a page a socket of the page, and hears it open and close", () => {
  const heard: string[] = [];
  const socket = Object.assign(new EventTarget(), {
    close: () => socket.dispatchEvent(new Event("close")),
  });
  page.hearSocket(socket as unknown as WebSocket, {
    opened: () => heard.push("opened"),
    closed: () => heard.push("closed"),
    refused: () => heard.push("refused"),
  });
  socket.dispatchEvent(new Event("open"));
  page.endSocket(socket as unknown as WebSocket);
  expect(heard).toEqual(["opened", "closed"]);
});
