import {
  ServiceBusAdministrationClient as OfficialAdministrationClient,
  type ServiceBusMessage,
} from "@azure/service-bus";
import { ServiceBusAdministrationClient } from "@holdfast/service-bus";
import { refuseAdmin, serverBusy, serviceBus } from "@holdfast/simulators/service-bus";
import { describe, expect, it } from "vitest";
import { bare, scene, until, wrapped, type Contender } from "./clients.ts";

// The rows of differences.md, each asserted of both.

async function textOf(contender: Contender, wrong: unknown): Promise<string> {
  await using s = await scene(contender);
  return await s.client
    .createSender("orders")
    .sendMessages(wrong as ServiceBusMessage)
    .then(
      () => expect.fail("It resolved."),
      (error: unknown) => (error as Error).message,
    );
}

describe("1, a property of a message that is wrong", () => {
  it.each([
    [{ messageId: "m".repeat(200) }, "message.messageId has 200 characters."],
    [{ sessionId: 5 }, "message.sessionId is a number."],
    [{ sessionId: "a", partitionKey: "b" }, "message.partitionKey differs from message.sessionId."],
    [{ timeToLive: "soon" }, "message.timeToLive is a string."],
  ])("%j: the official text, and more", async (properties, more) => {
    const wrong = { body: 1, ...properties };
    const [theirs, ours] = [await textOf(bare, wrong), await textOf(wrapped, wrong)];
    expect(theirs).not.toContain(more);
    expect(ours.startsWith(theirs)).toBe(true);
    expect(ours.endsWith(more)).toBe(true);
  });
});

describe("2, what is no message, in a list", () => {
  const list = [{ body: 1 }, "text"];
  it("bare: all that sendMessages takes is named", async () =>
    expect(await textOf(bare, list)).toMatch(
      /^Provided value for 'messages' must be of type: .* or an array of type/,
    ));
  it("wrapped: what a message may be is named", async () =>
    expect(await textOf(wrapped, list)).toMatch(
      /^Provided value for 'message' must be of type: ServiceBusMessage or/,
    ));
});

describe("3, subscribe() twice at once", () => {
  const handlers = { processMessage: async () => undefined, processError: async () => undefined };
  it("bare: both subscribe", async () => {
    await using s = await scene(bare);
    const receiver = s.client.createReceiver("orders");
    receiver.subscribe(handlers);
    expect(() => receiver.subscribe(handlers)).not.toThrow();
  });
  it("wrapped: the second is refused", async () => {
    await using s = await scene(wrapped);
    const receiver = s.client.createReceiver("orders");
    receiver.subscribe(handlers);
    expect(() => receiver.subscribe(handlers)).toThrow(
      'The receiver for "orders" is already receiving messages.',
    );
  });
});

describe("4, a second settlement", () => {
  const settleTwice = async (
    contender: Contender,
    second: "completeMessage" | "abandonMessage",
  ): Promise<number> => {
    await using s = await scene(contender);
    await s.client.createSender("orders").sendMessages({ body: 1 });
    const receiver = s.client.createReceiver("orders");
    const [message] = await receiver.receiveMessages(1);
    await receiver.completeMessage(message!);
    await receiver[second](message!);
    return s.bus.journal.settled("orders").length;
  };
  it("bare: rejects", () => expect(settleTwice(bare, "completeMessage")).rejects.toThrow("already settled"));
  it("wrapped: resolves, and the service sees one", async () =>
    expect(await settleTwice(wrapped, "completeMessage")).toBe(1));
  it("wrapped: another way rejects", () =>
    expect(settleTwice(wrapped, "abandonMessage")).rejects.toThrow("already settled"));
});

