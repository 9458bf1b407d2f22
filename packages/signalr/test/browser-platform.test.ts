import { expect, it } from "vitest";
import * as browser from "../src/browser-platform.ts";
import { classifySignalR } from "../src/classify.ts";
import * as platform from "../src/platform.ts";

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
