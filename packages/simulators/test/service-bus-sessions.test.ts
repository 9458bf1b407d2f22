import type { ServiceBusClient, ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  delayAcknowledgement,
  loseAcknowledgement,
  refuseLink,
  reject,
  serviceBus,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { officialClient } from "./support/official-client.ts";
import { next, openReceiver, openSender, rawConnection } from "./support/raw-client.ts";
import rhea from "rhea";

let bus: ServiceBusSimulator;
let client: ServiceBusClient;

const noRenewal = { maxAutoLockRenewalDurationInMs: 0 };

beforeEach(async () => {
  bus = await serviceBus({
    queues: [
      "plain",
      { name: "orders", requiresSession: true },
      { name: "brief", requiresSession: true, lockDurationMs: 400, maxDeliveryCount: 3 },
    ],
  });
  client = officialClient(bus);
});

afterEach(async () => {
  await client.close();
  await bus.close();
});

async function send(queue: string, ...messages: [sessionId: string, body: unknown][]): Promise<void> {
  const sender = client.createSender(queue);
  for (const [sessionId, body] of messages) await sender.sendMessages({ sessionId, body });
}

async function some(receiver: ServiceBusReceiver, count = 1): Promise<ServiceBusReceivedMessage[]> {
  const messages = await receiver.receiveMessages(count, { maxWaitTimeInMs: 15_000 });
  if (messages.length !== count) throw new Error(`${messages.length} of ${count} messages came`);
  return messages;
}

const events = (queue: string) =>
  bus.journal.sessions(queue).map(({ event, sessionId }) => [event, sessionId]);

describe("sessions with the official client", () => {
  it("accepts a session by id and delivers its messages alone and in order", async () => {
    await send("orders", ["a", 1], ["b", 1], ["a", 2], ["a", 3]);
    const session = await client.acceptSession("orders", "a", noRenewal);
    expect(session.sessionId).toBe("a");
    expect(session.sessionLockedUntilUtc.getTime()).toBeGreaterThan(Date.now() + 50_000);
    const messages = await some(session, 3);
    expect(messages.map(({ body, sessionId }) => [sessionId, body])).toEqual([
      ["a", 1],
      ["a", 2],
      ["a", 3],
    ]);
    for (const message of messages) await session.completeMessage(message);
    expect(bus.queue("orders").activeMessages).toBe(1);
    expect(
      bus.journal.settled("orders").map(({ disposition, sessionId }) => [disposition, sessionId]),
    ).toEqual(Array.from({ length: 3 }, () => ["completed", "a"]));
    await session.close();
    await expect
      .poll(() => events("orders"))
      .toEqual([
        ["accepted", "a"],
        ["released", "a"],
      ]);
  });

  it("gives the next session that has messages and that nobody holds", async () => {
    await send("orders", ["a", 1], ["b", 1]);
    const first = await client.acceptNextSession("orders", noRenewal);
    const second = await client.acceptNextSession("orders", noRenewal);
    expect([first.sessionId, second.sessionId]).toEqual(["a", "b"]);
    expect(bus.queue("orders").heldSessions).toEqual(["a", "b"]);
  });

  it("lets a client wait for the next session until one comes", async () => {
    const accepted = client.acceptNextSession("orders", noRenewal);
    await expect.poll(() => bus.journal.tokens().length).toBeGreaterThan(0);
    await send("orders", ["late", 1]);
    const session = await accepted;
    expect(session.sessionId).toBe("late");
    expect((await some(session))[0]?.body).toBe(1);
  });

  it("answers com.microsoft:timeout when no session comes in the time that the client asked for", async () => {
    const hasty = officialClient(bus, { retryOptions: { maxRetries: 0, timeoutInMs: 600 } });
    const asked = performance.now();
    await expect(hasty.acceptNextSession("orders")).rejects.toMatchObject({ code: "ServiceTimeout" });
    expect(performance.now() - asked).toBeGreaterThan(300);
    await hasty.close();
    expect(bus.journal.refusals("orders").at(-1)).toMatchObject({
      step: "attach",
      condition: "com.microsoft:timeout",
    });
    expect(events("orders")).toEqual([["timed-out", undefined]]);
    // A wait that ended takes no session away from others.
    await send("orders", ["a", 1]);
    expect(bus.queue("orders").heldSessions).toEqual([]);
  });

  it("refuses a session that another link holds", async () => {
    const holder = await client.acceptSession("orders", "a", noRenewal);
    await expect(client.acceptSession("orders", "a")).rejects.toMatchObject({
      code: "SessionCannotBeLocked",
    });
    expect(bus.journal.refusals("orders").at(-1)?.condition).toBe("com.microsoft:session-cannot-be-locked");
    await holder.close();
    const again = await client.acceptSession("orders", "a", noRenewal);
    expect(again.sessionId).toBe("a");
  });

  it("gives the messages of a session that is closed back without counting a delivery", async () => {
    await send("orders", ["a", 1], ["a", 2]);
    const first = await client.acceptSession("orders", "a", noRenewal);
    await some(first, 2);
    await first.close();
    const second = await client.acceptSession("orders", "a", noRenewal);
    const again = await some(second, 2);
    expect(again.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
      [1, 0],
      [2, 0],
    ]);
  });

  it("prolongs a session lock when asked, and detaches the link when it runs out", async () => {
    await send("brief", ["a", 1]);
    const session = await client.acceptSession("brief", "a", noRenewal);
    const [message] = await some(session);
    const before = session.sessionLockedUntilUtc.getTime();
    const until = await session.renewSessionLock();
    expect(until.getTime()).toBeGreaterThanOrEqual(before);
    await expect
      .poll(() => bus.journal.detaches("brief").at(-1))
      .toMatchObject({
        by: "service",
        condition: "com.microsoft:session-lock-lost",
      });
    // What is settled before the client has read the detach would wait for an answer for a minute.
    await expect.poll(() => session.isClosed).toBe(true);
    await expect(session.completeMessage(message!)).rejects.toMatchObject({ code: "SessionLockLost" });
    const [again] = await some(await client.acceptSession("brief", "a", noRenewal));
    expect(again?.deliveryCount).toBe(1);
    expect(events("brief").map(([event]) => event)).toEqual(["accepted", "renewed", "expired", "accepted"]);
  });

  it("says session-lock-lost to settlements, renewals and state after a lock was lost on an open link", async () => {
    await send("orders", ["a", 1]);
    const session = await client.acceptSession("orders", "a", noRenewal);
    const [message] = await some(session);
    expect(bus.queue("orders").expireSessionLocks("a", { detach: false })).toBe(1);
    await expect(session.completeMessage(message!)).rejects.toMatchObject({ code: "SessionLockLost" });
    await expect(session.renewSessionLock()).rejects.toMatchObject({ code: "SessionLockLost" });
    await expect(session.getSessionState()).rejects.toMatchObject({ code: "SessionLockLost" });
    expect(bus.queue("orders").activeMessages).toBe(1);
  });

  it("keeps the state of a session over its receivers", async () => {
    const first = await client.acceptSession("orders", "a", noRenewal);
    expect(await first.getSessionState()).toBeNull();
    await first.setSessionState({ step: 2 });
    await first.close();
    const second = await client.acceptSession("orders", "a", noRenewal);
    expect(await second.getSessionState()).toEqual({ step: 2 });
    await second.setSessionState(null);
    expect(await second.getSessionState()).toBeNull();
  });

  it("peeks within the session, and defers and receives deferred messages in it", async () => {
    await send("orders", ["a", 1], ["b", 2], ["a", 3]);
    const session = await client.acceptSession("orders", "a", noRenewal);
    expect((await session.peekMessages(10)).map(({ body }) => body)).toEqual([1, 3]);
    const [message] = await some(session);
    await session.deferMessage(message!);
    const [deferred] = await session.receiveDeferredMessages(message!.sequenceNumber!);
    expect(deferred).toMatchObject({ body: 1, state: "deferred" });
    await session.completeMessage(deferred!);
    expect(bus.queue("orders")).toMatchObject({ deferredMessages: 0, activeMessages: 2 });
  });

  it("dead-letters from a session; dead letters are received without one", async () => {
    await send("orders", ["a", "bad"]);
    const session = await client.acceptSession("orders", "a", noRenewal);
    const [message] = await some(session);
    await session.deadLetterMessage(message!, {
      deadLetterReason: "Broken",
      deadLetterErrorDescription: "no total",
    });
    const [dead] = await some(client.createReceiver("orders", { subQueueType: "deadLetter" }));
    expect(dead).toMatchObject({ body: "bad", deadLetterReason: "Broken", sessionId: "a" });
    expect(bus.journal.deadLettered("orders")).toMatchObject([{ by: "client", reason: "Broken" }]);
  });

  it("refuses a receiver without a session, a session on a plain queue, and a message without one", async () => {
    await expect(client.createReceiver("orders").receiveMessages(1)).rejects.toThrow(/requires sessions/);
    // By id, the official client reads every refusal as a session that another holds; the next one tells the truth.
    await expect(client.acceptNextSession("plain")).rejects.toThrow(/does not require sessions/);
    await expect(client.acceptSession("plain", "a")).rejects.toMatchObject({ code: "SessionCannotBeLocked" });
    expect(bus.journal.refusals("plain").at(-1)?.condition).toBe("amqp:not-allowed");
    await expect(client.createSender("orders").sendMessages({ body: 1 })).rejects.toThrow(
      /SessionId was not set/,
    );
  });

  it("frees a session when its connection drops", async () => {
    const other = officialClient(bus);
    await other.acceptSession("orders", "a", noRenewal);
    bus.dropConnections();
    await expect.poll(() => bus.queue("orders").heldSessions).toEqual([]);
    // Not awaited: the official client's close() hangs when a session's connection was dropped.
    void other.close();
  });

  it("has a step of its own for accepting and for renewing a session in the fault script", async () => {
    bus.faults.next("accept-session", refuseLink({ condition: "com.microsoft:server-busy" }));
    await expect(client.acceptNextSession("orders")).rejects.toMatchObject({ code: "ServiceBusy" });
    bus.faults.next("renew-session", reject({ condition: "com.microsoft:server-busy" }));
    const session = await client.acceptSession("orders", "a", noRenewal);
    await expect(session.renewSessionLock()).rejects.toMatchObject({ code: "ServiceBusy" });
    await session.renewSessionLock();
  });

  it("keeps the order in a session when a delivery is late", async () => {
    await send("orders", ["a", 1], ["a", 2], ["a", 3]);
    bus.faults.next("deliver", delayAcknowledgement(150));
    const session = await client.acceptSession("orders", "a", noRenewal);
    const bodies: unknown[] = [];
    while (bodies.length < 3) {
      const messages = await session.receiveMessages(3, { maxWaitTimeInMs: 1_000 });
      bodies.push(...messages.map(({ body }) => body as unknown));
    }
    expect(bodies).toEqual([1, 2, 3]);
  });
});

