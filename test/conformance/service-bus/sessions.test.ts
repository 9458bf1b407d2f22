import type { ServiceBusSessionReceiver } from "@azure/service-bus";
import { describe, expect, it } from "vitest";
import { contenders, scene, until, type Scene } from "./clients.ts";

const entities = {
  queues: [{ name: "chats", requiresSession: true, lockDurationMs: 30_000 }],
  sessionWaitMs: 1_000,
};
const send = (s: Scene, sessionId: string, ...bodies: unknown[]): Promise<void> =>
  s.client.createSender("chats").sendMessages(bodies.map((body) => ({ body, sessionId })));

describe.each(contenders)("session receivers of $name", (contender) => {
  it("accept a session by its id, and take its messages alone and in order", async () => {
    await using s = await scene(contender, entities);
    await send(s, "a", 1, 2);
    await send(s, "b", 3);
    const receiver = await s.client.acceptSession("chats", "a");
    expect([receiver.sessionId, receiver.entityPath, receiver.receiveMode]).toEqual([
      "a",
      "chats",
      "peekLock",
    ]);
    expect(receiver.sessionLockedUntilUtc).toBeInstanceOf(Date);
    const messages = await receiver.receiveMessages(5, { maxWaitTimeInMs: 15_000 });
    expect(messages.map(({ body, sessionId }) => [body, sessionId])).toEqual([
      [1, "a"],
      [2, "a"],
    ]);
    for (const message of messages) await receiver.completeMessage(message);
    expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 300 })).toEqual([]);
    expect(s.bus.queue("chats").activeMessages).toBe(1);
  });

  it("accept the next session that has messages", async () => {
    await using s = await scene(contender, entities);
    await send(s, "b", 1);
    const receiver = await s.client.acceptNextSession("chats");
    expect(receiver.sessionId).toBe("b");
  });

  it("are refused a session that somebody else holds, and get it when that one closes", async () => {
    await using s = await scene(contender, entities);
    const holder = await s.client.acceptSession("chats", "a");
    await expect(s.client.acceptSession("chats", "a")).rejects.toMatchObject({
      name: "ServiceBusError",
      code: "SessionCannotBeLocked",
    });
    await holder.close();
    expect(holder.isClosed).toBe(true);
    expect((await s.client.acceptSession("chats", "a")).sessionId).toBe("a");
  });

  it("keep a state", async () => {
    await using s = await scene(contender, entities);
    const receiver = await s.client.acceptSession("chats", "a");
    expect(await receiver.getSessionState()).toBeNull();
    await receiver.setSessionState(Buffer.from("half way"));
    expect(String(await receiver.getSessionState())).toBe("half way");
    await receiver.setSessionState(null);
    expect(await receiver.getSessionState()).toBeNull();
  });

  it("renew their lock", async () => {
    await using s = await scene(contender, entities);
    const receiver = await s.client.acceptSession("chats", "a");
    const before = receiver.sessionLockedUntilUtc;
    await new Promise((resolve) => setTimeout(resolve, 50));
    const after = await receiver.renewSessionLock();
    expect(after.getTime()).toBeGreaterThan(before.getTime());
    expect(receiver.sessionLockedUntilUtc).toEqual(after);
  });

  it("call a handler for each message, and complete it", async () => {
    await using s = await scene(contender, entities);
    await send(s, "a", 1, 2, 3);
    const handled: unknown[] = [];
    const receiver = await s.client.acceptSession("chats", "a");
    receiver.subscribe({
      processMessage: async ({ body }) => void handled.push(body),
      processError: async () => undefined,
    });
    await until(() => s.bus.journal.settled("chats").length === 3);
    expect(handled).toEqual([1, 2, 3]);
  });

  it("iterate, peek, defer and dead-letter", async () => {
    await using s = await scene(contender, entities);
    await send(s, "a", 1, 2);
    const receiver = await s.client.acceptSession("chats", "a");
    expect((await receiver.peekMessages(5)).map(({ body }) => body as unknown)).toEqual([1, 2]);
    const next = async (of: ServiceBusSessionReceiver) => (await of.receiveMessages(1))[0]!;
    const first = await next(receiver);
    await receiver.deferMessage(first);
    const [deferred] = await receiver.receiveDeferredMessages([first.sequenceNumber!]);
    expect(deferred!.body).toBe(1);
    await receiver.completeMessage(deferred!);
    for await (const message of receiver.getMessageIterator()) {
      await receiver.deadLetterMessage(message);
      break;
    }
    expect(s.bus.journal.settled("chats").map(({ disposition }) => disposition)).toEqual([
      "deferred",
      "completed",
      "dead-lettered",
    ]);
  });

  it("remove what they receive with receiveAndDelete", async () => {
    await using s = await scene(contender, entities);
    await send(s, "a", 1);
    const receiver = await s.client.acceptSession("chats", "a", { receiveMode: "receiveAndDelete" });
    expect((await receiver.receiveMessages(1))[0]!.body).toBe(1);
    expect(s.bus.queue("chats").activeMessages).toBe(0);
  });

  it("reject with an AbortError when the signal has aborted", async () => {
    await using s = await scene(contender, entities);
    const options = { abortSignal: AbortSignal.abort() };
    await expect(s.client.acceptSession("chats", "a", options)).rejects.toMatchObject({ name: "AbortError" });
    await expect(s.client.acceptNextSession("chats", options)).rejects.toMatchObject({ name: "AbortError" });
    const receiver = await s.client.acceptSession("chats", "a");
    await expect(receiver.getSessionState(options)).rejects.toMatchObject({ name: "AbortError" });
    await expect(receiver.renewSessionLock(options)).rejects.toMatchObject({ name: "AbortError" });
  });
});
