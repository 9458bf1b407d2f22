import { ServiceBusClient as OfficialClient } from "@azure/service-bus";
import { systemClock } from "@holdfast/core";
import { serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { ServiceBusClient } from "@holdfast/service-bus";
import { closeClient } from "../src/connection-pool.ts";

it("SBC-084 closes the receivers' connection as well as the senders'", async () => {
  await using bus = await serviceBus({ queues: ["orders"] });
  const client = new ServiceBusClient(bus.connectionString);
  await client.createSender("orders").sendMessages({ body: 1 });
  const receiver = client.createReceiver("orders");
  expect(await receiver.receiveMessages(1)).toHaveLength(1);
  expect(bus.journal.connections().filter(({ closedAt }) => closedAt === undefined)).toHaveLength(2);
  await client.close();
  expect(receiver.isClosed).toBe(true);
  await expect
    .poll(() => bus.journal.connections().filter(({ closedAt }) => closedAt === undefined))
    .toEqual([]);
});

it("SBC-084 detaches the link of a sender that is closed, once", async () => {
  await using bus = await serviceBus({ queues: ["orders"] });
  await using client = new ServiceBusClient(bus.connectionString);
  const sender = client.createSender("orders");
  await sender.sendMessages({ body: 1 });
  await Promise.all([sender.close(), sender.close()]);
  await expect.poll(() => bus.journal.detaches("orders").map(({ by }) => by)).toEqual(["client"]);
});

it("gives a sender with an identifier a link of its own, under that name", async () => {
  await using bus = await serviceBus({ queues: ["orders"] });
  await using client = new ServiceBusClient(bus.connectionString);
  const own = client.createSender("orders", { identifier: "billing" });
  await own.sendMessages({ body: 1 });
  await client.createSender("orders").sendMessages({ body: 2 });
  expect(own.identifier).toBe("billing");
  expect(bus.journal.attaches("orders")).toHaveLength(2);
});

it("closes an official client for good: what it still wanted opens no connection that nobody would close", async () => {
  await using bus = await serviceBus({ queues: ["orders"] });
  const client = new OfficialClient(bus.connectionString, { retryOptions: { maxRetries: 0 } });
  const receiver = client.createReceiver("orders");
  await receiver.peekMessages(1);
  // The public close() would tell a call that begins after it; one that is under way does not hear of it.
  await closeClient(client, () => Promise.resolve(), systemClock);
  await expect
    .poll(() => bus.journal.connections().map(({ closedAt }) => typeof closedAt))
    .toEqual(["number"]);
  await expect(receiver.peekMessages(1)).rejects.toThrow("the client was closed");
  expect(bus.journal.connections()).toHaveLength(1);
});