describe("sessions with clients of other languages", () => {
  it("reads a filter that is described, as AMQP wants it, and answers with the session and its lock", async () => {
    await send("orders", ["a", 1]);
    const connection = await rawConnection(bus);
    const described = rhea.types.wrap_described("a", 0x1_37_00_00_00_0c);
    const receiver = connection.open_receiver({
      source: { address: "orders", filter: { "com.microsoft:session-filter": described } },
      credit_window: 0,
      autoaccept: false,
    });
    await next(receiver, "receiver_open");
    expect(receiver.source.filter).toEqual({ "com.microsoft:session-filter": "a" });
    expect(receiver.properties).toHaveProperty(["com.microsoft:locked-until-utc"]);
    expect(bus.queue("orders").heldSessions).toEqual(["a"]);
    connection.close();
  });
});

describe("a session that another link holds", () => {
  it("is not prolonged by a request that names a link which does not hold it", async () => {
    const holder = await client.acceptSession("orders", "a", noRenewal);
    const connection = await rawConnection(bus);
    const requests = await openSender(connection, "orders/$management");
    const answers = await openReceiver(connection, "orders/$management", { credit: 10 });
    const ask = async (linkName?: string): Promise<unknown> => {
      requests.send({
        message_id: "request",
        application_properties: {
          operation: "com.microsoft:renew-session-lock",
          ...(linkName === undefined ? {} : { "associated-link-name": linkName }),
        },
        body: { "session-id": "a" },
      });
      const { message } = await next(answers, "message");
      return message?.application_properties?.["statusCode"];
    };
    expect(await ask("another")).toBe(410);
    expect(await ask(bus.journal.sessions("orders")[0]!.linkName)).toBe(200);
    connection.close();
    await holder.close();
  });
});

