import { describe, expect, it } from "vitest";
import { queue } from "./scenarios.ts";
import { failed, wrappedScene } from "./wrapped-scene.ts";

it("SBC-011 a deferred message that is gone: told in one request, with where to look", async () => {
  await using at = await wrappedScene();
  const receiver = at.client.createReceiver(queue);
  await at.client.createSender(queue).sendMessages({ body: 1 });
  const [message] = await receiver.receiveMessages(1);
  await receiver.completeMessage(message!);
  const { failure } = await failed(receiver.receiveDeferredMessages(message!.sequenceNumber!));
  expect(failure).toMatchObject({ id: "SBC-011", code: "MessageNotFound", attempts: [{ attempt: 1 }] });
  expect(failure.remedy).toContain("dead-letter queue");
  expect(at.bus.journal.management(queue)).toHaveLength(1);
});

describe("SBC-074 nothing comes, and the reason is told", () => {
  const receive = (entity: string, at: Awaited<ReturnType<typeof wrappedScene>>): Promise<unknown> =>
    at.client.createReceiver(entity).receiveMessages(1, { maxWaitTimeInMs: 2_000 });

  it("for an entity that is missing, disabled or for sessions only; an empty one gives nothing", async () => {
    await using at = await wrappedScene({
      queues: [queue, { name: "disabled", disabled: true }, { name: "sessions", requiresSession: true }],
    });
    expect(await receive(queue, at)).toEqual([]);
    expect((await failed(receive("missing", at))).failure).toMatchObject({ id: "SBC-016" });
    expect((await failed(receive("disabled", at))).failure).toMatchObject({ id: "SBC-017" });
    expect((await failed(receive("sessions", at))).failure).toMatchObject({ kind: "client-bug" });
  });
});

it("SBC-076 messages that another receiver holds are seen by a peek, and not counted as delivered", async () => {
  await using at = await wrappedScene();
  await at.client.createSender(queue).sendMessages(Array.from({ length: 10 }, (_, body) => ({ body })));
  const holder = at.client.createReceiver(queue);
  const held = await holder.receiveMessages(10, { maxWaitTimeInMs: 15_000, fill: true });
  expect(held).toHaveLength(10);
  const onlooker = at.client.createReceiver(queue);
  expect(await onlooker.receiveMessages(1, { maxWaitTimeInMs: 2_000 })).toEqual([]);
  const peeked = await onlooker.peekMessages(10);
  expect(peeked.map(({ body }) => body as unknown)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const message of held) await holder.completeMessage(message);
  expect(at.bus.journal.delivered(queue)).toHaveLength(10);
});

it("SBC-097 completing removes a message; abandoning gives it back at once, with one delivery more", async () => {
  await using at = await wrappedScene();
  await at.client.createSender(queue).sendMessages({ body: 1 });
  const receiver = at.client.createReceiver(queue);
  const [first] = await receiver.receiveMessages(1);
  await receiver.abandonMessage(first!);
  const [second] = await receiver.receiveMessages(1);
  expect(second!.deliveryCount).toBe((first!.deliveryCount ?? 0) + 1);
  await receiver.completeMessage(second!);
  expect(at.bus.journal.settled(queue).map(({ disposition }) => disposition)).toEqual([
    "abandoned",
    "completed",
  ]);
  expect(at.bus.queue(queue).activeMessages).toBe(0);
});

it("SBC-065 a loop empties a queue of 95: what fails once is given back and comes again, and the end is told by an empty receive", async () => {
  await using at = await wrappedScene();
  await at.client.createSender(queue).sendMessages(Array.from({ length: 95 }, (_, body) => ({ body })));
  const receiver = at.client.createReceiver(queue);
  const failing = new Set<unknown>([3, 14, 15, 92, 65]);
  for (;;) {
    const messages = await receiver.receiveMessages(10, { maxWaitTimeInMs: 3_000, fill: true });
    if (messages.length === 0) break;
    for (const message of messages) {
      if (failing.delete(message.body)) await receiver.abandonMessage(message);
      else await receiver.completeMessage(message);
    }
  }
  const dispositions = at.bus.journal.settled(queue).map(({ disposition }) => disposition);
  expect(dispositions.filter((one) => one === "completed")).toHaveLength(95);
  expect(dispositions.filter((one) => one === "abandoned")).toHaveLength(5);
});
