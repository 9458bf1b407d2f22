import type { ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import { describe, expect, it } from "vitest";
import { contenders, scene, until, type Scene } from "./clients.ts";

const letters = "orders/$DeadLetterQueue";
const send = (s: Scene, ...bodies: unknown[]): Promise<void> =>
  s.client.createSender("orders").sendMessages(bodies.map((body) => ({ body })));
const bodiesOf = (messages: readonly ServiceBusReceivedMessage[]): unknown[] =>
  messages.map(({ body }) => body as unknown);
const dispositions = (s: Scene): string[] =>
  s.bus.journal.settled("orders").map(({ disposition }) => disposition);

async function one(receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage> {
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 10_000 });
  return message!;
}

describe.each(contenders)("receivers of $name", (contender) => {
  it("receive in order and settle in the four ways", async () => {
    await using s = await scene(contender);
    await send(s, 1, 2, 3, 4);
    const receiver = s.client.createReceiver("orders");
    await receiver.completeMessage(await one(receiver));
    const abandoned = await one(receiver);
    await receiver.abandonMessage(abandoned, { tried: true });
    const again = await one(receiver);
    expect([again.body, again.deliveryCount, again.applicationProperties]).toEqual([2, 1, { tried: true }]);
    await receiver.deferMessage(again, { put: "aside" });
    await receiver.deadLetterMessage(await one(receiver), {
      deadLetterReason: "poison",
      deadLetterErrorDescription: "cannot be read",
    });
    expect(dispositions(s)).toEqual(["completed", "abandoned", "deferred", "dead-lettered"]);
    const [deferred] = await receiver.receiveDeferredMessages(again.sequenceNumber!);
    expect([deferred!.body, deferred!.state]).toEqual([2, "deferred"]);
    expect(deferred!.applicationProperties).toMatchObject({ put: "aside" });
    await receiver.completeMessage(deferred!);
    const dead = await one(s.client.createReceiver("orders", { subQueueType: "deadLetter" }));
    expect(dead).toMatchObject({
      body: 3,
      deadLetterReason: "poison",
      deadLetterErrorDescription: "cannot be read",
    });
    expect(s.bus.queue("orders").activeMessages + s.bus.queue("orders").lockedMessages).toBe(1);
  });

  it("receive several at once, no more than asked", async () => {
    await using s = await scene(contender);
    await send(s, 1, 2, 3, 4, 5);
    const receiver = s.client.createReceiver("orders");
    expect(bodiesOf(await receiver.receiveMessages(3))).toEqual([1, 2, 3]);
    expect(bodiesOf(await receiver.receiveMessages(10, { maxWaitTimeInMs: 15_000 }))).toEqual([4, 5]);
    expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 300 })).toEqual([]);
  });

  it("remove what they receive with receiveAndDelete", async () => {
    await using s = await scene(contender);
    await send(s, 1, 2);
    const receiver = s.client.createReceiver("orders", { receiveMode: "receiveAndDelete" });
    expect(receiver.receiveMode).toBe("receiveAndDelete");
    const messages = await receiver.receiveMessages(2);
    expect(bodiesOf(messages)).toEqual([1, 2]);
    expect(messages[0]!.lockToken).toBeUndefined();
    expect(s.bus.queue("orders").activeMessages).toBe(0);
    await expect(receiver.completeMessage(messages[0]!)).rejects.toThrow(
      "The operation is not supported in 'receiveAndDelete' receive mode.",
    );
  });

  it("call a handler for each message, and complete what it returns from", async () => {
    await using s = await scene(contender);
    const handled: unknown[] = [];
    const receiver = s.client.createReceiver("orders");
    const subscription = receiver.subscribe({
      processMessage: async ({ body }) => void handled.push(body),
      processError: async () => undefined,
    });
    await send(s, 1, 2, 3);
    await until(() => dispositions(s).length === 3);
    expect([handled, dispositions(s)]).toEqual([
      [1, 2, 3],
      ["completed", "completed", "completed"],
    ]);
    await subscription.close();
    await send(s, 4);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(handled).toEqual([1, 2, 3]);
  });

  it("tell processError what the handler threw, and abandon the message", async () => {
    await using s = await scene(contender);
    const told: unknown[] = [];
    const receiver = s.client.createReceiver("orders");
    receiver.subscribe({
      processMessage: async ({ deliveryCount }) => {
        if (deliveryCount === 0) throw new Error("mine");
      },
      processError: async ({ error, errorSource, entityPath, fullyQualifiedNamespace, identifier }) =>
        void told.push([error.message, errorSource, entityPath, fullyQualifiedNamespace, identifier]),
    });
    await send(s, 1);
    await until(() => dispositions(s).length === 2);
    expect(told).toEqual([["mine", "processMessageCallback", "orders", "127.0.0.1", receiver.identifier]]);
    expect(dispositions(s)).toEqual(["abandoned", "completed"]);
  });

  it("leave settling to the handler with autoCompleteMessages: false, and hold as many as maxConcurrentCalls", async () => {
    await using s = await scene(contender);
    await send(s, 1, 2, 3, 4);
    const held: ServiceBusReceivedMessage[] = [];
    const receiver = s.client.createReceiver("orders");
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    receiver.subscribe(
      {
        processMessage: async (message) => {
          held.push(message);
          await released;
          await receiver.completeMessage(message);
        },
        processError: async () => undefined,
      },
      { autoCompleteMessages: false, maxConcurrentCalls: 2 },
    );
    await until(() => held.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect([held.length, dispositions(s)]).toEqual([2, []]);
    release();
    await until(() => dispositions(s).length === 4);
  });

  it("iterate", async () => {
    await using s = await scene(contender);
    await send(s, 1, 2, 3);
    const receiver = s.client.createReceiver("orders");
    const seen: unknown[] = [];
    for await (const message of receiver.getMessageIterator()) {
      seen.push(message.body);
      await receiver.completeMessage(message);
      if (seen.length === 3) break;
    }
    expect([seen, dispositions(s)]).toEqual([
      [1, 2, 3],
      ["completed", "completed", "completed"],
    ]);
  });

  it("peek without locking, onwards, and from a sequence number", async () => {
    await using s = await scene(contender);
    await send(s, 1, 2, 3);
    const receiver = s.client.createReceiver("orders");
    const first = await receiver.peekMessages(2);
    expect(bodiesOf(first)).toEqual([1, 2]);
    expect(first[0]!.lockToken).toBeUndefined();
    expect(bodiesOf(await receiver.peekMessages(2))).toEqual([3]);
    const { sequenceNumber } = first[1]!;
    expect(bodiesOf(await receiver.peekMessages(5, { fromSequenceNumber: sequenceNumber! }))).toEqual([2, 3]);
    expect(s.bus.queue("orders").activeMessages).toBe(3);
  });

  it("renew a lock", async () => {
    await using s = await scene(contender, { queues: [{ name: "orders", lockDurationMs: 5_000 }] });
    await send(s, 1);
    const receiver = s.client.createReceiver("orders", { maxAutoLockRenewalDurationInMs: 0 });
    const message = await one(receiver);
    const before = message.lockedUntilUtc!;
    await new Promise((resolve) => setTimeout(resolve, 50));
    const until_ = await receiver.renewMessageLock(message);
    expect(until_.getTime()).toBeGreaterThan(before.getTime());
    expect(message.lockedUntilUtc).toEqual(until_);
    await receiver.completeMessage(message);
    expect(s.bus.journal.renewals("orders")).toHaveLength(1);
  });

  it("renew locks by themselves, as long as they are told", async () => {
    await using s = await scene(contender, { queues: [{ name: "orders", lockDurationMs: 3_000 }] });
    await send(s, 1);
    const receiver = s.client.createReceiver("orders");
    const message = await one(receiver);
    await until(() => s.bus.journal.renewals("orders").length > 0);
    await receiver.completeMessage(message);
    expect(dispositions(s)).toEqual(["completed"]);
  });

  it("reject with MessageLockLost when another has the lock", async () => {
    await using s = await scene(contender);
    await send(s, 1);
    const receiver = s.client.createReceiver("orders", { maxAutoLockRenewalDurationInMs: 0 });
    const message = await one(receiver);
    s.bus.queue("orders").stealLocks();
    await expect(receiver.completeMessage(message)).rejects.toMatchObject({
      name: "ServiceBusError",
      code: "MessageLockLost",
    });
  });

  it("reach dead letters, and what moved there by itself", async () => {
    await using s = await scene(contender, { queues: [{ name: "orders", maxDeliveryCount: 1 }] });
    await send(s, 1);
    const receiver = s.client.createReceiver("orders");
    await receiver.abandonMessage(await one(receiver));
    const graveyard = s.client.createReceiver("orders", { subQueueType: "deadLetter" });
    expect(graveyard.entityPath).toBe(letters);
    const dead = await one(graveyard);
    expect(dead.deadLetterReason).toBe("MaxDeliveryCountExceeded");
    expect(dead.deadLetterSource).toBe("orders");
    await graveyard.completeMessage(dead);
    expect(s.bus.queue("orders").deadLetterMessages).toBe(0);
  });

  it("reject with an AbortError when the signal has aborted", async () => {
    await using s = await scene(contender);
    await send(s, 1);
    const options = { abortSignal: AbortSignal.abort() };
    const receiver = s.client.createReceiver("orders");
    await expect(receiver.receiveMessages(1, options)).rejects.toMatchObject({ name: "AbortError" });
    await expect(receiver.peekMessages(1, options)).rejects.toMatchObject({ name: "AbortError" });
    const signal = AbortSignal.timeout(200);
    const empty = s.client.createReceiver("orders", { subQueueType: "deadLetter" });
    await expect(empty.receiveMessages(1, { abortSignal: signal })).rejects.toMatchObject({
      name: "AbortError",
    });
  });

  it("know what they are, and close once", async () => {
    await using s = await scene(contender);
    const receiver = s.client.createReceiver("orders", { identifier: "me" });
    expect([receiver.identifier, receiver.entityPath, receiver.receiveMode, receiver.isClosed]).toEqual([
      "me",
      "orders",
      "peekLock",
      false,
    ]);
    await receiver.close();
    await receiver.close();
    expect(receiver.isClosed).toBe(true);
  });

  it("reject with the service's own words", async () => {
    await using s = await scene(contender);
    await expect(s.client.createReceiver("none").receiveMessages(1)).rejects.toMatchObject({
      name: "ServiceBusError",
      code: "MessagingEntityNotFound",
    });
  });
});
