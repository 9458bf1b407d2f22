import { createRequire } from "node:module";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import rhea, { type Connection, type Sender } from "rhea";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { next, openReceiver, openSender, plainCredentials, rawConnection } from "./support/raw-client.ts";

/** Writes down the frames of a link's session in the order in which they arrive; events come in another one. */
function watchFrames(link: Sender, arrived: string[]): void {
  const session = link.session as unknown as Record<string, (frame: unknown) => void>;
  for (const name of ["on_disposition", "on_transfer"]) {
    const original = session[name]?.bind(session);
    session[name] = (frame) => {
      arrived.push(name);
      original?.(frame);
    };
  }
}

let bus: ServiceBusSimulator;
const connections: Connection[] = [];

async function connect(options: Record<string, unknown> = {}): Promise<Connection> {
  const connection = await rawConnection(bus, options);
  connections.push(connection);
  return connection;
}

beforeEach(async () => {
  bus = await serviceBus({
    queues: ["orders", { name: "small", maxMessageSizeBytes: 1_024 }],
    keys: [
      { name: "all", key: "secret", claims: ["Send", "Listen", "Manage"] },
      { name: "reader", key: "other", claims: ["Listen"] },
    ],
  });
});

afterEach(async () => {
  for (const connection of connections.splice(0)) connection.close();
  await bus.close();
});

describe("SASL", () => {
  it("admits the holder of a key by PLAIN without a token", async () => {
    const sender = await openSender(await connect(), "orders");
    sender.send({ body: "hello", message_id: "m1" });
    await next(sender, "accepted");
    expect(bus.journal.connections()[0]?.saslMechanism).toBe("PLAIN");
    expect(bus.journal.tokens()).toEqual([]);
    expect(bus.journal.stored("orders")[0]?.body).toBe("hello");
  });

  it("refuses a wrong key and ends the connection", async () => {
    const connection = rhea.create_container().connect({
      port: bus.port,
      host: "127.0.0.1",
      reconnect: false,
      username: "all",
      password: "wrong",
    });
    connection.on("disconnected", () => undefined);
    const { error } = await next(connection, "connection_error");
    expect(error).toMatchObject({ condition: "amqp:unauthorized-access" });
  });

  it("admits ANONYMOUS, who then may do nothing", async () => {
    const connection = await connect({ username: "anyone", password: undefined });
    const sender = connection.open_sender({ target: { address: "orders" } });
    const { sender: refused } = await next(sender, "sender_error");
    expect(refused?.error).toMatchObject({
      condition: "amqp:unauthorized-access",
      description: expect.stringMatching(
        /^Unauthorized access\. 'Send' claim\(s\) are required to perform this operation\. Resource: 'sb:\/\/127\.0\.0\.1:\d+\/orders'\. TrackingId:[0-9a-f-]{36}_G0, SystemTracker:.*, Timestamp:[\d-]{10}T[\d:]{8}$/,
      ) as string,
    });
  });

  it("offers MSSBCBS, PLAIN and ANONYMOUS, and not EXTERNAL", async () => {
    const offered: string[] = [];
    const mechanisms = rhea.sasl.client_mechanisms();
    const connection = rhea.create_container().connect({
      port: bus.port,
      host: "127.0.0.1",
      reconnect: false,
      sasl_mechanisms: new Proxy(mechanisms, {
        get: (_, name) => {
          offered.push(String(name));
          return undefined;
        },
      }),
    } as never);
    connection.on("disconnected", () => undefined);
    await next(connection, "connection_error");
    expect(offered).toEqual(["MSSBCBS", "PLAIN", "ANONYMOUS"]);
  });
});

