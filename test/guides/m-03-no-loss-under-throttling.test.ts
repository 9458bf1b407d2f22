import { expect, it } from "vitest";
import { runBare } from "./bare.ts";
import { failingService, queue, throttling } from "./scenarios.ts";
import { sendOurs } from "./send.ts";

// Rows TH-15, TH-24, TH-25, at small scale: three times what the namespace takes in a second.
it("M-03 loses, repeats and rejects nothing while the namespace is throttled", async () => {
  await using service = await failingService(throttling);
  await using bareService = await failingService(throttling);
  using bare = runBare(throttling, bareService);
  await expect.poll(() => bareService.bus.journal.refusals(queue).length).toBeGreaterThan(0);

  const { sent } = await sendOurs(throttling, service);

  const { journal } = service.bus;
  expect(sent.filter(({ error }) => error !== undefined)).toEqual([]);
  const stored = journal.stored(queue).map(({ messageId }) => messageId);
  expect(stored).toHaveLength(600);
  expect(new Set(stored).size).toBe(600);
  expect(journal.refusals(queue).length).toBeGreaterThan(0);
  // bare: the refused ones sit out 30 s (npm run baseline).
  expect(bare.pending).toBeGreaterThan(0);
});
