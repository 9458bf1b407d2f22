import { isServiceBusError } from "@azure/service-bus";
import { describe, expect, it } from "vitest";
import { runBare } from "./bare.ts";
import { failingService, permanent, queue } from "./scenarios.ts";
import { sendOurs } from "./send.ts";

// Rows SB-15, SBC-004, SBC-005, SBC-016, SBC-017, SBC-086.
describe("M-07 fails fast and says what to do when", () => {
  for (const scenario of permanent) {
    it(scenario.title, async () => {
      const { expected, bareRetries = false } = scenario;
      await using service = await failingService(scenario);
      await using bareService = await failingService(scenario);
      using bare = runBare(scenario, bareService);
      const bareRefusals = (): number => bareService.bus.journal.refusals().length;
      if (bareRetries) await expect.poll(bareRefusals).toBe(1);

      const { sent, ownMs } = await sendOurs(scenario, service);

      const { journal } = service.bus;
      const [{ error, failure } = { error: undefined, failure: undefined }] = sent;
      expect(isServiceBusError(error)).toBe(true);
      expect(error).not.toBeInstanceOf(AggregateError);
      expect(failure).toMatchObject({ ...expected, outcome: "rejected" });
      expect(failure?.remedy).toMatch(/\w+/);
      expect(failure?.attempts.length).toBeGreaterThan(0);
      expect(failure?.trackingId).toMatch(/^[\w-]{8,}$/);
      expect(ownMs).toBeLessThan(500);
      for (const seen of [journal.attempts(queue), journal.attaches(queue), journal.tokens()]) {
        expect(seen.length).toBeLessThanOrEqual(2);
      }
      expect(journal.stored(queue)).toEqual([]);
      if (bareRetries) {
        expect(bare.pending).toBe(1); // 90 s, then an AggregateError without a code (npm run baseline).
      } else {
        await bare.done;
        expect(bare.reports[0]?.error?.code).toBe(expected.code);
      }
    });
  }
});
