import { connect as connectTcp } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "rhea";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  acceptThenClose,
  blackHole,
  delayAcknowledgement,
  dropConnection,
  forceConnectionClose,
  forceDetach,
  halfOpen,
  ignore,
  loseAcknowledgement,
  refuseLink,
  reject,
  resetConnection,
  serverBusy,
  serviceBus,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { officialClient } from "./support/official-client.ts";
import { next, openReceiver, openSender, rawConnection } from "./support/raw-client.ts";

let bus: ServiceBusSimulator;
const connections: Connection[] = [];

async function connect(): Promise<Connection> {
  const connection = await rawConnection(bus);
  connections.push(connection);
  return connection;
}

/** How a bare TCP connection to the simulator ends: an error code, "end", or "open" when it does not. */
async function fateOfSocket(patienceMs = 300): Promise<string> {
  const socket = connectTcp(bus.port, "127.0.0.1");
  const fate = await Promise.race([
    new Promise<string>((resolve) => {
      socket.on("error", (error: NodeJS.ErrnoException) => {
        resolve(error.code ?? "error");
      });
      socket.on("end", () => {
        resolve("end");
      });
      socket.on("data", () => {
        resolve("data");
      });
      socket.on("connect", () => socket.write("AMQP\x03\x01\x00\x00", "latin1"));
    }),
    sleep(patienceMs, "open"),
  ]);
  socket.destroy();
  return fate;
}

beforeEach(async () => {
  bus = await serviceBus({ queues: ["orders", { name: "dedup", duplicateDetectionWindowMs: 60_000 }] });
});

afterEach(async () => {
  for (const connection of connections.splice(0)) connection.close();
  await bus.close();
});

describe("faults at connect", () => {
  it("resets the next connection and serves the one after", async () => {
    bus.faults.next("connect", resetConnection());
    expect(["ECONNRESET", "EPIPE"]).toContain(await fateOfSocket());
    expect(await fateOfSocket()).toBe("data");
  });

  it("accepts and closes", async () => {
    bus.faults.next("connect", acceptThenClose());
    expect(["end", "ECONNRESET"]).toContain(await fateOfSocket());
  });

  it("accepts and never answers", async () => {
    bus.faults.next("connect", blackHole());
    expect(await fateOfSocket()).toBe("open");
    expect(bus.journal.connections()).toEqual([]);
  });

  it("opens and then falls silent without a word", async () => {
    bus.faults.next("connect", halfOpen());
    const connection = await connect();
    await sleep(20);
    const sender = connection.open_sender({ target: { address: "orders" } });
    const outcome = await Promise.race([next(sender, "sender_open"), sleep(150, "silence")]);
    expect(outcome).toBe("silence");
    expect(bus.journal.attaches("orders")).toEqual([]);
  });

  it("refuses connections while stopped, and serves at the same port when started again", async () => {
    const { port } = bus;
    await bus.stop();
    expect(await fateOfSocket()).toBe("ECONNREFUSED");
    await bus.start();
    expect(bus.port).toBe(port);
    expect(await fateOfSocket()).toBe("data");
  });

  it("refuses new connections and keeps the live ones", async () => {
    const sender = await openSender(await connect(), "orders");
    await bus.refuseConnections();
    expect(await fateOfSocket()).toBe("ECONNREFUSED");
    sender.send({ body: 1 });
    await next(sender, "accepted");
    await bus.start();
    expect(await fateOfSocket()).toBe("data");
  });
});

