import Long from "long";
import { describe, expect, it } from "vitest";
import { contenders, scene } from "./clients.ts";

describe.each(contenders)("senders of $name", (contender) => {
  it("send one message, several, and a batch", async () => {
    await using s = await scene(contender);
    const sender = s.client.createSender("orders");
    await sender.sendMessages({ body: 1 });
    await sender.sendMessages([{ body: 2 }, { body: 3 }]);
    const batch = await sender.createMessageBatch();
    expect([batch.tryAddMessage({ body: 4 }), batch.tryAddMessage({ body: 5 }), batch.count]).toEqual([
      true,
      true,
      2,
    ]);
    await sender.sendMessages(batch);
    expect(s.bus.journal.stored("orders").map(({ body }) => body)).toEqual([1, 2, 3, 4, 5]);
  });

  it("say of a batch how much it holds and may hold, and refuse what does not fit", async () => {
    await using s = await scene(contender);
    const batch = await s.client.createSender("orders").createMessageBatch({ maxSizeInBytes: 2_000 });
    expect([batch.maxSizeInBytes, batch.sizeInBytes, batch.count]).toEqual([2_000, 0, 0]);
    expect(batch.tryAddMessage({ body: "x".repeat(500) })).toBe(true);
    const size = batch.sizeInBytes;
    expect(size).toBeGreaterThan(500);
    expect(batch.tryAddMessage({ body: "x".repeat(5_000) })).toBe(false);
    expect([batch.sizeInBytes, batch.count]).toEqual([size, 1]);
  });

  it.each(["text", "", 42, -1.5, true, null, { a: { b: [null] } }, [1, "two"]])(
    "carry a body as it is (%j)",
    async (body) => {
      await using s = await scene(contender);
      await s.client.createSender("orders").sendMessages({ body });
      const [message] = await s.client.createReceiver("orders").receiveMessages(1);
      expect(message!.body).toEqual(body);
    },
  );

  it("carry bytes as bytes", async () => {
    await using s = await scene(contender);
    await s.client.createSender("orders").sendMessages({ body: Buffer.from([0, 255, 128]) });
    const [message] = await s.client
      .createReceiver("orders", { skipParsingBodyAsJson: true })
      .receiveMessages(1);
    expect(message!.body).toEqual(Buffer.from([0, 255, 128]));
  });

  it("carry every property, which arrives in the official types", async () => {
    await using s = await scene(contender, { queues: [{ name: "orders", lockDurationMs: 30_000 }] });
    const sent = {
      body: "b",
      messageId: "m-1",
      contentType: "text/plain",
      correlationId: "c-1",
      subject: "paint",
      to: "you",
      replyTo: "me",
      replyToSessionId: "r",
      partitionKey: "p",
      timeToLive: 60_000,
      applicationProperties: { text: "t", number: 1.5, yes: true, at: new Date(1_700_000_000_000) },
    };
    await s.client.createSender("orders").sendMessages(sent);
    const [message] = await s.client.createReceiver("orders").receiveMessages(1);
    const { at, ...properties } = sent.applicationProperties;
    // A date arrives as milliseconds.
    expect(message).toMatchObject({ ...sent, applicationProperties: { ...properties, at: at.getTime() } });
    expect(message!.deliveryCount).toBe(0);
    expect(message!.state).toBe("active");
    expect(Long.isLong(message!.sequenceNumber)).toBe(true);
    expect(message!.enqueuedTimeUtc).toBeInstanceOf(Date);
    expect(message!.lockedUntilUtc).toBeInstanceOf(Date);
    expect(message!.expiresAtUtc?.getTime()).toBe(message!.enqueuedTimeUtc!.getTime() + 60_000);
    expect(message!.lockToken).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(message!._rawAmqpMessage.bodyType).toBe("data");
    expect(Object.keys(message!)).toEqual(expect.arrayContaining(["enqueuedSequenceNumber", "state"]));
  });

  it("leave the caller's messages as they were", async () => {
    await using s = await scene(contender);
    const message = Object.freeze({ body: 1 });
    await s.client.createSender("orders").sendMessages([message, message]);
    expect(message).toEqual({ body: 1 });
    expect(s.bus.journal.stored("orders")).toHaveLength(2);
  });

  it("take AMQP messages with value and sequence bodies", async () => {
    await using s = await scene(contender);
    const sender = s.client.createSender("orders");
    await sender.sendMessages({ body: { v: 1 }, bodyType: "value" });
    await sender.sendMessages({ body: [1, "two"], bodyType: "sequence", properties: { messageId: "m" } });
    const receiver = s.client.createReceiver("orders");
    const [value] = await receiver.receiveMessages(1);
    const [sequence] = await receiver.receiveMessages(1);
    expect([value!.body, value!._rawAmqpMessage.bodyType]).toEqual([{ v: 1 }, "value"]);
    expect([sequence!.body, sequence!._rawAmqpMessage.bodyType]).toEqual([[1, "two"], "sequence"]);
    expect(sequence!.messageId).toBe("m");
  });

  it("schedule messages under sequence numbers, and cancel them", async () => {
    await using s = await scene(contender);
    const sender = s.client.createSender("orders");
    const later = new Date(Date.now() + 3_600_000);
    const [one] = await sender.scheduleMessages({ body: 1 }, later);
    const more = await sender.scheduleMessages([{ body: 2 }, { body: 3 }], later);
    expect([one, ...more].every((number) => Long.isLong(number))).toBe(true);
    expect(s.bus.queue("orders").scheduledMessages).toBe(3);
    const peeked = await s.client.createReceiver("orders").peekMessages(3);
    expect(peeked.map(({ state }) => state)).toEqual(["scheduled", "scheduled", "scheduled"]);
    await sender.cancelScheduledMessages(one!);
    await sender.cancelScheduledMessages(more);
    expect(s.bus.queue("orders").scheduledMessages).toBe(0);
  });

  it("have a message appear at the time it says", async () => {
    await using s = await scene(contender);
    const at = Date.now() + 700;
    await s.client.createSender("orders").sendMessages({ body: 1, scheduledEnqueueTimeUtc: new Date(at) });
    expect(s.bus.queue("orders").activeMessages).toBe(0);
    const [message] = await s.client.createReceiver("orders").receiveMessages(1, { maxWaitTimeInMs: 10_000 });
    expect(message!.body).toBe(1);
    expect(Date.now()).toBeGreaterThanOrEqual(at - 50);
  });

  it("know what they are", async () => {
    await using s = await scene(contender);
    const named = s.client.createSender("orders", { identifier: "me" });
    const sender = s.client.createSender("orders");
    expect([named.identifier, named.entityPath, named.isClosed]).toEqual(["me", "orders", false]);
    expect(sender.identifier).toMatch(/^orders-/);
    expect(s.client.fullyQualifiedNamespace).toBe("127.0.0.1");
    await named.close();
    await named.close();
    expect([named.isClosed, sender.isClosed]).toEqual([true, false]);
  });

  it("reject with the service's own words", async () => {
    await using s = await scene(contender);
    await expect(s.client.createSender("none").sendMessages({ body: 1 })).rejects.toMatchObject({
      name: "ServiceBusError",
      code: "MessagingEntityNotFound",
    });
    const tooLarge = s.client.createSender("orders").sendMessages({ body: "x".repeat(300_000) });
    await expect(tooLarge).rejects.toMatchObject({ name: "ServiceBusError", code: "MessageSizeExceeded" });
  });

  it("reject with an AbortError when the signal has aborted", async () => {
    await using s = await scene(contender);
    const options = { abortSignal: AbortSignal.abort() };
    const sender = s.client.createSender("orders");
    const [scheduled] = await sender.scheduleMessages({ body: 1 }, new Date(Date.now() + 3_600_000));
    const calls = [
      sender.sendMessages({ body: 1 }, options),
      sender.createMessageBatch(options),
      sender.scheduleMessages({ body: 1 }, new Date(), options),
      sender.cancelScheduledMessages(scheduled!, options),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ name: "AbortError" });
    expect(s.bus.journal.attempts("orders")).toEqual([]);
    expect(s.bus.queue("orders").scheduledMessages).toBe(1);
  });
});
