import type { ServiceBusClient } from "@azure/service-bus";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serverBusy, serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { officialClient } from "./support/official-client.ts";

let bus: ServiceBusSimulator;
let client: ServiceBusClient;

beforeEach(async () => {
  bus = await serviceBus({ queues: ["orders"] });
  client = officialClient(bus, {
    retryOptions: { maxRetries: 0, timeoutInMs: 5_000 },
  });
});

afterEach(async () => {
  await client.close();
  await bus.close();
});

describe("sending", () => {
  it("stores a single message and writes down attempt, acceptance and message", async () => {
    await client
      .createSender("orders")
      .sendMessages({ body: "order 1", messageId: "m1", applicationProperties: { colour: "red" } });
    expect(bus.journal.attempts("orders")).toMatchObject([
      { messageIds: ["m1"], batch: false, outcome: "accepted" },
    ]);
    expect(bus.journal.accepted("orders")).toMatchObject([{ messageIds: ["m1"] }]);
    expect(bus.journal.stored("orders")).toHaveLength(1);
    const [stored] = bus.journal.stored("orders");
    expect(stored?.messageId).toBe("m1");
    expect(stored?.body).toBe("order 1");
    expect(stored?.applicationProperties).toEqual({ colour: "red" });
  });

  it("stores each message of a batch under one acceptance", async () => {
    await client
      .createSender("orders")
      .sendMessages([1, 2, 3].map((n) => ({ body: n, messageId: `m${String(n)}` })));
    expect(bus.journal.attempts("orders")).toMatchObject([{ batch: true, messages: 3 }]);
    expect(bus.journal.stored("orders").map(({ messageId }) => messageId)).toEqual(["m1", "m2", "m3"]);
  });

  it("refuses with 50009 when the script says so, in the service's words", async () => {
    bus.faults.next("send", serverBusy({ waitSeconds: 2 }));
    const sender = client.createSender("orders");
    await expect(sender.sendMessages({ body: 1 })).rejects.toMatchObject({
      code: "ServiceBusy",
      message: expect.stringContaining("Error code: 50009. Please wait 2 seconds and try again.") as string,
    });
    await sender.sendMessages({ body: 2 });
    expect(bus.journal.refusals("orders")).toMatchObject([
      { step: "send", condition: "com.microsoft:server-busy" },
    ]);
    expect(bus.journal.stored("orders").map(({ body }) => body)).toEqual([2]);
  });
});

describe("receiving", () => {
  it("delivers, and removes the message when it is completed", async () => {
    await client.createSender("orders").sendMessages({ body: { id: 7 }, messageId: "m7" });
    const receiver = client.createReceiver("orders");
    const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 15_000 });
    expect(message?.body).toEqual({ id: 7 });
    expect(message?.lockedUntilUtc?.getTime()).toBeGreaterThan(Date.now());
    if (message !== undefined) await receiver.completeMessage(message);
    expect(bus.journal.settled("orders")).toMatchObject([
      { messageId: "m7", disposition: "completed", via: "link" },
    ]);
    expect(bus.queue("orders").activeMessages).toBe(0);
  });

  it("keeps messages over a stop and a start", async () => {
    await client.createSender("orders").sendMessages({ body: 1, messageId: "kept" });
    await bus.stop();
    await bus.start();
    const again = officialClient(bus);
    const [message] = await again.createReceiver("orders").receiveMessages(1, { maxWaitTimeInMs: 15_000 });
    expect(message?.messageId).toBe("kept");
    await again.close();
  });
});
