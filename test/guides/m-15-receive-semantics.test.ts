import { ServiceBusClient, type ServiceBusReceiver } from "@holdfast/service-bus";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { describe, it } from "vitest";
import { ownTime, timed } from "../own-time/own-time.ts";
import { runBareReceiver } from "./bare-receiver.ts";

const queue = "orders";
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function trickle(bus: ServiceBusSimulator, count: number): Promise<void> {
  await using client = new ServiceBusClient(bus.connectionString);
  const sender = client.createSender(queue);
  for (let body = 0; body < count; body += 1) {
    await sender.sendMessages({ body });
    await sleep(60);
  }
}

/** A receiver whose link for ten is open: opening it counts against the wait. */
async function opened(client: ServiceBusClient): Promise<ServiceBusReceiver> {
  const receiver = client.createReceiver(queue);
  await client.createSender(queue).sendMessages({ body: "first" });
  const [message] = await receiver.receiveMessages(10, { maxWaitTimeInMs: 15_000 });
  await receiver.completeMessage(message!);
  return receiver;
}

// Rows SBC-025, SBC-064, SBC-072, SBC-073.
describe.concurrent("M-15", () => {
  it("fills a batch of 50 with messages that trickle in", async ({ expect: here }) => {
    await using bus = await serviceBus({ queues: [queue] });
    await using bareBus = await serviceBus({ queues: [queue] });
    using bare = runBareReceiver({
      ...{ kind: "receive", count: 50, maxWaitTimeInMs: 20_000 },
      ...{ queue, connectionString: bareBus.connectionString },
    });
    await here.poll(() => bareBus.journal.attaches(queue).length).toBe(1);
    await using client = new ServiceBusClient(bus.connectionString);
    const receiving = client
      .createReceiver(queue)
      .receiveMessages(50, { maxWaitTimeInMs: 20_000, fill: true });
    await Promise.all([trickle(bus, 50), trickle(bareBus, 50)]);
    here(await receiving).toHaveLength(50);
    // bare: what came in the second after the first.
    const [received] = bare.reports;
    here(received?.event === "received" ? received.count : 50).toBeLessThan(50);
  });

  it("returns nothing from an empty queue after 500 ms", async ({ expect: here }) => {
    await using bus = await serviceBus({ queues: [queue] });
    await using client = new ServiceBusClient(bus.connectionString);
    const receiver = await opened(client);
    const { ms, ownMs, value } = await timed(receiver.receiveMessages(10, { maxWaitTimeInMs: 500 }));
    here(value).toEqual([]);
    // Node's timers count from the beginning of the turn of the event loop they are set in, which may have been busy.
    here(ms).toBeGreaterThanOrEqual(450);
    here(ownMs).toBeLessThan(900);
  });

  it("ends within 250 ms of an abort, and no message is lost or stays locked", async ({ expect: here }) => {
    await using bus = await serviceBus({ queues: [{ name: queue, lockDurationMs: 3_000 }] });
    await using client = new ServiceBusClient(bus.connectionString);
    const receiver = await opened(client);
    const sending = trickle(bus, 10);
    const patience = new AbortController();
    const receiving = receiver
      .receiveMessages(10, { fill: true, abortSignal: patience.signal })
      .catch((error: unknown) => error);
    await sleep(200);
    const sinceAborted = ownTime();
    patience.abort();
    here(((await receiving) as Error).name).toBe("AbortError");
    here(sinceAborted()).toBeLessThan(250);
    await sending;
    // At once, or when the lock ends: the official drain gives up after 200 ms, which a busy machine may need.
    await here.poll(() => bus.queue(queue).lockedMessages).toBe(0);
    here(await receiver.receiveMessages(10, { maxWaitTimeInMs: 15_000, fill: true })).toHaveLength(10);
  });

  it("cannot be kept longer than a second over its time by a half-open socket", async ({ expect: here }) => {
    await using bus = await serviceBus({ queues: [queue] });
    await using client = new ServiceBusClient(bus.connectionString);
    const receiver = await opened(client);
    bus.freeze();
    const { ownMs, value } = await timed(receiver.receiveMessages(10, { maxWaitTimeInMs: 1_000 }));
    here(value).toEqual([]);
    here(ownMs).toBeLessThan(2_000);
  });
});
