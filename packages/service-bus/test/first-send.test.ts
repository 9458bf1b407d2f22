import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import { ServiceBusClient as OfficialClient } from "@azure/service-bus";
import {
  blackHole,
  delayAcknowledgement,
  forceDetach,
  ignore,
  loseAcknowledgement,
  reject,
  serverBusy,
  serviceBus,
  type ServiceBusOptions,
} from "@holdfast/simulators/service-bus";
import { describe, expect, it } from "vitest";
import {
  failureOf,
  serviceBusPolicies,
  ServiceBusClient,
  type HoldfastEvent,
  type ResilienceOptions,
} from "@holdfast/service-bus";
import { isLinkClosed, isLinkOpen } from "../src/official-link.ts";

/** A sender whose link was open a moment ago, so that its next message goes without a look at it. */
async function bench(resilience: ResilienceOptions = {}, options: ServiceBusOptions = {}) {
  const bus = await serviceBus({ queues: ["orders"], ...options });
  const events: HoldfastEvent[] = [];
  const client = new ServiceBusClient(bus.connectionString, {
    resilience: { onEvent: (event) => events.push(event), ...resilience },
  });
  const sender = client.createSender("orders");
  await sender.sendMessages({ body: "warm" });
  return {
    ...{ bus, client, sender, events },
    async [Symbol.asyncDispose]() {
      await client.close();
      await bus.close();
    },
  };
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => {
      throw new Error("The call resolved.");
    },
    (error: unknown) => error,
  );

describe("a message that follows another at once", () => {
  it("waits the two seconds a throttled entity asks for, then is delivered once, by the same id", async () => {
    await using b = await bench();
    b.bus.faults.next("send", serverBusy({ waitSeconds: 2 }));
    await b.sender.sendMessages({ body: "order 1" });
    await b.sender.sendMessages({ body: "order 2" });
    const attempts = b.bus.journal.attempts("orders").slice(1);
    expect(attempts).toHaveLength(3);
    expect(attempts[1]!.at - attempts[0]!.at).toBeGreaterThanOrEqual(2_000);
    expect(attempts[1]!.messageIds).toEqual(attempts[0]!.messageIds);
    expect(b.bus.journal.stored("orders").map(({ body }) => body)).toEqual(["warm", "order 1", "order 2"]);
    expect(b.events.map(({ type }) => type)).toEqual(["retry", "recovered"]);
  });

  it("is given back with the official error at once when it can never be stored", async () => {
    await using b = await bench();
    b.bus.faults.next("send", reject({ condition: "amqp:link:message-size-exceeded" }));
    const error = await rejection(b.sender.sendMessages({ body: "order 1" }));
    expect(error).toMatchObject({ name: "ServiceBusError", code: "MessageSizeExceeded" });
    expect(failureOf(error)).toMatchObject({ outcome: "rejected", reason: "permanent" });
    expect(failureOf(error)?.attempts).toHaveLength(1);
    expect(b.bus.journal.attempts("orders")).toHaveLength(2);
  });

  it("is sent again when its link is lost in flight, or no answer comes in time", async () => {
    const policies = serviceBusPolicies({ "serviceBus.send": { attemptTimeoutMs: 600 } });
    await using b = await bench({ policies });
    b.bus.faults.next("send", forceDetach({ stored: false }));
    await b.sender.sendMessages({ body: "detached" });
    b.bus.faults.next("send", ignore());
    await b.sender.sendMessages({ body: "ignored" });
    expect(b.bus.journal.stored("orders").map(({ body }) => body)).toEqual(["warm", "detached", "ignored"]);
    expect(b.events.filter(({ type }) => type === "recovered")).toHaveLength(2);
  });

  it("reports an unknown outcome where that is asked for", async () => {
    const policies = serviceBusPolicies({
      "serviceBus.send": { attemptTimeoutMs: 600, onUnknown: "fail" },
    });
    await using b = await bench({ policies });
    b.bus.faults.next("send", loseAcknowledgement({ stored: true }));
    const error = await rejection(b.sender.sendMessages({ body: "order 1" }));
    expect(failureOf(error)).toMatchObject({ outcome: "unknown", reason: "outcome-unknown" });
    expect(b.bus.journal.stored("orders")).toHaveLength(2);
  });

  it("is cut by close() with an AbortError when its time is over, and that is told", async () => {
    await using b = await bench({ closeTimeoutMs: 50 });
    b.bus.faults.next("send", delayAcknowledgement(5_000));
    const sent = rejection(b.sender.sendMessages({ body: "order 1" }));
    await b.sender.close();
    expect(await sent).toMatchObject({ name: "AbortError" });
    expect(b.events).toMatchObject([{ type: "give-up", reason: "closed", attempts: 1 }]);
  });

  it("opens the link again when it closed in that very moment", async () => {
    await using b = await bench();
    for (let round = 0; round < 20; round += 1) {
      await b.sender.sendMessages({ body: `before ${String(round)}` });
      b.bus.detachLinks("orders");
      await b.sender.sendMessages({ body: `after ${String(round)}` });
    }
    expect(b.bus.journal.stored("orders").filter(({ body }) => body !== "warm")).toHaveLength(40);
  }, 30_000);

  it("opens no second socket when its connection was dropped in that very moment and the next is not answered", async () => {
    await using b = await bench();
    await b.sender.sendMessages({ body: "before" });
    b.bus.dropConnections();
    b.bus.faults.next("connect", blackHole());
    // So that the drop has been heard of.
    for (let turn = 0; turn < 4; turn += 1) await turnOfTheLoop();
    await b.sender.sendMessages({ body: "after" });
    expect(b.bus.journal.stored("orders").map(({ body }) => body)).toEqual(["warm", "before", "after"]);
    // The one that is not answered gets as far as no journal.
    expect(b.bus.journal.connections()).toHaveLength(2);
  });

  it("is what flush() waits for", async () => {
    await using b = await bench();
    b.bus.faults.next("send", delayAcknowledgement(300));
    let settled = false;
    void b.sender.sendMessages({ body: "order 1" }).then(() => (settled = true));
    await b.sender.flush();
    await Promise.resolve();
    expect(settled).toBe(true);
  });
});

it("sees of an official sender whether its link is open", async () => {
  const bus = await serviceBus({ queues: ["orders"] });
  const client = new OfficialClient(bus.connectionString);
  const sender = client.createSender("orders");
  expect(isLinkOpen(sender)).toBe(false);
  await sender.sendMessages({ body: "order 1" });
  expect(isLinkOpen(sender)).toBe(true);
  bus.detachLinks("orders");
  await expect.poll(() => isLinkOpen(sender)).toBe(false);
  await client.close();
  await bus.close();
});

it("sees of an official receiver that its link was closed", async () => {
  const bus = await serviceBus({ queues: ["orders"] });
  const client = new OfficialClient(bus.connectionString);
  const receiver = client.createReceiver("orders");
  expect(isLinkClosed(receiver)).toBe(false);
  await client.createSender("orders").sendMessages({ body: "order 1" });
  const received = new Promise<void>((resolve) => {
    const subscription = receiver.subscribe({
      processMessage: () => Promise.resolve().then(() => void subscription.close().then(resolve)),
      processError: () => Promise.resolve(),
    });
  });
  await received;
  expect(isLinkClosed(receiver)).toBe(false);
  bus.detachLinks("orders");
  await expect.poll(() => isLinkClosed(receiver)).toBe(true);
  await client.close();
  await bus.close();
});