describe("faults at send", () => {
  it.each([true, false])("lose the acknowledgement, message stored: %s", async (stored) => {
    bus.faults.next("send", loseAcknowledgement({ stored }));
    const sender = await openSender(await connect(), "orders");
    sender.send({ body: 1, message_id: "a" });
    sender.send({ body: 2, message_id: "b" });
    await next(sender, "accepted");
    expect(bus.journal.stored("orders").map(({ messageId }) => messageId)).toEqual(
      stored ? ["a", "b"] : ["b"],
    );
    expect(bus.journal.accepted("orders")).toMatchObject([{ messageIds: ["b"] }]);
    expect(bus.journal.attempts("orders")).toMatchObject([
      { outcome: "unanswered", fault: "lose-acknowledgement" },
      { outcome: "accepted" },
    ]);
  });

  it("does not run out of room when thousands of acknowledgements are lost", async () => {
    const sender = await openSender(await connect(), "orders");
    bus.faults.next("send", loseAcknowledgement({ stored: false }), { times: 1_500 });
    for (let n = 0; n < 1_500; n++) sender.send({ body: n });
    await expect.poll(() => bus.journal.attempts("orders").length).toBe(1_500);
    const other = await openSender(sender.connection, "orders");
    other.send({ body: "last" });
    await expect.poll(() => bus.journal.stored("orders").map(({ body }) => body)).toEqual(["last"]);
  });

  it("rejects with any condition, with the service's tracking text", async () => {
    bus.faults.next("send", reject({ condition: "com.microsoft:timeout", description: "Too slow." }));
    const sender = await openSender(await connect(), "orders");
    sender.send({ body: 1 });
    const { delivery } = await next(sender, "rejected");
    expect(delivery?.remote_state?.["error"]).toMatchObject({
      condition: "com.microsoft:timeout",
      description: expect.stringMatching(/^Too slow\. TrackingId:.*SystemTracker:.*Timestamp:/) as string,
    });
  });

  it("stores at once and acknowledges late", async () => {
    bus.faults.next("send", delayAcknowledgement(150));
    const sender = await openSender(await connect(), "orders");
    sender.send({ body: 1 });
    await expect.poll(() => bus.journal.stored("orders")).toHaveLength(1);
    expect(bus.journal.attempts("orders")).toMatchObject([{ outcome: "pending" }]);
    await next(sender, "accepted");
    const [attempt] = bus.journal.attempts("orders");
    const [accepted] = bus.journal.accepted("orders");
    expect((accepted?.at ?? 0) - (attempt?.at ?? 0)).toBeGreaterThan(140);
  });

  it("acknowledges everything late when the options say so", async () => {
    await using slow = await serviceBus({ queues: ["orders"], acknowledgementDelayMs: 60 });
    const connection = await rawConnection(slow);
    const sender = await openSender(connection, "orders");
    sender.send({ body: 1 });
    await next(sender, "accepted");
    const [attempt] = slow.journal.attempts("orders");
    expect((slow.journal.accepted("orders")[0]?.at ?? 0) - (attempt?.at ?? 0)).toBeGreaterThan(50);
    connection.close();
  });

  it.each([
    { stored: true, how: "reset" },
    { stored: false, how: "fin" },
  ] as const)("drops the connection ($how), message stored: $stored", async ({ stored, how }) => {
    bus.faults.next("send", dropConnection({ stored, how }));
    const sender = await openSender(await connect(), "orders");
    sender.send({ body: 1, message_id: "a" });
    await next(sender.connection, "disconnected");
    expect(bus.journal.stored("orders")).toHaveLength(stored ? 1 : 0);
    expect(bus.journal.connections()).toMatchObject([{ closedAt: expect.any(Number) as number }]);
  });

  it("closes the connection by force", async () => {
    bus.faults.next("send", forceConnectionClose({ stored: true }));
    const sender = await openSender(await connect(), "orders");
    sender.send({ body: 1 });
    const { error } = await next(sender.connection, "connection_error");
    expect(error).toMatchObject({ condition: "amqp:connection:forced" });
    expect(bus.journal.stored("orders")).toHaveLength(1);
  });

  it("detaches the link and keeps the connection", async () => {
    bus.faults.next("send", forceDetach({ stored: false }));
    const connection = await connect();
    const sender = await openSender(connection, "orders");
    sender.send({ body: 1 });
    await next(sender, "sender_error");
    expect(sender.error).toMatchObject({ condition: "amqp:link:detach-forced" });
    expect(bus.journal.detaches("orders")).toMatchObject([
      { by: "service", condition: "amqp:link:detach-forced" },
    ]);
    const again = await openSender(connection, "orders");
    again.send({ body: 2 });
    await next(again, "accepted");
    expect(bus.journal.stored("orders").map(({ body }) => body)).toEqual([2]);
  });

  it("stores a resent message once where duplicates are detected, although the acknowledgement was lost", async () => {
    bus.faults.next("send", dropConnection({ stored: true }), { entity: "dedup" });
    const client = officialClient(bus, {
      retryOptions: { maxRetries: 2, timeoutInMs: 500, retryDelayInMs: 50 },
    });
    await client.createSender("dedup").sendMessages({ body: 1, messageId: "once" });
    await client.close();
    expect(bus.journal.attempts("dedup")).toHaveLength(2);
    expect(bus.journal.stored("dedup")).toHaveLength(1);
    expect(bus.journal.duplicates("dedup")).toHaveLength(1);
  });
});

