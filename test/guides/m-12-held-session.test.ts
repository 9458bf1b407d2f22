import { ServiceBusClient as OfficialClient } from "@azure/service-bus";
import { ServiceBusClient } from "@holdfast/service-bus";
import { serviceBus } from "@holdfast/simulators/service-bus";
import { describe, it } from "vitest";
import { timed } from "../own-time/own-time.ts";

const queue = "orders";

// Rows SBC-012, SBC-013, SBC-057.
describe.concurrent("M-12 a session that a client holds without renewing it, lock 5 s", () => {
  it("is had at its end by who waits; the next that is free within a second", async ({ expect: here }) => {
    await using bus = await serviceBus({
      queues: [{ name: queue, requiresSession: true, lockDurationMs: 5_000 }],
    });
    await using client = new ServiceBusClient(bus.connectionString);
    const messages = ["held", "free"].map((sessionId) => ({ body: 1, sessionId }));
    for (const message of messages) await client.createSender(queue).sendMessages(message);
    const holder = new OfficialClient(bus.connectionString);
    await holder.acceptSession(queue, "held", { maxAutoLockRenewalDurationInMs: 0 });
    const heldAt = performance.now();

    // bare, and ours when it is not told to wait: refused at once.
    const bare = new OfficialClient(bus.connectionString);
    await here(bare.acceptSession(queue, "held")).rejects.toMatchObject({ code: "SessionCannotBeLocked" });
    await here(client.acceptSession(queue, "held")).rejects.toMatchObject({ code: "SessionCannotBeLocked" });

    const waiting = client
      .acceptSession(queue, "held", { whenHeld: "wait" })
      .then((session) => ({ session, ms: performance.now() - heldAt }));
    const next = await timed(client.acceptNextSession(queue));
    here(next.value?.sessionId).toBe("free");
    here(next.ownMs).toBeLessThan(1_000);
    const { session, ms } = await waiting;
    here(session.sessionId).toBe("held");
    here(ms).toBeGreaterThanOrEqual(4_500);
    here(ms).toBeLessThan(15_000);
    await Promise.all([holder.close(), bare.close()]);
  });
});
