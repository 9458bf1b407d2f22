import { expect, it } from "vitest";
import { Supervisor } from "@holdfast/core";
import { seededRandom, virtualClock } from "@holdfast/core/testing";
import { classifySignalR, signalrPolicies } from "@holdfast/signalr";

const refused = Object.assign(new Error("Status code '429'"), { status: 429 });

it.each([
  ["low", () => 0],
  ["high", () => 0.999],
  ["anyhow", seededRandom(1)],
])("SR-24 tries at most ten times in any minute at the limit, when the dice fall %s", async (_, random) => {
  const clock = virtualClock();
  const attempts: number[] = [];
  const policies = signalrPolicies();
  for (const operation of ["signalr.start", "signalr.reconnect"]) {
    const supervisor = new Supervisor<never>({
      ...{ operation, target: "chat", clock, random, classify: classifySignalR() },
      policy: () => policies.lookup(operation)!,
      open: () => {
        attempts.push(clock.now());
        return Promise.reject(refused);
      },
      discard: () => undefined,
      closedError: () => new Error("closed"),
    });
    const started = supervisor.start().catch(() => undefined);
    await clock.advance(600_000);
    await supervisor.close();
    await started;
  }
  expect(attempts.length).toBeGreaterThan(2 * 20);
  for (const first of attempts) {
    const minute = attempts.filter((at) => at >= first && at < first + 60_000);
    expect(minute.length).toBeLessThanOrEqual(10);
  }
});
