import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { ServiceBusClient } from "@holdfast/service-bus";
import { delayAcknowledgement, serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { describe, expect, it } from "vitest";
import { queue } from "./scenarios.ts";
import { wrappedScene } from "./wrapped-scene.ts";

const openConnections = (bus: ServiceBusSimulator): number =>
  bus.journal.connections().filter(({ closedAt }) => closedAt === undefined).length;

it("SBC-081, SBC-087 one sender serves two hundred calls at once on one link, and settles them all when it is closed", async () => {
  await using at = await wrappedScene();
  const sender = at.client.createSender(queue);
  await Promise.all(Array.from({ length: 200 }, (_, body) => sender.sendMessages({ body })));
  expect(at.bus.journal.stored(queue)).toHaveLength(200);
  expect(at.bus.journal.attaches(queue)).toHaveLength(1);
  at.bus.faults.always("send", delayAcknowledgement(100));
  const sending = Array.from({ length: 50 }, (_, body) => sender.sendMessages({ body }));
  await Promise.all([sender.close(), sender.close()]);
  const ends = await Promise.allSettled(sending);
  expect(ends.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => "fulfilled"));
  expect(at.bus.journal.stored(queue)).toHaveLength(250);
});

it("SBC-082 four worker threads, each with a client of its own, send a hundred messages each", async () => {
  await using bus = await serviceBus({ queues: [queue] });
  // Threads do not inherit the loader of TypeScript.
  const load = `import("tsx/esm/api").then(({ register }) => (register(), import(process.argv[2])))`;
  const workers = Array.from(
    { length: 4 },
    () =>
      new Worker(load, {
        eval: true,
        argv: [new URL("sending-worker.ts", import.meta.url).href],
        workerData: { connectionString: bus.connectionString, queue, messages: 100 },
        execArgv: ["--conditions=source"],
      }),
  );
  await Promise.all(workers.map((worker) => once(worker, "exit")));
  expect(bus.journal.stored(queue)).toHaveLength(400);
  expect(bus.journal.connections()).toHaveLength(4);
});

describe("SBC-084 what a scope made is closed at its end", () => {
  it("client, sender and receiver, and twice does no harm", async () => {
    await using bus = await serviceBus({ queues: [queue] });
    {
      await using client = new ServiceBusClient(bus.connectionString);
      await using receiver = client.createReceiver(queue);
      await client.createSender(queue).sendMessages({ body: 1 });
      expect(await receiver.receiveMessages(1)).toHaveLength(1);
      expect(openConnections(bus)).toBe(2);
      await receiver.close();
    }
    await expect.poll(() => openConnections(bus)).toBe(0);
  });
});

it("SBC-079 a client that is closed leaves no connection, however many come and go", async () => {
  await using bus = await serviceBus({ queues: [queue] });
  for (let body = 0; body < 10; body += 1) {
    await using client = new ServiceBusClient(bus.connectionString);
    await client.createSender(queue).sendMessages({ body });
  }
  expect(bus.journal.stored(queue)).toHaveLength(10);
  await expect.poll(() => openConnections(bus)).toBe(0);
});
