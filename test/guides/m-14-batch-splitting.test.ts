import { isServiceBusError, ServiceBusClient as OfficialClient } from "@azure/service-bus";
import { failureOf, ServiceBusClient } from "@holdfast/service-bus";
import { serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";

const kilobyte = "x".repeat(1_024);

// Rows SBC-008, SBC-049, SBC-051, SBC-059, SBC-061.
it("M-14 splits 10 000 messages of 1 KB by size and key, in order within each key", async () => {
  await using bus = await serviceBus({ queues: ["orders"] });
  await using client = new ServiceBusClient(bus.connectionString);
  const messages = Array.from({ length: 10_000 }, (_, index) => ({
    body: kilobyte,
    sessionId: `session-${String(index % 4)}`,
    applicationProperties: { index },
  }));
  await client.createSender("orders").sendMessages(messages);

  const stored = bus.journal.stored("orders");
  expect(stored).toHaveLength(10_000);
  const deliveries = bus.journal.attempts("orders");
  expect(deliveries.length).toBeGreaterThanOrEqual(40);
  expect(Math.max(...deliveries.map(({ bytes }) => bytes))).toBeLessThanOrEqual(262_144);
  for (const { sessionIds } of deliveries) expect(new Set(sessionIds).size).toBe(1);
  for (let session = 0; session < 4; session += 1) {
    const order = stored
      .filter(({ sessionId }) => sessionId === `session-${String(session)}`)
      .map(({ applicationProperties }) => applicationProperties["index"]);
    expect(order).toEqual(Array.from({ length: 2_500 }, (_, index) => index * 4 + session));
  }
});

it("M-14 sends an array that fits as one transfer, all or nothing", async () => {
  await using bus = await serviceBus({ queues: ["orders"] });
  await using client = new ServiceBusClient(bus.connectionString);
  await client
    .createSender("orders")
    .sendMessages(Array.from({ length: 100 }, (_, index) => ({ body: index })));
  expect(bus.journal.attempts("orders").map(({ messages }) => messages)).toEqual([100]);
});

it("M-14 keeps batches to 1 MB on a link that takes 100 MB, where a message of 5 MB goes alone", async () => {
  await using bus = await serviceBus({ queues: [{ name: "orders", maxMessageSizeBytes: 104_857_600 }] });
  await using client = new ServiceBusClient(bus.connectionString);
  const small = Array.from({ length: 2_000 }, () => ({ body: kilobyte }));
  await client.createSender("orders").sendMessages([...small, { body: Buffer.alloc(5_000_000) }]);
  const attempts = bus.journal.attempts("orders");
  expect(bus.journal.stored("orders")).toHaveLength(2_001);
  const batches = attempts.filter(({ batch }) => batch);
  expect(Math.max(...batches.map(({ bytes }) => bytes))).toBeLessThanOrEqual(1_048_576);
  expect(attempts.filter(({ bytes }) => bytes > 5_000_000).map(({ messages }) => messages)).toEqual([1]);
});

it("M-14 stores 99 of 100 and reports the one that is too large, by its index, without sending it", async () => {
  await using bus = await serviceBus({ queues: ["orders"] });
  await using client = new ServiceBusClient(bus.connectionString);
  const messages = Array.from({ length: 100 }, (_, index) => ({
    body: index === 42 ? "x".repeat(300_000) : kilobyte,
    messageId: String(index),
  }));
  const error: unknown = await client
    .createSender("orders")
    .sendMessages(messages)
    .catch((caught: unknown) => caught);
  expect(isServiceBusError(error) && error.code).toBe("MessageSizeExceeded");
  expect((error as Error).message).toContain("index 42");
  const failure = failureOf(error);
  expect(failure).toMatchObject({ kind: "too-large", outcome: "rejected" });
  expect(failure?.items).toHaveLength(100);
  expect(failure?.items?.filter(({ outcome }) => outcome !== "accepted").map(({ index }) => index)).toEqual([
    42,
  ]);
  expect(bus.journal.stored("orders")).toHaveLength(99);
  expect(bus.journal.attempts("orders").every(({ bytes }) => bytes < 262_144)).toBe(true);

  // bare: throws for the whole array, and nothing is stored.
  await using bareBus = await serviceBus({ queues: ["orders"] });
  const bare = new OfficialClient(bareBus.connectionString);
  await expect(bare.createSender("orders").sendMessages(messages)).rejects.toMatchObject({
    code: "MessageSizeExceeded",
  });
  await bare.close();
  expect(bareBus.journal.stored("orders")).toHaveLength(0);
});
