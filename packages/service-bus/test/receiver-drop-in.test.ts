import type * as official from "@azure/service-bus";
import * as officialPackage from "@azure/service-bus";
import { afterEach, expect, expectTypeOf, it, vi } from "vitest";
import * as ours from "@holdfast/service-bus";
import { timed } from "../../../test/own-time/own-time.ts";
import { queue, receivingBench } from "./receiving-bench.ts";

const connectionString =
  "Endpoint=sb://127.0.0.1:9;SharedAccessKeyName=name;SharedAccessKey=a2V5;UseDevelopmentEmulator=true";

afterEach(() => {
  vi.unstubAllEnvs();
});

it("goes wherever the official receivers' types are asked for", async () => {
  expectTypeOf<ours.ServiceBusReceiver>().toExtend<official.ServiceBusReceiver>();
  expectTypeOf<ours.ServiceBusSessionReceiver>().toExtend<official.ServiceBusSessionReceiver>();
  await using client = new ours.ServiceBusClient(connectionString);
  const as: official.ServiceBusClient = client;
  const receivers: official.ServiceBusReceiver[] = [
    as.createReceiver("orders"),
    as.createReceiver("orders", { receiveMode: "receiveAndDelete", subQueueType: "deadLetter" }),
    as.createReceiver("events", "all"),
    as.createReceiver("events", "all", { identifier: "me" }),
  ];
  expect(receivers.map(({ entityPath, receiveMode }) => [entityPath, receiveMode])).toEqual([
    ["orders", "peekLock"],
    ["orders/$DeadLetterQueue", "receiveAndDelete"],
    ["events/Subscriptions/all", "peekLock"],
    ["events/Subscriptions/all", "peekLock"],
  ]);
  expect(receivers[3]?.identifier).toBe("me");
});

it("leaves the caller's options as they were, and refuses what makes no sense", async () => {
  await using client = new ours.ServiceBusClient(connectionString);
  const options = Object.freeze({ receiveMode: "peekLock" as const });
  client.createReceiver("orders", options);
  expect(options).toEqual({ receiveMode: "peekLock" });
  expect(() => client.createReceiver("orders", { maxAutoLockRenewalDurationInMs: -1 })).toThrow(
    /maxAutoLockRenewalDurationInMs .*0 or more; got -1/,
  );
  expect(() => client.createReceiver("orders").subscribe({} as official.MessageHandlers)).toThrow(
    'Invalid "MessageHandlers" provided.',
  );
});

it.each(["resilience: false", "HOLDFAST_BYPASS=1"])("is the official receiver with %s", async (how) => {
  if (how !== "resilience: false") vi.stubEnv("HOLDFAST_BYPASS", "1");
  const options = how === "resilience: false" ? ({ resilience: false } as const) : {};
  await using client = new ours.ServiceBusClient(connectionString, options);
  const receiver = client.createReceiver("orders");
  expect(receiver.constructor.name).toBe("ServiceBusReceiverImpl");
  await receiver[Symbol.asyncDispose]();
  expect(receiver.isClosed).toBe(true);
});

it("refuses work once it, or its client, is closed, in the official client's words", async () => {
  await using at = await receivingBench();
  const receiver = at.client.createReceiver(queue);
  await receiver.close();
  await expect(receiver.receiveMessages(1)).rejects.toThrow(/has been closed and can no longer be used/);
  await expect(receiver.peekMessages(1)).rejects.toThrow(/has been closed and can no longer be used/);
  await at.client.close();
  expect(() => at.client.createReceiver(queue)).toThrow("The underlying AMQP connection is closed.");
  await expect(at.client.acceptNextSession(queue)).rejects.toThrow(
    "The underlying AMQP connection is closed.",
  );
});

it("refuses a link to an entity that does not exist, at once and with the official error", async () => {
  await using at = await receivingBench();
  const { error, ownMs } = await timed(at.client.createReceiver("nowhere").receiveMessages(1));
  expect(error).toMatchObject({ code: "MessagingEntityNotFound" });
  expect(ownMs).toBeLessThan(5_000);
});

it.each([{ skipConvertingDate: true }, {}])(
  "hands over dates as the official receiver does with %o",
  async (options) => {
    await using at = await receivingBench();
    const at2026 = new Date("2026-01-02T03:04:05.678Z");
    const message = {
      body: "order",
      applicationProperties: { at: at2026, tenant: "a", count: 3, none: null },
      messageAnnotations: {
        "x-opt-at": at2026,
        "x-opt-list": [1, at2026, { at: at2026, bytes: Buffer.from("ab") }],
      },
      bodyType: "value" as const,
    };
    const bare = new officialPackage.ServiceBusClient(at.bus.connectionString);
    await bare.createSender(queue).sendMessages([message, message]);
    const received = async (client: official.ServiceBusClient): Promise<unknown[]> => {
      const receiver = client.createReceiver(queue, options);
      const [first] = await receiver.receiveMessages(1);
      if (first === undefined) throw new Error("nothing came");
      await receiver.abandonMessage(first);
      const { applicationProperties, _rawAmqpMessage: raw } = first;
      // Of each delivery its own.
      const annotations = { ...raw.messageAnnotations, "x-opt-locked-until": 0 };
      const token = Object.keys(raw.deliveryAnnotations?.["x-opt-lock-token"] as object);
      return [applicationProperties, raw.applicationProperties, token, annotations];
    };
    expect(await received(at.client)).toEqual(await received(bare));
    await bare.close();
  },
);
