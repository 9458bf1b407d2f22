import { expect, it } from "vitest";
import { runBare } from "./bare.ts";
import { failingService, queue, serverHint } from "./scenarios.ts";
import { sendOurs } from "./send.ts";

// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-throttling; rows TH-13, TH-15, SBC-015.
it("M-01 waits the two seconds a throttled entity asks for, then delivers once", async () => {
  await using service = await failingService(serverHint);
  await using bareService = await failingService(serverHint);
  using bare = runBare(serverHint, bareService);
  await expect.poll(() => bareService.bus.journal.refusals(queue).length).toBe(1);

  const { sent, events } = await sendOurs(serverHint, service);

  const { journal } = service.bus;
  expect(sent.map(({ error }) => error)).toEqual([undefined]);
  expect(journal.attempts(queue)).toHaveLength(2);
  const waited = (journal.attempts(queue)[1]?.at ?? 0) - (journal.refusals(queue)[0]?.at ?? 0);
  expect(waited).toBeGreaterThanOrEqual(2_000);
  expect(waited).toBeLessThanOrEqual(3_500);
  expect(journal.stored(queue)).toHaveLength(1);
  expect(events).toContainEqual(expect.objectContaining({ type: "retry", hintMs: 2_000 }));
  // bare: 30.2 s, whatever the service asks for (npm run baseline).
  expect(bare.pending).toBe(1);
  expect(bareService.bus.journal.attempts(queue)).toHaveLength(1);
});
