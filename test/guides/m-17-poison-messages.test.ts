import { ServiceBusClient as OfficialClient } from "@azure/service-bus";
import { backoff, PermanentError } from "@holdfast/service-bus";
import { serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { queue } from "./scenarios.ts";
import { wrappedScene } from "./wrapped-scene.ts";

const soon = backoff.full({ baseMs: 1, capMs: 1 });

// Rows SBC-054, SBC-055, SBC-069, SBC-070, SBC-071.
it.each(["copy", "abandon"] as const)(
  "M-17 hands a poison message to the handler three times, then dead-letters it with the reason; by %s",
  async (by) => {
    await using at = await wrappedScene();
    let calls = 0;
    at.client.createProcessor(
      queue,
      () => {
        calls += 1;
        throw new Error("never");
      },
      { deadLetterAfter: 3, redelivery: { by, backoff: soon } },
    );
    await at.client.createSender(queue).sendMessages({ body: "poison" });
    await expect
      .poll(() => at.bus.journal.deadLettered(queue))
      .toMatchObject([{ reason: "HighDeliveryCount", description: "Delivered 4 times", by: "client" }]);
    expect(calls).toBe(3);
    const warned = at.events.flatMap((event) => (event.type === "redelivered" ? [event.delivery] : []));
    expect(warned).toEqual([2, 3, 4]);
  },
);

it("M-17 dead-letters at once what the handler calls permanent, with the handler's words", async () => {
  await using at = await wrappedScene();
  at.client.createProcessor(queue, () => {
    throw new PermanentError("no such customer");
  });
  await at.client.createSender(queue).sendMessages({ body: "wrong" });
  await expect
    .poll(() => at.bus.journal.deadLettered(queue))
    .toMatchObject([{ reason: "ProcessingFailed", description: "no such customer" }]);
  expect(at.bus.journal.delivered(queue)).toHaveLength(1);
});

it("M-17 tells the reasons of dead letters, and sends 500 of them again without a loss", async () => {
  await using at = await wrappedScene();
  const sender = at.client.createSender(queue);
  await sender.sendMessages(Array.from({ length: 500 }, (_, body) => ({ body })));
  const receiver = at.client.createReceiver(queue);
  for (let dead = 0; dead < 500;) {
    const messages = await receiver.receiveMessages(100, { maxWaitTimeInMs: 2_000 });
    dead += messages.length;
    await Promise.all(
      messages.map((message) =>
        receiver.deadLetterMessage(message, {
          deadLetterReason: "Broken",
          deadLetterErrorDescription: "not a number",
        }),
      ),
    );
  }
  const letters = at.client.deadLetters(queue);
  expect(Object.fromEntries(await letters.reasons())).toEqual({ Broken: 500 });
  await letters.replay({ perSecond: 1_000 });
  const bodies = at.bus.journal.stored(queue).slice(500);
  expect(new Set(bodies.map(({ body }) => body)).size).toBe(500);
  expect(at.bus.queue(queue).activeMessages).toBe(500);
  expect(at.bus.queue(queue).deadLetterMessages).toBe(0);
});

it("M-17 bare: calls the handler as often as the entity allows, without a pause, and counts from 0", async () => {
  await using bus = await serviceBus({ queues: [queue] });
  const bare = new OfficialClient(bus.connectionString);
  const counts: (number | undefined)[] = [];
  bare.createReceiver(queue).subscribe({
    processMessage: ({ deliveryCount }) => {
      counts.push(deliveryCount);
      return Promise.reject(new Error("never"));
    },
    processError: () => Promise.resolve(),
  });
  await bare.createSender(queue).sendMessages({ body: "poison" });
  await expect
    .poll(() => bus.journal.deadLettered(queue))
    .toMatchObject([{ reason: "MaxDeliveryCountExceeded", by: "broker" }]);
  expect(counts).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await bare.close();
});