describe("the frames of the service", () => {
  it("announce its limits in the open", async () => {
    const connection = await connect();
    expect(connection).toMatchObject({ max_frame_size: 65_536, channel_max: 4_999, idle_time_out: 240_000 });
  });

  it("echo terminus and settle modes in the attach and announce the size limit", async () => {
    const connection = await connect();
    const sender = await openSender(connection, "small", { source: { address: "me" } });
    expect(sender.max_message_size).toBe(1_024);
    expect(sender.target.address).toBe("small");
    expect(sender.source.address).toBe("me");
    const receiver = await openReceiver(connection, "orders", { rcv_settle_mode: 1, snd_settle_mode: 0 });
    expect(receiver).toMatchObject({ rcv_settle_mode: 1, snd_settle_mode: 0 });
  });

  it("refuse a link to an unknown entity by an attach without terminus and a detach", async () => {
    const connection = await connect();
    const sender = connection.open_sender({ target: { address: "nowhere" } });
    const opened = next(sender, "sender_open");
    const { sender: refused } = await next(sender, "sender_error");
    await opened;
    expect(rhea.types.unwrap(refused?.target)).toBeNull();
    expect(refused?.error).toMatchObject({
      condition: "amqp:not-found",
      description: expect.stringContaining("/nowhere' could not be found.") as string,
    });
    expect(bus.journal.attaches("nowhere")).toMatchObject([
      { outcome: "refused", condition: "amqp:not-found" },
    ]);
  });

  it("refuse a transfer that is too large and keep the link", async () => {
    const sender = await openSender(await connect(), "small");
    sender.send({ body: "x".repeat(2_000) });
    const { delivery } = await next(sender, "rejected");
    expect(delivery?.remote_state?.["error"]).toMatchObject({
      condition: "amqp:link:message-size-exceeded",
      description: expect.stringMatching(
        /delivery-id:0, size:\d+ bytes\) exceeds the limit \(1024 bytes\)/,
      ) as string,
    });
    sender.send({ body: "small" });
    await next(sender, "accepted");
    expect(bus.journal.stored("small")).toHaveLength(1);
  });

  it("refuse a batch larger than a batch may be, where a single message may be larger", async () => {
    await using premium = await serviceBus({ queues: [{ name: "large", maxMessageSizeBytes: 104_857_600 }] });
    const connection = await rawConnection(premium);
    const sender = await openSender(connection, "large");
    expect(sender.properties).toEqual({ "com.microsoft:max-message-batch-size": 1_048_576 });
    const large = rhea.message.encode({ body: "z".repeat(2_000_000) });
    sender.send(large, "one", 0);
    await next(sender, "accepted");
    sender.send(rhea.message.encode({ body: rhea.message.data_section(large) }), "batch", 0x80013700);
    const { delivery } = await next(sender, "rejected");
    expect(delivery?.remote_state?.["error"]).toMatchObject({ condition: "amqp:link:message-size-exceeded" });
    expect(premium.journal.stored("large")).toHaveLength(1);
    connection.close();
  });

  it("take a message of many frames", async () => {
    const sender = await openSender(await connect({ max_frame_size: 1_024 }), "orders");
    sender.send({ body: "y".repeat(200_000), message_id: "long" });
    await next(sender, "accepted");
    const receiver = await openReceiver(await connect({ max_frame_size: 1_024 }), "orders", { credit: 1 });
    const { message } = await next(receiver, "message");
    expect(message?.body).toHaveLength(200_000);
  });

  it("take a transfer that was settled before it was sent", async () => {
    const sender = await openSender(await connect(), "orders", { snd_settle_mode: 1 });
    sender.send({ body: 1, message_id: "fire-and-forget" });
    await expect.poll(() => bus.journal.stored("orders")).toHaveLength(1);
    expect(bus.journal.attempts("orders")).toMatchObject([{ outcome: "pre-settled" }]);
    expect(bus.journal.accepted("orders")).toEqual([]);
  });

  it("close the connection on a client that breaks the protocol", async () => {
    const connection = await connect();
    // A transfer on a handle that was never attached.
    const { transfer } = createRequire(import.meta.url)("rhea/lib/frames.js") as {
      transfer(fields: object): unknown;
    };
    const { session } = await openSender(connection, "orders");
    (session as unknown as { output(frame: unknown, payload: Buffer): void }).output(
      transfer({ handle: 77, delivery_id: 0, delivery_tag: Buffer.from("t") }),
      Buffer.from("x"),
    );
    const { error } = await next(connection, "connection_error");
    expect(error).toMatchObject({ condition: "amqp:connection:framing-error" });
  });
});

describe("credit and drain", () => {
  it("deliver no more than the credit, in order", async () => {
    const connection = await connect();
    const sender = await openSender(connection, "orders");
    for (const n of [1, 2, 3]) sender.send({ body: n });
    await expect.poll(() => bus.journal.stored("orders")).toHaveLength(3);
    const receiver = await openReceiver(connection, "orders");
    const bodies: unknown[] = [];
    receiver.on("message", ({ message }) => bodies.push(message?.body));
    receiver.add_credit(2);
    await expect.poll(() => bodies).toEqual([1, 2]);
    receiver.add_credit(1);
    await expect.poll(() => bodies).toEqual([1, 2, 3]);
  });

  it("give unused credit back when drained", async () => {
    const receiver = await openReceiver(await connect(), "orders", { credit: 10 });
    receiver.drain_credit();
    await next(receiver, "receiver_drained");
    expect((receiver as unknown as { credit: number }).credit).toBe(0);
  });

  it("answer a drain that crosses the last message of the credit", async () => {
    const connection = await connect();
    const sender = await openSender(connection, "orders");
    sender.send({ body: 1 });
    await next(sender, "accepted");
    const receiver = await openReceiver(connection, "orders", { credit: 1 });
    await next(receiver, "message");
    receiver.drain_credit();
    await next(receiver, "receiver_drained");
  });
});