describe("an acceptance that is lost", () => {
  // With raw AMQP: the official client waits for it for a minute, whatever its options say.
  it("leaves the session locked for a link that never hears of it, until the link ends", async () => {
    bus.faults.next("accept-session", loseAcknowledgement());
    const connection = await rawConnection(bus);
    const receiver = connection.open_receiver({
      source: { address: "orders", filter: { "com.microsoft:session-filter": "a" } },
    });
    await expect.poll(() => bus.queue("orders").heldSessions).toEqual(["a"]);
    expect(receiver.is_remote_open()).toBe(false);
    connection.close();
    await expect.poll(() => bus.queue("orders").heldSessions).toEqual([]);
  });
});

describe("a service whose clock is wrong", () => {
  it("says so in every time it writes, and keeps locks for their duration all the same", async () => {
    await using skewed = await serviceBus({
      queues: [{ name: "orders", requiresSession: true, lockDurationMs: 5_000 }],
      clockSkewMs: 300_000,
    });
    const other = officialClient(skewed);
    await other.createSender("orders").sendMessages({ body: 1, sessionId: "a" });
    const session = await other.acceptSession("orders", "a", noRenewal);
    expect(session.sessionLockedUntilUtc.getTime() - Date.now()).toBeGreaterThan(290_000);
    const [message] = await some(session);
    expect(message!.enqueuedTimeUtc!.getTime() - Date.now()).toBeGreaterThan(290_000);
    await session.completeMessage(message!);
    await session.close();
    await other.close();
  });
});
