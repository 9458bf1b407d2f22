import type { ServiceBusClient } from "@azure/service-bus";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  deafLink,
  ignore,
  loseAcknowledgement,
  serviceBus,
  type ServiceBusOptions,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { officialClient } from "./support/official-client.ts";
import { next, rawConnection } from "./support/raw-client.ts";

let bus: ServiceBusSimulator;
let client: ServiceBusClient;

afterEach(async () => {
  await client.close();
  await bus.close();
});

async function start(options: ServiceBusOptions = {}, timeoutInMs = 15_000): Promise<void> {
  bus = await serviceBus({ queues: ["orders"], ...options });
  client = officialClient(bus, { retryOptions: { maxRetries: 0, timeoutInMs } });
}

describe("idleness", () => {
  it("detaches a link that has carried nothing for the time, in the service's words", async () => {
    await start({ idleLinkTimeoutMs: 1_000 });
    const sender = client.createSender("orders");
    await sender.sendMessages({ body: 1 });
    await expect
      .poll(() => bus.journal.detaches("orders"))
      .toMatchObject([{ by: "service", condition: "amqp:link:detach-forced" }]);
    // The official client opens a new link when it next sends.
    await vi.waitFor(() => sender.sendMessages({ body: 2 }), { timeout: 30_000, interval: 100 });
    expect(bus.journal.stored("orders").length).toBeGreaterThanOrEqual(2);
  });

  it("leaves a link alone that carries something now and then", async () => {
    await start({ idleLinkTimeoutMs: 1_500 });
    const sender = client.createSender("orders");
    const begun = performance.now();
    while (performance.now() - begun < 2_500) {
      await sender.sendMessages({ body: 1 });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(bus.journal.detaches("orders")).toEqual([]);
    expect(bus.journal.attaches("orders")).toHaveLength(1);
  });

  it("closes a connection that has no link to an entity any more", async () => {
    await start({ idleConnectionTimeoutMs: 2_000 });
    const sender = client.createSender("orders");
    await sender.sendMessages({ body: 1 });
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(bus.journal.connections()[0]?.closedAt).toBeUndefined();
    await sender.close();
    await expect.poll(() => bus.journal.connections()[0]?.closedAt).toBeDefined();
  });
});

describe("deaf links", () => {
  it("attach and deliver nothing, while others hear", async () => {
    await start();
    await client.createSender("orders").sendMessages({ body: 1 });
    bus.faults.next("attach", deafLink(), { entity: "orders" });
    const deaf = client.createReceiver("orders");
    expect(await deaf.receiveMessages(1, { maxWaitTimeInMs: 300 })).toEqual([]);
    const hearing = client.createReceiver("orders");
    expect(await hearing.receiveMessages(1, { maxWaitTimeInMs: 15_000 })).toHaveLength(1);
  });

  it("can be made of live receivers, and healed", async () => {
    await start();
    const got: unknown[] = [];
    const subscription = client.createReceiver("orders").subscribe({
      processMessage: async ({ body }) => void got.push(body),
      processError: async () => {},
    });
    const sender = client.createSender("orders");
    await sender.sendMessages({ body: 1 });
    await expect.poll(() => got).toEqual([1]);
    expect(bus.queue("orders").deafenReceivers()).toBe(1);
    await sender.sendMessages({ body: 2 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(got).toEqual([1]);
    bus.queue("orders").deafenReceivers(false);
    await expect.poll(() => got).toEqual([1, 2]);
    await subscription.close();
  });

  it("give a sender no credit", async () => {
    await start();
    bus.faults.next("attach", deafLink(), { entity: "orders" });
    const connection = await rawConnection(bus);
    const sender = connection.open_sender({ target: { address: "orders" } });
    await next(sender, "sender_open");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(sender.sendable()).toBe(false);
    connection.close();
  });
});

describe("what a receiver waits for in vain", () => {
  it("a drain that is never answered makes the official client open a new link each time", async () => {
    await start();
    bus.faults.always("drain", ignore());
    const receiver = client.createReceiver("orders");
    for (let call = 0; call < 2; call++) {
      expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 100 })).toEqual([]);
    }
    expect(bus.journal.attaches("orders")).toHaveLength(2);
  });

  it.each([true, false])("a settlement is never answered (carried out: %s)", async (stored) => {
    await start({}, 2_000);
    await client.createSender("orders").sendMessages({ body: 1 });
    const receiver = client.createReceiver("orders", { maxAutoLockRenewalDurationInMs: 0 });
    const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 15_000 });
    bus.faults.next("settle", loseAcknowledgement({ stored }));
    await expect(receiver.completeMessage(message!)).rejects.toMatchObject({ code: "ServiceTimeout" });
    expect(bus.queue("orders").activeMessages).toBe(stored ? 0 : 1);
  });
});