describe("settlement", () => {
  it("is answered settled, with an outcome of the same kind", async () => {
    const connection = await connect();
    const sender = await openSender(connection, "orders");
    sender.send({ body: 1, message_id: "m" });
    const receiver = await openReceiver(connection, "orders", {
      credit: 1,
      rcv_settle_mode: 1,
      autosettle: false,
    });
    const { delivery } = await next(receiver, "message");
    const { message } = rhea as unknown as { message: { accepted(): { described(): unknown } } };
    delivery?.update(false, message.accepted().described());
    const settled = await next(receiver, "settled");
    expect(settled.delivery?.remote_settled).toBe(true);
    expect(bus.journal.settled("orders")).toMatchObject([{ messageId: "m", disposition: "completed" }]);
  });

  it("keeps a message locked when its link ends, and gives it back when it is released", async () => {
    const connection = await connect();
    const sender = await openSender(connection, "orders");
    sender.send({ body: 1 });
    const receiver = await openReceiver(connection, "orders", { credit: 1 });
    const { delivery } = await next(receiver, "message");
    receiver.close();
    await expect.poll(() => bus.journal.detaches("orders")).toHaveLength(1);
    expect(bus.queue("orders").lockedMessages).toBe(1);
    expect(delivery).toBeDefined();
    bus.queue("orders").expireLocks();
    const second = await openReceiver(connection, "orders", { credit: 1 });
    const again = await next(second, "message");
    expect(again.message?.delivery_count).toBe(1);
    again.delivery?.release();
    await expect.poll(() => bus.journal.settled("orders").at(-1)?.disposition).toBe("released");
    second.add_credit(1);
    expect((await next(second, "message")).message?.delivery_count).toBe(1);
  });

  it("removes a message at once for a receiver that asks for settled deliveries", async () => {
    const connection = await connect();
    const sender = await openSender(connection, "orders");
    sender.send({ body: 1 });
    const receiver = await openReceiver(connection, "orders", { credit: 1, snd_settle_mode: 1 });
    const { delivery } = await next(receiver, "message");
    expect(delivery?.remote_settled).toBe(true);
    expect(bus.queue("orders").activeMessages).toBe(0);
    expect(bus.journal.delivered("orders")).toMatchObject([{ lockToken: undefined }]);
  });
});

describe("request and response", () => {
  it("settles a request before it answers it, and answers to the link named in reply-to", async () => {
    const connection = await connect();
    const events: string[] = [];
    const sender = await openSender(connection, "orders/$management");
    const receiver = await openReceiver(connection, "orders/$management", {
      credit: 1,
      target: { address: "replies" },
    });
    watchFrames(sender, events);
    sender.send({
      message_id: "r1",
      reply_to: "replies",
      application_properties: { operation: "com.microsoft:peek-message" },
      body: { "from-sequence-number": 0, "message-count": 1 },
    });
    const { message } = await next(receiver, "message");
    expect(message).toMatchObject({ correlation_id: "r1", application_properties: { statusCode: 204 } });
    expect(events).toEqual(["on_disposition", "on_transfer"]);
  });

  it("answers an unknown operation with 501", async () => {
    const connection = await connect();
    const sender = await openSender(connection, "orders/$management");
    const receiver = await openReceiver(connection, "orders/$management", { credit: 1 });
    sender.send({
      message_id: 5,
      application_properties: { operation: "com.microsoft:make-coffee" },
      body: {},
    });
    const { message } = await next(receiver, "message");
    expect(message).toMatchObject({
      correlation_id: 5,
      application_properties: { statusCode: 501, errorCondition: "amqp:not-implemented" },
    });
  });

  it("lets a key that may only listen peek, but not schedule", async () => {
    const connection = await connect({ ...plainCredentials(bus), username: "reader", password: "other" });
    const sender = await openSender(connection, "orders/$management");
    const receiver = await openReceiver(connection, "orders/$management", { credit: 2 });
    sender.send({
      message_id: 1,
      application_properties: { operation: "com.microsoft:schedule-message" },
      body: {},
    });
    const { message } = await next(receiver, "message");
    expect(message?.application_properties).toMatchObject({
      statusCode: 401,
      errorCondition: "amqp:unauthorized-access",
    });
  });
});
