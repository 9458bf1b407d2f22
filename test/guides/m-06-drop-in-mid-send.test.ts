import {
  dropConnection,
  forceConnectionClose,
  forceDetach,
  serviceBus,
  type ServiceBusFaults,
} from "@holdfast/simulators/service-bus";
import { describe, expect, it } from "vitest";
import { runBare } from "./bare.ts";
import { sendOurs } from "./send.ts";

type SendFault = ServiceBusFaults["send"];

const drops: readonly [string, (stored: boolean) => SendFault][] = [
  ["the socket is destroyed", (stored) => dropConnection({ stored, how: "reset" })],
  ["the socket is closed", (stored) => dropConnection({ stored, how: "fin" })],
  ["the service forces the connection closed", (stored) => forceConnectionClose({ stored })],
  ["the service forces the link to detach", (stored) => forceDetach({ stored })],
];

// Rows SBC-006, SB-13.
describe.concurrent("M-06", () => {
  for (const [what, drop] of drops) {
    for (const stored of [false, true]) {
      const when = stored ? "after the message was stored" : "before the message was stored";
      it(`sends again within five seconds when ${what} ${when}, and one message is stored`, async () => {
        const queues = [{ name: "orders", duplicateDetectionWindowMs: 600_000 }];
        await using bus = await serviceBus({ queues });
        await using bareBus = await serviceBus({ queues });
        const message = { body: "order 1" };
        for (const each of [bus, bareBus]) each.faults.next("send", drop(stored));
        using bare = runBare({
          connectionString: bareBus.connectionString,
          queue: "orders",
          messages: [message],
        });
        await expect.poll(() => bareBus.journal.attempts("orders").length, { timeout: 15_000 }).toBe(1);

        const { sent } = await sendOurs(bus.connectionString, "orders", [message]);

        expect(sent.map(({ error }) => error)).toEqual([undefined]);
        const [first, second, ...others] = bus.journal.attempts("orders");
        expect(others).toEqual([]);
        expect((second?.at ?? Infinity) - (first?.at ?? 0)).toBeLessThan(5_000);
        expect(first?.messageIds[0]).toMatch(/.{8,}/);
        expect(second?.messageIds).toEqual(first?.messageIds);
        expect(bus.journal.stored("orders")).toHaveLength(1);
        // bare: pending for 60 s, then 30 s more (npm run baseline).
        expect(bare.pending).toBe(1);
      });
    }
  }
});
