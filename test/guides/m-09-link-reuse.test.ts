import { ServiceBusClient as OfficialClient } from "@azure/service-bus";
import { ServiceBusClient } from "@holdfast/service-bus";
import { serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";

// Rows SB-18, SBC-079, SBC-093.
it("M-09 sends 5000 messages through 50 senders of an entity over one connection, one link, one token", async () => {
  await using bus = await serviceBus({ queues: ["orders"] });
  await using client = new ServiceBusClient(bus.connectionString);
  const senders = Array.from({ length: 50 }, () => client.createSender("orders"));
  await Promise.all(
    Array.from({ length: 5_000 }, (_, index) => senders[index % 50]!.sendMessages({ body: index })),
  );
  expect(bus.journal.stored("orders")).toHaveLength(5_000);
  expect(bus.journal.connections()).toHaveLength(1);
  expect(bus.journal.attaches("orders")).toHaveLength(1);
  expect(bus.journal.tokens()).toHaveLength(1);

  // bare: a link and a token for each sender.
  await using bareBus = await serviceBus({ queues: ["orders"] });
  const bare = new OfficialClient(bareBus.connectionString);
  for (let sender = 0; sender < 5; sender += 1)
    await bare.createSender("orders").sendMessages({ body: sender });
  await bare.close();
  expect(bareBus.journal.attaches("orders")).toHaveLength(5);
  expect(bareBus.journal.tokens()).toHaveLength(5);
});

it("M-09 keeps the link for the others when one sender of an entity is closed", async () => {
  await using bus = await serviceBus({ queues: ["orders"] });
  await using client = new ServiceBusClient(bus.connectionString);
  const [first, second] = [client.createSender("orders"), client.createSender("orders")];
  await first.sendMessages({ body: 1 });
  await first.close();
  await second.sendMessages({ body: 2 });
  expect(bus.journal.attaches("orders")).toHaveLength(1);
  await second.close();
  await client.createSender("orders").sendMessages({ body: 3 });
  expect(bus.journal.attaches("orders")).toHaveLength(2);
});
