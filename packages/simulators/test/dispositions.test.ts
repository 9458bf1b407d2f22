import { ServiceBusClient } from "@azure/service-bus";
import { reject, serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";

// rhea joins neighbouring dispositions into one range and compares all but the first two.
it("tells each of many concurrent sends its own outcome, whatever became of its neighbours", async () => {
  await using bus = await serviceBus({ queues: ["orders"] });
  bus.faults.every(
    3,
    "send",
    reject({ condition: "amqp:internal-error", description: "Every third is refused." }),
  );
  const client = new ServiceBusClient(bus.connectionString, { retryOptions: { maxRetries: 0 } });
  const sender = client.createSender("orders");
  const ids = Array.from({ length: 60 }, (_, index) => String(index));
  const results = await Promise.allSettled(
    ids.map((messageId) => sender.sendMessages({ body: messageId, messageId })),
  );
  const told = ids.filter((_, index) => results[index]?.status === "fulfilled");
  await client.close();

  expect(told).toEqual(bus.journal.stored("orders").map(({ messageId }) => messageId));
  expect(told).toHaveLength(40);
});
