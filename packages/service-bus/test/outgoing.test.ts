import { ServiceBusClient as OfficialClient, type ServiceBusReceivedMessage } from "@azure/service-bus";
import { reject, serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import {
  failureOf,
  LargeMessageReader,
  MemoryClaimCheckStore,
  ServiceBusClient,
  type ServiceBusSenderOptions,
} from "@holdfast/service-bus";

const large = { text: "x".repeat(50_000) };

async function bench(options: ServiceBusSenderOptions) {
  const bus = await serviceBus({ queues: [{ name: "orders", maxMessageSizeBytes: 20_480 }] });
  const client = new ServiceBusClient(bus.connectionString);
  return {
    bus,
    sender: client.createSender("orders", options),
    /** What an official receiver finds, completed. */
    async received(count: number): Promise<ServiceBusReceivedMessage[]> {
      const official = new OfficialClient(bus.connectionString);
      const receiver = official.createReceiver("orders");
      const messages: ServiceBusReceivedMessage[] = [];
      while (messages.length < count)
        messages.push(...(await receiver.receiveMessages(count - messages.length)));
      for (const message of messages) await receiver.completeMessage(message);
      await official.close();
      return messages;
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await bus.close();
    },
  };
}

it("sends a reference in place of a body that is too large, and the reader puts it back", async () => {
  const store = new MemoryClaimCheckStore();
  await using b = await bench({ largeMessages: { claimCheck: { store } } });
  await b.sender.sendMessages([{ body: "small" }, { body: large, messageId: "large" }]);
  const reader = new LargeMessageReader({ store });
  const restored = [];
  for (const message of await b.received(2)) restored.push(await reader.restore(message));
  reader.close();
  expect(restored).toMatchObject([
    { status: "complete", message: { body: "small" } },
    { status: "complete", message: { body: large, messageId: "large" } },
  ]);
  expect(b.bus.journal.attempts("orders").every(({ bytes }) => bytes < 20_480)).toBe(true);
});

it("SBC-052 sends a body that is too large in chunks, in order, under ids that a repetition repeats", async () => {
  await using b = await bench({ largeMessages: "chunk" });
  await b.sender.sendMessages({ body: large, messageId: "large" });
  const ids = b.bus.journal.stored("orders").map(({ messageId }) => messageId);
  expect(ids.length).toBeGreaterThan(2);
  const reader = new LargeMessageReader();
  const statuses = [];
  let body: unknown;
  for (const message of await b.received(ids.length)) {
    const restoration = await reader.restore(message);
    statuses.push(restoration.status);
    if (restoration.status === "complete") body = restoration.message.body;
  }
  reader.close();
  expect(statuses.at(-1)).toBe("complete");
  expect(body).toEqual(large);
  await b.sender.sendMessages({ body: large, messageId: "large" });
  expect(
    b.bus.journal
      .stored("orders")
      .slice(ids.length)
      .map(({ messageId }) => messageId),
  ).toEqual(ids);
});

it("reports a message in chunks as one item, rejected when a chunk is", async () => {
  await using b = await bench({ largeMessages: "chunk" });
  b.bus.faults.every(3, "send", reject({ condition: "amqp:not-allowed" }));
  const messages = [
    { body: large, sessionId: "a" },
    { body: "small", sessionId: "b" },
  ];
  const error: unknown = await b.sender.sendMessages(messages).catch((caught: unknown) => caught);
  const outcomes = failureOf(error)?.items?.map(({ index, outcome }) => [index, outcome]);
  expect(outcomes).toHaveLength(2);
  expect(outcomes).toContainEqual([0, "rejected"]);
});

it("stamps the partition key that the sender's function chooses", async () => {
  await using b = await bench({
    partitionBy: (message) => String(message.applicationProperties?.["region"]),
  });
  await b.sender.sendMessages({ body: 1, applicationProperties: { region: "north" } });
  const batch = await b.sender.createMessageBatch();
  expect(batch.tryAddMessage({ body: 2, applicationProperties: { region: "south" } })).toBe(true);
  await b.sender.sendMessages(batch);
  expect(b.bus.journal.attempts("orders").map(({ partitionKeys }) => partitionKeys[0])).toEqual([
    "north",
    "south",
  ]);
});

it("SBC-050 refuses before the wire what the service would refuse, naming the property and the place", async () => {
  await using b = await bench({});
  const messages = [{ body: 1 }, { body: 2, messageId: "x".repeat(129) }];
  await expect(b.sender.sendMessages(messages)).rejects.toThrow(/messages\[1\]\.messageId/);
  expect(b.bus.journal.attempts("orders")).toHaveLength(0);
});

it("names the option when a sender is given something else", async () => {
  await using bus = await serviceBus({ queues: ["orders"] });
  const client = new ServiceBusClient(bus.connectionString);
  expect(() => client.createSender("orders", { partitionBy: "region" as never })).toThrow(
    /partitionBy .*function/,
  );
  expect(() => client.createSender("orders", { largeMessages: "shrink" as never })).toThrow(/largeMessages/);
});
