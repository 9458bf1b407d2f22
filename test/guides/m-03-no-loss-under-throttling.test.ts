import { serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { runBare } from "./bare.ts";
import { sendOurs } from "./send.ts";

// Rows TH-15, TH-24, TH-25, at small scale: three times what the namespace takes in a second.
it("M-03 loses, repeats and rejects nothing while the namespace is throttled", async () => {
  const options = { queues: ["orders"], credits: { perSecond: 200 } };
  await using bus = await serviceBus(options);
  await using bareBus = await serviceBus(options);
  const messages = Array.from({ length: 600 }, (_, index) => ({ body: index, messageId: String(index) }));
  using bare = runBare({ connectionString: bareBus.connectionString, queue: "orders", messages });
  await expect.poll(() => bareBus.journal.refusals().length, { timeout: 15_000 }).toBeGreaterThan(0);

  const { sent } = await sendOurs(bus.connectionString, "orders", messages);

  expect(sent.filter(({ error }) => error !== undefined)).toEqual([]);
  const stored = bus.journal.stored("orders").map(({ messageId }) => messageId);
  expect(stored).toHaveLength(600);
  expect(new Set(stored).size).toBe(600);
  expect(bus.journal.refusals("orders").length).toBeGreaterThan(0);
  // bare: the refused ones sit out 30 s (npm run baseline).
  expect(bare.pending).toBeGreaterThan(0);
});
