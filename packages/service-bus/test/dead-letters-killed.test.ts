import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  ignore,
  loseAcknowledgement,
  serviceBus,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { ServiceBusClient } from "@holdfast/service-bus";

const script = fileURLToPath(new URL("replaying-process.ts", import.meta.url));
const letters = "orders/$DeadLetterQueue";
const count = 5;

interface Step {
  readonly name: string;
  /** Stops the replay at the step, for its third message. */
  readonly hold: (bus: ServiceBusSimulator) => void;
}

const pass = (bus: ServiceBusSimulator, step: "send" | "settle", times: number): void => {
  bus.faults.next(step, { kind: "delay", ms: 0 }, { times });
};

const steps: readonly Step[] = [
  {
    name: "before the copy is stored",
    hold: (bus) => {
      pass(bus, "send", 2);
      bus.faults.next("send", ignore());
    },
  },
  {
    name: "when the copy is stored and not acknowledged",
    hold: (bus) => {
      pass(bus, "send", 2);
      bus.faults.next("send", loseAcknowledgement({ stored: true }));
    },
  },
  {
    name: "when the copy is acknowledged and the dead letter not completed",
    hold: (bus) => {
      pass(bus, "settle", 2);
      bus.faults.next("settle", ignore());
    },
  },
  {
    name: "when the dead letter is completed and nobody knows",
    hold: (bus) => {
      pass(bus, "settle", 2);
      bus.faults.next("settle", loseAcknowledgement({ stored: true }));
    },
  },
];

const cases = steps.flatMap((step) => [true, false].map((detects) => ({ ...step, detects })));

it.concurrent.each(cases)(
  "a replay that is killed $name loses nothing (duplicate detection: $detects)",
  async (step) => {
    await using bus = await serviceBus({
      queues: [{ name: "orders", duplicateDetectionWindowMs: step.detects ? 600_000 : 0 }],
    });
    await using client = new ServiceBusClient(bus.connectionString);
    await fill(client);
    step.hold(bus);
    const replaying = spawn(
      process.execPath,
      ["--import", "tsx", "--conditions=source", script, bus.connectionString],
      { stdio: "inherit" },
    );
    const over = once(replaying, "exit");
    while (!bus.journal.faults().some(({ kind }) => kind === "lose-acknowledgement")) await sleep(10);
    replaying.kill("SIGKILL");
    await over;
    bus.faults.clear();
    bus.queue(letters).expireLocks();

    await client.deadLetters("orders").replay();
    const copies = bus.journal
      .stored("orders")
      .slice(count)
      .map(({ body }) => body as number);
    expect([...new Set(copies)].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(bus.queue("orders").deadLetterMessages).toBe(0);
    // The message at which it was killed may be there twice, where nothing detects it.
    expect(copies.length).toBeLessThanOrEqual(step.detects ? count : count + 1);
  },
);

async function fill(client: ServiceBusClient): Promise<void> {
  await client.createSender("orders").sendMessages(Array.from({ length: count }, (_, body) => ({ body })));
  const receiver = client.createReceiver("orders");
  for (let left = count; left > 0;) {
    const messages = await receiver.receiveMessages(left);
    left -= messages.length;
    for (const message of messages) await receiver.deadLetterMessage(message);
  }
  await receiver.close();
}