describe("faults at attach and open", () => {
  it("refuse a link with the scripted error", async () => {
    bus.faults.next(
      "attach",
      refuseLink({ condition: "com.microsoft:entity-disabled", description: "Disabled." }),
    );
    const connection = await connect();
    const sender = connection.open_sender({ target: { address: "orders" } });
    await next(sender, "sender_error");
    expect(sender.error).toMatchObject({ condition: "com.microsoft:entity-disabled" });
  });

  it("hold the answer to an attach back, for a while or for ever", async () => {
    const connection = await connect();
    bus.faults.next("attach", delayAcknowledgement(120));
    const start = performance.now();
    const sender = await openSender(connection, "orders");
    expect(performance.now() - start).toBeGreaterThan(110);
    sender.send({ body: 1 });
    await next(sender, "accepted");
    bus.faults.next("attach", ignore());
    const unanswered = connection.open_sender({ target: { address: "orders" } });
    expect(await Promise.race([next(unanswered, "sender_open"), sleep(150, "silence")])).toBe("silence");
    expect(bus.journal.attaches("orders").map(({ outcome }) => outcome)).toEqual(["attached", "unanswered"]);
  });

  it("detach a link a while after it was attached", async () => {
    bus.faults.next("attach", forceDetach({ afterMs: 50, condition: "com.microsoft:entity-disabled" }));
    const sender = await openSender(await connect(), "orders");
    await next(sender, "sender_error");
    expect(sender.error).toMatchObject({ condition: "com.microsoft:entity-disabled" });
  });

  it("close a connection as it opens", async () => {
    bus.faults.next("open", forceConnectionClose());
    await expect(officialClient(bus).createSender("orders").sendMessages({ body: 1 })).rejects.toThrow();
    expect(bus.journal.attaches("orders")).toEqual([]);
    await openSender(await connect(), "orders");
    expect(bus.journal.faults()).toMatchObject([{ step: "open", kind: "close-connection" }]);
  });
});

