import type { ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { runBare, type BareReport } from "./bare.ts";
import {
  closedAtConnect,
  closedPort,
  failingService,
  queue,
  resetAtConnect,
  unresolvedName,
  type Scenario,
} from "./scenarios.ts";
import { sendOurs } from "./send.ts";

// serviceBus.connect waits 5 s at most between two attempts.
const maxDelayMs = 5_000;

/** How the official client's call ended, and how long ours took to store the message. */
async function both(
  scenario: Scenario,
  forBare = scenario,
): Promise<{ bare: BareReport | undefined; oursMs: number; ownMs: number }> {
  await using service = await failingService(scenario);
  await using bareService = await failingService(forBare);
  using bare = runBare(scenario, bareService);
  const { sent, ownMs } = await sendOurs(scenario, service);
  await bare.done;
  expect(sent[0]?.error).toBeUndefined();
  expect(service.bus.journal.stored(queue).map(({ messageId }) => messageId)).toEqual(["1"]);
  return { bare: bare.reports[0], oursMs: sent[0]?.settledMs ?? Infinity, ownMs };
}

// Rows SBC-003, SBC-022, SB-13, SB-14. bare: one attempt, then code GeneralError, or no code at all.
it("M-05 sends once a port that was closed for three seconds opens", async () => {
  // Its one attempt must find the port closed, however long its process takes to start.
  const closedForGood = { ...closedPort, arrange: (bus: ServiceBusSimulator) => bus.stop() };
  const { bare, oursMs, ownMs } = await both(closedPort, closedForGood);
  expect(oursMs).toBeGreaterThan(2_000);
  expect(ownMs).toBeLessThan(3_000 + maxDelayMs);
  expect(bare?.error?.code).toBe("GeneralError");
  expect(bare?.error?.message).toContain("ECONNREFUSED");
});

it("M-05 connects again when the connection is reset", async () => {
  const { bare } = await both(resetAtConnect);
  expect(bare?.error).toBeDefined();
});

it("M-05 connects again when the server closes at once", async () => {
  const { bare } = await both(closedAtConnect);
  expect(bare?.error).toBeDefined();
});

it("M-05 connects once the namespace's name resolves", async () => {
  const { bare, oursMs, ownMs } = await both(unresolvedName);
  expect(oursMs).toBeGreaterThan(1_000);
  expect(ownMs).toBeLessThan(1_500 + maxDelayMs);
  expect(bare?.error?.message).toContain("ENOTFOUND");
});
