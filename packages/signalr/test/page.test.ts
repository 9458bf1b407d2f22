import { afterEach, expect, it, vi } from "vitest";
import { backoff, signalrPolicies } from "@holdfast/signalr";
import { answer } from "@holdfast/simulators/signalr";
import { scene, stateOf, until } from "./scene.ts";

const slow = signalrPolicies({
  "signalr.reconnect": { backoff: backoff.steps({ delaysMs: [1, 60_000, 60_000, 60_000], jitterMs: 300 }) },
});

/** A page, as far as a connection looks at it. */
function page(): {
  readonly document: EventTarget & { visibilityState: string };
  readonly window: EventTarget;
} {
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: "hidden" });
  vi.stubGlobal("document", document);
  vi.stubGlobal("addEventListener", window.addEventListener.bind(window));
  vi.stubGlobal("removeEventListener", window.removeEventListener.bind(window));
  return { document, window };
}

afterEach(() => {
  vi.unstubAllGlobals();
});

const signs: readonly [string, (p: ReturnType<typeof page>) => unknown][] = [
  ["the network is back", ({ window }) => window.dispatchEvent(new Event("online"))],
  [
    "the page is visible again",
    ({ document }) => {
      document.visibilityState = "visible";
      document.dispatchEvent(new Event("visibilitychange"));
    },
  ],
];

it.each(signs)("tries again soon when %s, however long the wait would be", async (_, sign) => {
  const stub = page();
  await using s = await scene({ resilience: { policies: slow } });
  await s.connection.start();
  await s.sim.stop();
  await until(() => s.events.some(({ type }) => type === "retry"));
  await s.sim.start();
  sign(stub);
  await until(() => stateOf(s.connection) === "Connected", 5_000);
});

it("does not take a hidden page's events for a sign, nor a sign for leave to come too soon", async () => {
  const { document, window } = page();
  await using s = await scene({ resilience: { policies: slow } });
  await s.connection.start();
  s.sim.faults.next("app-negotiate", answer(429, { retryAfterSeconds: 2 }));
  s.sim.dropConnections();
  await until(() => s.events.some(({ type }) => type === "retry"));
  document.dispatchEvent(new Event("visibilitychange"));
  window.dispatchEvent(new Event("online"));
  await until(() => stateOf(s.connection) === "Connected");
  const [, refused, next] = s.sim.journal.negotiates("app");
  expect(next!.at - refused!.at).toBeGreaterThanOrEqual(2_000);
});

it("holds a shared Web Lock from start() to stop()", async () => {
  const held: string[] = [];
  const request = async (
    name: string,
    { mode }: { mode: string },
    work: () => Promise<void>,
  ): Promise<void> => {
    held.push(`${name} ${mode}`);
    await work();
    held.pop();
  };
  vi.stubGlobal("navigator", { locks: { request } });
  await using s = await scene({ resilience: { webLock: "chat" } });
  expect(held).toEqual([]);
  await s.connection.start();
  expect(held).toEqual(["chat shared"]);
  await s.connection.stop();
  await until(() => held.length === 0);
});
