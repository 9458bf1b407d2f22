import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { ServiceBusClient } from "@holdfast/service-bus";
import { serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { queue } from "./scenarios.ts";
import { wrappedScene } from "./wrapped-scene.ts";

it("SBC-088 a handler that blocks the event loop is told of, with how long", async () => {
  await using at = await wrappedScene();
  at.client.createProcessor(queue, () => {
    const until = performance.now() + 2_500;
    while (performance.now() < until);
  });
  await at.client.createSender(queue).sendMessages({ body: 1 });
  await expect.poll(() => at.events.filter((event) => event.type === "event-loop-lag")).not.toEqual([]);
  const told = at.events.find((event) => event.type === "event-loop-lag");
  expect(told?.lagMs).toBeGreaterThanOrEqual(1_500);
});

it("SBC-100 how long each message took to handle is told, and in how many calls", async () => {
  await using at = await wrappedScene();
  at.client.createProcessor(queue, () => new Promise((resolve) => setTimeout(resolve, 120)));
  await at.client
    .createSender(queue)
    .sendMessages([1, 2, 3].map((body) => ({ body, messageId: `order ${String(body)}` })));
  await expect.poll(() => at.bus.journal.settled(queue).length).toBe(3);
  const told = at.events.flatMap((event) => (event.type === "processed" ? [event] : []));
  expect(told.map(({ messageId, attempts }) => [messageId, attempts])).toEqual([
    ["order 1", 1],
    ["order 2", 1],
    ["order 3", 1],
  ]);
  for (const { durationMs } of told) {
    expect(durationMs).toBeGreaterThanOrEqual(115);
    expect(durationMs).toBeLessThan(2_000);
  }
});

it("SBC-090 a handler that fails for one of ten messages: the others are completed, and the one comes again", async () => {
  await using at = await wrappedScene();
  let failures = 0;
  at.client.createReceiver(queue).subscribe({
    processMessage: ({ body }) => {
      if (body !== 4 || failures > 0) return Promise.resolve();
      failures += 1;
      return Promise.reject(new Error("once"));
    },
    processError: () => Promise.resolve(),
  });
  await at.client.createSender(queue).sendMessages(Array.from({ length: 10 }, (_, body) => ({ body })));
  await expect.poll(() => at.bus.journal.settled(queue).length).toBe(11);
  const dispositions = at.bus.journal.settled(queue).map(({ disposition }) => disposition);
  expect(dispositions.filter((one) => one === "abandoned")).toHaveLength(1);
  expect(dispositions.filter((one) => one === "completed")).toHaveLength(10);
});

const program = `
  import { ServiceBusClient } from "@holdfast/service-bus";
  const [, connectionString, queue] = process.argv;
  const client = new ServiceBusClient(connectionString);
  const processor = client.createProcessor(
    queue,
    async () => {
      console.log("handling");
      await new Promise((resolve) => setTimeout(resolve, 1000));
    },
    { concurrency: 5, stopOn: ["SIGTERM"] },
  );
  process.once("SIGTERM", async () => {
    await processor.stop();
    await client.close();
  });
`;

it("SBC-091 a process that is told to end with five messages in hand completes them, leaves nothing locked, and ends", async () => {
  await using bus = await serviceBus({ queues: [queue] });
  const child = spawn(
    process.execPath,
    [
      ...["--import", "tsx", "--conditions=source", "--input-type=module", "-e", program],
      ...[bus.connectionString, queue],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    const client = new ServiceBusClient(bus.connectionString);
    await client.createSender(queue).sendMessages(Array.from({ length: 8 }, (_, body) => ({ body })));
    await client.close();
    await expect.poll(() => bus.journal.delivered(queue).length).toBeGreaterThanOrEqual(5);
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    const [code] = (await once(child, "exit")) as [number | null];
    expect(code).toBe(0);
    const completed = bus.journal.settled(queue).filter(({ disposition }) => disposition === "completed");
    expect(completed.length).toBeGreaterThanOrEqual(5);
    expect(bus.queue(queue).lockedMessages).toBe(0);
    expect(bus.queue(queue).activeMessages).toBe(8 - completed.length);
  } finally {
    child.kill("SIGKILL");
  }
});
