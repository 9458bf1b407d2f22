import { serverBusy, serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { runBare } from "./bare.ts";
import { sendOurs } from "./send.ts";

// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-throttling; rows TH-13, TH-15, SBC-015.
it("M-01 waits the two seconds a throttled entity asks for, then delivers once", async () => {
  await using bus = await serviceBus({ queues: ["bare", "ours"] });
  bus.faults.next("send", serverBusy({ waitSeconds: 2 }), { entity: "bare" });
  bus.faults.next("send", serverBusy({ waitSeconds: 2 }), { entity: "ours" });
  const message = { body: "order 1", messageId: "1" };
  using bare = runBare({ connectionString: bus.connectionString, queue: "bare", messages: [message] });
  await expect.poll(() => bus.journal.refusals("bare").length, { timeout: 10_000 }).toBe(1);

  const { sent, events } = await sendOurs(bus.connectionString, "ours", [message]);

  expect(sent.map(({ error }) => error)).toEqual([undefined]);
  const attempts = bus.journal.attempts("ours");
  expect(attempts).toHaveLength(2);
  const waited = (attempts[1]?.at ?? 0) - (bus.journal.refusals("ours")[0]?.at ?? 0);
  expect(waited).toBeGreaterThanOrEqual(2_000);
  expect(waited).toBeLessThanOrEqual(3_500);
  expect(bus.journal.stored("ours")).toHaveLength(1);
  expect(events).toContainEqual(expect.objectContaining({ type: "retry", hintMs: 2_000 }));
  // bare: 30.2 s, whatever the service asks for (npm run baseline).
  expect(bare.pending).toBe(1);
  expect(bus.journal.attempts("bare")).toHaveLength(1);
});