describe("5, a service that is busy three times, with maxRetries: 1", () => {
  const retryOptions = { maxRetries: 1, retryDelayInMs: 10 };
  it("bare: rejects, with an AggregateError", async () => {
    await using s = await scene(bare, undefined, { retryOptions });
    s.bus.faults.next("send", serverBusy(), { times: 3 });
    await expect(s.client.createSender("orders").sendMessages({ body: 1 })).rejects.toMatchObject({
      errors: [{ code: "ServiceBusy" }, { code: "ServiceBusy" }],
    });
  });
  it("wrapped: is waited for", async () => {
    await using s = await scene(wrapped, undefined, { retryOptions });
    s.bus.faults.next("send", serverBusy({ waitSeconds: 1 }), { times: 3 });
    await s.client.createSender("orders").sendMessages({ body: 1 });
    const refused = s.bus.journal.refusals("orders");
    const [accepted] = s.bus.journal.accepted("orders");
    expect(refused).toHaveLength(3);
    expect(accepted!.at - refused[2]!.at).toBeGreaterThanOrEqual(1_000);
  });
});

describe("6, queueExists() of a service that fails", () => {
  const ask = async (Client: typeof OfficialAdministrationClient): Promise<boolean> => {
    await using bus = await serviceBus({ tls: true, queues: ["orders"] });
    bus.faults.always("admin", refuseAdmin({ status: 500 }));
    const options = { tlsOptions: { ca: bus.tls!.ca }, retryOptions: { maxRetries: 0 } };
    return await new Client(bus.tls!.connectionString, options).queueExists("orders");
  };
  it("bare: false", async () => expect(await ask(OfficialAdministrationClient)).toBe(false));
  it("wrapped: rejects", () =>
    expect(ask(ServiceBusAdministrationClient)).rejects.toMatchObject({ statusCode: 500 }));
});

describe("7, a message without an id", () => {
  const idsOf = async (contender: Contender): Promise<readonly unknown[]> => {
    await using s = await scene(contender);
    await s.client.createSender("orders").sendMessages({ body: 1 });
    return s.bus.journal.attempts("orders")[0]!.messageIds;
  };
  it("bare: is sent without one", async () => expect(await idsOf(bare)).toEqual([undefined]));
  it("wrapped: is sent with one", async () =>
    expect(await idsOf(wrapped)).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]));
});

describe("8, an array larger than a transfer", () => {
  const sendMuch = async (contender: Contender): Promise<number> => {
    await using s = await scene(contender);
    await s.client
      .createSender("orders")
      .sendMessages(Array.from({ length: 30 }, () => ({ body: "x".repeat(20_000) })));
    return s.bus.journal.stored("orders").length;
  };
  it("bare: rejects", () => expect(sendMuch(bare)).rejects.toMatchObject({ code: "MessageSizeExceeded" }));
  it("wrapped: is sent", async () => expect(await sendMuch(wrapped)).toBe(30));
});

describe("9, close() while a send is in hand", () => {
  const closeEarly = async (contender: Contender): Promise<void> => {
    await using s = await scene(contender, { queues: ["orders"], acknowledgementDelayMs: 500 });
    const sent = s.client.createSender("orders").sendMessages({ body: 1 });
    sent.catch(() => undefined);
    await until(() => s.bus.journal.stored("orders").length === 1);
    await s.client.close();
    await sent;
  };
  it("bare: rejects", () => expect(closeEarly(bare)).rejects.toThrow());
  it("wrapped: finishes", () => expect(closeEarly(wrapped)).resolves.toBeUndefined());
});

describe("10, a connection that breaks under receiveMessages", () => {
  const receive = async (contender: Contender): Promise<unknown[]> => {
    await using s = await scene(contender);
    const waiting = s.client.createReceiver("orders").receiveMessages(1, { maxWaitTimeInMs: 8_000 });
    waiting.catch(() => undefined);
    await until(() => s.bus.journal.attaches("orders").length === 1);
    s.bus.dropConnections();
    await until(() =>
      s.bus.journal.connections().every(({ closedAt }, index) => index > 0 || closedAt !== undefined),
    );
    const other = wrapped.connect(s.bus.connectionString);
    await other.createSender("orders").sendMessages({ body: 1 });
    await other.close();
    return (await waiting).map(({ body }) => body as unknown);
  };
  it("bare: rejects, or resolves with nothing", async () => {
    const got = await receive(bare).catch((error: unknown) => error);
    expect(got).not.toEqual([1]);
  });
  it("wrapped: the message comes", async () => expect(await receive(wrapped)).toEqual([1]));
});