describe("faults at deliver, drain, settle, management and detach", () => {
  async function withMessage(): Promise<Connection> {
    const connection = await connect();
    const sender = await openSender(connection, "orders");
    sender.send({ body: 1, message_id: "m" });
    await next(sender, "accepted");
    return connection;
  }

  it("drop the connection after a delivery; the message stays locked", async () => {
    const connection = await withMessage();
    bus.faults.next("deliver", dropConnection({ stored: true, how: "fin" }));
    const receiver = await openReceiver(connection, "orders", { credit: 1 });
    await next(receiver, "message");
    await next(connection, "disconnected");
    expect(bus.journal.delivered("orders")).toHaveLength(1);
    expect(bus.queue("orders").lockedMessages).toBe(1);
  });

  it("leave a drain unanswered", async () => {
    const receiver = await openReceiver(await connect(), "orders", { credit: 1 });
    bus.faults.next("drain", ignore());
    receiver.drain_credit();
    expect(await Promise.race([next(receiver, "receiver_drained"), sleep(150, "silence")])).toBe("silence");
  });

  it("lose the answer to a settlement that took effect", async () => {
    const receiver = await openReceiver(await withMessage(), "orders", { credit: 1, rcv_settle_mode: 1 });
    const { delivery } = await next(receiver, "message");
    bus.faults.next("settle", loseAcknowledgement({ stored: true }));
    delivery?.accept();
    expect(await Promise.race([next(receiver, "settled"), sleep(150, "silence")])).toBe("silence");
    expect(bus.journal.settled("orders")).toMatchObject([{ messageId: "m", disposition: "completed" }]);
  });

  it("refuse a settlement and leave the message locked", async () => {
    const receiver = await openReceiver(await withMessage(), "orders", { credit: 1, rcv_settle_mode: 1 });
    const { delivery } = await next(receiver, "message");
    bus.faults.next("settle", serverBusy());
    delivery?.accept();
    await next(receiver, "settled");
    expect(bus.journal.refusals("orders")).toMatchObject([
      { step: "settle", condition: "com.microsoft:server-busy" },
    ]);
    expect(bus.queue("orders").lockedMessages).toBe(1);
  });

  it("leave a request to $management unanswered", async () => {
    await withMessage();
    bus.faults.next("management", ignore());
    const client = officialClient(bus, { retryOptions: { maxRetries: 0, timeoutInMs: 300 } });
    await expect(client.createReceiver("orders").peekMessages(1)).rejects.toMatchObject({
      code: "ServiceTimeout",
    });
    expect(bus.journal.management("orders")).toMatchObject([
      { operation: "com.microsoft:peek-message", status: undefined },
    ]);
    await client.close();
  });

  it("leave a detach unanswered", async () => {
    const sender = await openSender(await connect(), "orders");
    bus.faults.next("detach", ignore());
    sender.close();
    expect(await Promise.race([next(sender, "sender_close"), sleep(150, "silence")])).toBe("silence");
  });
});

describe("faults at any time", () => {
  it("restart with every message and the whole journal kept", async () => {
    const sender = await openSender(await connect(), "orders");
    sender.send({ body: "kept" });
    await next(sender, "accepted");
    const gone = next(sender.connection, "disconnected");
    await bus.restart({ downMs: 50 });
    await gone;
    const receiver = await openReceiver(await connect(), "orders", { credit: 1 });
    expect((await next(receiver, "message")).message?.body).toBe("kept");
    expect(bus.journal.stored("orders")).toHaveLength(1);
    expect(bus.journal.connections()).toHaveLength(2);
  });

  it("freeze: what is sent is not seen, and nothing is said", async () => {
    const sender = await openSender(await connect(), "orders");
    bus.freeze();
    sender.send({ body: 1 });
    await sleep(100);
    expect(bus.journal.attempts("orders")).toEqual([]);
    expect(sender.is_open()).toBe(true);
  });

  it("drop and close every connection, detach every link of one entity", async () => {
    const first = await connect();
    const dropped = next(first, "disconnected");
    bus.dropConnections();
    await dropped;
    const second = await connect();
    const sender = await openSender(second, "orders");
    const other = await openSender(second, "dedup");
    const detached = next(sender, "sender_error");
    bus.detachLinks("orders", "amqp:internal-error");
    await detached;
    expect(sender.error).toMatchObject({ condition: "amqp:internal-error" });
    expect(other.is_open()).toBe(true);
    const closed = next(second, "connection_error");
    bus.closeConnections();
    expect((await closed).error).toMatchObject({ condition: "amqp:connection:forced" });
  });

  it("says which faults a step knows when given another, and writes down those that happened", () => {
    expect(() => bus.faults.next("send", resetConnection() as never)).toThrow(
      /"reset-connection" cannot happen at step "send"; possible are refuse,/,
    );
    expect(() => bus.faults.always("transfer" as never, ignore() as never)).toThrow(
      /unknown step "transfer"/,
    );
    expect(bus.journal.faults()).toEqual([]);
  });
});
