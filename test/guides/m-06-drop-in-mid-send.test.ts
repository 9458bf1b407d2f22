import { describe, expect, it } from "vitest";
import { runBare } from "./bare.ts";
import { drops, failingService, queue } from "./scenarios.ts";
import { sendOurs } from "./send.ts";

// Rows SBC-006, SB-13.
describe.concurrent(
  "M-06 sends again within five seconds under the same id, and one message is stored, when",
  () => {
    for (const scenario of drops) {
      it(scenario.title, async ({ expect: expectHere }) => {
        await using service = await failingService(scenario);
        await using bareService = await failingService(scenario);
        using bare = runBare(scenario, bareService);
        await expect.poll(() => bareService.bus.journal.attempts(queue).length).toBe(1);

        const { sent } = await sendOurs(scenario, service);

        expectHere(sent.map(({ error }) => error)).toEqual([undefined]);
        const [first, second, ...others] = service.bus.journal.attempts(queue);
        expectHere(others).toEqual([]);
        expectHere((second?.at ?? Infinity) - (first?.at ?? 0)).toBeLessThan(5_000);
        expectHere(first?.messageIds[0]).toMatch(/.{8,}/);
        expectHere(second?.messageIds).toEqual(first?.messageIds);
        expectHere(service.bus.journal.stored(queue)).toHaveLength(1);
        // bare: pending for 60 s, then 30 s more (npm run baseline).
        expectHere(bare.pending).toBe(1);
      });
    }
  },
);
